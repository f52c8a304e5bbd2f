"""Bias: are the small customers of a class served later than its large ones? Rules can do so unmeant: measure."""

from __future__ import annotations

import polars as pl

QUARTERS = ("smallest", "small", "large", "largest")
ALERT_DAYS = 1.0  # difference of mean lateness between smallest and largest quarter of a class that is raised


def tardiness_by_revenue(promises: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """Columns customer_class, revenue (quarter of the class by annual revenue), customers, lines, mean_late_days.

    Lateness is max(0, projected − promised) in days; lines without a projected day are left out. Only customers whose
    revenue is known count, and only classes with at least four of them.
    """
    known = customers.filter(pl.col("annual_revenue").is_not_null(), pl.col("class").is_not_null()).select(
        "customer", "annual_revenue", pl.col("class").alias("of_class")
    )
    size = pl.len().over("of_class")
    place = pl.struct("annual_revenue", "customer").rank("ordinal").over("of_class")
    quarter = ((place - 1) * len(QUARTERS) // size).cast(pl.Int64)
    placed = known.with_columns(quarter.alias("quarter"), size.alias("size")).filter(pl.col("size") >= len(QUARTERS))
    return (
        promises.filter(pl.col("late_days").is_not_null())
        .join(placed, on="customer")
        .group_by(pl.col("of_class").alias("customer_class"), "quarter")
        .agg(
            pl.col("customer").n_unique().cast(pl.Int64).alias("customers"),
            pl.len().cast(pl.Int64).alias("lines"),
            pl.col("late_days").clip(lower_bound=0).mean().alias("mean_late_days"),
        )
        .sort("customer_class", "quarter")
        .select(
            "customer_class",
            pl.col("quarter").replace_strict(dict(enumerate(QUARTERS)), return_dtype=pl.String).alias("revenue"),
            "customers",
            "lines",
            "mean_late_days",
        )
    )


def disadvantage(tardiness: pl.DataFrame) -> pl.DataFrame:
    """Columns customer_class, days (mean lateness of the smallest quarter minus the largest), alert (days > 1)."""
    ends = tardiness.filter(pl.col("revenue").is_in([QUARTERS[0], QUARTERS[-1]]))
    small = pl.col("mean_late_days").filter(pl.col("revenue") == QUARTERS[0]).first()
    large = pl.col("mean_late_days").filter(pl.col("revenue") == QUARTERS[-1]).first()
    return (
        ends.group_by("customer_class")
        .agg((small - large).alias("days"))
        .drop_nulls()
        .with_columns((pl.col("days") > ALERT_DAYS).alias("alert"))
        .sort("customer_class")
    )
