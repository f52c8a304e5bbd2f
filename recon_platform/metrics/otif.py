"""On time, in full: which order lines due in a period were kept, against the requested date and the first promise.

Never against the latest promise: a promise that moves with the delay is always kept.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.metrics.definitions import Period, share

BASES = {"otif_requested": "requested_date", "otif_first_promised": "first_promised_date"}
ROUNDING = 1e-9


def otif_lines(
    sales_orders: pl.DataFrame, shipments: pl.DataFrame, customers: pl.DataFrame, *, basis: str, period: Period,
    today: date, cutoff_days: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """One row per order line due in `period` whose last acceptable day is over: `on_time`, `in_full`, `kept`.

    `basis` is `requested_date` or `first_promised_date`. A shipment counts from days_early before to days_late after
    the date (no limit early where the customer gives none, none late); partial shipments are summed and must reach
    qty·(1 − under_pct/100) and not exceed qty·(1 + over_pct/100) where that is given. A line we cancelled is a miss;
    one the customer cancelled at least `cutoff_days` before its date is left out; an open overdue line is a miss.
    """
    tolerance = customers.select("customer", "days_early", "days_late", "under_pct", "over_pct")
    due = pl.col(basis)
    last_day = due + pl.duration(days=pl.col("days_late").fill_null(0).cast(pl.Int64))
    theirs = (pl.col("cancelled_by") == "customer") & (pl.col("cancelled_on") <= due - pl.duration(days=cutoff_days))
    lines = (
        sales_orders.join(tolerance, on="customer", how="left")
        .filter(due.is_between(period.start, period.end) & (last_day < today))
        .filter(~((pl.col("status") == "cancelled") & theirs.fill_null(False)))
        .with_columns(due=due, last_day=last_day)
    )
    first_day = pl.when(pl.col("days_early").is_not_null()).then(
        pl.col("due") - pl.duration(days=pl.col("days_early").cast(pl.Int64))
    )
    sent = (
        lines.select("sales_order", "line", "last_day", first_day=first_day)
        .join(shipments.select("sales_order", "line", "shipped_on", shipped="qty"), on=["sales_order", "line"])
        .group_by("sales_order", "line")
        .agg(
            shipped=pl.col("shipped").filter(pl.col("shipped_on") <= pl.col("last_day")).sum(),
            early=(pl.col("shipped_on") < pl.col("first_day")).fill_null(False).any(),
        )
    )
    low = pl.col("qty") * (1.0 - pl.col("under_pct").fill_null(0.0) / 100.0)
    high = pl.col("qty") * (1.0 + pl.col("over_pct") / 100.0)
    slack = ROUNDING * pl.col("qty").abs()
    return (
        lines.join(sent, on=["sales_order", "line"], how="left")
        .with_columns(pl.col("shipped").fill_null(0.0), pl.col("early").fill_null(False))
        .with_columns(
            in_full=(pl.col("shipped") >= low - slack) & (pl.col("shipped") <= high + slack).fill_null(True),
            on_time=(pl.col("shipped") > 0) & ~pl.col("early"),
            ours=(pl.col("status") == "cancelled"),
        )
        .with_columns(kept=pl.col("in_full") & pl.col("on_time") & ~pl.col("ours"))
        .select("sales_order", "line", "customer", "item", "due", "qty", "shipped", "on_time", "in_full", "kept")
        .sort("sales_order", "line")
    )


def otif(
    sales_orders: pl.DataFrame, shipments: pl.DataFrame, customers: pl.DataFrame, *, period: Period, today: date,
    cutoff_days: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """OTIF of lines and of whole orders against both dates, for the plant and per customer class."""
    classes = customers.select("customer", subject="class")
    parts = []
    for name, basis in BASES.items():
        lines = otif_lines(
            sales_orders, shipments, customers, basis=basis, period=period, today=today, cutoff_days=cutoff_days
        )
        counted = (pl.col("kept").sum().alias("numerator"), pl.len().alias("denominator"))
        by_class = lines.join(classes, on="customer", how="inner").group_by("subject").agg(*counted)
        orders = lines.group_by("sales_order").agg(pl.col("kept").all())
        parts += [
            share(name, lines.select(*counted), period=period),
            share(name, by_class.sort("subject"), scope="customer_class", period=period),
            share(f"{name}_orders", orders.select(*counted), period=period),
        ]
    return pl.concat(parts)
