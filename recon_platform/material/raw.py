"""All messages of a night before filters and history: table `action_messages`, everything SHOWN and NEW."""

from __future__ import annotations

import polars as pl

from recon_platform.material.exceptions import exception_messages
from recon_platform.material.messages import (
    data_messages,
    demand_messages,
    open_order_rows,
    release_messages,
    reschedule_messages,
    stock_messages,
)
from recon_platform.material.rows import Ints, ascending
from recon_platform.material.solution import Solution
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import ACTION_MESSAGES, MESSAGE_CODES, ORDER_TYPES
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse


def raw_messages(
    frames: Frames, solution: Solution, requirements: pl.DataFrame, context: PlanContext, reuse: Reuse | None = None
) -> pl.DataFrame:
    """Table `action_messages` before filters and history. `reuse`: what was read of the same operations before."""
    orders = open_order_rows(solution)
    rows = pl.concat(
        rechunk=True,
        items=[
            reschedule_messages(solution, orders, context),
            release_messages(solution, orders, context),
            demand_messages(solution, context),
            stock_messages(solution, requirements),
            data_messages(solution),
            exception_messages(frames, solution, orders, context),
        ],
    )
    return ACTION_MESSAGES.frame(
        with_work_centers(rows[by_name(rows)], frames, reuse or Reuse())
        .with_columns(
            pl.concat_str("code", "order_type", "order", separator=":").alias("message"),
            (pl.col("qty") * pl.col("cost")).alias("value"),
            pl.lit("SHOWN").alias("visibility"),
            pl.lit("NEW").alias("lifecycle"),
            pl.lit(False).alias("phoney"),
            pl.lit(0, dtype=pl.Int64).alias("age_nights"),
            pl.col("from_date").alias("original_date"),
        )
        .drop("cost", "name_rank")
    )


def with_work_centers(rows: pl.DataFrame, frames: Frames, reuse: Reuse) -> pl.DataFrame:
    """`rows` with the work center of the next operation as `resource` of work orders."""
    operations = frames.get("reconciled_operations")
    if operations is None or operations.is_empty():
        return rows
    next_up = reuse.of(_next_up, operations)
    return (
        rows.with_columns(pl.when(pl.col("order_type") == "work_order").then("order").alias("_made"))
        .join(next_up, left_on="_made", right_on="work_order", how="left", maintain_order="left")
        .with_columns(pl.coalesce("resource", "_center").alias("resource"))
        .drop("_made", "_center")
    )


def _next_up(operations: pl.DataFrame) -> pl.DataFrame:
    """The work center of the next operation of each order."""
    return (
        operations.filter(pl.col("status") != "complete")
        .sort("work_order", "op_seq")
        .group_by("work_order", maintain_order=True)
        .agg(pl.col("work_center").first().alias("_center"))
    )


def by_name(rows: pl.DataFrame) -> Ints:
    """Message rows in the order of their names code:type:order. Orders have their place already; the other names, of items
    and customer lines, are sorted here."""
    code, kind = (
        rows.get_column(name)
        .replace_strict({one: place for place, one in enumerate(sorted(known, key=lambda one: one + ":"))},
                        return_dtype=pl.Int64)
        .to_numpy()
        for name, known in (("code", MESSAGE_CODES), ("order_type", ORDER_TYPES))
    )  # fmt: skip
    place = rows.select(
        pl.coalesce("name_rank", pl.when(pl.col("name_rank").is_null()).then("order").rank("dense").cast(pl.Int64))
    ).to_series()
    return ascending(code, kind, place.to_numpy())
