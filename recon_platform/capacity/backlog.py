"""The operations to schedule: what is left of open work orders, and planned orders exploded by their routings.

Belongs here: one row per operation with all that its placement depends on, and the orders that cannot be scheduled,
each with its reason. Not here: machines, families, numbers for the kernel (`prepare`).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only

_COLUMNS: dict[str, pl.DataType] = {
    "work_order": pl.String(), "op_seq": pl.Int64(), "operation_code": pl.String(), "work_center": pl.String(),
    "machine": pl.String(), "status": pl.String(), "total_qty": pl.Float64(), "qty": pl.Float64(),
    "setup_min": pl.Float64(), "run_min_per_unit": pl.Float64(), "started_at": pl.Datetime("us", "UTC"),
    "setup_skill": pl.String(), "setup_people": pl.Float64(), "run_skill": pl.String(), "run_people": pl.Float64(),
    "queue_min": pl.Float64(), "move_min": pl.Float64(), "max_wait_min": pl.Float64(), "setup_family": pl.String(),
    "overlap_qty": pl.Float64(), "pausable": pl.Boolean(), "batch_min": pl.Float64(), "batch_max": pl.Float64(),
    "batch_minutes": pl.Float64(), "tool": pl.String(), "external_days": pl.Float64(),
}  # fmt: skip
_REASON = {"work_order": pl.String(), "reason": pl.String()}


_LISTED_BY = ("work_order", "kind", "item", "qty", "start_date")


def read_backlog(
    frames: Frames, context: PlanContext, reuse: Reuse | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(operations, orders, refused): what is to be scheduled, and work_order, reason of what cannot be.

    `orders`: work_order, kind, item, start_date, due_at, weight, earliest_at, material_bound, lot, campaign, begun.
    Operations are sorted by work order and sequence; those that are complete or have nothing left are not listed.
    """
    reuse = reuse or Reuse()
    orders = reuse.of(_orders, only(frames, "supply_orders", "reconciled_orders", "reconciled_operations"), context)
    operations_of = only(frames, "reconciled_operations", "routings", "work_centers")
    operations, refused, begun = reuse.of(_operations, orders.select(_LISTED_BY), operations_of, context)
    return operations, orders.join(begun, on="work_order", maintain_order="left"), refused


