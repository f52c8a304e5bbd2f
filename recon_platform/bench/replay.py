"""How fast past nights are replayed: nights per minute with one worker process, two, and so on.

Nights are independent, so the unit of work is one run; a worker reads it from the lake, plans it again and compares.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

NO_MOVES = "\n[policy.proposal]\nmax_moves = 0\n"


@dataclass(frozen=True, slots=True)
class ReplayFigures:
    """One number of workers: nights per minute, processor seconds per night, and nights that came out otherwise."""

    workers: int
    nights: int
    orders: int
    seconds: float
    nights_per_minute: float
    cpu_seconds_per_night: float
    speedup: float
    differ: int


def run(
    nights: int, orders: int, workers: Sequence[int], *, seed: int = 1, say: Callable[[str], None] | None = None
) -> list[ReplayFigures]:
    """Plan `nights` nights of a plant with `orders` orders, then replay all of them with each number of workers.

    Starting the workers and loading their code is not counted: a year of nights starts them once.
    """
    with tempfile.TemporaryDirectory() as folder:
        lake = f"{folder}/lake"
        runs = _planned(Path(folder), lake, nights=nights, orders=orders, seed=seed, say=say)
        figures: list[ReplayFigures] = []
        for count in workers:
            if say is not None:
                say(f"{count} workers")
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(count, mp_context=context) as pool:
                list(pool.map(warm, [lake] * count, [runs[0]] * count))
                started = time.perf_counter()
                outcomes = list(pool.map(replayed, [lake] * nights, runs))
                seconds = time.perf_counter() - started
            first = figures[0].seconds if figures else seconds
            figures.append(
                ReplayFigures(
                    workers=count, nights=nights, orders=orders, seconds=round(seconds, 1),
                    nights_per_minute=round(60 * nights / seconds, 1),
                    cpu_seconds_per_night=round(sum(cpu for _, cpu in outcomes) / nights, 2),
                    speedup=round(first / seconds, 2), differ=sum(not same for same, _ in outcomes),
                )
            )  # fmt: skip
    return figures


def warm(lake: str, run_id: str) -> int:
    """Load what a replay needs, compiled kernels too, by doing one; gives the process that did."""
    replayed(lake, run_id)
    return os.getpid()


def replayed(lake: str, run_id: str) -> tuple[bool, float]:
    """Whether `run_id` came out as it was, and the processor seconds it took."""
    from recon_platform.lake import Lake  # noqa: PLC0415 - loaded in the worker
    from recon_platform.nights.replay import replay  # noqa: PLC0415

    started = time.process_time()
    report = replay(Lake(lake), run_id)
    return report.identical, time.process_time() - started


def _planned(
    folder: Path, lake: str, *, nights: int, orders: int, seed: int, say: Callable[[str], None] | None
) -> list[str]:
    from recon_platform.connectors import read_landing  # noqa: PLC0415
    from recon_platform.lake import Lake  # noqa: PLC0415
    from recon_platform.nights.night import run_night  # noqa: PLC0415
    from recon_platform.plantsim import generate  # noqa: PLC0415

    runs = []
    for landing in generate(folder / "landing", orders=orders, nights=nights, seed=seed).nights:
        if say is not None:
            say(landing.name)
        with (landing / "plant.toml").open("a", encoding="utf-8") as file:
            file.write(NO_MOVES)
        runs.append(run_night(Lake(lake), read_landing(landing)).run_id)
    return runs
