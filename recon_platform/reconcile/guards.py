"""Guards: when no correction may leave the platform tonight, whatever the rules say.

G0 looks at the feeds before anything is judged; G1 at the corrections after all rules have spoken.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.reconcile.catalogue import rule
from recon_platform.reconcile.text import instant, json, number
from recon_platform.tables.conformed import ROW_COUNTS
from recon_platform.tables.context import PlanContext
from recon_platform.tables.history import DELIVERIES
from recon_platform.tables.model import Frames
from recon_platform.tables.registry import TABLES

WATCHED = ("work_orders", "operation_status", "order_status", "material_issues", "material_consumption")
"""Tables whose freshness decides whether the two sides can be compared."""
RESTED_ON: dict[str, str] = {
    name: str(TABLES[name].source)
    for name in (
        "items", "bom_lines", "routings", "inventory", "work_orders", "work_order_operations", "material_issues",
        "operation_status", "order_status",
    )
}  # fmt: skip
"""Tables that corrections rest on and that have about as many rows every night → their source."""
USUAL_NIGHTS = 7
LEAST_USUAL = 20


def feed_findings(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Findings of G0-FRESH: one for a gap between the two sources, one per table that shrank.

    The usual row count is the median of the newest seven nights before tonight (`previous.deliveries`); without them
    shrinking cannot be told and is not guessed.
    """
    policy = context.policy.reconciliation
    feeds = frames["feeds"].with_columns(pl.coalesce("watermark", "extracted_at").alias("watermark"))
    watched = feeds.filter(pl.col("table").is_in(WATCHED))
    sides = watched.group_by("source").agg(pl.min("watermark").alias("oldest")).sort("source")
    gap = sides.select(
        ((pl.col("oldest").max() - pl.col("oldest").min()).dt.total_seconds() / 60.0).alias("gap"),
        pl.col("oldest").filter(pl.col("source") == "erp").first().alias("erp"),
        pl.col("oldest").filter(pl.col("source") == "mes").first().alias("mes"),
    ).filter(pl.col("gap") > policy.feed_gap_minutes)
    stale = gap.select(
        pl.lit("plant").alias("entity"), pl.lit("watermark").alias("field"), instant("erp").alias("erp_value"),
        instant("mes").alias("mes_value"),
        pl.format("feeds lie {} minutes apart: report only", number("gap")).alias("correction"),
        json(gap_minutes="gap", erp=instant("erp"), mes=instant("mes")).alias("evidence"),
    )  # fmt: skip
    return _plant_findings(
        pl.concat([stale, _shrunken(frames, policy.feed_shrink_share, context.planning_date)]), "G0-FRESH", "feed"
    )


def _shrunken(frames: Frames, share: float, tonight: date) -> pl.DataFrame:
    before = frames.get("previous.deliveries", DELIVERIES.empty())
    counts = frames["row_counts"] if "row_counts" in frames else ROW_COUNTS.empty()
    usual = (
        before.filter((pl.col("night") < tonight) & pl.col("table").is_in(list(RESTED_ON)))
        .sort("night", descending=True)
        .group_by("table", maintain_order=True)
        .head(USUAL_NIGHTS)
        .group_by("table")
        .agg(pl.col("rows").median().alias("usual"))
        .filter(pl.col("usual") >= LEAST_USUAL)
    )
    rows = usual.join(counts.select("table", rows="rows_in"), on="table").filter(
        pl.col("rows") < share * pl.col("usual")
    )
    rows = rows.sort("table").with_columns(source=pl.col("table").replace_strict(RESTED_ON, return_dtype=pl.String))
    return rows.select(
        pl.format("{}/{}", "source", "table").alias("entity"), pl.lit("rows").alias("field"),
        number("usual").alias("erp_value"), pl.col("rows").cast(pl.String).alias("mes_value"),
        pl.format("{} rows where {} are usual: report only", "rows", number("usual")).alias("correction"),
        json(rows="rows", usual="usual", source="source", table="table").alias("evidence"),
    )  # fmt: skip


def breaker_findings(fixes: pl.DataFrame, open_orders: int, context: PlanContext) -> pl.DataFrame:
    """G1-BREAKER: `fixes` are the findings about to leave the platform by themselves."""
    policy = context.policy.reconciliation
    count, value = fixes.height, float(fixes.get_column("value_at_stake").sum())
    tripped = count > policy.breaker_share * open_orders or value > policy.breaker_value
    totals = pl.DataFrame(
        {
            "fixes": [count], "value": [value], "open": [open_orders],
            "limit": [policy.breaker_share * open_orders], "cap": [policy.breaker_value],
        },
        schema={"fixes": pl.Int64, "value": pl.Float64, "open": pl.Int64, "limit": pl.Float64, "cap": pl.Float64},
    )  # fmt: skip
    by_rule = ", ".join(f"{name} × {n}" for name, n in fixes.group_by("rule").len().sort("rule").rows())
    listed = totals.filter(pl.lit(tripped)).select(
        pl.lit("plant").alias("entity"), pl.lit("corrections").alias("field"),
        number(pl.col("limit").floor()).alias("erp_value"), pl.col("fixes").cast(pl.String).alias("mes_value"),
        pl.format("{} corrections on {} open orders: all wait for a person", "fixes", "open").alias("correction"),
        json(
            fixes="fixes", value="value", open_orders="open", limit="limit", value_cap="cap",
            by_rule=pl.lit(by_rule),
        ).alias("evidence"),
    )  # fmt: skip
    return _plant_findings(listed, "G1-BREAKER", "plant")


def _plant_findings(rows: pl.DataFrame, name: str, entity_type: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(None, dtype=pl.Int64).alias("order_no"),
        pl.lit(name).alias("rule"),
        pl.lit(rule(name).mode).alias("mode"),
        pl.lit(entity_type).alias("entity_type"),
        "entity", "field", "erp_value", "mes_value", "correction",
        pl.lit(0.0).alias("value_at_stake"),
        "evidence",
        pl.lit(None, dtype=pl.String).alias("work_order"),
        pl.lit(None, dtype=pl.String).alias("item"),
        pl.lit(0, dtype=pl.Int64).alias("orders_behind"),
    )  # fmt: skip
