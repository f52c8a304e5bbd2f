"""How far the records can be believed: exceptions, backlog health, record accuracy, vendors."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.metrics.definitions import Period, share, total

OPEN = ("firm", "released", "in_process")
FIX = "auto_fix"


def exceptions_per_100(findings: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Findings per 100 open orders by rule: corrected alone and waiting for a person apart; and things to decide.

    Findings that belong to a group count once among the things to decide; so do all findings of one order.
    """
    open_orders = orders.filter(pl.col("erp_status").is_in(OPEN)).height
    per = pl.lit(open_orders).alias("denominator")
    auto = findings.filter((pl.col("mode") == FIX) & pl.col("applied"))
    review = findings.filter(pl.col("state") == "open")
    decide = review.select(pl.coalesce("group", "work_order", "finding").n_unique().alias("numerator"), per)
    parts = [share("exceptions_to_decide", decide, scale=100.0)]
    for name, rows in (("exceptions_auto", auto), ("exceptions_review", review)):
        by_rule = rows.group_by(subject="rule").agg(numerator=pl.len()).sort("subject").with_columns(per)
        parts += [
            share(name, rows.select(numerator=pl.len()).with_columns(per), scale=100.0),
            share(name, by_rule, scope="rule", scale=100.0),
        ]
    return pl.concat(parts)


