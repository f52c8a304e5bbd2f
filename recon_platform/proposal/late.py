"""Late orders: the made orders behind customer lines that a plan ships late, through all levels."""

from __future__ import annotations

import polars as pl

from recon_platform.tables.lines import CUSTOMER_LINE
from recon_platform.tables.model import Frames


def late_pairs(frames: Frames) -> pl.DataFrame:
    """`order`, `line_name` (sales order/line): every made order that a late customer line waits for."""
    lines = frames["order_promises"].filter((pl.col("late_days") > 0) | pl.col("projected_ship").is_null())
    found = (
        frames["pegging"]
        .filter(pl.col("demand_type") == "sales_order", pl.col("supply_type").is_in(["work_order", "planned"]))
        .join(lines.select(CUSTOMER_LINE.alias("demand")), on="demand", how="semi")
        .select(pl.col("supply").alias("order"), pl.col("demand").alias("line_name"))
        .unique()
    )
    links = frames["order_links"].select(pl.col("supply_order"), pl.col("demand_order").alias("order"))
    everything, newest = found, found
    while not newest.is_empty():  # one pass a level of the bill of material
        newest = (
            newest.join(links, on="order")
            .select(pl.col("supply_order").alias("order"), "line_name")
            .unique()
            .join(everything, on=["order", "line_name"], how="anti")
        )
        everything = pl.concat([everything, newest])
    return everything.sort("order", "line_name")


def late_orders(frames: Frames) -> pl.DataFrame:
    """`order`, `lines`, `line_names`, `weight`: late orders, those most lines of most weight wait for first."""
    weights = frames["supply_orders"].select("order", "weight")
    return (
        late_pairs(frames)
        .group_by("order")
        .agg(pl.col("line_name").n_unique().alias("lines"), pl.col("line_name").sort().alias("line_names"))
        .join(weights, on="order")
        .sort(pl.col("lines") * pl.col("weight"), "order", descending=[True, False])
    )
