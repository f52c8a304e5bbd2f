"""Each verdict on consumption, on one order of 1,000 that needs 2 C each."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.reconcile.small_plant import TODAY, Rows, finding, fired, issue, item, night, order, plant, report

DONE = [report("A", 10, 1000, hours_ago=2), report("A", 20, 1000, hours_ago=2)]
MADE = order("A", good=1000)
LOT_TRACED = [item("P"), item("C", make_buy="buy", lot_traced=True)]
CLOSED = [{"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "open": False}]
BILL = {"parent_item": "P", "component_item": "C", "qty_per": 2.0, "uom": "PCE", "op_seq": 10, "backflush": True}

CASES: dict[str, tuple[Rows, dict[str, Rows], set[str]]] = {
    "agrees": ([issue("A", 2000)], {}, set()),
    "agrees within tolerance": ([issue("A", 1965)], {}, set()),
    "nothing issued": ([issue("A", 0)], {}, {"BF-02"}),
    "less issued": ([issue("A", 1200)], {}, {"BF-03"}),
    "issued twice": ([issue("A", 2000), issue("A", 2000)], {}, {"BF-04"}),
    "issued three times": ([issue("A", 6000)], {}, {"BF-04"}),
    "more issued": ([issue("A", 2500)], {}, {"BF-05"}),
    "in thousands": ([issue("A", 2)], {}, {"BF-09"}),
    "in its own unit": (
        [issue("A", 100)], {"uom_conversions": [{"item": "C", "from_uom": "BOX", "to_uom": "PCE", "factor": 20.0}]},
        {"BF-09"},
    ),
    "stock would not suffice": (
        [issue("A", 0)], {"inventory": [{"item": "C", "qty": 1999.0, "uom": "PCE", "status": "available"}]}, {"BF-07"},
    ),
    "stock is negative already": (
        [issue("A", 0)], {"inventory": [{"item": "C", "qty": -5.0, "uom": "PCE", "status": "available"}]}, {"BF-07"},
    ),
    "lot-controlled": ([issue("A", 0)], {"items": LOT_TRACED}, {"BF-08"}),
    "lot-controlled and right": ([issue("A", 2000)], {"items": LOT_TRACED}, set()),
    "period closed": ([issue("A", 0)], {"accounting_periods": CLOSED}, {"BF-10"}),
    "bulk": ([issue("A", 0)], {"bom_lines": [{**BILL, "bulk": True}]}, set()),
    "by-product": ([issue("A", 0)], {"bom_lines": [{**BILL, "qty_per": -0.1}]}, set()),
    "phantom": ([issue("A", 0)], {"items": [item("P"), item("C", make_buy="phantom")]}, set()),
    "substituted": ([issue("A", 0), issue("A", 2000, "D")], {}, {"BF-06"}),
    "substituted in its ratio": (
        [issue("A", 0), issue("A", 3000, "D")],
        {"substitutes": [{"item": "C", "substitute_item": "D", "ratio": 1.5, "approved": True}]}, {"BF-06"},
    ),
    "something else issued beside it": ([issue("A", 2000), issue("A", 50, "D")], {}, {"BF-05"}),
    "substitution seen on the floor only": (
        [issue("A", 2000)], {"material_consumption": [
            {"order": "A", "component_item": "D", "qty": 2000.0, "uom": "PCE", "at": report("A", 10, 1)["reported_at"]}
        ]}, {"BF-06"},
    ),
    "floor saw more than the ERP posted": (
        [issue("A", 2000)], {"material_consumption": [
            {"order": "A", "component_item": "C", "qty": 2600.0, "uom": "PCE", "at": report("A", 10, 1)["reported_at"]}
        ]}, {"BF-03"},
    ),
    "reversed and posted again": (
        [], {"inventory_transactions": [
            {"transaction": "T1", "item": "C", "at": report("A", 10, 1)["reported_at"], "kind": "issue", "qty": -2000.0,
             "uom": "PCE", "order": "A"},
            {"transaction": "T2", "item": "C", "at": report("A", 10, 1)["reported_at"], "kind": "issue", "qty": 2000.0,
             "uom": "PCE", "order": "A", "reversal_of": "T1"},
            {"transaction": "T3", "item": "C", "at": report("A", 10, 1)["reported_at"], "kind": "issue", "qty": -2000.0,
             "uom": "PCE", "order": "A"},
        ]}, {"QT-09"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_one_verdict_per_component(case: str) -> None:
    issues, tables, expected = CASES[case]
    made = night(plant([MADE], DONE, **{"material_issues": issues, **tables}))
    assert fired(made, "A") == expected


def test_expectation_counts_scrap_and_rework_at_the_consuming_operation() -> None:
    reports = [report("A", 10, 50, 2, rework_qty=3.0, hours_ago=2), report("A", 20, 50, hours_ago=2)]
    bill = [{**BILL, "scrap": 0.05, "fixed_qty": 10.0}]
    made = night(plant([order("A", qty=55, good=50)], reports, bom_lines=bill, material_issues=[issue("A", 0)]))
    assert finding(made, "BF-02")["mes_value"] == str((50 + 2 + 3) * 2 * 1.05 + 10).removesuffix(".0")


def test_what_the_receipt_explains_is_posted_with_it() -> None:
    reports = [report("A", 10, 1000, hours_ago=2), report("A", 20, 1000, hours_ago=2)]
    made = night(plant([order("A", good=960)], reports, material_issues=[issue("A", 1920)]))
    row = finding(made, "BF-03")
    assert row["correction"] == "issue 80 with the receipt"
    assert (row["mode"], row["state"]) == ("auto_fix", "applied")
    # the receipt itself exceeds its limit: the issue waits with it
    made = night(plant([order("A", good=900)], reports, material_issues=[issue("A", 1800)]))
    assert (finding(made, "BF-03")["mode"], finding(made, "BF-03")["held_by"]) == ("planner_review", "receipt waits")


def test_less_issued_for_no_known_reason_is_never_automatic() -> None:
    made = night(plant([MADE], DONE, material_issues=[issue("A", 1200)]))
    assert finding(made, "BF-03")["held_by"] == "unexplained"


def test_a_posting_the_floor_contradicts_is_never_automatic() -> None:
    seen = [{"order": "A", "component_item": "C", "qty": 1500.0, "uom": "PCE", "at": DONE[0]["reported_at"]}]
    made = night(plant([MADE], DONE, material_issues=[issue("A", 0)], material_consumption=seen))
    assert finding(made, "BF-02")["held_by"] == "MES saw otherwise"


def test_what_is_issued_by_hand_is_compared_with_the_whole_order_while_it_runs() -> None:
    by_hand = {"bom_lines": [{**BILL, "backflush": False}]}
    running = [report("A", 10, 300, 0, 700, hours_ago=2)]
    issues = [issue("A", 2000, backflushed=False)]
    assert fired(night(plant([order("A")], running, material_issues=issues, **by_hand)), "A") == set()
    issues = [issue("A", 4000, backflushed=False)]
    assert fired(night(plant([order("A")], running, material_issues=issues, **by_hand)), "A") == {"BF-04"}


def test_the_same_error_on_many_orders_in_a_row_is_the_bill() -> None:
    orders, reports, issues = [], [], []
    for n in range(6):
        name = f"A{n}"
        orders.append(order(name, good=1000))
        reports += [report(name, seq, 1000, hours_ago=10 - n) for seq in (10, 20)]
        issues.append(issue(name, 2200))
    made = night(plant(orders, reports, material_issues=issues))
    row = finding(made, "BF-11")
    assert (row["entity"], row["erp_value"], row["mes_value"]) == ("P/C", "2", "2.2")
    assert row["group"] == "bill/P/C"
    groups = made["finding_groups"]
    assert groups["group"].to_list() == ["bill/P/C"]
    assert groups["findings"].to_list() == [7]  # the six orders and the bill itself: one thing to decide


def test_four_in_a_row_are_not_yet_a_trend_and_a_good_one_breaks_it() -> None:
    orders, reports, issues = [], [], []
    for n in range(9):
        name = f"A{n}"
        orders.append(order(name, good=1000))
        reports += [report(name, seq, 1000, hours_ago=20 - n) for seq in (10, 20)]
        issues.append(issue(name, 2000 if n == 4 else 2200))
    made = night(plant(orders, reports, material_issues=issues))
    assert "BF-11" not in set(made["findings"]["rule"])


def test_stock_is_not_promised_twice() -> None:
    orders = [order(name, good=1000) for name in ("A", "B")]
    reports = [report(name, seq, 1000, hours_ago=2) for name in ("A", "B") for seq in (10, 20)]
    stock: Rows = [{"item": "C", "qty": 3000.0, "uom": "PCE", "status": "available"}]
    issues = [issue("A", 0), issue("B", 0)]
    made = night(plant(orders, reports, inventory=stock, material_issues=issues))
    assert (fired(made, "A"), fired(made, "B")) == ({"BF-02"}, {"BF-07"})


def test_the_bill_is_the_one_valid_when_the_order_started() -> None:
    bill: Rows = [
        {**BILL, "qty_per": 3.0, "valid_to": TODAY - timedelta(days=10)},
        {**BILL, "valid_from": TODAY - timedelta(days=9)},
    ]
    old: dict[str, Any] = order("A", good=1000, start_date=TODAY - timedelta(days=12))
    assert fired(night(plant([old], DONE, bom_lines=bill, material_issues=[issue("A", 3000)])), "A") == set()
    assert fired(night(plant([MADE], DONE, bom_lines=bill, material_issues=[issue("A", 2000)])), "A") == set()