def backlog_health(findings: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    """Open orders without any open finding ÷ open orders."""
    sick = findings.filter(pl.col("state") == "open").select("work_order").drop_nulls().unique()
    open_orders = orders.filter(pl.col("erp_status").is_in(OPEN)).select("work_order")
    healthy = open_orders.join(sick, on="work_order", how="anti").height
    return share("backlog_health", pl.DataFrame({"numerator": [healthy], "denominator": [open_orders.height]}))


def record_accuracy(
    counts: pl.DataFrame, findings: pl.DataFrame, orders: pl.DataFrame, *, period: Period, tolerance_share: float = 0.0
) -> pl.DataFrame:
    """Records within tolerance ÷ records checked, by record type; on-hand records by location too.

    On hand is checked by cycle counts (`inventory_transactions` of kind count), within tolerance_share of the counted
    quantity. Order quantities are checked against the MES wherever work is in process, routings on every open order.
    """
    checked = counts.filter(
        (pl.col("kind") == "count")
        & pl.col("book_qty").is_not_null()
        & pl.col("at").dt.date().is_between(period.start, period.end)
    )
    near = (pl.col("qty") - pl.col("book_qty")).abs() <= tolerance_share * pl.col("qty").abs()
    counted = (near.sum().alias("numerator"), pl.len().alias("denominator"))
    by_place = checked.group_by(subject=pl.col("location").fill_null("unknown")).agg(*counted).sort("subject")
    rows = [
        checked.select(pl.lit("on_hand").alias("subject"), *counted).head(1) if checked.height else _none("on_hand"),
        _from_findings("order_quantity", findings, orders.filter(pl.col("status") == "in_process"),
                       ("UM-01", "QT-01", "QT-02", "QT-03", "QT-04", "QT-06", "QT-07", "QT-13")),
        _from_findings("routing", findings, orders.filter(pl.col("erp_status").is_in(OPEN)),
                       ("RT-01", "RT-02", "RT-03", "RT-04")),
        _from_findings("issues", findings, orders.filter(pl.col("status") == "in_process"),
                       ("BF-02", "BF-03", "BF-04", "BF-05", "BF-06", "BF-07", "BF-08", "BF-09", "BF-10")),
    ]  # fmt: skip
    kinds = pl.concat(
        [row.select(pl.col("subject"), pl.col("numerator", "denominator").cast(pl.Int64)) for row in rows]
    )
    return pl.concat(
        [
            share("record_accuracy", kinds, scope="record_type", period=period),
            share("record_accuracy", by_place, scope="location", period=period),
        ]
    )


def _none(subject: str) -> pl.DataFrame:
    return pl.DataFrame({"subject": [subject], "numerator": [0], "denominator": [0]})


def _from_findings(subject: str, findings: pl.DataFrame, orders: pl.DataFrame, rules: tuple[str, ...]) -> pl.DataFrame:
    wrong = findings.filter(pl.col("rule").is_in(rules)).select("work_order").drop_nulls().unique()
    right = orders.join(wrong, on="work_order", how="anti").height
    return pl.DataFrame({"subject": [subject], "numerator": [right], "denominator": [orders.height]})


def vendor_lines(
    purchase_orders: pl.DataFrame, receipts: pl.DataFrame, *, period: Period, today: date, early_days: int,
    late_days: int,
) -> pl.DataFrame:  # fmt: skip
    """One row per purchase line due in `period` whose window is over: received in full inside it, and days late.

    Days late run to the receipt that filled the line, to the last receipt of a line closed short, and to `today` while
    it is open.
    """
    due = purchase_orders.filter(
        pl.col("due_date").is_between(period.start, period.end)
        & (pl.col("due_date") + timedelta(days=late_days) < today)
        & (pl.col("status") != "cancelled")
    )
    key = ["purchase_order", "line"]
    arrivals = (
        due.select(*key, "due_date", ordered="qty")
        .join(receipts.select(*key, "received_on", arrived="qty"), on=key)
        .sort(*key, "received_on")
        .with_columns(so_far=pl.col("arrived").cum_sum().over(key))
    )
    in_window = pl.col("received_on").is_between(
        pl.col("due_date") - timedelta(days=early_days), pl.col("due_date") + timedelta(days=late_days)
    )
    filled = pl.col("so_far") >= pl.col("ordered") * (1 - 1e-9)
    summary = arrivals.group_by(key, maintain_order=True).agg(
        in_window=pl.col("arrived").filter(in_window).sum(),
        full_on=pl.col("received_on").filter(filled).min(),
        last_on=pl.col("received_on").max(),
    )
    settled = pl.coalesce("full_on", pl.when(pl.col("status") == "closed").then("last_on"), pl.lit(today))
    return (
        due.join(summary, on=key, how="left")
        .with_columns(pl.col("in_window").fill_null(0.0), days_late=(settled - pl.col("due_date")).dt.total_days())
        .with_columns(kept=pl.col("in_window") >= pl.col("qty") * (1 - 1e-9))
        .select(*key, "supplier", "item", "due_date", "qty", "kept", "days_late")
        .sort(key)
    )


def vendor_reliability(
    purchase_orders: pl.DataFrame, receipts: pl.DataFrame, *, period: Period, today: date, early_days: int = 5,
    late_days: int = 0, rescheduled: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Reliability and lateness per supplier and for all; lines we rescheduled (keys in `rescheduled`) counted apart."""
    lines = vendor_lines(
        purchase_orders, receipts, period=period, today=today, early_days=early_days, late_days=late_days
    )
    key = ["purchase_order", "line"]
    moved = lines.join(rescheduled.select(key), on=key, how="semi") if rescheduled is not None else lines.head(0)
    lines = lines.join(moved.select(key), on=key, how="anti")
    counted = (pl.col("kept").sum().alias("numerator"), pl.len().alias("denominator"))
    by_supplier = lines.group_by(subject="supplier").agg(*counted).sort("subject")
    parts = [
        share("vendor_reliability", lines.select(*counted), period=period),
        share("vendor_reliability", by_supplier, scope="supplier", period=period),
        total("vendor_rescheduled", moved.select(numerator=pl.len()), period=period),
    ]
    for name, quantile in (("vendor_lateness_p50", 0.5), ("vendor_lateness_p90", 0.9)):
        late = pl.col("days_late").quantile(quantile, "higher").alias("numerator")
        parts += [
            total(name, lines.select(late), period=period),
            total(name, lines.group_by(subject="supplier").agg(late).sort("subject"), scope="supplier", period=period),
        ]
    return pl.concat(parts)
