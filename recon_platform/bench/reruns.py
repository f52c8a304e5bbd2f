"""Simulated nights with downtime: bursts, duplicates, late ends, corrections; are the reruns those that were due?

What each delivery should lead to is written down when it is made, from what it is (a new long stop, the same report
again, a later end), not from how events are judged. Then every run of the night, reruns too, is replayed.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.answering import answer
from recon_platform.nights.downtime import read_events
from recon_platform.nights.night import run_night
from recon_platform.nights.replay import replay
from recon_platform.plantsim import generate
from recon_platform.tables.registry import TABLES

ORDERS = 40
NO_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"  # moves are whole plans; they are not what is looked at here
HEADER = ",".join(TABLES["downtime_events"].column_names)
KINDS = ("stop", "late report", "burst", "short", "duplicate", "late end", "little later", "older report", "reason")
WEIGHTS = (3, 2, 2, 2, 3, 3, 2, 2, 2)
LATE = timedelta(minutes=50)  # a stop that others, which began after it, were reported before
DAY = timedelta(hours=20)


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


def run(nights: int, events: int, *, seed: int = 1, say: Callable[[str], None] | None = None) -> RerunFigures:
    """`nights` nights of a small plant with `events` reported rows spread over them."""
    chance, started, cpu = random.Random(seed), time.perf_counter(), time.process_time()
    kinds: dict[str, int] = {}
    expected = wrong = rows = runs = differ = 0
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder, lake = Path(name), Lake(f"{name}/lake")
        for count, landing in enumerate(generate(folder / "landing", orders=ORDERS, nights=nights, seed=seed).nights):
            if say is not None:
                say(f"{landing.name}: {runs - count} reruns of {expected} so far, {differ} runs differ")
            with (landing / "plant.toml").open("a", encoding="utf-8") as file:
                file.write(NO_MOVES)
            night = run_night(lake, read_landing(landing))
            plant, as_of = night.context.plant, night.context.as_of
            machines = sorted(night.manifest.read(lake, "machines")["machine"].to_list())
            share = events * (count + 1) // nights - events * count // nights
            dropped = folder / "events" / landing.name
            dropped.mkdir(parents=True)
            for place, delivery in enumerate(deliveries(chance, machines, as_of, share, count)):
                (dropped / f"downtime_events-{place:03}.csv").write_text("\n".join((HEADER, *delivery.rows)) + "\n")
                kinds[delivery.kind] = kinds.get(delivery.kind, 0) + 1
                rows += len(delivery.rows)
                expected += delivery.reruns
                begun, done = time.perf_counter(), 0
                while (
                    answer(lake, plant.code, read_events(dropped, plant.zone).events, now=delivery.at) is not None
                ):  # as a sensor looks again until nothing is left to do
                    done += 1
                if done:
                    seconds.append((time.perf_counter() - begun) / done)
                wrong += done != delivery.reruns
            for manifest in records.manifests(lake, plant.code, night.context.planning_date):
                runs += 1
                differ += not replay(lake, manifest.run_id).identical
    return RerunFigures(
        nights=nights, events=rows, deliveries=dict(sorted(kinds.items())), reruns_expected=expected,
        reruns_done=runs - nights, deliveries_answered_wrongly=wrong, runs_replayed=runs,
        runs_that_differ=differ, median_rerun_seconds=round(sorted(seconds)[len(seconds) // 2], 2) if seconds else 0.0,
        seconds=round(time.perf_counter() - started, 1), cpu_seconds=round(time.process_time() - cpu, 1),
    )  # fmt: skip
