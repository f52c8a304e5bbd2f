"""How long a rerun after downtime takes at the size of a large plant: the core and the lake, without orchestrator.

A plant's night is planned into a lake and put in force, one long stop is reported, and the rerun is opened, planned stage
by stage and closed, as the job `rerun` does it. A small plant goes first, so that compiled kernels start cold for no size.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from recon_platform.bench.console_lake import night_in_force
from recon_platform.bench.reruns import HEADER, NO_MOVES
from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights.downtime import EventFolder, read_events
from recon_platform.nights.night import close, run_stage
from recon_platform.nights.records import Manifest
from recon_platform.nights.rerun import open_rerun
from recon_platform.plantsim import generate
from recon_platform.proposal.stages import NIGHT_STAGES

WARM_UP_ORDERS = 60


@dataclass(frozen=True, slots=True)
class RerunStage:
    """One part of the rerun, what it reads and writes of the lake included; 0 where the night's tables are taken over."""

    orders: int
    operations: int
    stage: str
    wall_s: float
    cpu_s: float


def run(orders: int, *, seed: int = 1, say: Callable[[str], None] | None = None) -> list[RerunStage]:
    """Plan a night of `orders` orders and give the figures of its rerun, part by part."""
    figures: list[RerunStage] = []
    for size in (WARM_UP_ORDERS, orders):
        if say is not None:
            say(f"{size:,} orders")
        with tempfile.TemporaryDirectory() as name:
            landing = generate(Path(name) / "landing", orders=size, seed=seed).nights[0]
            with (landing / "plant.toml").open("a", encoding="utf-8") as file:
                file.write(NO_MOVES)  # of the night; a rerun of a large plant tries none anyway
            lake = Lake(f"{name}/lake")
            store, _, night = night_in_force(lake, Path(name), read_landing(landing))
            store.close()
            figures = _rerun(lake, night, _long_stop(night, lake, Path(name)), size)
    return figures


def _rerun(lake: Lake, night: Manifest, reported: EventFolder, orders: int) -> list[RerunStage]:
    operations = night.outputs["schedule"].rows
    figures: list[RerunStage] = []

    def note(stage: str, wall: float, cpu: float) -> None:
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        figures.append(RerunStage(orders, operations, stage, round(wall, 2), round(cpu, 2)))

    started = time.perf_counter(), time.process_time()
    run = open_rerun(lake, night, reported.events, actor="bench")
    note("open", *started)
    for stage in NIGHT_STAGES:
        started = time.perf_counter(), time.process_time()
        run_stage(run, stage)
        note(stage.name, *started)
    started = time.perf_counter(), time.process_time()
    close(run)
    note("close", *started)
    return figures


def _long_stop(night: Manifest, lake: Lake, folder: Path) -> EventFolder:
    """A machine of the plant stands for six hours from an hour after the night."""
    machine, context = night.read(lake, "machines")["machine"].sort()[0], night.pins.context
    start, end = (f"{context.as_of + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (1, 7))
    (folder / "downtime_events-1.csv").write_text(
        f"{HEADER}\nSTOP,{machine},,{start},,{end},false,spindle,{start}\n", encoding="utf-8"
    )
    return read_events(folder, context.plant.zone)