def _operations(
    listed: pl.DataFrame, frames: Frames, context: PlanContext
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(operations, refused, begun) of the orders `listed`; `begun`: work_order, begun of those that have operations."""
    orders = listed.lazy()
    known = frames["reconciled_operations"].lazy()
    open_operations = (
        known.filter((pl.col("status") != "complete") & (pl.col("remaining_qty") > 0))
        .rename({"qty": "total_qty", "remaining_qty": "qty"})
        .select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items())
        .join(orders.select("work_order"), on="work_order", how="semi")
    )
    planned = _explode(frames, context, orders.filter(pl.col("kind") == "planned")).collect().lazy()
    refused = [
        orders.filter(pl.col("kind") == "work_order")
        .join(known.select("work_order").unique(), on="work_order", how="anti")
        .select("work_order", _words("no routing: no operation is known for item ", pl.col("item"), "; add a routing")),
        orders.filter(pl.col("kind") == "planned")
        .join(planned.select("work_order").unique(), on="work_order", how="anti")
        .select(
            "work_order",
            _words("no routing: item ", pl.col("item"), " has none valid on ", pl.col("start_date").cast(pl.String),
                   "; add a routing or buy it"),
        ),
        open_operations.filter(pl.col("status") == "hold")
        .group_by("work_order")
        .agg(pl.col("op_seq").min())
        .select("work_order", _words("operation ", pl.col("op_seq").cast(pl.String), " is on hold; release it in the MES")),
    ]  # fmt: skip
    operations = pl.concat([open_operations, planned]).sort("work_order", "op_seq").collect().lazy()
    homeless = (
        operations.join(frames["work_centers"].lazy().select("work_center"), on="work_center", how="anti")
        .group_by("work_order")
        .agg(pl.col("op_seq").min(), pl.col("work_center").sort_by("op_seq").first())
        .select(
            "work_order",
            _words("operation ", pl.col("op_seq").cast(pl.String), ": work center ", pl.col("work_center"),
                   " is not known; correct the routing"),
        )
    )  # fmt: skip
    reasons = pl.concat([*(frame.cast(_REASON) for frame in refused), homeless.cast(_REASON)])  # type: ignore[arg-type]
    first_reason = reasons.unique("work_order", keep="first", maintain_order=True).sort("work_order")
    operations = operations.join(first_reason, on="work_order", how="anti", maintain_order="left")
    begun = (
        operations.group_by("work_order")
        .agg(pl.col("status").is_in(["running", "setup", "paused"]).any().alias("begun"))
        .sort("work_order")
    )
    made = pl.collect_all([operations, first_reason, begun])
    return made[0], made[1], made[2]


def _words(*parts: str | pl.Expr) -> pl.Expr:
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts], ignore_nulls=True).alias(
        "reason"
    )


def _orders(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Every order to schedule: all supply orders, and open work orders that netting did not list."""
    supply = frames["supply_orders"].lazy().select(
        pl.col("order").alias("work_order"), "kind", "item", "qty", "start_date", "due_at",
        pl.col("weight").clip(1e-3), "earliest_at", "material_bound",
    )  # fmt: skip
    last = pl.lit(context.planning_date + timedelta(days=context.policy.capacity.horizon_days))
    supply = supply.filter(
        (pl.col("kind") != "planned") | pl.col("start_date").is_null() | (pl.col("start_date") <= last)
    )
    reconciled = frames["reconciled_orders"].lazy()
    others = (
        reconciled.filter(pl.col("status").is_in(["firm", "released", "in_process"]))
        .join(frames["reconciled_operations"].lazy().select("work_order").unique(), on="work_order", how="semi")
        .join(supply.select("work_order"), on="work_order", how="anti")
        .select(
            "work_order", pl.lit("work_order").alias("kind"), "item", pl.col("expected_qty").alias("qty"), "start_date",
            pl.col("due_date").cast(pl.Datetime("us")).dt.offset_by("1d").dt.replace_time_zone("UTC").alias("due_at"),
            pl.lit(1.0).alias("weight"), pl.lit(context.as_of).cast(pl.Datetime("us", "UTC")).alias("earliest_at"),
            pl.lit(None, pl.String).alias("material_bound"),
        )
    )  # fmt: skip
    facts = reconciled.select("work_order", "lot", "campaign", "not_before", pl.col("status").alias("order_status"))
    schema = supply.collect_schema()
    return (
        pl.concat([supply, others.select(schema.names()).cast(schema)])
        .join(facts, on="work_order", how="left")
        .sort("work_order")
        .collect()
    )


def _explode(frames: Frames, context: PlanContext, planned: pl.LazyFrame) -> pl.LazyFrame:
    """The operations of planned orders, by the main routing valid on their start date."""
    routing = frames["routings"].lazy().filter(pl.col("routing") == "main")
    day = pl.max_horizontal(pl.col("start_date").fill_null(context.planning_date), pl.lit(context.planning_date))
    rows = (
        planned.filter(pl.col("qty") > 0)
        .select("work_order", "item", pl.col("qty").alias("started"), day.alias("day"))
        .join(routing, on="item")
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("day")))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("day")))
        )
        .sort("work_order", "op_seq")
        .unique(["work_order", "op_seq"], keep="last", maintain_order=True)
    )
    good = pl.col("yield").fill_null(1.0).log().cum_sum().shift(1, fill_value=0.0).over("work_order").exp()
    rows = rows.with_columns(
        (pl.col("started") * good).alias("qty"),
        pl.lit("waiting").alias("status"),
        pl.lit(None, pl.String).alias("machine"),
        pl.lit(None, pl.Datetime("us", "UTC")).alias("started_at"),
        pl.col("pausable").fill_null(True),
        pl.col("queue_min").fill_null(0.0),
        pl.col("move_min").fill_null(0.0),
    ).with_columns(pl.col("qty").alias("total_qty"))
    return rows.select(pl.col(name).cast(kind) for name, kind in _COLUMNS.items())
