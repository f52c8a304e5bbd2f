"""A rerun of a night whose schedule is in force holds its sequence, unless an event gives time back, and replays identically."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.bench.console_lake import night_in_force
from recon_platform.bench.reruns import HEADER, NO_MOVES
from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights.answering import answer
from recon_platform.nights.downtime import read_events
from recon_platform.nights.replay import replay
from recon_platform.nights.rerun import open_rerun
from recon_platform.plantsim import generate
from recon_platform.tables.capacity import held_in_turn


def told(folder: Path, as_of: datetime, event: str, machine: str, hours: tuple[float, float, float]) -> None:
    """A file in `folder`: `machine` stands from and until so many hours after the night; and when that was reported."""
    start, end, reported = (f"{as_of + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in hours)
    row = f"{event},{machine},,{start},,{end},false,spindle,{reported}"
    (folder / f"downtime_events-{event}.csv").write_text(f"{HEADER}\n{row}\n", encoding="utf-8")


def test_what_the_stop_does_not_touch_stays_and_an_end_that_comes_early_lets_go(tmp_path: Path) -> None:
    landing = generate(tmp_path / "landing", orders=40, seed=1).nights[0]
    with (landing / "plant.toml").open("a", encoding="utf-8") as file:
        file.write(NO_MOVES)
    lake, events = Lake(tmp_path / "lake"), tmp_path / "events"
    events.mkdir()
    read = read_landing(landing)
    machines = sorted(read.frames["machines"]["machine"].to_list())
    known = {"event": "KNOWN", "machine": machines[-1], "reason": "spindle"}
    hours = {"started_at": -1, "expected_end": 9, "reported_at": -1}
    known |= {name: f"{read.as_of + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for name, hour in hours.items()}
    with (landing / "downtime_events.csv").open("r+", encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
        file.seek(0, 2)
        file.write(",".join(known.get(name, "") for name in columns) + "\n")
    store, _, night = night_in_force(lake, tmp_path, read_landing(landing))
    as_of, zone = night.pins.context.as_of, night.pins.context.plant.zone
    busy = night.read(lake, "schedule").filter(pl.col("machine").is_not_null()).sort("start")["machine"][0]
    told(events, as_of, "STOP", busy, (1, 7, 1))
    stop, now = read_events(events, zone).events, as_of + timedelta(hours=2)
    made = answer(lake, night.pins.plant["code"], stop, now=now, store=store, clock=store.clock)
    assert made is not None
    assert (made.pins.in_turn, made.pins.carried != ()) == (True, True)
    assert held_in_turn(made.read(lake, "dispatch_settings"))
    changes = made.read(lake, "proposal_changes")
    assert changes.filter("sequenced_anew").is_empty()
    then, after = (run.read(lake, "schedule").select("work_order", "op_seq", "machine") for run in (night, made))
    assert after.equals(then), "each operation stays on its machine"
    assert replay(lake, made.run_id).identical

    told(events, as_of, "KNOWN", machines[-1], (-1, 3, 2))
    early = open_rerun(lake, made, read_events(events, zone).events, store=store, clock=store.clock)
    assert not early.pins.in_turn, "six hours are there again that the plan in force leaves idle"
    store.close()
