"""The night before, rolled forward to today as if everything had gone exactly to plan.

What was due came in full, what was to be released was released, forecast of the days between was sold. Shipments and
issues are taken as they really were, on both sides of the balance: they move stock and demand alike and so move no date.
The difference between this baseline and tonight's facts is what the ledger has to explain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from recon_platform.material.demand import DEMAND_SOURCES
from recon_platform.material.forecast import as_planned
from recon_platform.material.snapshot import Snapshot, snapshot
from recon_platform.material.supply import joined
from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import CUSTOMER_LINE
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import conformed_table

NEEDED = ("items", "bom_lines", "inventory", "purchase_orders", "sales_orders", "reconciled_orders", "plant_days")
OPTIONAL = ("master_schedule", "allocations", "material_issues", "inventory_transactions")
RECEIVED = ("purchase_order", "work_order")


@dataclass(frozen=True, slots=True)
class Baseline:
    """`facts`: the rolled snapshot. `expected`: receipts it takes as having come (order_type, order, item, qty).
    `released`: orders of today that carry out a release planned then (order, planned)."""

    facts: Snapshot
    expected: pl.DataFrame
    released: pl.DataFrame
    before: Frames
    since: date


def previous_frames(frames: Frames) -> dict[str, pl.DataFrame] | None:
    """Tables of the run before under their plain names; None where one that a baseline needs is not there."""
    before = {n.removeprefix("previous."): f for n, f in frames.items() if n.startswith("previous.")}
    if any(name not in before for name in NEEDED):
        return None
    before.setdefault("customers", frames["customers"])
    for name in OPTIONAL:
        before.setdefault(name, conformed_table(name).empty())
    if "planned_forecast" in before:
        before["master_schedule"] = as_planned(before["master_schedule"], before["planned_forecast"])
    return before


def previous_day(before: Frames) -> date | None:
    """The working day the run before planned on."""
    zero = before["plant_days"].filter(pl.col("ordinal") == 0).get_column("day")
    return zero.item() if len(zero) == 1 else None


def roll(before: Frames, now: Snapshot, frames: Frames, context: PlanContext) -> Baseline:
    """The baseline of tonight: last night's facts, rolled from its planning date to today's."""
    since = previous_day(before) or context.planning_date
    then = snapshot(before, replace(context, planning_date=since), now.days)
    between = pl.col("date").is_between(since, context.planning_date, closed="left")

    due = then.orders.filter(
        pl.col("order_type").is_in(RECEIVED)
        & pl.col("available_date").is_between(since, context.planning_date, closed="left")
    )
    expected = due.select("order_type", "order", "item", "qty")
    orders = then.orders.join(
        expected.select("order_type", "order", pl.lit(True).alias("_came")), on=["order_type", "order"], how="left"
    ).with_columns(pl.when(pl.col("_came")).then(0.0).otherwise(pl.col("qty")).alias("qty")).drop("_came")  # fmt: skip

    demands = demand_flows(then, now, before, frames)
    sold_forecast = pl.col("demand_type").is_in(DEMAND_SOURCES) & between
    demands = demands.with_columns(pl.when(sold_forecast).then(pl.col("qty")).otherwise(pl.col("flow")).alias("flow"))
    moves = pl.concat(
        [
            then.stock.select("item", pl.col("on_hand").alias("qty")),
            expected.select("item", "qty"),
            demands.filter(pl.col("flow") > 0).select("item", -pl.col("flow").alias("qty")),
        ]
    )
    stock = moves.group_by("item").agg(pl.col("qty").sum().alias("on_hand")).sort("item")
    kept = demands.with_columns((pl.col("qty") - pl.col("flow")).alias("qty")).filter(pl.col("qty") > 1e-9).drop("flow")

    released = carried_out(before, then, now, context.planning_date)
    orders, kept = joined(orders, released, kept)
    facts = replace(then, stock=stock, orders=orders, demands=kept)
    return Baseline(facts, expected, released.select("order", "planned"), before, since)


def demand_flows(then: Snapshot, now: Snapshot, before: Frames, frames: Frames) -> pl.DataFrame:
    """`then.demands` with `flow`: what was shipped or issued of each since, as it really was."""
    shipped = (
        before["sales_orders"]
        .select("sales_order", "line", pl.col("shipped_qty").fill_null(0.0).alias("_was"))
        .join(
            frames["sales_orders"].select(
                "sales_order",
                "line",
                pl.col("shipped_qty").fill_null(0.0).alias("_is"),
                "status",
                pl.col("qty").alias("_q"),
            ),
            on=["sales_order", "line"],
        )
        .select(
            pl.lit("sales_order").alias("demand_type"),
            CUSTOMER_LINE.alias("demand"),
            pl.when(pl.col("status").is_in(["shipped", "closed"]))
            .then(pl.max_horizontal("_is", "_q"))
            .otherwise(pl.col("_is"))
            .sub(pl.col("_was"))
            .alias("_shipped"),
        )
    )
    rows = then.demands.join(shipped, on=["demand_type", "demand"], how="left", maintain_order="left")
    progress = (
        then.orders.select(pl.col("order_type").alias("demand_type"), pl.col("order").alias("demand"), "start_qty")
        .join(
            now.orders.select(
                pl.col("order_type").alias("demand_type"),
                pl.col("order").alias("demand"),
                pl.col("start_qty").alias("_left"),
            ),
            on=["demand_type", "demand"],
            how="left",
        )
        .with_columns(
            pl.col("_left").is_null().alias("_gone"), (pl.col("_left") < pl.col("start_qty")).alias("_progressed")
        )
        .select("demand_type", "demand", "_gone", "_progressed")
    )
    still = now.demands.select("demand_type", "demand", "item", "op_seq", pl.col("qty").alias("_still"))
    issued = issued_since(before, frames)
    rows = (
        rows.join(progress, on=["demand_type", "demand"], how="left", maintain_order="left")
        .join(
            still, on=["demand_type", "demand", "item", "op_seq"], how="left", nulls_equal=True, maintain_order="left"
        )
        .join(issued, on=["demand", "item", "op_seq"], how="left", nulls_equal=True, maintain_order="left")
    )
    used = (
        pl.when(pl.col("_issued").is_not_null()).then(pl.col("_issued"))
        .when(pl.col("_gone")).then(pl.col("qty"))
        .when(pl.col("_progressed")).then(pl.col("qty") - pl.col("_still").fill_null(0.0))
        .otherwise(0.0)
    )  # fmt: skip
    flow = pl.when(pl.col("demand_type") == "sales_order").then(pl.col("_shipped")).otherwise(used)
    return rows.with_columns(flow.fill_null(0.0).clip(0.0, pl.col("qty")).alias("flow")).select(
        *then.demands.columns, "flow"
    )


def issued_since(before: Frames, frames: Frames) -> pl.DataFrame:
    """`demand` (work order), `item`, `op_seq`, `_issued`: what was issued since, where both nights record it."""
    key = ["work_order", "component_item", "op_seq"]
    issues = frames.get("material_issues")
    if issues is None:
        issues = conformed_table("material_issues").empty()
    was = before["material_issues"].group_by(key).agg(pl.col("issued_qty").sum().alias("_was"))
    return (
        issues.group_by(key)
        .agg(pl.col("issued_qty").sum().alias("_is"))
        .join(was, on=key, nulls_equal=True)
        .select(
            pl.col("work_order").alias("demand"), pl.col("component_item").alias("item"), "op_seq",
            (pl.col("_is") - pl.col("_was")).alias("_issued"),
        )
    )  # fmt: skip


def carried_out(before: Frames, then: Snapshot, now: Snapshot, today: date) -> pl.DataFrame:
    """Orders of today that carry out a planned release of then, as they were planned: k-th planned order of an item due
    for release by today with its k-th new order, both by date."""
    columns = [*then.orders.columns, "planned"]
    planned = before.get("planned_orders")
    if planned is None:
        return then.orders.clear().with_columns(pl.lit(None, dtype=pl.String).alias("planned"))
    rank = pl.int_range(pl.len()).over("item").alias("_k")
    then_planned = (
        planned.filter(~pl.col("firm") & (pl.col("start_date") <= today))
        .sort("item", "due_date", "order")
        .select(
            "item", rank, pl.col("order").alias("planned"), pl.col("good_qty").alias("_good"), pl.col("qty").alias("_start"),
            pl.col("due_date").alias("_due"),
        )
    )  # fmt: skip
    fresh = (
        now.orders.filter(pl.col("order_type").is_in(RECEIVED))
        .join(then.orders, on=["order_type", "order"], how="anti")
        .sort("item", "day", "order")
        .with_columns(rank)
    )
    matched = fresh.join(then_planned, on=["item", "_k"], maintain_order="left")
    day = pl.col("_due").cast(pl.Int32).cast(pl.Int64)
    return matched.with_columns(
        pl.col("_good").alias("qty"), pl.col("_start").alias("start_qty"), pl.col("_due").alias("due_date"),
        pl.col("_due").alias("available_date"), pl.col("_due").alias("original_due"), day.alias("day"),
    ).select(columns)  # fmt: skip
