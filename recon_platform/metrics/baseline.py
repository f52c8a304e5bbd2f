"""Weeks of a plant beside its baseline: what was measured before go-live, captured once, and what a week is worth since.

Belongs here: weekly measures from the history that landing tables carry, natural limits, money at stated unit costs. Does
not belong here: any claim of a cause: before and after alone prove nothing (docs/value.md).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.metrics.definitions import BY_NAME, Period
from recon_platform.metrics.effort import expedites, overtime, premium_freight
from recon_platform.metrics.otif import otif
from recon_platform.metrics.paired import control_limits
from recon_platform.metrics.payback import UnitCosts
from recon_platform.tables.metrics import VALUE_WEEK
from recon_platform.tables.model import Frames

WEEK, LAG = timedelta(days=7), timedelta(days=7)
"""A week of service is judged a week later, when the last acceptable day of its lines is over."""
MEASURES = (
    "otif_first_promised", "otif_requested", "expedites", "overtime", "overtime_hours", "premium_freight",
    "premium_freight_occurrences",
)  # fmt: skip
COUNTED = ("metric", "period_start", "period_end", "numerator", "denominator", "value", "unit")


def last_week(today: date) -> Period:
    """The last whole week, Monday to Sunday, before `today`."""
    sunday = today - timedelta(days=today.isoweekday())
    return Period(sunday - WEEK + timedelta(days=1), sunday)


def weekly(frames: Frames, today: date, weeks: int) -> pl.DataFrame:
    """Columns `COUNTED`: the measures of the last `weeks` whole weeks before `today`, from a night's conformed tables.

    Weeks of which nothing is delivered any more have no row. Raises ValueError for fewer than one week.
    """
    if weeks < 1:
        raise ValueError(f"weeks must be at least 1, found {weeks}")
    newest, nothing = last_week(today), frames["sales_orders"].select("sales_order").clear()
    parts = []
    for back in range(weeks):
        week = Period(newest.start - back * WEEK, newest.end - back * WEEK)
        service = Period(week.start - LAG, week.end - LAG)
        parts += [
            otif(frames["sales_orders"], frames["shipments"], frames["customers"], period=service, today=week.end + timedelta(days=1)),
            expedites(frames["sales_orders"], nothing, period=service),
            premium_freight(frames["shipments"], period=week),
            overtime(frames["labour_hours"], period=week),
        ]  # fmt: skip
    made = pl.concat(parts).filter(pl.col("scope") == "plant", pl.col("metric").is_in(MEASURES))
    told = made.filter(pl.col("value").is_not_null()).with_columns(
        delivered=_delivered(frames, pl.col("metric"), pl.col("period_start"))
    )
    return told.filter("delivered").select(COUNTED).sort("metric", "period_start")


def _delivered(frames: Frames, metric: pl.Expr, start: pl.Expr) -> pl.Expr:
    """Whether the history that is delivered reaches back to the week; sums of nothing would read as nothing spent."""
    shipped, worked = frames["shipments"]["shipped_on"].min(), frames["labour_hours"]["date"].min()
    paid = metric.str.starts_with("overtime")
    return (
        pl.when(paid)
        .then(start >= pl.lit(worked, pl.Date))
        .otherwise(start >= pl.lit(shipped, pl.Date))
        .fill_null(False)
    )


def value_week(captured: pl.DataFrame, weeks: pl.DataFrame, costs: UnitCosts) -> pl.DataFrame:
    """Table `value_week`: the newest of `weeks` (as from `weekly`) beside the one before and the weeks `captured`."""
    rows = []
    for metric in MEASURES:
        mine = weeks.filter(pl.col("metric") == metric).sort("period_start")
        if mine.is_empty():
            continue
        now = mine.row(-1, named=True)
        before = mine.filter(pl.col("period_start") == now["period_start"] - WEEK)["value"].to_list()
        known = captured.filter(pl.col("metric") == metric).drop_nulls("value").sort("period_start")
        values = known["value"].to_list()
        limits = control_limits(values)
        centre, low, high = limits or (values[0] if values else None, None, None)
        rows.append({
            **now, "week_before": before[0] if before else None, "baseline": centre, "low": low, "high": high,
            "baseline_weeks": len(values),
            "outside": None if low is None or high is None else not low <= now["value"] <= high,
            "saved": _saved(now, known, costs),
        })  # fmt: skip
    return VALUE_WEEK.frame(rows)


def _saved(now: dict[str, float], known: pl.DataFrame, costs: UnitCosts) -> float | None:
    """Money of the week against the baseline: shares at the pooled rate of the baseline times what this week counts."""
    cost = {
        "otif_first_promised": -costs.late_line, "expedites": costs.expedite, "overtime_hours": costs.overtime_hour,
        "premium_freight": costs.premium_freight,
    }.get(str(now["metric"]))  # fmt: skip
    if cost is None or known.is_empty():
        return None
    counted = float(known["numerator"].sum())
    if BY_NAME[str(now["metric"])].unit in ("share", "per 100 orders"):
        expected = counted / float(known["denominator"].sum()) * now["denominator"]
    else:
        expected = counted / known.height
    return cost * (expected - now["numerator"])
