"""The forecast netting plans with: what the ERP says, but for revisions too small to plan anew.

Belongs here: which revision counts. A revision is judged against the forecast *planned with*, not against last night's,
so that many small ones in one direction count once they add up. Consumption by customer orders is `demand`'s.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import PLANNED_FORECAST
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import conformed_table

HELD = "previous.planned_forecast"


def planned_forecast(frames: Frames, share: float, planning_date: date) -> pl.DataFrame:
    """`item`, `due_date`, `qty`, `landed_qty`, `absorbed` per forecast line from `planning_date` on.

    A line planned with before stays as it was where it changed by at most `share` of it (a line that is gone changed by
    all of it, one that is new has nothing to stay at); 0 takes every revision.
    """
    schedule = frames.get("master_schedule", conformed_table("master_schedule").empty())
    landed = (
        schedule.filter((pl.col("source") == "forecast") & (pl.col("qty") > 0) & (pl.col("due_date") >= planning_date))
        .group_by("item", "due_date")
        .agg(pl.col("qty").sum().alias("landed_qty"))
    )
    held = frames.get(HELD, PLANNED_FORECAST.empty()).filter(pl.col("due_date") >= planning_date)
    change = (pl.col("landed_qty") - pl.col("_held")).abs()
    stays = pl.col("_held").is_not_null() & (change <= share * pl.col("_held")) & (change > 0)
    return (
        landed.join(
            held.select("item", "due_date", pl.col("qty").alias("_held")),
            on=["item", "due_date"], how="full", coalesce=True,
        )
        .with_columns(pl.col("landed_qty").fill_null(0.0))
        .with_columns(stays.fill_null(False).alias("absorbed"))
        .select(
            "item", "due_date", pl.when("absorbed").then("_held").otherwise("landed_qty").alias("qty"), "landed_qty",
            "absorbed",
        )
        .filter(pl.col("qty") > 0)
        .sort("item", "due_date")
    )  # fmt: skip


def planned_forecast_table(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `planned_forecast` of tonight; the next night reads it as `previous.planned_forecast`."""
    share = context.policy.material.forecast_significance_share
    return PLANNED_FORECAST.frame(planned_forecast(frames, share, context.planning_date))


def as_planned(schedule: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """`schedule` with the forecast lines that `planned` (a table `planned_forecast`) says were planned with."""
    rows = planned.select("item", "due_date", "qty", pl.lit("forecast").alias("source"))
    filled = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schedule.schema.items()
    )
    return pl.concat([schedule.filter(pl.col("source") != "forecast"), filled])
