"""What is measured of a simulated night: service and floor from the truth, findings and messages from the platform.

Belongs here: which measures of `metrics` are taken on which tables of a night. Their definitions stand in `metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.metrics.definitions import Period
from recon_platform.metrics.otif import otif
from recon_platform.metrics.schedule_keeping import plan_adherence
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.executing import Landed

WEEK_DAYS = 7
ADHERENCE_TOLERANCE = timedelta(hours=4)
COLUMNS = ("policy", "night", "metric", "numerator", "denominator", "value")
SERVICE = ("otif_first_promised", "otif_requested")


def night_measures(
    policy: str, landed: Landed, planned: Mapping[str, pl.DataFrame] | None, *, failed: bool = False
) -> pl.DataFrame:
    """One row per measure of the night; `planned` are the platform's tables where it ran, `failed` if it gave none."""
    parts = [_service(landed), _lateness(landed), _backlog(landed), _constraint(landed), _adherence(landed, planned)]
    if planned is not None:
        parts += [_platform(landed, planned), _row("failed_nights", float(failed), 1)]
    made = pl.concat(parts)
    value = pl.when(pl.col("denominator") > 0).then(pl.col("numerator") / pl.col("denominator"))
    return (
        made.with_columns(policy=pl.lit(policy), night=pl.lit(landed.day), value=value).select(COLUMNS).sort("metric")
    )


def _row(metric: str, numerator: float, denominator: float) -> pl.DataFrame:
    return pl.DataFrame({"metric": [metric], "numerator": [float(numerator)], "denominator": [float(denominator)]})


def _service(landed: Landed) -> pl.DataFrame:
    """On time in full of the lines due in the week before, and the share of them of class A."""
    week = Period(landed.day - timedelta(days=WEEK_DAYS), landed.day - timedelta(days=1))
    tables = landed.true
    made = otif(tables["sales_orders"], tables["shipments"], tables["customers"], period=week, today=landed.day)
    made = made.filter((pl.col("scope") == "plant") & pl.col("metric").is_in(SERVICE))
    return made.select("metric", pl.col("numerator", "denominator").cast(pl.Float64))


def _lateness(landed: Landed) -> pl.DataFrame:
    """Mean days late of the orders finished in the week before (early ones count 0)."""
    now = landed.state.now
    done = landed.state.orders.filter(
        pl.col("status").is_in(["complete", "closed"]) & (pl.col("last_end") > now - WEEK_DAYS * DAY_MIN)
    )
    late = ((done["last_end"] - (done["due_day"] + 1) * DAY_MIN) / DAY_MIN).clip(lower_bound=0.0)
    return _row("days_late", float(late.sum()), done.height)


def _backlog(landed: Landed) -> pl.DataFrame:
    """Open orders whose due date has passed, of those released or further."""
    open_orders = landed.state.orders.filter(pl.col("status").is_in(["released", "in_process"]))
    overdue = open_orders.filter((pl.col("due_day") + 1) * DAY_MIN < landed.state.now)
    return pl.concat(
        [_row("overdue_share", overdue.height, open_orders.height), _row("wip_orders", open_orders.height, 1)]
    )


def _constraint(landed: Landed) -> pl.DataFrame:
    """Of the working time of the machines of the constraint line on the day before: busy, and setting up."""
    history, now = landed.state.history, landed.state.now
    machines = history.world.machines
    parameters = history.world.parameters
    mine = [i for i, center in enumerate(parameters.work_centers) if center.line == parameters.constraint_line]
    headers = machines.filter(pl.col("wc").is_in(mine))
    index = headers["index"].to_numpy()
    worked = history.intervals.worked
    since = now - DAY_MIN
    available = (worked(index, np.full(len(index), now)) - worked(index, np.full(len(index), since))).sum()
    ops = history.operations.filter(
        pl.col("machine").is_in(headers["index"].implode()) & (pl.col("setup_start") >= 0)
        & (pl.col("setup_start") < now) & (pl.col("end") > since)
    )  # fmt: skip
    machine = ops["machine"].to_numpy()
    begin, start, end = (np.clip(ops[c].to_numpy(), since, now) for c in ("setup_start", "start", "end"))
    busy, setting = (
        (worked(machine, end) - worked(machine, begin)).sum(),
        (worked(machine, start) - worked(machine, begin)).sum(),
    )
    return pl.concat([_row("heading_busy", busy, available), _row("heading_setup", setting, available)])


def _adherence(landed: Landed, planned: Mapping[str, pl.DataFrame] | None) -> pl.DataFrame:
    """Operations of the day before that ended as the plan in force had them: the published schedule, else ERP dates."""
    published = None if planned is None else planned.get("published.schedule")
    if published is None or published.is_empty():
        published = landed.true["work_order_operations"].select(
            "work_order", "op_seq", "work_center", start="planned_start", end="planned_end"
        )
    history, now = landed.state.history, landed.state.now
    clock = history.world.clock
    ended = history.operations.filter((pl.col("end") > now - DAY_MIN) & (pl.col("end") <= now))
    centers = pl.Series([w.code for w in history.world.parameters.work_centers])
    finished = ended.select(
        work_order=history.book.orders["work_order"].gather(ended["order"]), op_seq="op_seq",
        work_center=centers.gather(ended["wc"]), ended_at=clock.instants(ended["end"].to_numpy()),
    )  # fmt: skip
    as_of = clock.instant(now)
    made = plan_adherence(
        published, finished, landed.true["work_centers"], window_start=as_of - timedelta(days=1), window_end=as_of,
        tolerance=ADHERENCE_TOLERANCE,
    )  # fmt: skip
    made = made.filter((pl.col("scope") == "plant") & (pl.col("metric") == "plan_adherence"))
    return made.select("metric", pl.col("numerator", "denominator").cast(pl.Float64))


def _platform(landed: Landed, planned: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Findings that accuse and messages shown per 100 open orders; schedule stability where one was in force."""
    open_orders = landed.state.orders.filter(~pl.col("status").is_in(["complete", "closed"])).height / 100
    findings = planned["findings"].filter(pl.col("severity").str.to_lowercase() != "info")
    messages = planned["action_messages"].filter(pl.col("visibility") == "SHOWN")
    parts = [
        _row("findings_per_100", findings.height, open_orders),
        _row("messages_per_100", messages.height, open_orders),
    ]
    if "metrics" in planned:
        stability = planned["metrics"].filter((pl.col("metric") == "schedule_stability") & (pl.col("scope") == "plant"))
        stability = stability.filter(pl.col("numerator").is_not_null())
        parts.append(stability.select("metric", pl.col("numerator", "denominator").cast(pl.Float64)))
    return pl.concat(parts)
