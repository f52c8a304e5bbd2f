"""One night of a plant as landed: both systems' tables, errors planted, watermarks, `plant.toml`.

Belongs here: from a history and a date to text frames. Does not belong here: folders (`generate`), the floor.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from recon_platform.plantsim.drift import plant_drift
from recon_platform.plantsim.history import History
from recon_platform.plantsim.landing import as_text, feeds, typed
from recon_platform.plantsim.master import master_tables
from recon_platform.plantsim.master_resources import calendar_exceptions, planned_downtime
from recon_platform.plantsim.snapshot_erp import erp_tables
from recon_platform.plantsim.snapshot_mes import mes_tables
from recon_platform.plantsim.state import State, state_at

AS_OF_MINUTE = 240  # 04:00 plant time, in the night shift, past both clock changes


def as_of_minute(history: History, day: date) -> int:
    return history.world.clock.minute(day, AS_OF_MINUTE)


@dataclass(frozen=True, slots=True)
class Master:
    """Master data of a world, which no night changes: typed as the contract, and as the text a file holds."""

    typed: Mapping[str, pl.DataFrame]
    text: Mapping[str, pl.DataFrame]


def master_of(history: History) -> Master:
    """Master data when nobody errs; a plant that runs for many nights makes them once."""
    tables = {name: typed(name, frame) for name, frame in master_tables(history).items()}
    return Master(tables, {name: as_text(name, frame) for name, frame in tables.items()})


def true_tables(state: State, master: Master | None = None) -> dict[str, pl.DataFrame]:
    """Both systems' tables when nobody errs, typed as the contract; `master` where known already."""
    moving = {
        **erp_tables(state),
        **mes_tables(state),
        "planned_downtime": planned_downtime(state.history, state.now),
        "calendar_exceptions": calendar_exceptions(state.history.world, state.now),
    }
    made = {name: typed(name, frame) for name, frame in moving.items()}
    return dict(sorted({**(master or master_of(state.history)).typed, **made}.items()))


def night_frames(
    history: History, day: date, *, seed: int, drift: float, state: State | None = None,
    true: dict[str, pl.DataFrame] | None = None, corrected: frozenset[int] = frozenset(),
    feed_share: float | None = None, now: int | None = None, master: Master | None = None,
) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:  # fmt: skip
    """Text frames of one night with drift planted, and what was planted; `state`, `true` and `master` where known
    already, `now` where it is not the minute of the night.

    Orders in `corrected` carry no error any more."""
    now = as_of_minute(history, day) if now is None else now
    state = state_at(history, now) if state is None else state
    master = master_of(history) if master is None else master
    tables = true_tables(state, master) if true is None else true
    text = {name: master.text[name] if name in master.text else as_text(name, frame) for name, frame in tables.items()}
    text, planted = plant_drift(
        state, text, night=day, seed=seed, rate=drift, corrected=corrected, feed_share=feed_share
    )
    as_of = history.world.clock.instant(now)
    marks: dict[str, datetime] = {"erp": as_of, "mes": as_of - timedelta(minutes=2)}
    text["feeds"] = as_text("feeds", feeds(text, marks))
    return text, planted


def plant_toml(history: History, day: date, now: int | None = None) -> str:
    """The plant's settings, as of the minute of the night or `now`; policy keeps its defaults."""
    world = history.world
    as_of = world.clock.instant(as_of_minute(history, day) if now is None else now)
    return (
        f'plant = "{world.parameters.code}"\ntimezone = "{world.parameters.timezone}"\n'
        f'currency = "{world.parameters.currency}"\ncalendar = "PLANT"\nas_of = "{as_of:%Y-%m-%dT%H:%M:%SZ}"\n'
        f"# {calendar.day_name[day.weekday()]}, generated with seed {world.seed}\n"
    )
