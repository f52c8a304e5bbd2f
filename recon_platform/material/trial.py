"""Changes a planner may want to try before making them, applied to a copy of the inputs for `what_if`.

Belongs here: what a planner says (“take 40 of B out of stock”) made into rows. What it would do is `what_if`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import conformed_table

PARAMETERS = (
    "lead_time_days", "lot_rule", "lot_qty", "lot_periods", "safety_stock", "min_qty", "max_qty", "multiple_qty", "yield",
    "planning_fence_days", "make_buy",
)  # fmt: skip


def withdrawal(frames: Frames, item: str, qty: float) -> dict[str, pl.DataFrame]:
    """`frames` with `qty` of `item` taken out of stock, from the largest record on, and posted as an unplanned withdrawal.

    Raises ValueError where the available stock of the item holds less.
    """
    stock = frames["inventory"].with_row_index("_row")
    mine = stock.filter((pl.col("item") == item) & (pl.col("status") == "available"))
    there = float(mine.get_column("qty").sum())
    if mine.is_empty() or there < qty - 1e-9:
        raise ValueError(
            f"inventory: expected {qty:g} of {item} available, found {there:g}; nothing can be withdrawn beyond that"
        )
    before = pl.col("qty").cum_sum() - pl.col("qty")
    taken = mine.sort(["qty", "_row"], descending=[True, False]).select(
        "_row", (pl.lit(qty) - before).clip(0.0, pl.col("qty")).alias("_taken")
    )
    left = stock.join(taken, on="_row", how="left", maintain_order="left").with_columns(
        (pl.col("qty") - pl.col("_taken").fill_null(0.0)).alias("qty")
    )
    table = conformed_table("inventory_transactions")
    postings = frames.get("inventory_transactions", table.empty())
    today = frames["plant_days"].filter(pl.col("ordinal") >= 0).get_column("day").min()
    posting = {
        "transaction": f"TRIAL-{item}-{postings.height}", "item": item, "at": today, "kind": "unplanned", "qty": -qty,
        "uom": mine.item(0, "uom"), "reason": "tried out",
    }  # fmt: skip
    return {
        **frames,
        "inventory": left.drop("_row", "_taken"),
        "inventory_transactions": pl.concat([postings, _row(posting, postings)]),
    }


def _row(values: Mapping[str, Any], like: pl.DataFrame) -> pl.DataFrame:
    """One row with the columns of `like`; those not given are null."""
    return pl.select(pl.lit(values.get(name)).cast(dtype).alias(name) for name, dtype in like.schema.items())


def demand_of(frames: Frames, item: str, day: date, qty: float, source: str = "forecast") -> dict[str, pl.DataFrame]:
    """`frames` with `qty` (base units) of `item` in the master schedule on `day` in place of what `source` had there; 0
    takes it out.

    Raises ValueError where the item is unknown or the source is none of the contract.
    """
    items = frames["items"].filter(pl.col("item") == item)
    if items.is_empty():
        raise ValueError(f"items: expected an item {item}, found none; name one of the item table")
    table = conformed_table("master_schedule")
    allowed = table.column("source").allowed or ()
    if source not in allowed:
        raise ValueError(f"master_schedule.source: expected {', '.join(allowed)}, found {source!r}")
    schedule = frames.get("master_schedule", table.empty())
    rest = schedule.filter(
        ~((pl.col("item") == item) & (pl.col("due_date") == day) & (pl.col("source") == source)).fill_null(False)
    )
    if qty > 0:
        row = {"item": item, "due_date": day, "qty": qty, "uom": items.item(0, "uom"), "source": source}
        rest = pl.concat([rest, _row(row, schedule)])
    return {**frames, "master_schedule": rest}


def parameter(frames: Frames, item: str, column: str, value: str) -> dict[str, pl.DataFrame]:
    """`frames` with planning parameter `column` of `item` set to `value`, given as text; an empty one clears it.

    Raises ValueError where the item or the parameter is unknown or the value is none of its kind.
    """
    items = frames["items"]
    if column not in PARAMETERS or column not in items.columns:
        known = ", ".join(name for name in PARAMETERS if name in items.columns)
        raise ValueError(f"items: expected a planning parameter ({known}), found {column!r}")
    if items.filter(pl.col("item") == item).is_empty():
        raise ValueError(f"items: expected an item {item}, found none; name one of the item table")
    described = conformed_table("items").column(column)
    if described.allowed is not None and value not in described.allowed:
        raise ValueError(f"items.{column} of {item}: expected {', '.join(described.allowed)}, found {value!r}")
    typed = pl.Series([value or None], dtype=pl.String).cast(items.schema[column], strict=False)
    if value and typed.null_count():
        raise ValueError(f"items.{column} of {item}: expected a {described.kind}, found {value!r}")
    changed = pl.when(pl.col("item") == item).then(pl.lit(typed.item(), dtype=items.schema[column]))
    return {**frames, "items": items.with_columns(changed.otherwise(pl.col(column)).alias(column))}


def supply(frames: Frames, order: str, day: date | None = None, qty: float | None = None) -> dict[str, pl.DataFrame]:
    """`frames` with an open order on another `day`, or with another `qty` still to come (0: cancelled).

    A purchase order is named `order/line`. Raises ValueError where there is no such open order.
    """
    for table, name, columns in (
        ("purchase_orders", PURCHASE_LINE, _purchase(day, qty)),
        ("reconciled_orders", pl.col("work_order"), _work(day, qty)),
    ):
        rows = frames[table]
        mine = (name == order).fill_null(False)
        if rows.filter(mine).height:
            changed = [pl.when(mine).then(value).otherwise(pl.col(c)).alias(c) for c, value in columns.items()]
            return {**frames, table: rows.with_columns(changed)}
    raise ValueError(
        f"purchase_orders, reconciled_orders: expected an order {order}, found none; purchase orders are named ORDER/LINE"
    )


def _purchase(day: date | None, qty: float | None) -> dict[str, pl.Expr]:
    columns: dict[str, pl.Expr] = {}
    if day is not None:
        columns["promised_date"] = pl.lit(day, dtype=pl.Date)
    if qty is not None:
        columns["qty"] = pl.col("received_qty").fill_null(0.0) + qty
    return columns


def _work(day: date | None, qty: float | None) -> dict[str, pl.Expr]:
    """A work order that moves keeps its length: the start date moves by as many days."""
    columns: dict[str, pl.Expr] = {}
    if day is not None:
        columns["due_date"] = pl.lit(day, dtype=pl.Date)
        columns["start_date"] = pl.col("start_date") + (pl.lit(day, dtype=pl.Date) - pl.col("due_date"))
    if qty is not None:
        columns["expected_qty"] = pl.lit(qty, dtype=pl.Float64)
        columns["remaining_qty"] = pl.lit(qty, dtype=pl.Float64)
    return columns
