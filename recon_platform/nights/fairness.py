"""Bias over the nights of a lake: the measure of `metrics.bias` for each night, its trend, and whether it is raised."""

from __future__ import annotations

import polars as pl

from recon_platform.lake import Lake
from recon_platform.metrics.bias import ALERT_DAYS, disadvantage, tardiness_by_revenue
from recon_platform.nights import records

SCHEMA = {"night": pl.String, "customer_class": pl.String, "days": pl.Float64, "alert": pl.Boolean}


def bias_by_night(lake: Lake, plant: str, nights: int) -> pl.DataFrame:
    """Columns night, customer_class, days, alert of the newest `nights` runs of `plant`, oldest first.

    `days`: mean lateness of lines of the class's smallest quarter of customers minus that of its largest.
    """
    parts = [
        disadvantage(tardiness_by_revenue(manifest.read(lake, "order_promises"), manifest.read(lake, "customers")))
        .with_columns(pl.lit(manifest.run_id).alias("night"))
        .select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        for manifest in records.manifests(lake, plant)[-nights:]
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)


def trend(by_night: pl.DataFrame) -> pl.DataFrame:
    """Columns customer_class, nights, latest, per_night, alert: where it stands, where it goes, whether it is raised.

    `per_night` is the slope of a straight line through the nights (least squares), null for fewer than three.
    """
    ordered = by_night.with_columns(pl.int_range(pl.len()).over("customer_class").cast(pl.Float64).alias("x"))
    slope = pl.cov("x", "days") / pl.col("x").var()
    return (
        ordered.group_by("customer_class")
        .agg(
            pl.len().cast(pl.Int64).alias("nights"),
            pl.col("days").last().alias("latest"),
            pl.when(pl.len() >= 3).then(slope).alias("per_night"),
        )
        .with_columns((pl.col("latest") > ALERT_DAYS).alias("alert"))
        .sort("customer_class")
    )
