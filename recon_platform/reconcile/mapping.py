"""Findings on orders that cannot be compared one to one: unknown to the ERP, or split into parts on the floor."""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.text import instant, json, number


def mapping_findings(unknown: pl.DataFrame, parts: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Findings of MP-01 (from `unknown` reports) and MP-02 (from `parts` added up)."""
    return pl.concat([_orphans(unknown), _splits(parts, orders)], how="diagonal")


def _orphans(unknown: pl.DataFrame) -> pl.DataFrame:
    grouped = unknown.group_by("order").agg(
        pl.col("good_qty").last().alias("good"), pl.len().alias("operations"),
        pl.min("reported_at").alias("first_report"), pl.max("reported_at").alias("last_report"),
        pl.col("machine").drop_nulls().unique().sort().alias("machines"),
    )  # fmt: skip
    return grouped.sort("order").select(
        pl.lit(None, dtype=pl.Int64).alias("order_no"),
        pl.lit("MP-01").alias("rule"),
        pl.lit(rule("MP-01").mode).alias("mode"),
        pl.lit("mes_order").alias("entity_type"),
        pl.col("order").alias("entity"),
        pl.lit("order").alias("field"),
        pl.lit(None, dtype=pl.String).alias("erp_value"),
        pl.col("order").alias("mes_value"),
        pl.lit("map to an order of the ERP").alias("correction"),
        pl.lit(0.0).alias("value_at_stake"),
        json(
            good="good", operations="operations", machines="machines", first_report=instant("first_report"),
            last_report=instant("last_report"),
        ).alias("evidence"),
        pl.lit(None, dtype=pl.String).alias("work_order"),
        pl.lit(None, dtype=pl.String).alias("item"),
        pl.lit(0, dtype=pl.Int64).alias("orders_behind"),
    )  # fmt: skip


def _splits(parts: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    grouped = parts.group_by("order").agg(
        pl.len().alias("parts"), pl.struct("part", good="good_qty").alias("tree"), pl.sum("good_qty").alias("good")
    )
    known = grouped.join(
        orders.select("order_no", "work_order", "item", "orders_behind", "qty"), left_on="order", right_on="work_order"
    ).sort("order")
    return known.select(
        "order_no",
        pl.lit("MP-02").alias("rule"),
        pl.lit(rule("MP-02").mode).alias("mode"),
        pl.lit("work_order").alias("entity_type"),
        pl.col("order").alias("entity"),
        pl.lit("order").alias("field"),
        number("qty").alias("erp_value"),
        pl.format("{} parts", "parts").alias("mes_value"),
        pl.format("add up {} parts", "parts").alias("correction"),
        pl.lit(0.0).alias("value_at_stake"),
        json(parts="tree", good="good").alias("evidence"),
        pl.col("order").alias("work_order"),
        "item",
        "orders_behind",
    )
