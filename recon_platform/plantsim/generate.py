"""A plant on disk: consecutive nights of landing folders and the truth beside them.

Belongs here: the one public door of the generator. Does not belong here: how the plant works or errs.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.plantsim.drift import plant_drift
from recon_platform.plantsim.history import History, run_history
from recon_platform.plantsim.landing import as_text, feeds, typed, write_folder
from recon_platform.plantsim.master import calendar_exceptions, master_tables, planned_downtime
from recon_platform.plantsim.snapshot_erp import erp_tables
from recon_platform.plantsim.snapshot_mes import mes_tables
from recon_platform.plantsim.state import State, state_at
from recon_platform.plantsim.world import build_world
from recon_platform.tables.truth import TRUTH

AS_OF_MINUTE = 240  # 04:00 plant time, in the night shift, past both clock changes
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
) -> GeneratedPlant:
    """Write `OUT/<date>/` for each night and `OUT/truth/truth.parquet`.

    `orders` is about how many work orders are open; `drift` the share of open orders that carry one planted error.
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
        frames, planted = night_frames(history, day, seed=seed, drift=drift)
        write_folder(folder / day.isoformat(), frames, plant_toml=plant_toml(history, day), parquet=use_parquet)
        paths.append(folder / day.isoformat())
        truth.append(planted)
    target = folder / "truth" / "truth.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    TRUTH.frame(pl.concat(truth)).write_parquet(target)
    return GeneratedPlant(folder, tuple(paths), target, history)


def as_of_minute(history: History, day: date) -> int:
    return history.world.clock.minute(day, AS_OF_MINUTE)


def true_tables(state: State) -> dict[str, pl.DataFrame]:
    """Both systems' tables when nobody errs, typed as the contract."""
    raw = {
        **master_tables(state.history),
        **erp_tables(state),
        **mes_tables(state),
        "planned_downtime": planned_downtime(state.history, state.now),
        "calendar_exceptions": calendar_exceptions(state.history.world, state.now),
    }
    return {name: typed(name, frame) for name, frame in sorted(raw.items())}


def night_frames(
    history: History, day: date, *, seed: int, drift: float
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Text frames of one night with drift planted, and what was planted."""
    now = as_of_minute(history, day)
    state = state_at(history, now)
    tables = true_tables(state)
    text = {name: as_text(name, frame) for name, frame in tables.items()}
    text, planted = plant_drift(state, text, night=day, seed=seed, rate=drift)
    as_of = history.world.clock.instant(now)
    marks: dict[str, datetime] = {"erp": as_of, "mes": as_of - timedelta(minutes=2)}
    text["feeds"] = as_text("feeds", feeds(text, marks))
    return text, planted


def plant_toml(history: History, day: date) -> str:
    """The plant's settings; policy keeps its defaults."""
    world = history.world
    as_of = world.clock.instant(as_of_minute(history, day))
    assert as_of.tzinfo is UTC
    return (
        f'plant = "{world.parameters.code}"\ntimezone = "{world.parameters.timezone}"\n'
        f'currency = "{world.parameters.currency}"\ncalendar = "PLANT"\nas_of = "{as_of:%Y-%m-%dT%H:%M:%SZ}"\n'
        f"# {calendar.day_name[day.weekday()]}, generated with seed {world.seed}\n"
    )
