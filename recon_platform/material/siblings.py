"""Components that may wait because another one of the same order is surely late: delays that pay for its expedite.

Belongs here: which open supplies lose their hurry. Nothing here changes a plan; `recon material-effects` shows what
moving one would do.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.tables.model import Frames

OPEN_SUPPLY = ("purchase_order", "work_order")
CONSUMERS = ("work_order", "planned")
SIBLING_SCHEMA = {
    "parent": pl.String, "order_type": pl.String, "order": pl.String, "item": pl.String, "qty": pl.Float64,
    "need_date": pl.Date, "delay_to": pl.Date,
}  # fmt: skip


def siblings_to_delay(frames: Frames, supply: str, ready: date) -> pl.DataFrame:
    """Open orders for the other components of the orders that wait for `supply`, which comes on `ready`.

    An order whose other demands allow it can come as late as the late component (`delay_to`), or as the first demand of
    another order asks. The orders above those that wait are not looked at: they may still be caught up
    (`remedies.compress`). Raises ValueError where nothing of this plan is pegged to `supply`.
    """
    pegs = frames["pegging"]
    mine = pegs.filter(pl.col("supply") == supply)
    if mine.is_empty():
        raise ValueError(f"pegging.supply: expected an order of this plan, found none called {supply!r}")
    waits = (
        mine.filter(pl.col("demand_type").is_in(CONSUMERS) & (pl.col("need_date") < ready))
        .select(pl.col("demand").alias("parent"))
        .unique()
    )
    late_items = mine.select("item").unique()
    siblings = (
        pegs.filter(pl.col("supply_type").is_in(OPEN_SUPPLY))
        .join(late_items, on="item", how="anti")
        .join(waits, left_on="demand", right_on="parent", how="semi")
        .select("supply_type", "supply", "item")
        .unique()
    )
    waiting = pl.col("demand").is_in(waits.get_column("parent").implode()) & pl.col("demand_type").is_in(CONSUMERS)
    allowed = pl.when(waiting).then(pl.max_horizontal("need_date", pl.lit(ready))).otherwise(pl.col("need_date"))
    return (
        pegs.join(siblings, on=["supply_type", "supply", "item"], how="semi")
        .with_columns(allowed.alias("_allowed"), waiting.alias("_waiting"))
        .sort("need_date", "demand", nulls_last=True)
        .group_by(pl.col("supply_type").alias("order_type"), pl.col("supply").alias("order"), "item")
        .agg(
            pl.col("demand").filter("_waiting").first().alias("parent"), pl.col("qty").sum(),
            pl.col("need_date").min(), pl.col("_allowed").min().alias("delay_to"),
        )
        .filter(pl.col("delay_to") > pl.col("need_date"))
        .sort("delay_to", "order_type", "order", descending=[True, False, False])
        .select(list(SIBLING_SCHEMA))
    )  # fmt: skip
