"""`order_promises`: the day each customer line will ship, and the supply that decides that day.

A line ships when the last unit pegged to it is there: stock at once, a purchase on its date, made supply on the day
its last operation ends. What no supply covers is short, and a line that is short has no projected day.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import CUSTOMER_LINE, PURCHASE_LINE
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
        lines = lines.join(earlier, on=["sales_order", "line"], how="left", maintain_order="left")
    return {"order_promises": ORDER_PROMISES.frame(lines)}


def order_ends(schedule: pl.DataFrame) -> pl.DataFrame:
    """`supply`, `end` (instant): when the last operation of each scheduled order ends."""
    ends = schedule.select("work_order", "end")
    if not ends.get_column("work_order").is_sorted():
        ends = ends.sort("work_order")
    if ends.is_empty():
        return ends.rename({"work_order": "supply"})
    order = ends.get_column("work_order")
    first = np.flatnonzero(order.ne_missing(order.shift(1)).to_numpy() | (np.arange(ends.height) == 0))
    last = np.maximum.reduceat(ends.get_column("end").to_physical().to_numpy(), first)
    return pl.DataFrame({"supply": order.gather(first), "end": pl.Series(last).cast(ends.schema["end"])})


def open_lines(frames: Frames) -> pl.DataFrame:
    """Customer lines still to be shipped, with the class of the customer, by order and line."""
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
        .sort("sales_order", "line")
    )


def project_lines(frames: Frames, context: PlanContext, ends: pl.DataFrame, reuse: Reuse | None = None) -> pl.DataFrame:
    """Every open customer line with `projected_ship`, `short_qty`, `late_days` and what binds it, given order `ends`.

    The same pegging under other ends (those of the schedule in force) tells what that schedule is worth.
    """
    key = ["sales_order", "line"]
    reuse = reuse or Reuse()
    made = frames["supply_orders"].select(pl.col("kind").alias("supply_type"), pl.col("order").alias("supply"))
    lines = reuse.of(open_lines, only(frames, "sales_orders", "customers"))
    bought = reuse.of(_purchase_days, frames["purchase_orders"].select(_DATED_BY))
    pegged, first = reuse.of(_pegged, only(frames, "pegging", "planned_orders"), bought, made, lines.select(key))
    ended = pl.col("end").dt.convert_time_zone(context.plant.timezone).dt.date()
    today = pl.lit(context.planning_date)
    days = (
        pegged.join(ends.select("supply", ended.alias("end")), on="supply", how="left", maintain_order="left")
        # A supply without a day (made here, not scheduled) leaves the line without one.
        .select(
            pl.when("made")
            .then(pl.when(pl.col("end").is_not_null()).then(pl.max_horizontal("end", today)))
            .when(pl.col("supply_type") == "stock")
            .then(today)
            .otherwise(pl.max_horizontal("day", today))
            .alias("day")
        )
        .to_series()
    )
    last = _last(days, first)
    supplies = pegged.select("place", "covered", "supply_type", "supply")[last].with_columns(days.gather(last))
    bound = lines.with_row_index("place").select("place").join(
        supplies.rename({"day": "projected_ship", "supply_type": "bound_by_type", "supply": "bound_by"}), on="place", how="left",
        maintain_order="left",
    ).drop("place")  # fmt: skip
    short = (pl.col("qty") - pl.col("covered").fill_null(0)).clip(lower_bound=0)
    return (
        pl.concat([lines, bound], how="horizontal")
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
    )


def _last(days: pl.Series, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of rows in stretches that begin at `first`, the one with the latest day in each; a row without a day comes after all
    others, the last of several."""
    if not first.size:
        return first
    never = np.int64(2**31)
    number = days.cast(pl.Int32).cast(pl.Int64).fill_null(never).to_numpy()
    rows = np.int64(days.len())
    return np.asarray(np.maximum.reduceat(number * rows + np.arange(rows), first) % rows)


_DATED_BY = ("purchase_order", "line", "promised_date", "due_date")


def _purchase_days(purchases: pl.DataFrame) -> pl.DataFrame:
    """supply_type, supply, `day` on which a purchase is there."""
    return (
        purchases.group_by(PURCHASE_LINE.alias("supply"))
        .agg(pl.coalesce("promised_date", "due_date").max().alias("day"))
        .select(pl.lit("purchase_order").alias("supply_type"), "supply", "day")
    )


def _pegged(
    frames: Frames, purchases: pl.DataFrame, made: pl.DataFrame, lines: pl.DataFrame
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """What is pegged to the customer `lines` (sales_order, line), line by line, and where the rows of each that has any begin.

    `place` of the line, supply_type, supply, `day` on which a purchase is there, whether it is `made` here (supply_type,
    supply), so that its last operation says when, and the quantity `covered` of the line by all of its rows. `purchases`: of
    `_purchase_days`.
    """
    bought = (
        frames["planned_orders"]
        .select(
            pl.lit("planned").alias("supply_type"), pl.col("order").alias("supply"), pl.col("due_date").alias("day")
        )
        .join(made, on="supply", how="anti")
    )
    of_line = lines.with_row_index("place").select("place", CUSTOMER_LINE.alias("demand"))
    rows = (
        frames["pegging"]
        .filter(pl.col("demand_type") == "sales_order")
        .join(of_line, on="demand")
        .join(pl.concat([purchases, bought]), on=["supply_type", "supply"], how="left", maintain_order="left")
        .join(made.with_columns(pl.lit(True).alias("made")), on=["supply_type", "supply"], how="left", maintain_order="left")
        .sort("place", "supply_type", "supply")
        .select(
            "place", "supply_type", "supply", "day", pl.col("made").fill_null(False),
            pl.col("qty").sum().over("place").alias("covered"),
        )
    )  # fmt: skip
    place = rows.get_column("place")
    return rows, np.flatnonzero(place.ne_missing(place.shift(1)).to_numpy()).astype(np.int64)
