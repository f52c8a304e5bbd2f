"""How long it takes from a downtime event to the new proposal, with the daemon running.

`python -m tests.e2e.latency --events 5`: the demo plant (`recon demo`, or a home where it was made) under webserver, daemon
and code server; long stops are reported one after another, each when the plan of the one before is there. The
clock runs from the moment the file is dropped until the rerun's manifest is in the lake and its plan before people.
Printed as JSON, with the seconds of the parts: until the run is asked for, until its process works, until the end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from recon_platform.cli.demo import demo
from recon_platform.governance import Store, service
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.versions import rule_version
from resources.landing import LandingResource
from tests.dagster.plant import HEADER
from tests.e2e.platform import PROJECT, Platform

PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the dropped event to the proposal, in all and by part, one entry per event."""

    events: int
    median_seconds: float
    seconds: list[float]
    until_asked_for: list[float]
    until_at_work: list[float]
    planning: list[float]


def measure(home: Path, events: int) -> Latency:
    """Start the installation in `home` and report `events` long stops of its newest night."""
    lake, landing = Lake(str(home / "lake")), LandingResource(root=str(home / "landing"))
    (plant,) = landing.plants()
    newest = records.newest_manifest(lake, plant)
    day, machines = newest.pins.context.planning_date, newest.read(lake, "machines")["machine"].sort().to_list()
    (home / "dagster").mkdir(exist_ok=True)
    shutil.copyfile(PROJECT / "dagster_home" / "dagster.yaml", home / "dagster" / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    parts = []
    with dg.DagsterInstance.get() as instance:
        platform = Platform(home, sensor_seconds=None)
        try:
            platform.wait_until_ready()
            platform.wait("the plant's partition", lambda: plant in instance.get_dynamic_partitions("plants"))
            for number in range(events):
                before = records.newest_manifest(lake, plant)
                dropped = time.time()
                _drop(landing.events_folder(plant), f"LATENCY-{number}", machines[number % len(machines)], day)
                platform.wait("the new proposal", lambda: _proposed(home, lake, plant, before.run_id), PATIENCE, 0.1)  # noqa: B023
                ended = time.time()
                (record,) = instance.get_run_records(dg.RunsFilter(job_name="rerun"), limit=1)
                assert record.start_time is not None
                asked = record.create_timestamp.timestamp()
                parts.append((asked - dropped, record.start_time - asked, ended - record.start_time))
                sys.stderr.write(
                    f"{number + 1}: {ended - dropped:.1f} s {tuple(round(part, 1) for part in parts[-1])}\n"
                )
                platform.wait("the run's end", lambda: platform.runs("rerun")[0]["status"] == "SUCCESS")
        finally:
            platform.end()
    whole = [round(sum(part), 1) for part in parts]
    to_ask, to_start, to_plan = ([round(seconds, 1) for seconds in part] for part in zip(*parts, strict=True))
    return Latency(events, round(statistics.median(whole), 1), whole, to_ask, to_start, to_plan)


def _drop(folder: Path, event: str, machine: str, day: date) -> None:
    folder.mkdir(exist_ok=True)
    row = f"{event},{machine},,{day}T08:00:00Z,,{day}T13:00:00Z,false,spindle,{day}T08:05:00Z"
    (folder / f".downtime_events-{event}.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    (folder / f".downtime_events-{event}.csv").rename(folder / f"downtime_events-{event}.csv")


def _proposed(home: Path, lake: Lake, plant: str, before: str) -> bool:
    newest = records.newest_manifest(lake, plant)
    if newest.run_id == before:
        return False
    store = Store(str(home / "lake" / "governance.db"), key=(home / "lake" / "governance.key").read_bytes())
    found = store.requests.find(service("publisher", rule_version()), kind="base")
    store.close()
    return any(request.run_id == newest.run_id for request in found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.latency", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=5)
    parser.add_argument("--home", type=Path, help="a home made by `recon demo`; it is copied. Default: made anew")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="latency-") as folder:
        home = Path(folder) / "home"
        if options.home is None:
            demo(home=home)
        else:
            shutil.copytree(options.home, home)
        found = measure(home, options.events)
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
