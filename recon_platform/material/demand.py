"""Demand that netting starts from: customer orders, the master schedule after consumption, components of open orders.

Belongs here: who needs how much of what and when. Dependent demand of planned orders is netting's own.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.forecast import HELD, planned_forecast
from recon_platform.tables.lines import CUSTOMER_LINE
from recon_platform.tables.model import Frames
from recon_platform.tables.policy import MaterialPolicy

ROUNDING_SHARE = 0.001
"""Of what an order needs of a component: less than that missing from the stock set aside for it is rounding."""

DEMANDED_BY = ("sales_orders", "customers", "allocations", "master_schedule", HELD)
"""Tables that independent demand is read from, and none besides."""
DEMAND_SOURCES = ("forecast", "interplant", "spare_parts", "family_mix")


def independent_demand(frames: Frames, policy: MaterialPolicy, planning_date: date) -> pl.DataFrame:
    """Open customer order lines at their promised, else requested, date; the master schedule's demand lines, forecast
    after consumption by customer orders."""
    sold = customer_demand(frames)
    scheduled = scheduled_demand(frames, sold, policy, planning_date)
    return pl.concat([sold, *([] if scheduled is None else [scheduled])]).filter(pl.col("qty") > 0)


def customer_demand(frames: Frames) -> pl.DataFrame:
    """Open lines of customer orders with what is still to be shipped and not yet set aside for them."""
    customers = frames["customers"].select("customer", pl.col("class").alias("customer_class"))
    lines = (
        frames["sales_orders"]
        .filter(pl.col("status") == "open")
        .join(customers, on="customer", how="left")
        .select(
            pl.lit("sales_order").alias("demand_type"),
            CUSTOMER_LINE.alias("demand"),
            "item",
            pl.coalesce("promised_date", "requested_date").alias("date"),
            (pl.col("qty") - pl.col("shipped_qty").fill_null(0.0)).alias("qty"),
            "customer_class",
            "sales_order",
            "line",
            pl.lit(None, dtype=pl.Int64).alias("op_seq"),
            pl.lit(None, dtype=pl.Int64).alias("order_rank"),
        )
        .filter(pl.col("qty") > 0)
    )
    return less_allocated(lines, frames, pl.col("sales_order")).filter(pl.col("qty") > 0)


def less_allocated(demand: pl.DataFrame, frames: Frames, order: pl.Expr, rounding: float = 0.0) -> pl.DataFrame:
    """`demand` less stock allocated to its order, earliest first: that stock is not available to others either.

    What is left of a line and is at most `rounding` of it is no need: reservations and requirements are rounded apart,
    and an order would wait for the next delivery of its wire for the sake of a gram.
    """
    allocations = frames.get("allocations")
    if allocations is None or allocations.is_empty():
        return demand
    reserved = allocations.group_by("item", pl.col("for_order").alias("_order")).agg(
        pl.col("qty").sum().alias("_reserved")
    )
    columns = demand.columns
    before = pl.col("qty").cum_sum().over("item", "_order") - pl.col("qty")
    left = pl.col("qty") - (pl.col("_reserved").fill_null(0.0) - before).clip(0.0, pl.col("qty"))
    return (
        demand.with_columns(order.alias("_order"))
        .sort("date", "demand", "op_seq")
        .join(reserved, on=["item", "_order"], how="left", maintain_order="left")
        .with_columns(pl.when(left > rounding * pl.col("qty")).then(left).otherwise(0.0).alias("qty"))
        .select(columns)
    )


def scheduled_demand(
    frames: Frames, sold: pl.DataFrame, policy: MaterialPolicy, planning_date: date
) -> pl.DataFrame | None:
    """Demand lines of the master schedule; forecast as it is planned with, less what customers ordered of it."""
    schedule = frames.get("master_schedule")
    forecast = planned_forecast(frames, policy.forecast_significance_share, planning_date)
    if (schedule is None or schedule.is_empty()) and forecast.is_empty():
        return None
    given = forecast.select(pl.lit("forecast").alias("source"), "item", "due_date", "qty")
    if schedule is not None:
        others = pl.col("source").is_in([s for s in DEMAND_SOURCES if s != "forecast"]) & (pl.col("qty") > 0)
        given = pl.concat([schedule.filter(others).select(given.columns), given])
    lines = (
        given.group_by("source", "item", "due_date")
        .agg(pl.col("qty").sum())
        .select(
            pl.col("source").alias("demand_type"),
            pl.concat_str("source", "item", pl.col("due_date").dt.strftime("%Y%m%d"), separator="-").alias("demand"),
            "item",
            pl.col("due_date").alias("date"),
            "qty",
            pl.lit(None, dtype=pl.String).alias("customer_class"),
            pl.lit(None, dtype=pl.String).alias("sales_order"),
            pl.lit(None, dtype=pl.String).alias("line"),
            pl.lit(None, dtype=pl.Int64).alias("op_seq"),
            pl.lit(None, dtype=pl.Int64).alias("order_rank"),
        )
    )
    forecast = lines.filter(pl.col("demand_type") == "forecast")
    if forecast.is_empty():
        return lines
    consumed = consume_forecast(forecast, sold, policy.consumption_back_days, policy.consumption_forward_days)
    return pl.concat([lines.filter(pl.col("demand_type") != "forecast"), consumed])


@njit(cache=True)
def _consume(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    item: NDArray[np.int64], day: NDArray[np.int64], left: NDArray[np.float64], starts: NDArray[np.int64],
    order_item: NDArray[np.int64], order_day: NDArray[np.int64], order_qty: NDArray[np.float64], back: int, ahead: int,
) -> None:  # fmt: skip
    for o in range(len(order_item)):
        begin, end = starts[order_item[o]], starts[order_item[o] + 1]
        want = order_qty[o]
        middle = begin
        while middle < end and day[middle] <= order_day[o]:
            middle += 1
        k = middle - 1
        while k >= begin and want > 0 and day[k] >= order_day[o] - back:
            taken = min(left[k], want)
            left[k] -= taken
            want -= taken
            k -= 1
        k = middle
        while k < end and want > 0 and day[k] <= order_day[o] + ahead:
            taken = min(left[k], want)
            left[k] -= taken
            want -= taken
            k += 1


def consume_forecast(forecast: pl.DataFrame, sold: pl.DataFrame, back_days: int, ahead_days: int) -> pl.DataFrame:
    """Forecast less the customer orders that made it true: each order takes from the nearest earlier forecast within
    `back_days`, then from the next ones within `ahead_days` (calendar days)."""
    lines = forecast.sort("item", "date", "demand")
    items = lines.get_column("item").unique(maintain_order=True)
    number = pl.DataFrame({"item": items}).with_row_index("_n")
    orders = sold.join(number, on="item").sort("_n", "date", "demand")
    item = lines.join(number, on="item", how="left", maintain_order="left").get_column("_n").to_numpy().astype(np.int64)
    left = np.array(lines.get_column("qty").to_numpy())
    _consume(
        item,
        day_numbers(lines.get_column("date")),
        left,
        np.searchsorted(item, np.arange(len(items) + 1)).astype(np.int64),
        orders.get_column("_n").to_numpy().astype(np.int64),
        day_numbers(orders.get_column("date")),
        np.array(orders.get_column("qty").to_numpy()),
        back_days,
        ahead_days,
    )
    return lines.with_columns(pl.Series("qty", left)).filter(pl.col("qty") > 0)


def day_numbers(days: pl.Series) -> NDArray[np.int64]:
    """Days since 1970-01-01."""
    return np.array(days.cast(pl.Int32).cast(pl.Int64).to_numpy(), dtype=np.int64)


def component_demand(frames: Frames, orders: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Components that open made orders still need, on their start date.

    `orders` are open orders, by `name_rank`, with `start_day` (number) set; `order_rank` says whose component a demand
    is. What is recorded in `material_issues` counts for an order
    that has any (required less issued); otherwise its BOM on the start date × quantity still to process.
    """
    made = orders.filter(pl.col("order_type") != "purchase_order")
    exploded = (
        made.select("name_rank", "item", "start_day", "start_qty", "status")
        .join(
            lines.select("parent_item", "component_item", "qty_per", "scrap", "fixed_qty", "op_seq", "valid_from", "valid_to"),
            left_on="item", right_on="parent_item",
        )
        .filter((pl.col("valid_from") <= pl.col("start_day")) & (pl.col("start_day") < pl.col("valid_to")))
        .select(
            "name_rank",
            pl.col("component_item").alias("item"),
            "op_seq",
            (
                pl.col("start_qty") * pl.col("qty_per") * (1 + pl.col("scrap"))
                + pl.when(pl.col("status") == "in_process").then(0.0).otherwise(pl.col("fixed_qty"))
            ).alias("qty"),
        )
    )  # fmt: skip
    by = ["name_rank", "item", "op_seq"]
    issues = frames.get("material_issues")
    if issues is not None and not issues.is_empty():
        recorded = (
            issues.join(
                made.filter(pl.col("order_type") == "work_order").select(
                    pl.col("order").alias("work_order"), "name_rank"
                ),
                on="work_order",
            )
            .group_by("name_rank", pl.col("component_item").alias("item"), "op_seq")
            .agg((pl.col("required_qty") - pl.col("issued_qty").fill_null(0.0)).sum().alias("qty"))
        )
        known = recorded.select("name_rank").unique()
        exploded = pl.concat([exploded.join(known, on="name_rank", how="anti"), recorded.select(exploded.columns)])
    if lines.select("parent_item", "component_item", "op_seq").is_duplicated().any():
        exploded = exploded.group_by(by).agg(pl.col("qty").sum())
    rank = exploded.get_column("name_rank")
    dated = exploded.select(
        orders.get_column("order_type").gather(rank).alias("demand_type"),
        orders.get_column("order").gather(rank).alias("demand"),
        "item",
        orders.get_column("start_day").gather(rank).cast(pl.Int32).cast(pl.Date).alias("date"),
        "qty",
        pl.lit(None, dtype=pl.String).alias("customer_class"),
        pl.lit(None, dtype=pl.String).alias("sales_order"),
        pl.lit(None, dtype=pl.String).alias("line"),
        "op_seq",
        rank.alias("order_rank"),
    )
    return less_allocated(dated, frames, pl.col("demand"), ROUNDING_SHARE).filter(pl.col("qty") > 0)


def uses_outside_bom(frames: Frames) -> pl.DataFrame | None:
    """Components recorded on orders, with the item of the order: they must be netted after it."""
    issues = frames.get("material_issues")
    if issues is None or issues.is_empty():
        return None
    items = frames["reconciled_orders"].select("work_order", pl.col("item").alias("parent_item"))
    return (
        issues.join(items, on="work_order")
        .select("parent_item", "component_item")
        .filter(pl.col("parent_item") != pl.col("component_item"))
        .unique()
        .sort("parent_item", "component_item")
    )
