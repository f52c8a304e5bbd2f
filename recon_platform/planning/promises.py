"""`order_promises`: the day each customer line will ship, and the supply that decides that day.

A line ships when the last unit pegged to it is there: stock at once, a purchase on its date, made supply on the day
its last operation ends. What no supply covers is short, and a line that is short has no projected day.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import ORDER_PROMISES

SHORT_TOLERANCE = 1e-6  # of the open quantity: pegging adds floats


def order_promises(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Table `order_promises` from the pegging and the schedule of this run."""
    lines = project_lines(frames, context, order_ends(frames["schedule"]))
    previous = frames.get("previous.order_promises")
    if previous is not None:
        earlier = previous.select("sales_order", "line", pl.col("projected_ship").alias("previous_projection"))
        lines = lines.join(earlier, on=["sales_order", "line"], how="left")
    return {"order_promises": ORDER_PROMISES.frame(lines).sort("sales_order", "line")}


def order_ends(schedule: pl.DataFrame) -> pl.DataFrame:
    """`supply`, `end` (instant): when the last operation of each scheduled order ends."""
    return schedule.group_by(pl.col("work_order").alias("supply")).agg(pl.col("end").max())


def open_lines(frames: Frames) -> pl.DataFrame:
    """Customer lines still to be shipped, with the class of the customer."""
    return (
        frames["sales_orders"]
        .filter(pl.col("status") == "open")
        .with_columns((pl.col("qty") - pl.col("shipped_qty").fill_null(0)).alias("qty"))
        .filter(pl.col("qty") > 0)
        .join(
            frames["customers"].select("customer", pl.col("class").alias("customer_class")), on="customer", how="left"
        )
        .select(
            "sales_order",
            "line",
            "customer",
            "customer_class",
            "item",
            "qty",
            pl.col("requested_date").alias("requested"),
            pl.coalesce("first_promised_date", "promised_date").alias("first_promised"),
            pl.coalesce("promised_date", "requested_date").alias("promised"),
        )
    )


def project_lines(frames: Frames, context: PlanContext, ends: pl.DataFrame) -> pl.DataFrame:
    """Every open customer line with `projected_ship`, `short_qty`, `late_days` and what binds it, given order `ends`.

    The same pegging under other ends (those of the schedule in force) tells what that schedule is worth.
    """
    key = ["sales_order", "line"]
    supplies = (
        frames["pegging"]
        .filter(pl.col("demand_type") == "sales_order")
        .join(supply_days(frames, context, ends), on=["supply_type", "supply"], how="left")
        .with_columns(
            pl.when(pl.col("supply_type") == "stock")
            .then(pl.lit(context.planning_date))
            .otherwise(pl.max_horizontal("day", pl.lit(context.planning_date)))
            .alias("day"),
            pl.col("demand").str.split_exact("/", 1).struct.rename_fields(key).alias("key"),
        )
        .with_columns(
            # A supply without a day (made here, not scheduled) leaves the line without one.
            pl.when(pl.col("supply_day_missing").fill_null(False)).then(None).otherwise(pl.col("day")).alias("day")
        )
        .unnest("key")
        .sort(*key, pl.col("day"), "supply_type", "supply", nulls_last=True)
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("qty").sum().alias("covered"),
            pl.col("day").last().alias("projected_ship"),
            pl.col("supply_type").last().alias("bound_by_type"),
            pl.col("supply").last().alias("bound_by"),
        )
    )
    short = (pl.col("qty") - pl.col("covered").fill_null(0)).clip(lower_bound=0)
    return (
        open_lines(frames)
        .join(supplies, on=key, how="left")
        .with_columns(pl.when(short > SHORT_TOLERANCE * pl.col("qty")).then(short).otherwise(0.0).alias("short_qty"))
        .with_columns(pl.when(pl.col("short_qty") == 0).then(pl.col("projected_ship")).alias("projected_ship"))
        .with_columns(
            (pl.col("projected_ship") - pl.col("promised")).dt.total_days().cast(pl.Float64).alias("late_days"),
            pl.when(pl.col("short_qty") > 0)
            .then(pl.lit("short"))
            .otherwise(pl.col("bound_by_type"))
            .alias("bound_by_type"),
            pl.when(pl.col("short_qty") > 0).then(pl.lit("no supply")).otherwise(pl.col("bound_by")).alias("bound_by"),
        )
        .drop("covered")
        .sort(key)
    )


def supply_days(frames: Frames, context: PlanContext, ends: pl.DataFrame) -> pl.DataFrame:
    """`supply_type`, `supply`, `day`, `supply_day_missing`: when each supply but stock is there, in plant time."""
    purchases = (
        frames["purchase_orders"]
        .group_by(PURCHASE_LINE.alias("supply"))
        .agg(pl.coalesce("promised_date", "due_date").max().alias("day"))
        .select(
            pl.lit("purchase_order").alias("supply_type"), "supply", "day", pl.lit(False).alias("supply_day_missing")
        )
    )
    made = (
        frames["supply_orders"]
        .join(ends, left_on="order", right_on="supply", how="left")
        .select(
            pl.col("kind").alias("supply_type"),
            pl.col("order").alias("supply"),
            pl.col("end").dt.convert_time_zone(context.plant.timezone).dt.date().alias("day"),
            pl.col("end").is_null().alias("supply_day_missing"),
        )
    )
    bought = (
        frames["planned_orders"]
        .join(made.select(pl.col("supply").alias("order")), on="order", how="anti")
        .select(
            pl.lit("planned").alias("supply_type"),
            pl.col("order").alias("supply"),
            pl.col("due_date").alias("day"),
            pl.lit(False).alias("supply_day_missing"),
        )
    )
    return pl.concat([purchases, made, bought])
