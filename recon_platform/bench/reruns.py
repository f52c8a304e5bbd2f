"""Simulated nights with downtime: bursts, duplicates, late ends, corrections; are the reruns those that were due?

What each delivery should lead to is written down when it is made, from what it is (a new long stop, the same report
again, a later end), not from how events are judged. Then every run of the night, reruns too, is replayed. In a folder of
its own the bench goes on where it was stopped, in the middle of a night too: what was done is counted in the lake.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.answering import answer
from recon_platform.nights.context import landing_context
from recon_platform.nights.downtime import read_events
from recon_platform.nights.night import run_night
from recon_platform.nights.records import Manifest
from recon_platform.nights.replay import replay
from recon_platform.nights.versions import code_version
from recon_platform.plantsim import generate
from recon_platform.tables.registry import TABLES

ORDERS = 40
NO_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"  # moves are whole plans; they are not what is looked at here
HEADER = ",".join(TABLES["downtime_events"].column_names)
KINDS = ("stop", "late report", "burst", "short", "duplicate", "late end", "little later", "older report", "reason")
WEIGHTS = (3, 2, 2, 2, 3, 3, 2, 2, 2)
LATE = timedelta(minutes=50)  # a stop that others, which began after it, were reported before
DAY = timedelta(hours=20)
DONE, BEGUN = "nights.jsonl", "begun.json"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Rows that are dropped together at `at`, what they are, and how many reruns they must lead to."""

    kind: str
    at: datetime
    rows: tuple[str, ...]
    reruns: int


@dataclass(frozen=True, slots=True)
class RerunFigures:
    """What was found over all nights."""

    nights: int
    events: int
    deliveries: dict[str, int]
    reruns_expected: int
    reruns_done: int
    deliveries_answered_wrongly: int
    runs_replayed: int
    runs_that_differ: int
    median_rerun_seconds: float
    seconds: float
    cpu_seconds: float


@dataclass(slots=True)
class NightFigures:
    """One night: its deliveries by kind, and what they led to. `runs_after`: runs in the lake after each delivery."""

    night: str
    deliveries: dict[str, int] = field(default_factory=dict)
    events: int = 0
    reruns_expected: int = 0
    answered_wrongly: int = 0
    runs_after: list[int] = field(default_factory=list)
    seconds_each: list[float] = field(default_factory=list)
    runs: int = 0
    differ: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __str__(self) -> str:
        done = self.runs_after[-1] - 1
        return (
            f"{self.night}: {self.events} reports, {done} reruns of {self.reruns_expected} due, {self.runs} runs replayed, "
            f"{self.differ} differ, {self.cpu_seconds:.0f} CPU s"
        )


@dataclass(slots=True)
class _Stop:
    """A stop as the plan knows it."""

    name: str
    machine: str
    start: datetime
    end: datetime
    reported: datetime

    def row(self, *, end: datetime | None = None, reported: datetime | None = None, reason: str = "spindle") -> str:
        stamps = [(self.start, end or self.end, reported or self.reported)]
        start, until, told = (stamp.strftime("%Y-%m-%dT%H:%M:%SZ") for stamp in stamps[0])
        return f"{self.name},{self.machine},,{start},,{until},false,{reason},{told}"


def deliveries(
    chance: random.Random, machines: list[str], as_of: datetime, events: int, night: int
) -> Iterator[Delivery]:
    """Deliveries of one day after a night as of `as_of`, `events` rows in all, in the order of their arrival."""
    known: list[_Stop] = []
    made = number = 0
    at = as_of + timedelta(hours=1)
    while made < events:
        at += DAY / (events + 1)
        kind = chance.choices(KINDS, WEIGHTS)[0] if known else "stop"
        size = min(chance.randint(3, 6), events - made) if kind == "burst" else 1
        rows, reruns = [], 0
        if kind in ("stop", "late report", "burst", "short"):
            began = at - LATE if kind == "late report" else at
            for _ in range(size):
                number += 1
                length = timedelta(minutes=chance.randint(1, 8) if kind == "short" else chance.randint(90, 360))
                stop = _Stop(f"N{night}-E{number}", chance.choice(machines), began, began + length, began)
                rows.append(stop.row())
                if kind != "short":
                    known.append(stop)
            reruns = int(kind != "short")
        else:
            stop = chance.choice(known)
            if kind == "duplicate":
                rows = [stop.row()]
            elif kind == "older report":
                rows = [stop.row(end=stop.end + timedelta(hours=9), reported=stop.reported - timedelta(minutes=1))]
            elif kind == "reason":
                rows = [stop.row(reported=at, reason="hydraulics")]
            elif kind == "little later":
                rows = [stop.row(end=stop.end + timedelta(minutes=3), reported=at)]
            else:
                stop.end, stop.reported, reruns = stop.end + timedelta(hours=chance.randint(2, 5)), at, 1
                rows = [stop.row()]
        made += len(rows)
        yield Delivery(kind, at, tuple(rows), reruns)


