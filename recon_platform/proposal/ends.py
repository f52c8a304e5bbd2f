"""When orders would end if the schedule in force stayed: the measure every proposal is held against."""

from __future__ import annotations

import polars as pl

from recon_platform.planning.promises import project_lines
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only

_LINES_READ = (
    "sales_orders", "customers", "supply_orders", "pegging", "purchase_orders", "planned_orders", "published.schedule",
    "reconciled_operations",
)  # fmt: skip


def lines_in_force(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> pl.DataFrame:
    """Every open customer line as it would ship if the schedule in force stayed (`project_lines`)."""
    return (reuse or Reuse()).of(_lines_in_force, only(frames, *_LINES_READ), context)


def _lines_in_force(frames: Frames, context: PlanContext) -> pl.DataFrame:
    return project_lines(frames, context, ends_in_force(frames, context))


def ends_in_force(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`supply`, `end` (instant) of every order that still needs work, under the schedule in force.

    An operation that should be over and is not ends now at the earliest: the past cannot be kept. Orders that the
    schedule in force does not know have no end.
    """
    schedule = frames["published.schedule"]
    open_operations = (
        frames["reconciled_operations"].filter(pl.col("status") != "complete").select("work_order", "op_seq")
    )
    planned = frames["supply_orders"].filter(pl.col("kind") == "planned").select(pl.col("order").alias("work_order"))
    still = pl.concat(
        [
            schedule.join(open_operations, on=["work_order", "op_seq"], how="semi"),
            schedule.join(planned, on="work_order", how="semi"),
        ]
    )
    return still.group_by(pl.col("work_order").alias("supply")).agg(
        pl.max_horizontal(pl.col("end").max(), pl.lit(context.as_of)).alias("end")
    )
