"""Shortages: components that will not be there when an order needs them, at the dates supply really has."""

from __future__ import annotations

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import SHORTAGES
from recon_platform.tables.model import Frames

CONSUMERS = ("work_order", "planned")


def find_shortages(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Table `shortages` from this run's pegging and messages.

    An order lacks a component where what is pegged to it comes after its start: a purchase on its own date, a planned
    order no sooner than its lead time from the planning date, made supply at the date the plan needs it if that can
    still be kept.
    """
    ready = supply_days(frames, context)
    late = (
        frames["pegging"]
        .filter(pl.col("demand_type").is_in(CONSUMERS))
        .join(ready, on=["supply_type", "supply"], how="left")
        .with_columns(pl.max_horizontal("need_date", pl.lit(context.planning_date)).alias("needed"))
        .with_columns((pl.col("ready") > pl.col("needed")).fill_null(False).alias("late"))
        .sort("demand", "item", "ready", "supply", nulls_last=False)
        .group_by(pl.col("demand").alias("work_order"), "item", maintain_order=True)
        .agg(
            pl.col("qty").sum().alias("required_qty"),
            pl.col("qty").filter(pl.col("late")).sum().alias("short_qty"),
            pl.col("need_date").min().alias("needed_at"),
            pl.col("needed").min(),
            pl.col("ready").max().alias("covered_at"),
            pl.concat_str("supply_type", "supply", separator=" ").last().alias("covered_by"),
        )
        .filter(pl.col("short_qty") > 0)
    )
    return {
        "shortages": SHORTAGES.frame(
            late.select(
                "item", "work_order", pl.lit(None, dtype=pl.Int64).alias("op_seq"), "required_qty", "short_qty", "needed_at",
                "covered_at", "covered_by",
                (pl.col("covered_at") - pl.col("needed")).dt.total_days().alias("days_short"),
                pl.lit(None, dtype=pl.String).alias("remedy"),
            )
        ).sort("item", "work_order")
    }  # fmt: skip


def supply_days(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`supply_type`, `supply`, `ready`: the day supply can really be there; stock is there now (null)."""
    now = pl.lit(context.planning_date)
    lead = frames["items"].select("item", pl.col("lead_time_days").fill_null(0.0).ceil().cast(pl.Int64).alias("lead"))
    bought = (
        frames["purchase_orders"]
        .filter(pl.col("status") == "open")
        .select(
            pl.lit("purchase_order").alias("supply_type"),
            pl.concat_str("purchase_order", "line", separator="/").alias("supply"),
            pl.max_horizontal(pl.coalesce("promised_date", "due_date"), now).alias("ready"),
        )
    )
    work = frames["reconciled_orders"].select(
        pl.lit("work_order").alias("supply_type"), pl.col("work_order").alias("supply"),
        pl.max_horizontal("due_date", now).alias("ready"),
    )  # fmt: skip
    planned = (
        frames["planned_orders"]
        .join(lead, on="item", how="left")
        .select(
            pl.lit("planned").alias("supply_type"),
            pl.col("order").alias("supply"),
            pl.when(pl.col("make_buy") == "buy")
            .then(pl.max_horizontal("due_date", now + pl.duration(days=pl.col("lead").fill_null(0))))
            .otherwise(pl.max_horizontal("due_date", now + (pl.col("due_date") - pl.col("start_date"))))
            .alias("ready"),
        )
    )
    return pl.concat([bought, work, planned]).unique(["supply_type", "supply"], keep="first", maintain_order=True)