def run(
    nights: int, events: int, *, seed: int = 1, folder: Path | None = None, say: Callable[[str], None] | None = None
) -> RerunFigures:
    """`nights` nights of a small plant with `events` reported rows spread over them; `say` is told of each night.

    With a `folder` that holds a run of the same figures which was stopped, it goes on there. Raises ValueError where the
    folder holds another one, or one made by other code.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as name:
            return run(nights, events, seed=seed, folder=Path(name), say=say)
    done = _done(folder, {"nights": nights, "events": events, "seed": seed, "code": code_version()})
    landings = generate(folder / "landing", orders=ORDERS, nights=nights, seed=seed).nights
    for count, landing in enumerate(landings[len(done) :], start=len(done)):
        with (landing / "plant.toml").open("a", encoding="utf-8") as file:
            file.write(NO_MOVES)
        share = events * (count + 1) // nights - events * count // nights
        figures = _night(folder, landing, random.Random(f"{seed}/{count}"), count, share)
        with (folder / DONE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figures)) + "\n")
        done.append(figures)
        if say is not None:
            say(str(figures))
    return _summary(done)


def _night(folder: Path, landing: Path, chance: random.Random, count: int, events: int) -> NightFigures:
    """Plan a night, deliver `events` reports to it and answer them, replay all of its runs."""
    figures, lake = _begun(folder, landing.name), Lake(f"{folder}/lake")
    with _timed(figures):
        night = _planned(lake, landing)
    plant, context = night.pins.context.plant, night.pins.context
    machines = sorted(night.read(lake, "machines")["machine"].to_list())
    dropped = folder / "events" / landing.name
    dropped.mkdir(parents=True, exist_ok=True)
    for place, delivery in enumerate(deliveries(chance, machines, context.as_of, events, count)):
        if place < len(figures.runs_after):
            continue  # answered before the bench was stopped
        (dropped / f"downtime_events-{place:03}.csv").write_text("\n".join((HEADER, *delivery.rows)) + "\n")
        with _timed(figures):
            began, again = time.perf_counter(), 0
            while answer(lake, plant.code, read_events(dropped, plant.zone).events, now=delivery.at) is not None:
                again += 1  # as a sensor looks again until nothing is left to do
            if again:
                figures.seconds_each.append((time.perf_counter() - began) / again)
        runs = len(records.manifests(lake, plant.code, context.planning_date))
        figures.answered_wrongly += runs - (figures.runs_after or [1])[-1] != delivery.reruns
        figures.runs_after.append(runs)
        figures.deliveries[delivery.kind] = figures.deliveries.get(delivery.kind, 0) + 1
        figures.events += len(delivery.rows)
        figures.reruns_expected += delivery.reruns
        (folder / f"{BEGUN}.new").write_text(json.dumps(asdict(figures)), encoding="utf-8")
        (folder / f"{BEGUN}.new").replace(folder / BEGUN)
    with _timed(figures):
        for manifest in records.manifests(lake, plant.code, context.planning_date):
            figures.runs += 1
            figures.differ += not replay(lake, manifest.run_id).identical
    return figures


def _planned(lake: Lake, landing: Path) -> Manifest:
    """The nightly run of `landing`: the one in the lake where it was planned before the bench was stopped."""
    read = read_landing(landing)
    known = records.manifests(lake, read.plant.code, landing_context(read).planning_date)
    return known[0] if known else run_night(lake, read).manifest


def _done(folder: Path, header: dict[str, object]) -> list[NightFigures]:
    """The nights that a bench in `folder` has finished."""
    path = folder / DONE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        return []
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    if json.loads(first) != header:
        raise ValueError(f"{path}: expected the figures {json.dumps(header)}, found {first}; name another folder")
    return [NightFigures(**json.loads(row)) for row in rows]


def _begun(folder: Path, night: str) -> NightFigures:
    """What was done of `night` when the bench was stopped."""
    path = folder / BEGUN
    found = NightFigures(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
    return found if found is not None and found.night == night else NightFigures(night)


@contextmanager
def _timed(figures: NightFigures) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    figures.seconds += time.perf_counter() - wall
    figures.cpu_seconds += time.process_time() - cpu


def _summary(done: list[NightFigures]) -> RerunFigures:
    kinds = sorted({kind for night in done for kind in night.deliveries})
    seconds = sorted(each for night in done for each in night.seconds_each)
    runs = sum(night.runs for night in done)
    return RerunFigures(
        nights=len(done), events=sum(night.events for night in done),
        deliveries={kind: sum(night.deliveries.get(kind, 0) for night in done) for kind in kinds},
        reruns_expected=sum(night.reruns_expected for night in done), reruns_done=runs - len(done),
        deliveries_answered_wrongly=sum(night.answered_wrongly for night in done), runs_replayed=runs,
        runs_that_differ=sum(night.differ for night in done),
        median_rerun_seconds=round(seconds[len(seconds) // 2], 2) if seconds else 0.0,
        seconds=round(sum(night.seconds for night in done), 1),
        cpu_seconds=round(sum(night.cpu_seconds for night in done), 1),
    )  # fmt: skip
