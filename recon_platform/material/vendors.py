"""The vendor as an external work center: what to deliver in which order, what was agreed, how reliable it was.

Belongs here: the dispatch list per supplier and the reliability of past lines. Orders are ranked by the day they are
needed, not by the day they are promised.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

DISPATCH_SCHEMA = {
    "supplier": pl.String, "position": pl.Int64, "purchase_order": pl.String, "item": pl.String, "qty": pl.Float64,
    "promised_date": pl.Date, "need_date": pl.Date, "critical_ratio": pl.Float64, "week": pl.Date,
    "committed": pl.String,
}  # fmt: skip
RELIABILITY_SCHEMA = {
    "supplier": pl.String, "lines": pl.Int64, "rescheduled_by_us": pl.Int64, "in_full_in_time": pl.Float64,
    "late_days_p50": pl.Float64, "late_days_p90": pl.Float64,
}  # fmt: skip


def vendor_dispatch(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Open purchase order lines per supplier, most urgent first.

    Critical ratio = days until needed ÷ days until promised: below 1 the promise is too late. `committed`: inside the
    fixed part of the weekly commitment, the flexible share, or beyond both, in the order of need.
    """
    need = (
        frames["pegging"]
        .filter((pl.col("supply_type") == "purchase_order") & (pl.col("demand_type") != "surplus"))
        .group_by(pl.col("supply").alias("purchase_order"))
        .agg(pl.col("need_date").min())
    )
    agreed = frames.get("supplier_items")
    limits = pl.DataFrame(
        schema={
            "supplier": pl.String,
            "item": pl.String,
            "committed_qty_per_week": pl.Float64,
            "flexible_share": pl.Float64,
        }
    )
    if agreed is not None and not agreed.is_empty():
        limits = agreed.select(list(limits.columns))
    today = pl.lit(context.planning_date)
    rows = (
        frames["purchase_orders"]
        .filter(pl.col("status") == "open")
        .with_columns((pl.col("qty") - pl.col("received_qty").fill_null(0.0)).alias("qty"))
        .filter(pl.col("qty") > 0)
        .select(
            "supplier", PURCHASE_LINE.alias("purchase_order"), "item", "qty",
            pl.coalesce("promised_date", "due_date").alias("promised_date"),
        )
        .join(need, on="purchase_order", how="left")
        .join(limits, on=["supplier", "item"], how="left")
        .with_columns(
            pl.coalesce("need_date", "promised_date").dt.truncate("1w").alias("week"),
            ((pl.col("need_date") - today).dt.total_days()
             / (pl.col("promised_date") - today).dt.total_days().clip(lower_bound=1)).alias("critical_ratio"),
        )
        .sort("supplier", "need_date", "critical_ratio", "purchase_order", nulls_last=True)
        .with_columns((pl.int_range(pl.len()).over("supplier") + 1).alias("position"))
    )  # fmt: skip
    filled = pl.col("qty").cum_sum().over("supplier", "item", "week")
    fixed = pl.col("committed_qty_per_week") * (1 - pl.col("flexible_share").fill_null(0.1))
    rows = rows.with_columns(
        pl.when(pl.col("committed_qty_per_week").is_null()).then(None)
        .when(filled <= fixed).then(pl.lit("fixed"))
        .when(filled <= pl.col("committed_qty_per_week")).then(pl.lit("flexible"))
        .otherwise(pl.lit("beyond")).alias("committed")
    )  # fmt: skip
    return rows.select(pl.col(name).cast(dtype) for name, dtype in DISPATCH_SCHEMA.items())


def received_lines(frames: Frames) -> pl.DataFrame | None:
    """Closed purchase lines with what came: `late` (days after the date asked for), `came`, and `ours` where we moved the
    date ourselves (promised after due); None where no receipt is known."""
    receipts = frames.get("receipts")
    if receipts is None or receipts.is_empty():
        return None
    came = receipts.group_by("purchase_order", "line").agg(
        pl.col("received_on").max().alias("last"), pl.col("qty").sum().alias("came")
    )
    return (
        frames["purchase_orders"]
        .filter(pl.col("status") == "closed")
        .join(came, on=["purchase_order", "line"])
        .with_columns(
            (pl.col("last") - pl.col("due_date")).dt.total_days().alias("late"),
            (pl.col("promised_date").is_not_null() & (pl.col("promised_date") > pl.col("due_date"))).alias("ours"),
        )
    )


def vendor_reliability(frames: Frames, early_days: int = 5, late_days: int = 0) -> pl.DataFrame:
    """Share of closed lines received in full between `early_days` before and `late_days` after the date asked for, and how
    late they came. Lines whose date we moved ourselves are counted, not scored."""
    lines = received_lines(frames)
    if lines is None:
        return pl.DataFrame(schema=RELIABILITY_SCHEMA)
    scored = ~pl.col("ours")
    return (
        lines.with_columns(
            ((pl.col("came") >= pl.col("qty") - 1e-6) & pl.col("late").is_between(-early_days, late_days)).alias("good")
        )
        .group_by("supplier")
        .agg(
            scored.sum().cast(pl.Int64).alias("lines"),
            pl.col("ours").sum().cast(pl.Int64).alias("rescheduled_by_us"),
            pl.col("good").filter(scored).mean().alias("in_full_in_time"),
            pl.col("late").filter(scored).quantile(0.5).alias("late_days_p50"),
            pl.col("late").filter(scored).quantile(0.9).alias("late_days_p90"),
        )
        .sort("supplier")
        .select(list(RELIABILITY_SCHEMA))
    )


def late_days_at(frames: Frames, percentile: float) -> pl.DataFrame:
    """`supplier`, `late_days`, `lines`: whole days by which so many closed lines of a supplier came late, at least 0; lines
    whose date we moved are left out."""
    schema = {"supplier": pl.String, "late_days": pl.Int64, "lines": pl.Int64}
    lines = received_lines(frames)
    if lines is None:
        return pl.DataFrame(schema=schema)
    return (
        lines.filter(~pl.col("ours"))
        .group_by("supplier")
        .agg(
            pl.col("late").quantile(percentile).clip(lower_bound=0).cast(pl.Int64).alias("late_days"),
            pl.len().cast(pl.Int64).alias("lines"),
        )
        .sort("supplier")
        .select(list(schema))
    )


def realistic_lead_times(frames: Frames, percentile: float) -> pl.DataFrame:
    """`item`, `supplier`, `real_lead_days`, `lines`: from ordering to the last receipt, at `percentile` of closed lines."""
    receipts = frames.get("receipts")
    schema = {"item": pl.String, "supplier": pl.String, "real_lead_days": pl.Float64, "lines": pl.Int64}
    if receipts is None or receipts.is_empty():
        return pl.DataFrame(schema=schema)
    came = receipts.group_by("purchase_order", "line").agg(pl.col("received_on").max().alias("last"))
    return (
        frames["purchase_orders"]
        .filter(pl.col("ordered_on").is_not_null())
        .join(came, on=["purchase_order", "line"])
        .with_columns((pl.col("last") - pl.col("ordered_on")).dt.total_days().cast(pl.Float64).alias("days"))
        .filter(pl.col("days") >= 0)
        .group_by("item", "supplier")
        .agg(pl.col("days").quantile(percentile).alias("real_lead_days"), pl.len().cast(pl.Int64).alias("lines"))
        .sort("item", "supplier")
        .select(list(schema))
    )
