"""`order_promises`: the day each customer line will ship, and the supply that decides that day.

A line ships when the last unit pegged to it is there: stock at once, a purchase on its date, made supply on the day
its last operation ends. What no supply covers is short, and a line that is short has no projected day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import CUSTOMER_LINE, PURCHASE_LINE
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import ORDER_PROMISES
from recon_platform.tables.reuse import Reuse, only
from recon_platform.tables.splice import stretches

EPOCH = date(1970, 1, 1)  # dates count days from here
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
    first = stretches(order)
    last = np.maximum.reduceat(ends.get_column("end").to_physical().to_numpy(), first)
    return pl.DataFrame({"supply": order[first], "end": pl.Series(last).cast(ends.schema["end"])})


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
    pegged = reuse.of(
        _pegged, only(frames, "pegging", "planned_orders"), bought, made, lines.select(key), context.planning_date
    )
    ended = ends.select(pl.col("end").dt.convert_time_zone(context.plant.timezone).dt.date()).to_series()
    made_at = reuse.of(_places_in, pegged.rows.get_column("supply").to_frame(), ends.get_column("supply").to_frame())
    last, day = _last(pegged, made_at, ended, context.planning_date)
    of_line = np.full(lines.height, -1, np.int64)
    of_line[pegged.rows.get_column("place").to_numpy()[last]] = np.arange(last.size)
    supplies = pl.DataFrame(
        [
            day.rename("projected_ship"),
            *(pegged.rows.get_column(name)[last] for name in ("covered", "supply_type", "supply")),
        ]
    )
    bound = supplies.rename({"supply_type": "bound_by_type", "supply": "bound_by"})[_or_null(of_line)]
    short = (pl.col("qty") - pl.col("covered").fill_null(0)).clip(lower_bound=0)
    return (
        pl.concat([lines, bound], how="horizontal")
        .lazy()
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
        .collect()
    )


@dataclass(frozen=True, slots=True)
class Pegged:
    """What is pegged to customer lines: `rows`, line by line, the days of those that are not made here, and where the rows of
    each line that has any begin."""

    rows: pl.DataFrame
    days: NDArray[np.int64]  # since 1970; NEVER where only the schedule can tell
    first: NDArray[np.int64]


NEVER = 2**31


def _last(
    pegged: Pegged, made_at: NDArray[np.int64], ended: pl.Series, today: date
) -> tuple[NDArray[np.int64], pl.Series]:
    """Of the rows of each line the one with the latest day, and that day; a row without a day (made here, not scheduled)
    comes after all others, the last of several, and leaves the line without one.

    `made_at`: the row of `ended`, the days on which orders end, that each supply is; -1 where it is none.
    """
    made = pegged.rows.get_column("made").to_numpy() & (made_at >= 0)
    number = pegged.days.copy()
    number[made] = np.maximum(ended.cast(pl.Int32).to_numpy()[made_at[made]], (today - EPOCH).days)
    size = np.int64(max(1, number.size))
    latest = np.maximum.reduceat(number * size + np.arange(number.size), pegged.first) if number.size else number
    last, day = latest % size, latest // size
    return last, pl.Series(day.astype(np.int32))[_or_null(np.where(day < NEVER, np.arange(day.size), -1))].cast(pl.Date)


def _places_in(one: pl.DataFrame, other: pl.DataFrame) -> NDArray[np.int64]:
    """Where the value of each row of `one` stands in `other`, which holds it once or not at all (-1); both have one column."""
    found = one.join(other.with_row_index("at"), on=one.columns, how="left", maintain_order="left")
    return found.get_column("at").cast(pl.Int64).fill_null(-1).to_numpy()


def _or_null(rows: NDArray[np.int64]) -> pl.Series:
    """Row numbers to gather by, where -1 gives null."""
    missing = pl.Series(rows < 0)
    return pl.Series(np.maximum(rows, 0).astype(np.uint32)).set(missing, None)


_DATED_BY = ("purchase_order", "line", "promised_date", "due_date")


def _purchase_days(purchases: pl.DataFrame) -> pl.DataFrame:
    """supply_type, supply, `day` on which a purchase is there."""
    return (
        purchases.group_by(PURCHASE_LINE.alias("supply"))
        .agg(pl.coalesce("promised_date", "due_date").max().alias("day"))
        .select(pl.lit("purchase_order").alias("supply_type"), "supply", "day")
    )


def _pegged(frames: Frames, purchases: pl.DataFrame, made: pl.DataFrame, lines: pl.DataFrame, today: date) -> Pegged:
    """What is pegged to the customer `lines` (sales_order, line).

    `place` of the line, supply_type, supply, whether it is `made` here (supply_type, supply), so that its last operation says
    when, and the quantity `covered` of the line by all of its rows. Stock is there `today`, a purchase on its day and not before
    today. `purchases`: of `_purchase_days`.
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
    there = pl.when(pl.col("supply_type") == "stock").then(None).otherwise("day")
    days = rows.select(
        pl.when("made").then(NEVER).otherwise(pl.max_horizontal(there, pl.lit(today)).to_physical().cast(pl.Int64))
    ).to_series()
    return Pegged(rows.drop("day"), days.to_numpy(), stretches(rows.get_column("place")))
