"""Open supply: purchase order lines and work orders that will still bring something, and the master schedule's plan.

Belongs here: what is open, how much, on which date, and when its components are needed. Not: whether it is needed.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

OPEN_WORK_ORDERS = ("firm", "released", "in_process")


def open_orders(frames: Frames) -> pl.DataFrame:
    """Every open order: `order_type` (`purchase_order`, `work_order`, or `planned` for a master-schedule plan line),
    `order`, item, `due_date` (promised where there is a promise), `qty` still expected, `start_qty` still to process.

    A purchase order is named `order/line`; `name_rank` is the place of
    the order by type and name. Work orders take what reconciliation still expects of them.
    """
    parts = [plan_lines(frames), purchase_orders(frames), work_orders(frames)]  # by type, as `ranked` has them
    return numbered(pl.concat([part.sort("order") for part in parts if part is not None]))


def numbered(orders: pl.DataFrame) -> pl.DataFrame:
    """`orders`, by type and name, with `name_rank`, the place of each: what later sorts go by instead of strings."""
    return orders.with_columns(pl.int_range(pl.len()).alias("name_rank"))


def ranked(orders: pl.DataFrame) -> pl.DataFrame:
    """`orders` put in order by type and name, and `numbered`."""
    return numbered(orders.sort("order_type", "order"))


def joined(orders: pl.DataFrame, more: pl.DataFrame, demands: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`orders` with `more` orders, ranked anew, and `demands` (of `orders`) whose `order_rank` follows."""
    was = pl.concat([orders.get_column("name_rank"), pl.Series([None], dtype=pl.Int64).new_from_index(0, more.height)])
    both = ranked(pl.concat([orders, more.select(orders.columns)]).with_columns(was.alias("_was")))
    place = both.drop_nulls("_was").sort("_was").get_column("name_rank")
    return both.drop("_was"), demands.with_columns(place.gather(demands.get_column("order_rank")).alias("order_rank"))


def purchase_orders(frames: Frames) -> pl.DataFrame:
    """Open purchase order lines with what is still to come."""
    remaining = pl.col("qty") - pl.col("received_qty").fill_null(0.0)
    return (
        frames["purchase_orders"]
        .filter((pl.col("status") == "open") & (remaining > 0))
        .select(
            pl.lit("purchase_order").alias("order_type"),
            PURCHASE_LINE.alias("order"),
            "item",
            pl.coalesce("promised_date", "due_date").alias("due_date"),
            pl.lit(None, dtype=pl.Date).alias("start_date"),
            remaining.alias("qty"),
            remaining.alias("start_qty"),
            pl.col("firm").fill_null(False),
            "status",
            "supplier",
            pl.lit(None, dtype=pl.Date).alias("not_before"),
            pl.col("due_date").alias("original_due"),
            (pl.col("received_qty").fill_null(0.0) == 0).alias("untouched"),
        )
    )


def work_orders(frames: Frames) -> pl.DataFrame:
    """Work orders that will still bring good units."""
    orders = frames["reconciled_orders"]
    not_before = pl.col("not_before").dt.date() if "not_before" in orders.columns else pl.lit(None, dtype=pl.Date)
    return orders.filter(pl.col("status").is_in(OPEN_WORK_ORDERS) & (pl.col("expected_qty") > 0)).select(
        pl.lit("work_order").alias("order_type"),
        pl.col("work_order").alias("order"),
        "item",
        "due_date",
        "start_date",
        pl.col("expected_qty").alias("qty"),
        pl.col("remaining_qty").alias("start_qty"),
        (pl.col("status") == "firm").alias("firm"),
        "status",
        pl.lit(None, dtype=pl.String).alias("supplier"),
        not_before.alias("not_before"),
        pl.col("due_date").alias("original_due"),
        pl.lit(False).alias("untouched"),
    )


def plan_lines(frames: Frames) -> pl.DataFrame | None:
    """Lines of the master schedule that are supply to be made (`plan`); one order per item and day."""
    schedule = frames.get("master_schedule")
    if schedule is None or schedule.is_empty():
        return None
    return (
        schedule.filter((pl.col("source") == "plan") & (pl.col("qty") > 0))
        .group_by("item", "due_date")
        .agg(pl.col("qty").sum())
        .select(
            pl.lit("planned").alias("order_type"),
            pl.concat_str(pl.lit("MPS"), "item", pl.col("due_date").dt.strftime("%Y%m%d"), separator="-").alias(
                "order"
            ),
            "item",
            "due_date",
            pl.lit(None, dtype=pl.Date).alias("start_date"),
            "qty",
            pl.col("qty").alias("start_qty"),
            pl.lit(True).alias("firm"),
            pl.lit("plan").alias("status"),
            pl.lit(None, dtype=pl.String).alias("supplier"),
            pl.lit(None, dtype=pl.Date).alias("not_before"),
            pl.col("due_date").alias("original_due"),
            pl.lit(False).alias("untouched"),
        )
    )


def usable_stock(frames: Frames, planning_date: pl.Expr) -> pl.DataFrame:
    """`item`, `on_hand`: stock with status available and not expired, and finished units the ERP has not posted yet, less
    everything allocated."""
    stock = (
        frames["inventory"]
        .filter((pl.col("status") == "available") & (pl.col("expiry").is_null() | (pl.col("expiry") >= planning_date)))
        .group_by("item")
        .agg(pl.col("qty").sum().alias("on_hand"))
    )
    orders = frames["reconciled_orders"]
    if "unposted_qty" in orders.columns:
        unposted = (
            orders.filter(pl.col("unposted_qty") > 0)
            .group_by("item")
            .agg(pl.col("unposted_qty").sum().alias("on_hand"))
        )
        stock = pl.concat([stock, unposted]).group_by("item").agg(pl.col("on_hand").sum())
    allocations = frames.get("allocations")
    if allocations is None or allocations.is_empty():
        return stock
    reserved = allocations.group_by("item").agg(pl.col("qty").sum().alias("reserved"))
    return stock.join(reserved, on="item", how="full", coalesce=True).select(
        "item", (pl.col("on_hand").fill_null(0.0) - pl.col("reserved").fill_null(0.0)).alias("on_hand")
    )
