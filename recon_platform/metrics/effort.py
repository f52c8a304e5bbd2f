"""What keeping promises costs: expedites, premium freight, overtime, and how clearly capacity is known."""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.metrics.definitions import Period, share, total, unavailable


def expedites(sales_orders: pl.DataFrame, fence_breaks: pl.DataFrame, *, period: Period) -> pl.DataFrame:
    """Rush orders and orders whose fence was broken, per 100 orders due in `period`.

    `fence_breaks` names the sales orders (column `sales_order`) behind approved breaks of the frozen horizon.
    """
    day = pl.coalesce("promised_date", "requested_date")
    due = sales_orders.filter(day.is_between(period.start, period.end) & (pl.col("status") != "cancelled"))
    broken = fence_breaks.select("sales_order").unique().with_columns(broke=pl.lit(True))
    orders = (
        due.group_by("sales_order").agg(pl.col("rush").fill_null(False).any())
        .join(broken, on="sales_order", how="left")
        .select(numerator=(pl.col("rush") | pl.col("broke").fill_null(False)).sum(), denominator=pl.len())
    )  # fmt: skip
    return share("expedites", orders, period=period, scale=100.0)


def premium_freight(shipments: pl.DataFrame, *, period: Period) -> pl.DataFrame:
    """Freight paid above contract in `period`, and how often. Shipments without both costs say nothing."""
    known = shipments.filter(
        pl.col("shipped_on").is_between(period.start, period.end)
        & pl.col("freight_cost").is_not_null()
        & pl.col("contracted_freight_cost").is_not_null()
    )
    above = (pl.col("freight_cost") - pl.col("contracted_freight_cost")).clip(lower_bound=0.0)
    return pl.concat(
        [
            total("premium_freight", known.select(numerator=above.sum()), period=period),
            total("premium_freight_occurrences", known.select(numerator=(above > 0).sum()), period=period),
        ]
    )


def overtime(labour_hours: pl.DataFrame, *, period: Period, threshold_hours: float | None = None) -> pl.DataFrame:
    """Hours above the threshold of each day and work center (or skill) ÷ paid hours.

    Without `threshold_hours` the threshold is what the plant booked as regular, so booked overtime counts.
    """
    rows = labour_hours.filter(pl.col("date").is_between(period.start, period.end)).with_columns(
        paid=pl.col("regular_hours").fill_null(0.0) + pl.col("overtime_hours").fill_null(0.0)
    )
    threshold = pl.col("regular_hours").fill_null(0.0) if threshold_hours is None else pl.lit(threshold_hours)
    over = (pl.col("paid") - threshold).clip(lower_bound=0.0).sum().alias("numerator")
    paid = pl.col("paid").sum().alias("denominator")
    centers = (
        rows.filter(pl.col("work_center").is_not_null()).group_by(subject="work_center").agg(over, paid).sort("subject")
    )
    return pl.concat(
        [
            share("overtime", rows.select(over, paid), period=period),
            share("overtime", centers, scope="work_center", period=period),
            total("overtime_hours", rows.select(over), period=period),
        ]
    )


def capacity_clarity(planned: pl.DataFrame, actual: pl.DataFrame, *, period: Period) -> pl.DataFrame:
    """|planned − actual| ÷ available hours per work center, and for the plant the sum of the one by the sum of the other.

    `planned` are rows of `capacity_load` of an earlier run (basis `scheduled`); `actual` holds work_center, date and
    hours worked. Counted are the days of `period` from the first that the run planned: before it there is no plan to
    compare with. A work center nobody planned is not listed.
    """
    scheduled = planned.filter(pl.col("basis") == "scheduled", pl.col("bucket_start") <= period.end)
    first: date | None = scheduled.select(pl.col("bucket_start").min()).item()
    if first is None:
        return unavailable("capacity_clarity", "the run before planned no day that is over", period)
    days = Period(max(first, period.start), period.end)
    plan = (
        scheduled.filter(pl.col("bucket_start").is_between(days.start, days.end))
        .group_by("work_center")
        .agg(planned=pl.col("loaded_min").sum() / 60.0, available=pl.col("available_min").sum() / 60.0)
    )
    worked = (
        actual.filter(pl.col("date").is_between(days.start, days.end) & pl.col("work_center").is_not_null())
        .group_by("work_center").agg(actual=pl.col("hours").sum())
    )  # fmt: skip
    counts = plan.join(worked, on="work_center", how="left").select(
        subject="work_center",
        numerator=(pl.col("planned") - pl.col("actual").fill_null(0.0)).abs(),
        denominator="available",
    ).sort("subject")  # fmt: skip
    return pl.concat(
        [
            share("capacity_clarity", counts.select(pl.col("numerator", "denominator").sum()), period=days),
            share("capacity_clarity", counts, scope="work_center", period=days),
        ]
    )
