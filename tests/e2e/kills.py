"""Nights under random SIGKILLs of the daemon, the code server and the processes that execute runs.

`python -m tests.e2e.kills --nights 20 --kills 100`: a real installation on a fresh home; per night the landing comes, the
night is planned, a long stop is reported (and once more, with a short one), the rerun's plan is approved and published,
while somebody kills a process at random every few seconds. Whoever was killed is started again by the supervisor; nobody
else helps. What is then found in lake, store and instance is printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from recon_platform.governance import Store, service
from recon_platform.governance.requests import Draft
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.downtime import TABLE, known_events
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest
from recon_platform.nights.replay import replay
from recon_platform.nights.versions import rule_version
from recon_platform.plantsim import generate
from recon_platform.tables.registry import TABLES
from recon_platform.tables.runs import PUBLISHED_SCHEDULE
from resources.partitions import night_key
from sensors.tags import UNDER_WAY, asked_again
from tests.dagster.plant import CODE, Installation
from tests.e2e.platform import PROJECT, Platform, quicker

ORDERS = 40
VICTIMS = ("daemon", "code server", "run worker")
NO_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL: whom, in which night, and the jobs under way then."""

    victim: str
    night: int
    under_way: str


@dataclass
class Survived:
    """What was found after all nights. Losses, duplicates and differences have to be zero."""

    nights: int
    kills: int = 0
    by_victim_and_job: dict[str, int] = field(default_factory=dict)
    nights_planned: int = 0
    events_lost: int = 0
    reruns_expected: int = 0
    reruns_done: int = 0
    publications_expected: int = 0
    publications: int = 0
    published_twice: int = 0
    versions_missing: int = 0
    runs_replayed: int = 0
    runs_that_differ: int = 0
    dagster_runs: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Nothing lost, nothing twice, nothing changed."""
        return (
            self.nights_planned == self.nights
            and self.reruns_done == self.reruns_expected
            and self.publications == self.publications_expected
            and not (self.events_lost or self.published_twice or self.versions_missing or self.runs_that_differ)
        )


class Killer(threading.Thread):
    """Kills `count` processes, each after a random pause of up to `pause` seconds, as many in one night as in another."""

    def __init__(self, platform: Platform, home: Path, *, count: int, nights: int, pause: float, seed: int) -> None:
        super().__init__(daemon=True)
        self.platform, self.home, self.count, self.nights, self.pause = platform, home, count, nights, pause
        self.chance = random.Random(seed)
        self.kills: list[Kill] = []
        self.night = 0
        self.stopping = threading.Event()

    def done(self) -> bool:
        """Whether the kills of this night and of those before it are done."""
        return len(self.kills) >= self.count * (self.night + 1) // self.nights

    def run(self) -> None:
        order = [VICTIMS[number % len(VICTIMS)] for number in range(self.count)]
        self.chance.shuffle(order)
        with dg.DagsterInstance.from_config(str(self.home / "dagster")) as instance:
            for victim in order:
                while self.done():
                    if self.stopping.wait(0.2):
                        return
                if self.stopping.wait(self.chance.uniform(0, self.pause)):
                    return
                while not self._kill(instance, victim):
                    if self.stopping.is_set():
                        return

    def _kill(self, instance: dg.DagsterInstance, victim: str) -> bool:
        process = self._wait_for(victim)
        if process is None:
            return False
        begun = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
        jobs = "+".join(sorted({run.job_name for run in instance.get_runs(dg.RunsFilter(statuses=begun))})) or "nothing"
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return False  # ended by itself at this very moment
        self.kills.append(Kill(victim, self.night, jobs))
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} kill {len(self.kills)}: {victim} during {jobs}\n")
        return True

    def _wait_for(self, victim: str) -> int | None:
        while not self.stopping.is_set():
            workers = self.platform.run_workers()
            found = {
                "daemon": self.platform.daemon(), "code server": self.platform.code_server(),
                "run worker": self.chance.choice(workers) if workers else None,
            }[victim]  # fmt: skip
            if found is not None:
                return found
            self.stopping.wait(0.1)
        return None


class Nights:
    """The nights of the plant: landed, planned, disturbed, approved and published, however often somebody dies."""

    def __init__(self, platform: Platform, site: Installation, landing: Path, patience: float) -> None:
        self.platform, self.site, self.patience = platform, site, patience
        self.landings = sorted(path for path in landing.iterdir() if (path / "plant.toml").is_file())
        self.lake: Lake = site.lake

    def play(self, number: int) -> None:
        folder = self.landings[number]
        day = date.fromisoformat(folder.name)
        with (folder / "plant.toml").open("a", encoding="utf-8") as settings:
            settings.write(NO_MOVES)
        arriving = self.site.landing_root / CODE / f".{folder.name}"
        shutil.copytree(folder, arriving)
        arriving.rename(self.site.landing_root / CODE / folder.name)
        self._until(f"the plan of {day}", lambda: self._planned(day, 0))
        machine = self._newest(day).read(self.lake, "machines")["machine"].sort()[number % 3]
        stop = f"N{number}-LONG,{machine},,{day}T08:00:00Z,,{day}T12:00:00Z,false,spindle,{day}T08:05:00Z"
        short = f"N{number}-SHORT,{machine},,{day}T08:00:00Z,{day}T08:02:00Z,,false,jam,{day}T08:02:00Z"
        self.site.drop(f"downtime_events-{number:03}.csv", stop)
        self._until(f"the rerun of {day}", lambda: self._planned(day, 1))
        self.site.drop(f"downtime_events-{number:03}-again.csv", stop, short)
        newest = self._newest(day)
        self.site.approve_base(newest.run_id)
        self._until(f"the publication of {day}", lambda: self._in_force(newest.run_id))

    def _until(self, what: str, look: object) -> None:
        self.platform.wait(what, look, self.patience, pause=1.0)  # type: ignore[arg-type]

    def _newest(self, day: date) -> Manifest:
        newest = records.latest(self.lake, CODE, day)
        assert newest is not None
        return newest

    def _planned(self, day: date, sequence: int) -> bool:
        """Whether the plan is there and before people; a night is asked for as its schedule would ask."""
        newest = records.latest(self.lake, CODE, day)
        if newest is not None and newest.pins.sequence >= sequence:
            store = self.site.nights.store()
            assert store is not None
            open_requests = store.requests.find(service("publisher", rule_version()), kind="base")
            store.close()
            return any(request.run_id == newest.run_id for request in open_requests)
        if sequence == 0:
            self._ask_for(day)
        return False

    def _ask_for(self, day: date) -> None:
        partition, key = night_key(CODE, day), f"night:{CODE}:{day}"
        instance = self.site.instance
        same = {"dagster/partition": partition}
        if instance.get_runs(dg.RunsFilter(job_name="night", tags=same, statuses=UNDER_WAY), limit=1):
            return
        if CODE not in instance.get_dynamic_partitions("plants"):
            return  # the sensor `plants` has not seen it yet
        asked = asked_again(instance, key)
        if not instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": asked}), limit=1):
            self.platform.launch("night", partition, {"dagster/run_key": asked})

    def _in_force(self, run_id: str) -> bool:
        found = schedule_in_force(self.lake, CODE)
        return found is not None and found.run_id == run_id


def accept_small_feeds(site: Installation, store: Store) -> None:
    """Have people accept that feeds shrink: those of so small a plant do, and what is tried here is something else."""
    for table in (name for name, table in TABLES.items() if not table.optional):
        subject, until = f"feed_shrunk/{table}", store.clock() + timedelta(days=60)
        draft = Draft(
            "override", CODE, subject, f"override {subject}", "a plant of forty orders",
            {"change": [], "subject": subject}, effect_until=until,
        )  # fmt: skip
        made = store.requests.propose(site.signed_in(store, "planner"), draft)
        store.decisions.approve(
            site.signed_in(store, "supervisor"), made.request, digest=made.digest, reason="small plant"
        )


def judge(site: Installation, nights: Nights, kills: list[Kill], count: int, *, replays: bool) -> Survived:
    """What lake, store and instance hold after `count` nights."""
    lake, found = site.lake, Survived(count)
    found.kills = len(kills)
    found.by_victim_and_job = dict(sorted(Counter(f"{kill.victim} / {kill.under_way}" for kill in kills).items()))
    for number in range(count):
        day = date.fromisoformat(nights.landings[number].name)
        runs = records.manifests(lake, CODE, day)
        found.nights_planned += bool(runs)
        found.reruns_done += max(len(runs) - 1, 0)
        found.reruns_expected += 1
        entry = runs[-1].pins.inputs[f"raw.{TABLE}"]
        known = known_events(read_input(lake, f"raw.{TABLE}", entry), runs[-1].pins.context.plant.zone)
        found.events_lost += f"N{number}-LONG" not in known
    found.publications_expected = count
    store = site.nights.store()
    assert store is not None
    published = [entry for entry in store.publications.history() if entry.state == "published"]
    store.close()
    found.publications = len(published)
    found.published_twice = len(published) - len({entry.run_id for entry in published})
    versions = (
        lake.read(str(PUBLISHED_SCHEDULE.layer), PUBLISHED_SCHEDULE, plant=CODE)["schedule_version"].unique().to_list()
    )
    found.versions_missing = count - len(versions)
    if replays:
        for manifest in records.manifests(lake, CODE):
            found.runs_replayed += 1
            found.runs_that_differ += not replay(lake, manifest.run_id).identical
    found.dagster_runs = dict(
        sorted(Counter(f"{run.job_name} {run.status.value}" for run in site.instance.get_runs()).items())
    )
    return found


def survive(
    home: Path, *, nights: int, kills: int, pause: float, patience: float, seed: int = 1, replays: bool = True
) -> Survived:
    """Play `nights` nights in `home` under `kills` kills and say what was found."""
    started = time.perf_counter()
    landing = home / "generated"
    generate(landing, orders=ORDERS, nights=nights, seed=seed)
    (home / "dagster").mkdir()
    settings = (PROJECT / "dagster_home" / "dagster.yaml").read_text(encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    (home / "dagster" / "dagster.yaml").write_text(quicker(settings), encoding="utf-8")
    (home / "landing" / CODE).mkdir(parents=True)
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        site = Installation(home, instance)
        store = site.people()
        accept_small_feeds(site, store)
        store.close()
        platform = Platform(home, sensor_seconds=3)
        killer = Killer(platform, home, count=kills, nights=nights, pause=pause, seed=seed)
        try:
            platform.wait_until_ready()
            played = Nights(platform, site, landing, patience)
            killer.start()
            for number in range(nights):
                killer.night = number
                played.play(number)
                platform.wait(f"the kills of night {number + 1}", killer.done, patience)
                sys.stderr.write(f"{time.strftime('%H:%M:%S')} night {number + 1} of {nights} published\n")
        finally:
            killer.stopping.set()
            platform.end()
        found = judge(site, played, killer.kills, nights, replays=replays)
    found.seconds = round(time.perf_counter() - started, 1)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description=__doc__.splitlines()[0])
    parser.add_argument("--nights", type=int, default=20)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--pause", type=float, default=16.0, help="longest pause before a kill, seconds")
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds after which a step counts as lost")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as home:
        found = survive(
            Path(home), nights=options.nights, kills=options.kills, pause=options.pause, patience=options.patience,
            seed=options.seed,
        )  # fmt: skip
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0 if found.whole else 1


if __name__ == "__main__":
    sys.exit(main())
