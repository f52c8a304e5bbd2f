"""Postings and their reversals, taken out in pairs before anything is compared; what is left is what was really posted.

Belongs here: `inventory_transactions` per order. Quantities the ERP states on the order or its issues come first; the
postings stand in where it states none.
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.text import instant, json, number
from recon_platform.tables.model import Frames

EQUAL = 1e-9


def reversal_pairs(frames: Frames) -> pl.DataFrame:
    """Linked postings of one item with equal quantity and opposite sign: `transaction`, `reversal` and their facts."""
    postings = frames["inventory_transactions"].filter(pl.col("kind") != "count")
    back = postings.filter(pl.col("reversal_of").is_not_null()).select(
        "item", "order", "qty", "at", "user", reversal="transaction", transaction="reversal_of"
    )
    first = postings.select("transaction", "item", first_qty="qty", first_at="at", first_order="order")
    return (
        back.join(first, on=["transaction", "item"], how="inner")
        .filter((pl.col("qty") + pl.col("first_qty")).abs() <= EQUAL * pl.col("qty").abs().clip(lower_bound=1.0))
        .unique("transaction", keep="first", maintain_order=True)
        .with_columns(order=pl.coalesce("order", "first_order"))
        .sort("transaction")
    )


def net_postings(frames: Frames, pairs: pl.DataFrame) -> pl.DataFrame:
    """Per order and item what stock moved, without reversed pairs: `issued` (out of stock) and `received` (into it)."""
    gone = pl.concat([pairs.get_column("transaction"), pairs.get_column("reversal")])
    left = frames["inventory_transactions"].filter(
        pl.col("order").is_not_null()
        & pl.col("kind").is_in(["issue", "receipt"])
        & ~pl.col("transaction").is_in(gone.implode())
    )
    return (
        left.group_by("order", "item")
        .agg(
            issued=-pl.col("qty").filter(pl.col("kind") == "issue").sum(),
            issues=(pl.col("kind") == "issue").sum(),
            received=pl.col("qty").filter(pl.col("kind") == "receipt").sum(),
            receipts=(pl.col("kind") == "receipt").sum(),
        )
        .sort("order", "item")
    )


def reversal_findings(pairs: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Findings of QT-09: one per pair."""
    owners = orders.select("order_no", "work_order", "orders_behind")
    known = pairs.join(owners, left_on="order", right_on="work_order", how="left", maintain_order="left")
    return known.select(
        "order_no",
        pl.lit("QT-09").alias("rule"),
        pl.lit(rule("QT-09").mode).alias("mode"),
        pl.lit("item").alias("entity_type"),
        pl.format("{}/{}", "item", "transaction").alias("entity"),
        pl.lit("qty").alias("field"),
        number("first_qty").alias("erp_value"),
        pl.lit(None, dtype=pl.String).alias("mes_value"),
        pl.format("left out with its reversal {}", "reversal").alias("correction"),
        pl.lit(0.0).alias("value_at_stake"),
        json(
            transaction="transaction", reversal="reversal", qty="first_qty", at=instant("first_at"),
            reversed_at=instant("at"), user="user",
        ).alias("evidence"),
        pl.when(pl.col("order_no").is_not_null()).then("order").alias("work_order"),
        "item",
        pl.col("orders_behind").fill_null(0),
    )  # fmt: skip
