"""What if: the effects of a change on material, shown before anybody accepts it.

A changed night is planned with the present plan as its night before, so that messages come out as new, changed or
cleared with their causes, by the same code that will run when the change is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.material.plan import plan_material
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

MADE = (
    "requirements", "planned_orders", "pegging", "action_messages", "message_causes", "supply_orders", "order_links",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effects:
    """`messages`: code, feasible, lifecycle, count and value of what the change brings or clears; `orders`: planned orders
    added, removed or resized; `load_hours`: change per work center; `money`: change of the value of planned orders;
    `frozen`: changed planned orders that start inside the frozen days; `tables`: the changed plan."""

    messages: pl.DataFrame
    orders: pl.DataFrame
    load_hours: pl.DataFrame
    money: float
    frozen: int
    tables: dict[str, pl.DataFrame]

    @property
    def infeasible(self) -> int:
        """New or changed messages that cannot be carried out in the lead time that is left."""
        return int(self.messages.filter(pl.col("feasible").eq(False)).get_column("messages").sum())


def what_if(frames: Frames, changed: Frames, context: PlanContext) -> Effects:
    """Effects of planning `changed` (inputs with a change of master schedule, parameter, supply or stock) in place of
    `frames`, which hold the present inputs and, if planned already, the present plan."""
    present = {name: frame for name, frame in frames.items() if not name.startswith("previous.")}
    if any(name not in present for name in MADE):
        present.update(plan_material(frames, context))
    base = {f"previous.{name}": frame for name, frame in present.items()}
    inputs = {name: frame for name, frame in changed.items() if not name.startswith("previous.") and name not in MADE}
    made = plan_material({**inputs, **base}, context)
    orders = changed_orders(present["planned_orders"], made["planned_orders"])
    cost = changed["items"].select("item", pl.col("cost").fill_null(0.0).alias("_cost"))
    money = orders.join(cost, on="item", how="left").select((pl.col("change") * pl.col("_cost")).sum()).item()
    first = (pl.col("start_date") - pl.lit(context.planning_date)).dt.total_days()
    return Effects(
        messages=message_effects(made["action_messages"]),
        orders=orders,
        load_hours=load_effects(orders, changed),
        money=float(money or 0.0),
        frozen=orders.filter(first < context.policy.material.master_schedule_frozen_days).height,
        tables=made,
    )


def message_effects(messages: pl.DataFrame) -> pl.DataFrame:
    """Messages the change brings (NEW, CHANGED, FLIPPED) or clears, by code and feasibility."""
    return (
        messages.filter(pl.col("lifecycle").is_in(["NEW", "CHANGED", "FLIPPED", "CLEARED"]))
        .group_by("code", "feasible", "lifecycle")
        .agg(pl.len().cast(pl.Int64).alias("messages"), pl.col("value").sum())
        .sort("code", "feasible", "lifecycle", nulls_last=True)
    )


def changed_orders(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Planned orders that come, go or change size: `order`, `item`, `start_date`, `due_date`, `was`, `is`, `change`."""
    key = ["order", "item", "start_date", "due_date"]
    return (
        before.select(*key, pl.col("qty").alias("was"))
        .join(after.select(*key, pl.col("qty").alias("is")), on=key, how="full", coalesce=True)
        .with_columns(pl.col("was", "is").fill_null(0.0))
        .with_columns((pl.col("is") - pl.col("was")).alias("change"))
        .filter(pl.col("change").abs() > 1e-9)
        .sort(key)
    )


def load_effects(orders: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """`work_center`, `hours`: change of run and set-up time on main routings."""
    routings = frames.get("routings")
    if routings is None or routings.is_empty():
        return pl.DataFrame(schema={"work_center": pl.String, "hours": pl.Float64})
    setups = (pl.col("is") > 0).cast(pl.Float64) - (pl.col("was") > 0).cast(pl.Float64)
    minutes = pl.col("change") * pl.col("run_min_per_unit").fill_null(0.0) + setups * pl.col("setup_min").fill_null(0.0)
    return (
        orders.join(routings.filter(pl.col("routing") == "main"), on="item")
        .group_by("work_center")
        .agg((minutes.sum() / 60).alias("hours"))
        .filter(pl.col("hours").abs() > 1e-9)
        .sort("work_center")
    )


def withdrawal(frames: Frames, item: str, qty: float) -> dict[str, pl.DataFrame]:
    """`frames` with `qty` of `item` taken out of stock: an unplanned withdrawal, for `what_if` before it is made.

    Raises ValueError where the item has no stock record to take from.
    """
    stock = frames["inventory"]
    mine = (pl.col("item") == item) & (pl.col("status") == "available")
    rows = stock.with_row_index("_row").filter(mine).sort("qty", descending=True)
    if rows.is_empty():
        raise ValueError(f"inventory: expected available stock of {item}, found none; nothing can be withdrawn")
    at = rows.item(0, "_row")
    taken = pl.when(pl.int_range(pl.len()) == at).then(pl.col("qty") - qty).otherwise(pl.col("qty"))
    return {**frames, "inventory": stock.with_columns(taken.alias("qty"))}
