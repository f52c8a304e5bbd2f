"""The history tables of a night: those of the run before, extended by tonight's conformed master tables and policy.

Belongs here: what is remembered from one night to the next. How a history is extended and asked is in `history`.
"""

from __future__ import annotations

import json
from datetime import date

import polars as pl

from recon_platform.conform.feeds import NIGHTS
from recon_platform.conform.history import extend_history
from recon_platform.tables.context import PlanContext
from recon_platform.tables.history import DELIVERIES, PARAMETERS, RECORDED, history_name
from recon_platform.tables.model import Frames, Table
from recon_platform.tables.policy import SECTIONS, Policy
from recon_platform.tables.registry import table

BEFORE = "previous."


def keep_history(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Tonight's `…_history` tables and `deliveries`.

    `frames` holds the conformed tables of `RECORDED` and `row_counts`, and of the run before, where there was one,
    `previous.` and the name of each table made here. A second run of the same night replaces what the first added, so
    repeated and corrected deliveries leave one history. Raises ValueError where the run before is of a later night.
    """
    night = context.planning_date
    snapshots = {name: frames[name].select(known.column_names) for name, known in RECORDED.items()}
    snapshots[PARAMETERS] = parameters(context.policy)
    made = {}
    for name, snapshot in snapshots.items():
        kept = table(history_name(name))
        keys = [key for key in kept.key if key != "known_from"]
        made[kept.name] = kept.frame(extend_history(_before(frames, kept), night, snapshot, keys))
    made[DELIVERIES.name] = _deliveries(frames, night)
    return made


def parameters(policy: Policy) -> pl.DataFrame:
    """Every setting of `policy`: parameter (`section.name`), value (JSON)."""
    values = policy.to_dict()
    rows = [
        (f"{section}.{name}", json.dumps(value, sort_keys=True))
        for section in SECTIONS
        for name, value in values[section].items()
    ]
    return pl.DataFrame(rows, schema={"parameter": pl.String, "value": pl.String}, orient="row").sort("parameter")


def _before(frames: Frames, kept: Table) -> pl.DataFrame:
    """The table of the run before in today's columns: one that was added since is unknown in its rows."""
    found = frames.get(BEFORE + kept.name)
    return kept.empty() if found is None else kept.frame(found.select(set(found.columns) & set(kept.column_names)))


def _deliveries(frames: Frames, night: date) -> pl.DataFrame:
    """The newest nights' deliveries, tonight's among them: enough for the median that a feed is measured against."""
    tonight = frames["row_counts"].select(pl.lit(night).alias("night"), "table", pl.col("rows_in").alias("rows"))
    earlier = _before(frames, DELIVERIES).filter(pl.col("night") < night)
    nights = earlier["night"].unique().sort(descending=True).head(NIGHTS)
    return DELIVERIES.frame(pl.concat([earlier.filter(pl.col("night").is_in(nights.implode())), tonight]))
