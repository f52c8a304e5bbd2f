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
from recon_platform.tables.reuse import Reuse, only

SHORT_TOLERANCE = 1e-6  # of the open quantity: pegging adds floats


def order_promises(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> dict[str, pl.DataFrame]:
    """Table `order_promises` from the pegging and the schedule of this run."""
    lines = project_lines(frames, context, order_ends(frames["schedule"]), reuse)
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


def project_lines(frames: Frames, context: PlanContext, ends: pl.DataFrame, reuse: Reuse | None = None) -> pl.DataFrame:
    """Every open customer line with `projected_ship`, `short_qty`, `late_days` and what binds it, given order `ends`.

    The same pegging under other ends (those of the schedule in force) tells what that schedule is worth.
    """
    key = ["sales_order", "line"]
    reuse = reuse or Reuse()
    made = frames["supply_orders"].select(pl.col("kind").alias("supply_type"), pl.col("order").alias("supply"))
    pegged = reuse.of(_pegged, only(frames, "pegging", "purchase_orders", "planned_orders"), made)
    ended = pl.col("end").dt.convert_time_zone(context.plant.timezone).dt.date()
    today = pl.lit(context.planning_date)
    supplies = (
        pegged.join(ends, on="supply", how="left", maintain_order="left")
        # A supply without a day (made here, not scheduled) leaves the line without one.
        .with_columns(
            pl.when("made")
            .then(pl.when(pl.col("end").is_not_null()).then(pl.max_horizontal(ended, today)))
            .when(pl.col("supply_type") == "stock")
            .then(today)
            .otherwise(pl.max_horizontal("day", today))
            .alias("day")
        )
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
        reuse.of(open_lines, only(frames, "sales_orders", "customers"))
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


def _pegged(frames: Frames, made: pl.DataFrame) -> pl.DataFrame:
    """What is pegged to customer lines: sales_order, line, qty, supply_type, supply, `day` on which a purchase is there, and
    whether it is `made` here (supply_type, supply), so that its last operation says when."""
    purchases = (
        frames["purchase_orders"]
        .group_by(PURCHASE_LINE.alias("supply"))
        .agg(pl.coalesce("promised_date", "due_date").max().alias("day"))
        .select(pl.lit("purchase_order").alias("supply_type"), "supply", "day")
    )
    bought = (
        frames["planned_orders"]
        .select(
            pl.lit("planned").alias("supply_type"), pl.col("order").alias("supply"), pl.col("due_date").alias("day")
        )
        .join(made, on="supply", how="anti")
    )
    return (
        frames["pegging"]
        .filter(pl.col("demand_type") == "sales_order")
        .join(pl.concat([purchases, bought]), on=["supply_type", "supply"], how="left", maintain_order="left")
        .join(made.with_columns(pl.lit(True).alias("made")), on=["supply_type", "supply"], how="left", maintain_order="left")
        .select(
            pl.col("demand").str.split_exact("/", 1).struct.rename_fields(["sales_order", "line"]).struct.unnest(),
            "qty", "supply_type", "supply", "day", pl.col("made").fill_null(False),
        )
    )  # fmt: skip
