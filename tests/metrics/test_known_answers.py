"""Every measure on small tables whose answer is worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.metrics import DEFINITIONS, Period
from recon_platform.metrics.definitions import BY_NAME
from recon_platform.metrics.effort import capacity_clarity, expedites, overtime, premium_freight
from recon_platform.metrics.otif import otif, otif_lines
from recon_platform.metrics.records import (
    backlog_health,
    exceptions_per_100,
    record_accuracy,
    vendor_lines,
    vendor_reliability,
)
from recon_platform.metrics.schedule_keeping import plan_adherence, schedule_stability
from recon_platform.tables.metrics import METRICS
from recon_platform.tables.reconciled import FINDINGS, RECONCILED_ORDERS
from recon_platform.tables.registry import conformed_table, table

TODAY = date(2026, 3, 16)
PERIOD = Period(date(2026, 3, 2), date(2026, 3, 15))


def rows(name: str, *content: dict[str, Any]) -> pl.DataFrame:
    return conformed_table(name).frame(list(content)) if content else conformed_table(name).empty()


def value(measures: pl.DataFrame, metric: str, scope: str = "plant", subject: str = "all") -> float | None:
    found = measures.filter((pl.col("metric") == metric) & (pl.col("scope") == scope) & (pl.col("subject") == subject))
    assert found.height == 1, f"{metric}/{scope}/{subject}: {found.height} rows"
    return found["value"][0]


def line(order: str, requested: int, *, qty: float = 100, promised: int | None = None, **more: Any) -> dict[str, Any]:
    first = promised if promised is not None else requested
    return {
        "sales_order": order, "line": "1", "customer": "C1", "item": "I", "qty": qty, "uom": "PCE",
        "requested_date": date(2026, 3, requested), "first_promised_date": date(2026, 3, first),
        "promised_date": date(2026, 3, 30), "status": "open", **more,
    }  # fmt: skip


def sent(order: str, day: int, qty: float, **more: Any) -> dict[str, Any]:
    return {"sales_order": order, "line": "1", "shipped_on": date(2026, 3, day), "qty": qty, "uom": "PCE", **more}


CUSTOMERS = (
    {"customer": "C1", "class": "A", "days_early": 3, "days_late": 1, "under_pct": 5.0, "over_pct": 10.0},
    {"customer": "C2", "class": "B"},
)


def test_otif_counts_tolerances_partials_cancellations_and_overdue_lines() -> None:
    orders = rows(
        "sales_orders",
        line("kept", 4),
        line("partials", 5),
        line("short", 5),
        line("late", 6),
        line("too_early", 9),
        line("too_much", 9),
        line("overdue", 10),
        line("ours", 10, status="cancelled", cancelled_by="plant", cancelled_on=date(2026, 3, 1)),
        line("theirs", 10, status="cancelled", cancelled_by="customer", cancelled_on=date(2026, 3, 1)),
        line("theirs_late", 10, status="cancelled", cancelled_by="customer", cancelled_on=date(2026, 3, 12)),
        line("not_yet", 15),
    )
    shipments = rows(
        "shipments",
        sent("kept", 5, 96),
        sent("partials", 3, 40), sent("partials", 5, 60),
        sent("short", 5, 94),
        sent("late", 8, 100),
        sent("too_early", 5, 100),
        sent("too_much", 9, 111),
    )  # fmt: skip
    lines = otif_lines(
        orders, shipments, rows("customers", *CUSTOMERS), basis="requested_date", period=PERIOD, today=TODAY
    )
    assert set(lines.filter("kept")["sales_order"]) == {"kept", "partials"}
    # the customer cancelled in time, and the day of grace of the last one is not over: both are left out
    assert set(lines["sales_order"]).isdisjoint({"theirs", "not_yet"})
    assert lines.height == 9


def test_otif_against_both_dates_and_never_the_latest_promise() -> None:
    orders = rows("sales_orders", line("a", 4, promised=10), line("b", 4, promised=4))
    shipments = rows("shipments", sent("a", 10, 100), sent("b", 4, 100))
    made = otif(orders, shipments, rows("customers", *CUSTOMERS), period=PERIOD, today=TODAY)
    assert value(made, "otif_requested") == 0.5
    assert value(made, "otif_first_promised") == 1.0
    assert value(made, "otif_requested", "customer_class", "A") == 0.5


def test_an_order_counts_with_all_its_lines() -> None:
    orders = rows("sales_orders", line("a", 4), line("a", 4, line="2"))
    shipments = rows("shipments", sent("a", 4, 100))
    made = otif(orders, shipments, rows("customers", *CUSTOMERS), period=PERIOD, today=TODAY)
    assert value(made, "otif_requested") == 0.5
    assert value(made, "otif_requested_orders") == 0.0


def test_nothing_due_gives_no_value() -> None:
    made = otif(
        rows("sales_orders"), rows("shipments"), rows("customers", *CUSTOMERS), period=PERIOD, today=TODAY
    )  # fmt: skip
    assert value(made, "otif_requested") is None
    assert made.filter(pl.col("metric") == "otif_requested")["denominator"][0] == 0


AS_OF = datetime(2026, 3, 16, 4, tzinfo=UTC)


def operation(order: str, hours: float, *, center: str = "W1", length: float = 1.0) -> dict[str, Any]:
    start = AS_OF + timedelta(hours=hours)
    return {
        "work_order": order, "op_seq": 10, "work_center": center, "machine": f"{center}-01", "setup_start": start,
        "start": start, "end": start + timedelta(hours=length), "qty": 1.0, "frozen": False, "forced": False,
        "bound_by": "now", "terms": "{}",
    }  # fmt: skip


CENTERS = (
    {"work_center": "W1", "calendar": "P", "machines": 1, "line": "L1"},
    {"work_center": "W2", "calendar": "P", "machines": 1, "line": "L2"},
)


def versions(*content: dict[str, Any]) -> pl.DataFrame:
    return table("schedule").frame(list(content))


def test_adherence_needs_the_work_center_and_the_time() -> None:
    baseline = versions(
        operation("kept", -10), operation("late", -10), operation("elsewhere", -10),
        operation("never", -10, center="W2"), operation("outside", -40),
    )  # fmt: skip
    finished = pl.DataFrame(
        {
            "work_order": ["kept", "late", "elsewhere", "broke_in"], "op_seq": [10] * 4,
            "work_center": ["W1", "W1", "W2", "W1"],
            "ended_at": [AS_OF - timedelta(hours=h) for h in (7, 2, 9, 5)],
        }
    )  # fmt: skip
    made = plan_adherence(
        baseline, finished, rows("work_centers", *CENTERS), window_start=AS_OF - timedelta(days=1), window_end=AS_OF,
        tolerance=timedelta(hours=4),
    )  # fmt: skip
    assert value(made, "plan_adherence") == 0.25
    assert value(made, "plan_adherence", "line", "L1") == pytest.approx(1 / 3)
    assert value(made, "plan_adherence", "line", "L2") == 0.0
    assert value(made, "break_ins") == 1


def test_stability_counts_moves_inside_the_fence_and_comings_and_goings_apart() -> None:
    before = versions(
        operation("same", 2), operation("nudged", 3), operation("moved", 4), operation("other_center", 5),
        operation("gone", 6), operation("far", 40), operation("history", -5),
    )  # fmt: skip
    after = versions(
        operation("same", 2), operation("nudged", 3.5), operation("moved", 9),
        operation("other_center", 5, center="W2"),
        operation("new", 7), operation("far", 60), operation("history", -5),
    )  # fmt: skip
    made = schedule_stability(
        before, after, rows("work_centers", *CENTERS), as_of=AS_OF, fence=timedelta(hours=24),
        tolerance=timedelta(hours=1),
    )  # fmt: skip
    assert value(made, "schedule_stability") == 0.5
    assert value(made, "schedule_additions") == 1
    assert value(made, "schedule_removals") == 1


def test_expedites_count_an_order_once() -> None:
    orders = rows(
        "sales_orders",
        *(
            line(name, 30, rush=name in ("a", "b"), promised_date=None, requested_date=date(2026, 3, 5))
            for name in "abcd"
        ),
    )
    made = expedites(orders, pl.DataFrame({"sales_order": ["b", "c"]}), period=PERIOD)
    assert value(made, "expedites") == 75.0


def test_premium_freight_is_only_what_is_above_contract() -> None:
    shipments = rows(
        "shipments",
        sent("a", 4, 1, freight_cost=150.0, contracted_freight_cost=100.0),
        sent("b", 4, 1, freight_cost=80.0, contracted_freight_cost=100.0),
        sent("c", 4, 1, freight_cost=900.0),
        sent("d", 30, 1, freight_cost=900.0, contracted_freight_cost=1.0),
    )
    made = premium_freight(shipments, period=PERIOD)
    assert value(made, "premium_freight") == 50.0
    assert value(made, "premium_freight_occurrences") == 1


def test_overtime_by_booking_and_by_threshold() -> None:
    hours = rows(
        "labour_hours",
        {"date": date(2026, 3, 3), "work_center": "W1", "regular_hours": 40.0, "overtime_hours": 10.0},
        {"date": date(2026, 3, 4), "work_center": "W1", "regular_hours": 30.0, "overtime_hours": 0.0},
    )
    assert value(overtime(hours, period=PERIOD), "overtime") == pytest.approx(10 / 80)
    assert value(overtime(hours, period=PERIOD), "overtime_hours") == 10.0
    assert value(overtime(hours, period=PERIOD, threshold_hours=32.0), "overtime") == pytest.approx(18 / 80)
    assert value(overtime(hours.head(0), period=PERIOD), "overtime") is None


def test_capacity_clarity_is_the_distance_of_plan_and_work() -> None:
    planned = table("capacity_load").frame(
        [
            {"work_center": "W1", "bucket_start": date(2026, 3, 3), "basis": "scheduled", "available_min": 6000.0,
             "loaded_min": 3000.0, "setup_min": 0.0, "overtime_min": 0.0},
            {"work_center": "W2", "bucket_start": date(2026, 3, 3), "basis": "scheduled", "available_min": 0.0,
             "loaded_min": 0.0, "setup_min": 0.0, "overtime_min": 0.0},
        ]
    )  # fmt: skip
    actual = pl.DataFrame({"work_center": ["W1"], "date": [date(2026, 3, 3)], "hours": [70.0]})
    made = capacity_clarity(planned, actual, period=PERIOD)
    assert value(made, "capacity_clarity", "work_center", "W1") == pytest.approx(0.2)
    assert value(made, "capacity_clarity", "work_center", "W2") is None
    assert value(made, "capacity_clarity") == pytest.approx(0.2)


def load(center: str, day: int, loaded_hours: float, basis: str = "scheduled") -> dict[str, Any]:
    return {"work_center": center, "bucket_start": date(2026, 3, day), "basis": basis, "available_min": 600.0,
            "loaded_min": 60 * loaded_hours, "setup_min": 0.0, "overtime_min": 0.0}  # fmt: skip


def test_capacity_clarity_compares_the_days_that_were_planned() -> None:
    planned = table("capacity_load").frame(
        [load("W1", 14, 8), load("W1", 15, 8), load("W1", 16, 8), load("W2", 14, 4), load("W1", 13, 9, "required")]
    )
    actual = pl.DataFrame({
        "work_center": ["W1", "W1", "W1", "W2", None], "date": [date(2026, 3, day) for day in (10, 14, 15, 14, 14)],
        "hours": [70.0, 9.0, 4.0, 6.0, 50.0],
    })  # fmt: skip
    made = capacity_clarity(planned, actual, period=PERIOD)
    assert value(made, "capacity_clarity", "work_center", "W1") == pytest.approx(3 / 20)
    assert value(made, "capacity_clarity", "work_center", "W2") == pytest.approx(2 / 10)
    assert value(made, "capacity_clarity") == pytest.approx(5 / 30)
    assert set(made["period_start"]) == {date(2026, 3, 14)}
    late = capacity_clarity(planned.filter(pl.col("bucket_start") == date(2026, 3, 16)), actual, period=PERIOD)
    assert value(late, "capacity_clarity") is None and late["note"].to_list() == [
        "the run before planned no day that is over"
    ]


def finding(name: str, order: str, rule: str, state: str, *how: str | None) -> dict[str, Any]:
    mode, group = (*how, None)[:2]
    return {
        "finding": name, "rule": rule, "rule_version": "1", "severity": "low", "mode": mode,
        "entity_type": "work_order", "entity": order, "applied": state == "applied", "value_at_stake": 0.0,
        "evidence": "{}", "work_order": order,
        "state": state, "orders_behind": 0, "group": group,
    }  # fmt: skip


def order(name: str, status: str = "in_process") -> dict[str, Any]:
    return {
        "work_order": name, "item": "I", "status": status, "qty": 1.0, "completed_qty": 0.0, "scrapped_qty": 0.0,
        "remaining_qty": 1.0, "expected_qty": 1.0, "due_date": TODAY, "supply_confirmed": True, "rules": "",
        "erp_status": status, "unposted_qty": 0.0, "over_qty": 0.0, "rework_qty": 0.0,
    }  # fmt: skip


FOUND = FINDINGS.frame(
    [
        finding("1", "A", "QT-01", "applied", "auto_fix"),
        finding("2", "B", "QT-02", "open", "planner_review"),
        finding("3", "B", "QT-13", "open", "planner_review"),
        finding("4", "C", "BF-05", "open", "planner_review", "g"),
        finding("5", "D", "BF-05", "open", "planner_review", "g"),
        finding("6", "E", "QT-02", "locked", "planner_review"),
    ]
)
ORDERS = RECONCILED_ORDERS.frame([*(order(name) for name in "ABCDE"), order("Z", "closed")])


def test_exceptions_per_100_orders_apart_and_grouped() -> None:
    made = exceptions_per_100(FOUND, ORDERS)
    assert value(made, "exceptions_auto") == 20.0
    assert value(made, "exceptions_review") == 80.0
    assert value(made, "exceptions_review", "rule", "BF-05") == 40.0
    assert value(made, "exceptions_to_decide") == 40.0
    assert value(exceptions_per_100(FOUND, ORDERS.head(0)), "exceptions_auto") is None


def test_backlog_health_is_orders_without_open_findings() -> None:
    assert value(backlog_health(FOUND, ORDERS), "backlog_health") == 0.4
    assert value(backlog_health(FOUND, ORDERS.head(0)), "backlog_health") is None


def test_record_accuracy_by_type_and_location() -> None:
    counts = rows(
        "inventory_transactions",
        *(
            {"transaction": f"T{n}", "item": "I", "location": place, "at": datetime(2026, 3, 5, tzinfo=UTC),
             "kind": "count", "qty": counted, "book_qty": 100.0, "uom": "PCE"}
            for n, (place, counted) in enumerate([("A", 100.0), ("A", 90.0), ("B", 100.0), ("B", 100.0)])
        ),
    )  # fmt: skip
    made = record_accuracy(counts, FOUND, ORDERS, period=PERIOD)
    assert value(made, "record_accuracy", "record_type", "on_hand") == 0.75
    assert value(made, "record_accuracy", "location", "A") == 0.5
    assert value(made, "record_accuracy", "record_type", "order_quantity") == pytest.approx(2 / 5)
    nothing = record_accuracy(counts.head(0), FOUND, ORDERS, period=PERIOD)
    assert value(nothing, "record_accuracy", "record_type", "on_hand") is None


def purchase(name: str, due: int, qty: float = 100, status: str = "closed", supplier: str = "S1") -> dict[str, Any]:
    return {
        "purchase_order": name, "line": "1", "supplier": supplier, "item": "M", "qty": qty, "uom": "KGM",
        "due_date": date(2026, 3, due), "status": status,
    }  # fmt: skip


def receipt(name: str, day: int, qty: float) -> dict[str, Any]:
    return {"purchase_order": name, "line": "1", "received_on": date(2026, 3, day), "qty": qty, "uom": "KGM"}


def test_vendor_reliability_in_full_inside_the_window() -> None:
    bought = rows(
        "purchase_orders", purchase("ok", 5), purchase("split", 5), purchase("late", 5),
        purchase("open", 6, status="open"),
        purchase("moved", 7, supplier="S2"), purchase("future", 15, status="open"),
    )  # fmt: skip
    received = rows(
        "receipts", receipt("ok", 3, 100), receipt("split", 4, 50), receipt("split", 7, 50), receipt("late", 9, 100),
        receipt("moved", 9, 100),
    )  # fmt: skip
    lines = vendor_lines(bought, received, period=PERIOD, today=TODAY, early_days=5, late_days=1)
    assert dict(zip(lines["purchase_order"], lines["days_late"], strict=True)) == {
        "late": 4, "moved": 2, "ok": -2, "open": 10, "split": 2,
    }  # fmt: skip
    made = vendor_reliability(
        bought, received, period=PERIOD, today=TODAY, early_days=5, late_days=1,
        rescheduled=pl.DataFrame({"purchase_order": ["moved"], "line": ["1"]}),
    )  # fmt: skip
    assert value(made, "vendor_reliability") == 0.25
    assert value(made, "vendor_rescheduled") == 1
    assert value(made, "vendor_lateness_p90") == 10
    assert value(made, "vendor_lateness_p50", "supplier", "S1") == 4


def test_measures_are_rows_of_their_table_and_carry_their_definition() -> None:
    made = exceptions_per_100(FOUND, ORDERS)
    METRICS.pandera().validate(made)
    assert set(made["metric"]) <= set(BY_NAME)
    assert set(made["definition_version"]) == {"1"}
    assert len(BY_NAME) == len(DEFINITIONS)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Period(date(2026, 3, 2), date(2026, 3, 1))


def test_the_night_counts_orders_whose_fence_was_broken_by_approval() -> None:
    from recon_platform.metrics.night import _fence_breaks
    from recon_platform.tables.governance import DECISIONS_IN_FORCE

    decided = DECISIONS_IN_FORCE.frame(
        [
            {"decision": f"D{n}", "kind": "approved_move", "subject": subject, "value": f'{{"kind": "{kind}"}}',
             "valid_from": AS_OF, "approved_by": "s", "reason": "r"}
            for n, (subject, kind) in enumerate([("A", "frozen_break"), ("B", "substitute"), ("Z", "frozen_break")])
        ]
    )  # fmt: skip
    orders = ORDERS.with_columns(sales_order=pl.concat_str(pl.lit("S"), "work_order"))
    broken = _fence_breaks({"decisions_in_force": decided, "reconciled_orders": orders})
    assert set(broken["sales_order"]) == {"SA", "SZ"}
    assert _fence_breaks({"reconciled_orders": orders}).is_empty()
