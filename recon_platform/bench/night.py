"""How long a night takes, stage by stage, at several sizes: the core alone, without lake or orchestrator.

Each size runs in a process of its own, so that peak memory belongs to that size and compiled kernels start cold for
none of them (a small plant is planned first).
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

WARM_UP_ORDERS = 60


@dataclass(frozen=True, slots=True)
class StageFigure:
    """One stage at one size. `rows` are those it read; `peak_mib` is the process's high-water mark after it."""

    orders: int
    stage: str
    wall_s: float
    cpu_s: float
    rows: int
    rows_per_s: float
    peak_mib: float


def run(orders: Sequence[int], *, seed: int = 1, say: Callable[[str], None] | None = None) -> list[StageFigure]:
    """Generate a plant of each size, plan it, and give the figures of every stage."""
    figures: list[StageFigure] = []
    spawn = multiprocessing.get_context("spawn")
    for size in orders:
        if say is not None:
            say(f"{size:,} open orders")
        with tempfile.TemporaryDirectory() as folder, spawn.Pool(1) as pool:
            figures.extend(StageFigure(**row) for row in json.loads(pool.apply(_one_size, (size, seed, folder))))
    return figures


def _one_size(orders: int, seed: int, folder: str) -> str:
    from recon_platform.connectors import read_landing  # noqa: PLC0415 - the child alone pays for it
    from recon_platform.nights.context import landing_context  # noqa: PLC0415
    from recon_platform.planning import STAGES, inputs, run_stage  # noqa: PLC0415
    from recon_platform.plantsim import generate  # noqa: PLC0415

    figures: list[StageFigure] = []
    for size in (WARM_UP_ORDERS, orders):
        figures = []
        generated = generate(Path(folder) / str(size), orders=size, seed=seed)
        started, cpu = time.perf_counter(), time.process_time()
        landing = read_landing(generated.nights[0])
        context = landing_context(landing)
        frames = inputs(landing.frames, None, None, None)
        rows = sum(frame.height for frame in frames.values())
        figures.append(_figure(orders, "read", started, cpu, rows))
        for stage in STAGES:
            read = sum(frames[name].height for name in stage.reads if name in frames)
            started, cpu = time.perf_counter(), time.process_time()
            frames.update(run_stage(stage, frames, context))
            figures.append(_figure(orders, stage.name, started, cpu, read))
    return json.dumps([asdict(figure) for figure in figures])


def _figure(orders: int, stage: str, started: float, cpu: float, rows: int) -> StageFigure:
    wall = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return StageFigure(
        orders,
        stage,
        round(wall, 4),
        round(time.process_time() - cpu, 4),
        rows,
        round(rows / max(wall, 1e-9)),
        round(peak),
    )


def table(figures: Sequence[StageFigure]) -> str:
    """The figures as a Markdown table with a column pair per size and how each stage grows from first to last."""
    sizes = sorted({figure.orders for figure in figures})
    stages = list(dict.fromkeys(figure.stage for figure in figures))
    by = {(figure.orders, figure.stage): figure for figure in figures}
    head = ["stage", *(f"{size:,}: s" for size in sizes), *(f"{size:,}: rows/s" for size in sizes), "growth"]
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for stage in stages:
        walls = [by[size, stage].wall_s for size in sizes]
        lines.append(_line(stage, walls, [f"{by[size, stage].rows_per_s:,.0f}" for size in sizes]))
    totals = [sum(figure.wall_s for figure in figures if figure.orders == size) for size in sizes]
    lines.append(_line("all", totals, ["" for _ in sizes]))
    peaks = [max(figure.peak_mib for figure in figures if figure.orders == size) for size in sizes]
    lines.append("| peak MiB | " + " | ".join(f"{peak:,.0f}" for peak in peaks) + " |" + " |" * (len(sizes) + 1))
    return "\n".join(lines)


def _line(stage: str, walls: Sequence[float], rates: Sequence[str]) -> str:
    growth = f"×{walls[-1] / walls[0]:.1f}" if len(walls) > 1 and walls[0] > 0 else ""
    return f"| {stage} | " + " | ".join(f"{wall:.2f}" for wall in walls) + " | " + " | ".join(rates) + f" | {growth} |"
