"""What a planner wants to know of a finished night, drawn from its tables: pure, frames in, a `Report` out.

Belongs here: selection and order of what is shown. Measures are taken from the tables that define them, never computed
a second way. Printing is in `cli.night_report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

LOAD_DAYS = 14
SHOWN_MEASURES = (
    "backlog_health", "exceptions_auto", "exceptions_review", "exceptions_to_decide", "schedule_stability",
    "otif_requested", "otif_first_promised", "expedites", "record_accuracy",
)  # fmt: skip
SHOWN_SHORTAGES = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One screen about one night. Every frame is ranked by consequence."""

    plant: str
    planning_date: str
    sequence: int
    as_of: datetime
    headline: str
    ships: pl.DataFrame
    health: pl.DataFrame
    findings: pl.DataFrame
    messages: pl.DataFrame
    utilization: pl.DataFrame
    shortages: pl.DataFrame
    shortages_total: int
    exceptions: pl.DataFrame
    impact: pl.DataFrame
    unscheduled: pl.DataFrame
    quarantine: pl.DataFrame
    unavailable: tuple[str, ...]
    rows: dict[str, int]


def night_report(frames: Frames, context: PlanContext) -> Report:
    """The report of a night whose tables are `frames`."""
    ships = moved_lines(frames["order_promises"])
    exceptions = _exceptions(frames)
    impact = frames.get("expected_impact", pl.DataFrame())
    loaded = utilization(frames["capacity_load"], context)
    return Report(
        plant=context.plant.code,
        planning_date=context.planning_date.isoformat(),
        sequence=context.sequence,
        as_of=context.as_of.astimezone(context.plant.zone),
        headline=_headline(frames["order_promises"], ships, exceptions, loaded),
        ships=ships,
        health=_health(frames.get("metrics")),
        findings=_findings(frames["findings"]),
        messages=_messages(frames["action_messages"]),
        utilization=loaded,
        shortages=_shortages(frames["shortages"]),
        shortages_total=frames["shortages"].height,
        exceptions=exceptions,
        impact=impact,
        unscheduled=frames["unscheduled"]
        .group_by("reason")
        .len("orders")
        .sort("orders", "reason", descending=[True, False]),
        quarantine=_quarantine(frames["quarantine"]),
        unavailable=tuple(frames["availability"].filter(~pl.col("present")).get_column("table").sort().to_list()),
        rows={
            name: frames[name].height for name in ("reconciled_orders", "planned_orders", "schedule", "order_promises")
        },
    )


def moved_lines(promises: pl.DataFrame) -> pl.DataFrame:
    """Customer lines whose ship date moves: against the run before, or where there is none against the promise."""
    before = pl.coalesce("previous_projection", "promised", "requested")
    rank = pl.col("customer_class").fill_null("Z")
    return (
        promises.with_columns(before.alias("before"))
        .filter(pl.col("projected_ship").is_null() | pl.col("projected_ship").ne_missing(pl.col("before")))
        .with_columns((pl.col("projected_ship") - pl.col("before")).dt.total_days().alias("moves_days"))
        .sort(
            pl.col("projected_ship").is_null(), pl.col("late_days").fill_null(0) > 0, rank, "moves_days",
            "sales_order", "line",
            descending=[True, True, False, True, False, False], nulls_last=True,
        )
        .select(
            "sales_order", "line", "customer", "customer_class", "item", "qty", "promised", "before", "projected_ship",
            "moves_days", "late_days", "short_qty", "bound_by",
        )
    )  # fmt: skip


def _exceptions(frames: Frames) -> pl.DataFrame:
    moves = frames.get("exception_moves")
    if moves is None:
        return pl.DataFrame()
    return moves.sort("rank").select(
        "rank", "kind", "subject", "from", "to", "lines_won", "lines_lost", "overtime_hours", "cost",
        "operations_moved", "approval_needed", "signature", "reason",
    )  # fmt: skip


