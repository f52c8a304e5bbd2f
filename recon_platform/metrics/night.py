"""The measures a night can tell by itself, from the tables of its own run and of the runs before."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.metrics.definitions import Period, unavailable
from recon_platform.metrics.effort import capacity_clarity, expedites, overtime, premium_freight
from recon_platform.metrics.otif import otif
from recon_platform.metrics.records import backlog_health, exceptions_per_100, record_accuracy, vendor_reliability
from recon_platform.metrics.schedule_keeping import plan_adherence, schedule_stability
from recon_platform.tables.context import PlanContext
from recon_platform.tables.metrics import METRICS
from recon_platform.tables.model import Frames

OTIF_DAYS = 28
RECENT_DAYS = 7
VENDOR_DAYS = 365
ADHERENCE_TOLERANCE = timedelta(hours=4)
STABILITY_TOLERANCE = timedelta(hours=1)


def plan_metrics(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Table `metrics` from conformed, reconciled and scheduled tables; what is not there gives a row without value.

    Periods end on the day before the planning date: 28 days for service, a year for vendors, a week for the rest.
    """
    today = context.planning_date
    yesterday = today - timedelta(days=1)
    service = Period(today - timedelta(days=OTIF_DAYS), yesterday)
    week = Period(today - timedelta(days=RECENT_DAYS), yesterday)
    year = Period(today - timedelta(days=VENDOR_DAYS), yesterday)
    findings, orders = frames["findings"], frames["reconciled_orders"]
    parts = [
        exceptions_per_100(findings, orders),
        backlog_health(findings, orders),
        record_accuracy(frames["inventory_transactions"], findings, orders, period=year),
        expedites(frames["sales_orders"], _fence_breaks(frames), period=service),
        vendor_reliability(frames["purchase_orders"], frames["receipts"], period=year, today=today)
        if not frames["receipts"].is_empty()
        else unavailable("vendor_reliability", "no receipts delivered", year),
    ]
    if frames["shipments"].is_empty():
        parts += [
            unavailable(name, "no shipments delivered", service) for name in ("otif_requested", "otif_first_promised")
        ]
    else:
        parts += [
            otif(frames["sales_orders"], frames["shipments"], frames["customers"], period=service, today=today),
            premium_freight(frames["shipments"], period=service),
        ]
    parts += _labour(frames, week)
    parts += _schedule(frames, context)
    made = pl.concat(parts).unique(["metric", "scope", "subject"], keep="first")
    return {"metrics": METRICS.frame(made).sort("metric", "scope", "subject")}


def _fence_breaks(frames: Frames) -> pl.DataFrame:
    """Sales orders behind approved breaks of the frozen horizon; the subject of such a move is a work order."""
    decisions = frames.get("decisions_in_force")
    orders = frames["reconciled_orders"].select("work_order", "sales_order").drop_nulls()
    if decisions is None:
        return orders.head(0)
    kind = pl.col("value").str.json_path_match("$.kind")
    moves = decisions.filter(
        (pl.col("kind") == "approved_move") & kind.is_in(["frozen_break", "rush"]).fill_null(False)
    )
    value = pl.coalesce(pl.col("value").str.json_path_match("$.change[0].where.work_order"), "subject")
    return orders.join(moves.select(work_order=value), on="work_order", how="semi")


def _labour(frames: Frames, week: Period) -> list[pl.DataFrame]:
    hours = frames["labour_hours"]
    if hours.is_empty():
        return [unavailable("overtime", "no labour hours delivered", week)]
    parts = [overtime(hours, period=week)]
    planned = frames.get("previous.capacity_load")
    if planned is None:
        return [*parts, unavailable("capacity_clarity", "no plan of an earlier night", week)]
    worked = hours.select(
        "work_center", "date", hours=pl.col("regular_hours").fill_null(0.0) + pl.col("overtime_hours").fill_null(0.0)
    )
    return [*parts, capacity_clarity(planned, worked, period=week)]


def _schedule(frames: Frames, context: PlanContext) -> list[pl.DataFrame]:
    published = frames.get("published.schedule")
    if published is None or published.is_empty():
        why = "no schedule was in force"
        return [unavailable("plan_adherence", why), unavailable("schedule_stability", why)]
    centers = frames["work_centers"]
    place = frames["machines"].select("machine", "work_center")
    ended = (
        frames["operation_status"].filter(pl.col("ended_at").is_not_null())
        .join(place, on="machine", how="left")
        .select(pl.col("order").alias("work_order"), "op_seq", "work_center", "ended_at")
    )  # fmt: skip
    parts = [
        plan_adherence(
            published, ended, centers, window_start=context.as_of - timedelta(days=1), window_end=context.as_of,
            tolerance=ADHERENCE_TOLERANCE,
        )
    ]  # fmt: skip
    fence = timedelta(hours=context.policy.capacity.frozen_hours)
    parts.append(
        schedule_stability(
            published, frames["schedule"], centers, as_of=context.as_of, fence=fence, tolerance=STABILITY_TOLERANCE
        )
    )
    return parts
