"""Tooling as a component with a need date: when each tool must stand ready, for which order, and when it is worn.

A tool that is bought and used up like material is an item and netted with the rest. Here are tools that operations
borrow: the main routing names them, and the order's dates say when.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import TOOL_NEEDS
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import conformed_table

MINUTES_PER_DAY = 24 * 60


def tool_needs_table(frames: Frames, supply_orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Table `tool_needs`: every use of a tool by an order that is open or planned, by the day the tool is needed.

    Between start and need of an order its operations lie in proportion to their minutes and vendor time; a tool is
    needed on the day its operation begins. `copies_short` is how many copies too few there are on that day. A use is
    `worn` when the units made with the tool up to it exceed what its copies still last (`life_units` × copies − used).
    """
    uses = tool_uses(frames, supply_orders, context)
    tools = frames.get("tools")
    if tools is None:
        tools = conformed_table("tools").empty()
    if uses.is_empty():
        return TOOL_NEEDS.empty()
    life = pl.col("life_units") * pl.col("copies") - pl.col("used_units").fill_null(0.0)
    today = pl.lit(context.planning_date)
    rows = (
        uses.with_columns(pl.max_horizontal("need_date", today).alias("_day"))
        .join(tools.select("tool", "copies", life.alias("_life")), on="tool", how="left")
        .sort("tool", "_day", "need_date", "order", "op_seq")
        .with_columns(
            pl.col("order").n_unique().over("tool", "_day").cast(pl.Int64).alias("_wanted"),
            pl.col("units").cum_sum().over("tool").alias("_made"),
        )
    )
    return TOOL_NEEDS.frame(
        rows.select(
            "tool", "order", "op_seq", "kind", "item", "work_center", "need_date", "units", "hours", "copies",
            (pl.col("_wanted") - pl.col("copies").fill_null(0)).clip(lower_bound=0).alias("copies_short"),
            (pl.col("_made") > pl.col("_life")).fill_null(False).alias("worn"),
        )
    ).sort(TOOL_NEEDS.key)  # fmt: skip


def tool_uses(frames: Frames, supply_orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """`tool`, `order`, `op_seq`, `kind`, `item`, `work_center`, `need_date`, `units`, `hours` per operation with a tool."""
    main = main_routing(frames, context).select(
        "item", "op_seq", "work_center", "tool", "setup_min", "run_min_per_unit", "batch_minutes", "external_days"
    )
    minutes = (
        pl.col("setup_min").fill_null(0.0)
        + pl.coalesce("batch_minutes", pl.col("run_min_per_unit").fill_null(0.0) * pl.col("qty"))
        + pl.col("external_days").fill_null(0.0) * MINUTES_PER_DAY
    )
    done = _operations_done(frames)
    rows = (
        supply_orders.select("order", "kind", "item", "qty", "start_date", "need_date")
        .join(main, on="item")
        .join(done, on=["order", "op_seq"], how="anti")
        .sort("order", "op_seq")
        .with_columns(minutes.alias("_minutes"))
        .with_columns((pl.col("_minutes").cum_sum() - pl.col("_minutes")).over("order").alias("_before"))
    )
    begin = pl.coalesce("start_date", "need_date")
    length = (pl.col("need_date") - begin).dt.total_days().clip(lower_bound=0)
    part = (pl.col("_before") / pl.col("_minutes").sum().over("order")).fill_nan(0.0)
    return rows.with_columns(
        (begin + pl.duration(days=(part * length).floor().cast(pl.Int64))).cast(pl.Date).alias("need_date"),
        pl.col("qty").alias("units"),
        (pl.col("_minutes") / 60).alias("hours"),
    ).filter(pl.col("tool").is_not_null())


def main_routing(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Operations of the main routing that hold on the planning date: of several versions the one that began last."""
    routings = frames.get("routings")
    if routings is None:
        return conformed_table("routings").empty()
    today = pl.lit(context.planning_date)
    holds = (pl.col("valid_from").is_null() | (pl.col("valid_from") <= today)) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= today)
    )
    return (
        routings.filter((pl.col("routing") == "main") & holds)
        .sort("item", "op_seq", "valid_from", nulls_last=False)
        .unique(["item", "op_seq"], keep="last", maintain_order=True)
    )


def _operations_done(frames: Frames) -> pl.DataFrame:
    """`order`, `op_seq` of operations that are complete: they need their tool no more."""
    operations = frames.get("reconciled_operations")
    if operations is None:
        return pl.DataFrame(schema={"order": pl.String, "op_seq": pl.Int64})
    return operations.filter(pl.col("status") == "complete").select(pl.col("work_order").alias("order"), "op_seq")
