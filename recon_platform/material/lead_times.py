"""Stacked lead times: how far ahead an item must be started, counted down its longest chain of components.

Belongs here: the stack, the component that decides it, and the least lead time a routing allows.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit

from recon_platform.material.rows import Ints
from recon_platform.material.structure import bom_frame, product_structure
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

MINUTES_PER_DAY = 24 * 60
STACK_SCHEMA = {
    "item": pl.String, "level": pl.Int64, "lead_days": pl.Float64, "stack_days": pl.Float64, "decided_by": pl.String,
    "least_lead_days": pl.Float64,
}  # fmt: skip


@njit(cache=True)
def _stacks(lead: Ints, line_at: Ints, line_parent: Ints) -> tuple[Ints, Ints]:
    """Longest sum of lead times from each item down, and the component on it; items parents first."""
    stack = lead.copy()
    via = np.full(len(lead), -1, dtype=np.int64)
    for item in range(len(lead) - 1, -1, -1):
        for line in range(line_at[item], line_at[item + 1]):
            parent = line_parent[line]
            if lead[parent] + stack[item] > stack[parent]:
                stack[parent] = lead[parent] + stack[item]
                via[parent] = item
    return stack, via


def lead_time_stacks(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Per item: lead time in calendar days, the stack of it and its slowest components, and which component decides.

    Working days count as 7/5 calendar days where the plant works five days: the ratio is taken from `plant_days`.
    `least_lead_days` is what the main routing needs without any queue or move.
    """
    days = frames["plant_days"].get_column("day")
    ratio = ((days.max() - days.min()).days + 1) / max(len(days), 1) if len(days) else 1.0  # type: ignore[operator, union-attr]
    items = frames["items"]
    structure = product_structure(items.get_column("item"), bom_frame(frames["bom_lines"]))
    placed = structure.items.join(items, on="item", how="left", maintain_order="left")
    lead = placed.select(
        pl.when(pl.col("make_buy") == "phantom").then(0.0)
        .when(pl.col("make_buy") == "buy").then(pl.col("lead_time_days"))
        .otherwise(pl.col("lead_time_days") * ratio).fill_null(0.0).alias("lead")
    ).to_series()  # fmt: skip
    tenths = np.array((lead * 10).round().cast(pl.Int64).to_numpy(), dtype=np.int64)
    at = np.searchsorted(structure.lines.get_column("component_ix").to_numpy(), np.arange(placed.height + 1))
    stack, via = _stacks(tenths, at.astype(np.int64), np.array(structure.lines.get_column("parent_ix").to_numpy()))
    names = placed.get_column("item")
    return (
        placed.select("item", "level")
        .with_columns(
            lead.alias("lead_days"),
            pl.Series("stack_days", stack / 10),
            names.gather(pl.Series(via).replace(-1, None)).alias("decided_by"),
        )
        .join(least_lead_times(frames), on="item", how="left", maintain_order="left")
        .select(list(STACK_SCHEMA))
        .sort("item")
    )


def least_lead_times(frames: Frames) -> pl.DataFrame:
    """`item`, `least_lead_days`: set-up and run of the item's usual lot on its main routing, no queue, round the clock."""
    routings = frames.get("routings")
    if routings is None or routings.is_empty():
        return pl.DataFrame(schema={"item": pl.String, "least_lead_days": pl.Float64})
    lot = frames["items"].select("item", pl.coalesce("lot_qty", "min_qty", pl.lit(1.0)).alias("_lot"))
    minutes = (
        pl.coalesce(
            "batch_minutes",
            pl.col("setup_min").fill_null(0.0) + pl.col("run_min_per_unit").fill_null(0.0) * pl.col("_lot"),
        )
        + pl.col("external_days").fill_null(0.0) * MINUTES_PER_DAY
    )
    return (
        routings.filter(pl.col("routing") == "main")
        .join(lot, on="item", how="left")
        .group_by("item")
        .agg((minutes.sum() / MINUTES_PER_DAY).alias("least_lead_days"))
    )


def unstable_lot_rules(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Lot-sizing guard: items whose dynamic lot rule acts inside the stacked lead time of what they go into.

    There every change of a lot reaches orders that have been started; the advice is to firm their planned orders inside
    the stack, or to keep a fixed quantity. `item`, `lot_rule`, `stack_days`, `planned_inside` (planned orders there).
    """
    stacks = lead_time_stacks(frames, context).select("item", "stack_days")
    inside = (
        frames["planned_orders"]
        .join(stacks, on="item")
        .filter((pl.col("start_date") - pl.lit(context.planning_date)).dt.total_days() < pl.col("stack_days"))
        .group_by("item")
        .agg(pl.len().cast(pl.Int64).alias("planned_inside"))
    )
    return (
        frames["items"]
        .filter(pl.col("lot_rule").is_in(["minimum", "period", "part_period", "silver_meal"]))
        .select("item", "lot_rule")
        .join(stacks, on="item")
        .join(inside, on="item")
        .sort("item")
    )
