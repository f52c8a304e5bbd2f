"""The delta view rolled up: how many operations changed, by how much, and what it does, per cause, order, place, customer."""

from __future__ import annotations

import polars as pl

from recon_platform.tables.model import Frames

NONE_KNOWN = "–"


def roll_up(frames: Frames, by: str) -> pl.DataFrame:
    """`by`, `changes`, `orders`, `otif_effect` (lines), `labour_effect` (hours), `shift_hours` (mean, absolute).

    `by`: cause, work_order, work_center or customer. The effect on lines is counted once an order.
    """
    orders = (
        frames["supply_orders"]
        .join(frames["sales_orders"].select("sales_order", "line", "customer"), on=["sales_order", "line"], how="left")
        .select(pl.col("order").alias("work_order"), "customer")
    )
    places = pl.concat(
        [frames[name].select("work_order", "op_seq", "work_center") for name in ("schedule", "reconciled_operations")]
    ).unique(["work_order", "op_seq"], keep="first", maintain_order=True)
    rows = (
        frames["proposal_changes"]
        .join(orders, on="work_order", how="left")
        .join(places, on=["work_order", "op_seq"], how="left")
        .with_columns(pl.col(by).fill_null(NONE_KNOWN))
    )
    first_of_order = pl.int_range(pl.len()).over(by, "work_order") == 0
    return (
        rows.sort("work_order", "op_seq", "what")
        .with_columns(pl.when(first_of_order).then("otif_effect").otherwise(0).alias("otif_effect"))
        .group_by(by)
        .agg(
            pl.len().cast(pl.Int64).alias("changes"),
            pl.col("work_order").n_unique().cast(pl.Int64).alias("orders"),
            pl.col("otif_effect").sum(),
            pl.col("labour_effect").sum().round(2),
            (pl.col("shift_minutes").abs().mean() / 60).round(2).alias("shift_hours"),
        )
        .sort("changes", by, descending=[True, False])
    )
