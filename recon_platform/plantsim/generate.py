"""A plant on disk: consecutive nights of landing folders and the truth beside them.

Belongs here: the one public door of the generator. Does not belong here: how the plant works or errs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from recon_platform.plantsim.history import History, run_history
from recon_platform.plantsim.landing import write_folder
from recon_platform.plantsim.night import night_frames, plant_toml
from recon_platform.plantsim.world import build_world
from recon_platform.tables.truth import TRUTH

PARQUET_FROM_ORDERS = 20_000
DEFAULT_START = date(2026, 3, 2)


@dataclass(frozen=True, slots=True)
class GeneratedPlant:
    """Where the nights of a generated plant stand: folder by planning date, truth file, and the history behind them."""

    out: Path
    nights: tuple[Path, ...]
    truth: Path
    history: History


def generate(
    out: Path | str,
    *,
    orders: int,
    nights: int = 1,
    seed: int = 1,
    drift: float = 0.05,
    plant: str = "fastener",
    start: date = DEFAULT_START,
    parquet: bool | None = None,
    feed_share: float | None = None,
) -> GeneratedPlant:
    """Write `OUT/<date>/` for each night and `OUT/truth/truth.parquet`.

    `orders` is about how many work orders are open; `drift` the share of open orders that carry one planted error;
    `feed_share` the share of nights on which a feed errs as a whole (clocks, epochs, missing numbers), by default few.
    CSV below 20,000 orders, Parquet above, unless `parquet` says otherwise. The same arguments give the same bytes;
    more nights only add folders. Raises ValueError for an unknown plant, fewer than one order or night, or a drift
    outside [0, 1].
    """
    if nights < 1:
        raise ValueError(f"nights must be at least 1, found {nights}")
    if not 0 <= drift <= 1:
        raise ValueError(f"drift must be a share between 0 and 1, found {drift}")
    folder = Path(out)
    world = build_world(orders, seed=seed, start=start, nights=nights, plant=plant)
    history = run_history(world, nights)
    use_parquet = orders >= PARQUET_FROM_ORDERS if parquet is None else parquet
    paths, truth = [], []
    for night in range(nights):
        day = start + timedelta(days=night)
        frames, planted = night_frames(history, day, seed=seed, drift=drift, feed_share=feed_share)
        write_folder(folder / day.isoformat(), frames, plant_toml=plant_toml(history, day), parquet=use_parquet)
        paths.append(folder / day.isoformat())
        truth.append(planted)
    target = folder / "truth" / "truth.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    TRUTH.frame(pl.concat(truth)).write_parquet(target)
    return GeneratedPlant(folder, tuple(paths), target, history)
