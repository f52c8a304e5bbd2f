"""Downtime to expect, learned from what finished operations took beyond their run and set-up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.conform import conform
from recon_platform.conform.learning import measured, parameter_proposals
from recon_platform.conform.stops import Days, stops
from recon_platform.tables.policy import SpinePolicy
from recon_platform.tables.registry import TABLES, conformed_table, output_table
from tests.conform.plant import context, landing, table

PLANNING_DATE = date(2026, 3, 2)
DAYS = Days.before(PLANNING_DATE, "UTC")
LEARNED_FROM = (
    "receipts", "purchase_orders", "supplier_items", "items", "work_orders", "routings", "setup_matrix", "work_centers",
    "machines", "operation_status", "cycle_times",
)  # fmt: skip


def at(day: int, hour: float) -> datetime:
    """So many hours after midnight of a day of February 2026."""
    return datetime(2026, 2, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour)


def plant(operations: list[tuple[datetime, datetime, float, float | None]], **center: Any) -> dict[str, pl.DataFrame]:
    """One machine, open from 6 to 14 every day; operations (started, ended, run and set-up minutes) all finished on it."""
    made = {name: conformed_table(name).empty() for name in LEARNED_FROM}
    made["machines"] = TABLES["machines"].frame([{"machine": "M", "work_center": "W"}])
    made["work_centers"] = TABLES["work_centers"].frame(
        [{"work_center": "W", "calendar": "C", "machines": 1, **center}]
    )
    made["operation_status"] = TABLES["operation_status"].frame(
        [
            {"order": f"O{k}", "op_seq": 10, "machine": "M", "status": "complete", "good_qty": 1.0, "scrap_qty": 0.0, "started_at": started,
             "ended_at": ended, "reported_at": ended}
            for k, (started, ended, _, _) in enumerate(operations)
        ]
    )  # fmt: skip
    made["cycle_times"] = TABLES["cycle_times"].frame(
        [
            {"order": f"O{k}", "op_seq": 10, "machine": "M", "qty": 1.0, "run_min": run, "setup_min": setup, "at": ended}
            for k, (_, ended, run, setup) in enumerate(operations)
        ]
    )  # fmt: skip
    made["working_time"] = output_table("working_time").frame(
        [
            {"machine": "M", "work_center": "W", "start": at(day, 6), "end": at(day, 14), "kind": "regular"}
            for day in range(16, 60)
        ]
    )  # fmt: skip
    return made


def minutes(made: dict[str, pl.DataFrame]) -> list[tuple[float, float]]:
    lost = stops(made, DAYS).sort("day", "worked")
    return [(worked / 6e7, gone / 6e7) for worked, gone in lost.select("worked", "lost").iter_rows()]


def test_what_was_neither_run_nor_set_up_was_a_stop() -> None:
    assert minutes(plant([(at(19, 6), at(19, 9), 150.0, 20.0)])) == [(180.0, 10.0)]


def test_only_working_time_counts() -> None:
    over_night = (at(19, 13), at(20, 7), 110.0, None)  # an hour of each day
    assert minutes(plant([over_night])) == [(120.0, 10.0)]
    assert minutes(plant([(at(19, 15), at(19, 20), 30.0, None)])) == []  # all of it off shift


def test_what_took_less_than_was_measured_lost_nothing() -> None:
    assert minutes(plant([(at(19, 6), at(19, 7), 70.0, None)])) == [(60.0, 0.0)]


@pytest.mark.parametrize(
    "operation",
    [
        (at(19, 6), at(20, 14), 100.0, None),  # 16 hours for 100 minutes: somebody reported it a day late
        (at(17, 6), at(17, 7), 50.0, None),  # before the days that every plan of the date knows
        (at(28, 6) + timedelta(days=1), datetime(2026, 3, 2, 6, tzinfo=UTC), 50.0, None),  # ended on the planning date
    ],
)
def test_what_tells_nothing_of_stops_is_left_out(operation: tuple[datetime, datetime, float, float | None]) -> None:
    assert minutes(plant([operation])) == []


def twenty(lost: float) -> list[tuple[datetime, datetime, float, float | None]]:
    return [(at(19 + k // 4, 6 + 2 * (k % 4)), at(19 + k // 4, 8 + 2 * (k % 4)), 120.0 - lost, None) for k in range(20)]


def test_the_mean_share_of_the_days_behind_is_proposed_where_planning_reckons_with_another() -> None:
    made = parameter_proposals(plant(twenty(6.0)), SpinePolicy(), DAYS).filter(kind="downtime")
    row = made.row(0, named=True)
    assert (row["subject"], row["current"], row["proposed"], row["samples"]) == ("W", 1.0, pytest.approx(0.95), 20)
    assert row["stale"]
    assert measured(plant(twenty(6.0)), DAYS).filter(kind="downtime")["value"].to_list() == pytest.approx([0.95] * 5)
    slow = parameter_proposals(plant(twenty(6.0), efficiency=0.8), SpinePolicy(), DAYS).filter(kind="downtime")
    assert slow.select("current", "proposed", "stale").row(0) == (0.8, pytest.approx(0.76), True)
    calm = parameter_proposals(plant(twenty(2.0)), SpinePolicy(), DAYS).filter(kind="downtime")
    assert not calm["stale"].any()
    assert parameter_proposals(plant(twenty(6.0)[:19]), SpinePolicy(), DAYS).filter(kind="downtime").is_empty()


def test_a_night_learns_it_from_what_was_delivered_whenever_of_its_date_it_is_made() -> None:
    shifts = table(
        "calendar weekday shift kind start end", *(f"DAY {day} early regular 06:00 14:00" for day in range(1, 8))
    )
    rows = [
        (f"WO-1 {k} HD-01 complete 1 0 PCE {start:%Y-%m-%dT%H:%M:%SZ} {end:%Y-%m-%dT%H:%M:%SZ} {end:%Y-%m-%dT%H:%M:%SZ}",
         f"WO-1 {k} HD-01 1 {run:g} {end:%Y-%m-%dT%H:%M:%SZ}")
        for k, (start, end, run, _) in enumerate(twenty(12.0), start=1)
    ]  # fmt: skip
    delivered = landing(
        calendars=shifts,
        operation_status=table(
            "order op_seq machine status good_qty scrap_qty uom started_at ended_at reported_at",
            *(row for row, _ in rows),
        ),
        cycle_times=table("order op_seq machine qty run_min at", *(row for _, row in rows)),
    )
    learned = []
    for hour in (5, 19):
        at_hour = context("UTC", as_of=datetime(2026, 3, 2, hour, tzinfo=UTC))
        learned.append(conform(delivered, at_hour)["parameter_proposals"].filter(kind="downtime"))
    assert learned[0].select("subject", "proposed", "samples").rows() == [("HD", pytest.approx(0.9), 20)]
    assert learned[0].equals(learned[1])