def utilization(load: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Per cent of the next days' working time that is asked for and scheduled, per work center, the constraint first.

    `load` are rows of `capacity_load`, whose loaded minutes hold the set-up already.
    """
    last = context.planning_date + timedelta(days=LOAD_DAYS)
    return (
        load.filter(pl.col("bucket_start").is_between(context.planning_date, last, closed="left"))
        .group_by("work_center", "basis")
        .agg(pl.col("loaded_min").sum().alias("used"), pl.col("available_min").sum().alias("available"))
        .with_columns(
            pl.when(pl.col("available") > 0)
            .then((100 * pl.col("used") / pl.col("available")).round(1))
            .alias("percent")
        )
        .pivot("basis", index="work_center", values="percent")
        .pipe(_with, "required", "scheduled")
        .select(
            "work_center", pl.col("required").alias("required_percent"), pl.col("scheduled").alias("scheduled_percent")
        )
        .sort("required_percent", "work_center", descending=[True, False], nulls_last=True)
    )


def _with(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    missing = [pl.lit(None, pl.Float64).alias(name) for name in columns if name not in frame.columns]
    return frame.with_columns(missing)


def _findings(findings: pl.DataFrame) -> pl.DataFrame:
    return (
        findings.group_by("rule", "severity")
        .agg(
            pl.len().alias("found"),
            pl.col("applied").sum().alias("corrected"),
            (~pl.col("applied")).sum().alias("for_review"),
            pl.col("value_at_stake").sum().round(0).alias("value_at_stake"),
        )
        .sort("found", "rule", "severity", descending=[True, False, False])
    )


def _messages(messages: pl.DataFrame) -> pl.DataFrame:
    shown = pl.col("visibility").str.to_lowercase() == "shown"
    return (
        messages.group_by("code")
        .agg(
            pl.len().alias("messages"),
            shown.sum().alias("shown"),
            (~shown).sum().alias("suppressed"),
            (~pl.col("feasible")).sum().alias("not_feasible"),
            pl.col("phoney").fill_null(value=False).sum().alias("phoney"),
            (pl.col("lifecycle").str.to_uppercase() == "NEW").sum().alias("new"),
        )
        .sort("messages", "code", descending=[True, False])
    )


def _shortages(shortages: pl.DataFrame) -> pl.DataFrame:
    return (
        shortages.group_by("item")
        .agg(
            pl.len().alias("orders"),
            pl.col("short_qty").sum(),
            pl.col("needed_at").min().alias("first_needed"),
            pl.col("covered_at").max().alias("covered_at"),
            pl.col("covered_by").sort().first().alias("covered_by"),
            pl.col("remedy").drop_nulls().sort().first().alias("remedy"),
        )
        .sort("first_needed", "orders", "item", descending=[False, True, False], nulls_last=True)
        .head(SHOWN_SHORTAGES)
    )


def _quarantine(quarantine: pl.DataFrame) -> pl.DataFrame:
    return (
        quarantine.group_by("table", "reason")
        .agg(pl.len().alias("rows"))
        .sort("rows", "table", "reason", descending=[True, False, False])
    )


def _health(metrics: pl.DataFrame | None) -> pl.DataFrame:
    if metrics is None:
        return pl.DataFrame()
    order = pl.DataFrame({"metric": SHOWN_MEASURES}).with_row_index("rank")
    share = pl.col("unit") == "share"
    return (
        metrics.filter(pl.col("scope") == "plant", pl.col("value").is_not_null())
        .join(order, on="metric")
        .sort("rank")
        .with_columns(
            pl.when(share).then(100 * pl.col("value")).otherwise("value").round(1).alias("value"),
            pl.when(share).then(pl.lit("%")).otherwise("unit").alias("unit"),
        )
        .select("metric", "value", "unit", "numerator", "denominator", "note")
    )


def _headline(promises: pl.DataFrame, ships: pl.DataFrame, exceptions: pl.DataFrame, utilization: pl.DataFrame) -> str:
    late = promises.filter(pl.col("late_days") > 0).height
    without = promises.get_column("projected_ship").null_count()
    parts = [
        f"{promises.height:,} customer lines: {promises.height - late - without:,} on time, {late:,} late"
        + (f", {without:,} without a date" if without else ""),
        f"{ships.height:,} move",
        f"{exceptions.height:,} exceptions could be taken",
    ]
    busiest: list[Any] = utilization.rows()[:1]
    if busiest and busiest[0][1] is not None:
        parts.append(
            f"the constraint of the next {LOAD_DAYS} days is {busiest[0][0]} ({busiest[0][1]:.0f} % asked for)"
        )
    return "; ".join(parts) + "."
