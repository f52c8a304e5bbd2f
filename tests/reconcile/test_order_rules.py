"""Each order rule on an order worked out by hand: the rules that fire are an exact set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from tests.reconcile.small_plant import TODAY, Rows, backlog, finding, fired, night, order, plant, report

ISSUED = {"material_issues": []}
LONG_AGO = TODAY - timedelta(days=120)


def done(good: float = 980, scrap: float = 20, **more: Any) -> Rows:
    return [report("A", 10, good, scrap, **more), report("A", 20, good, **more)]


CASES: dict[str, tuple[dict[str, Any], Rows, set[str]]] = {
    "agreed and quiet": (order("A", good=980, scrap=20), done(), {"ST-01"}),
    "still warm": (order("A", good=980, scrap=20), done(hours_ago=2), set()),
    "receipts missing": (order("A", good=500, scrap=20), done(), {"ST-02", "QT-01"}),
    "scrap unposted keeps it open": (order("A", good=980), done(), {"QT-03"}),
    "ended short": (order("A", good=700, scrap=20), done(700, 20), {"ST-03"}),
    "ended short, unposted": (order("A"), done(700, 20), {"ST-03", "QT-01", "QT-03"}),
    "terminated half way": (
        order("A", good=400), [report("A", 10, 600, status="terminated"), report("A", 20, 400, status="terminated")],
        {"ST-03", "QT-13"},
    ),
    "closed with work in process": (
        order("A", good=1000, status="closed"), [report("A", 10, 1000), report("A", 20, 1000, 0, 20)],
        {"ST-04", "QT-07"},
    ),
    "cancelled and running": (order("A", status="cancelled"), [report("A", 10, 0, 0, 50)], {"ST-05"}),
    "cancelled and over": (order("A", good=980, scrap=20, status="cancelled"), done(), set()),
    "started before release": (order("A", status="firm"), [report("A", 10, 0, 0, 50)], {"ST-06"}),
    "complete before release": (order("A", status="firm"), done(), {"ST-06b", "QT-01", "QT-03"}),
    "never dispatched": (order("A", status="released", start_date=TODAY - timedelta(days=4)), [], {"ST-07"}),
    "released yesterday": (order("A", status="released"), [], set()),
    "stalled": (order("A"), [report("A", 10, 0, 0, 50, hours_ago=80)], {"ST-08"}),
    "on hold": (order("A"), [report("A", 10, 0, 0, 50, status="hold", hours_ago=5)], {"ST-09"}),
    "forgotten": (order("A", status="firm", start_date=LONG_AGO, due_date=LONG_AGO), [], {"ST-10"}),
    "erp ahead": (
        order("A", good=600), [report("A", 10, 1000), report("A", 20, 500, 0, 500, hours_ago=1)], {"QT-02"},
    ),
    "erp scrapped more": (
        order("A", good=500, scrap=60), [report("A", 10, 1000), report("A", 20, 500, 0, 500, hours_ago=1)], {"QT-04"},
    ),
    "over-completed": (
        order("A", good=1060), [report("A", 10, 1060), report("A", 20, 1060, hours_ago=1)], {"QT-06"},
    ),
    "within the overrun": (order("A", good=1040), [report("A", 10, 1040), report("A", 20, 1040, hours_ago=1)], set()),
    "more out than in": (
        order("A", good=1000), [report("A", 10, 950), report("A", 20, 1000, hours_ago=1)], {"QT-07"},
    ),
    "counted more than entered": (
        order("A", good=800), [report("A", 10, 850), report("A", 20, 800, 40, 60, hours_ago=1)], {"QT-07", "QT-03"},
    ),
    "units nobody accounts for": (
        order("A", good=600), [report("A", 10, 1000), report("A", 20, 600, 0, 300, hours_ago=1)], {"QT-13"},
    ),
    "in rework": (
        order("A", good=900), [report("A", 10, 1000), report("A", 20, 900, 0, 50, rework_qty=50.0, hours_ago=1)],
        {"QT-08"},
    ),
    "partly received": (
        order("A", good=500), [report("A", 10, 1000), report("A", 20, 500, 0, 500, hours_ago=1)], set(),
    ),
    "counted in thousands": (order("A", good=1), done(1000, 0), {"UM-01"}),
    "counted in dozens": (order("A", good=82), done(984, 0), {"UM-01"}),
    "within tolerance": (order("A", good=976, scrap=23), done(), {"ST-01"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda name: name.replace(" ", "-"))
def test_rules_that_fire_are_an_exact_set(case: str) -> None:
    erp, mes, expected = CASES[case]
    made = night(plant([erp], mes))
    assert fired(made, "A") == expected


def test_an_order_without_routing_is_listed_and_has_no_operations() -> None:
    frames = plant([order("A", status="released")], [], routings=[], work_order_operations=[])
    made = night(frames)
    assert fired(made, "A") == {"RT-01"}
    assert made["reconciled_operations"].is_empty()


def test_stalled_is_measured_against_the_usual_time_of_the_operation() -> None:
    slow = [
        {"work_order": "A", "op_seq": 10, "operation_code": "CURE", "work_center": "W10", "setup_min": 0.0,
         "run_min_per_unit": 3.0}
    ]  # fmt: skip
    frames = plant([order("A")], [report("A", 10, 0, 0, 50, hours_ago=80)], work_order_operations=slow)
    assert fired(night(frames), "A") == set()  # 50 h of work are usual: 80 h of silence are not yet stalled
    frames = plant([order("A")], [report("A", 10, 0, 0, 50, hours_ago=160)], work_order_operations=slow)
    assert fired(night(frames), "A") == {"ST-08"}


def test_a_forgotten_order_that_somebody_waits_for_is_not_proposed_for_cancellation() -> None:
    waiting = [
        {"sales_order": "S", "line": "1", "customer": "K", "item": "P", "qty": 5.0, "uom": "PCE",
         "requested_date": TODAY, "status": "open"}
    ]  # fmt: skip
    erp = order("A", status="firm", start_date=LONG_AGO, due_date=LONG_AGO, sales_order="S", line="1")
    assert fired(night(plant([erp], [], sales_orders=waiting)), "A") == set()


def test_quantity_rules_are_silent_where_units_are_in_doubt() -> None:
    made = night(plant([order("A", good=1)], [report("A", 10, 1000), report("A", 20, 1000)]))
    row = finding(made, "UM-01")
    assert row["correction"] == "one side counts in another unit, factor 1000"
    assert backlog(made, "A")["completed_qty"] == 1000  # the larger count that the order allows


def test_the_evidence_carries_both_sides_and_the_operation_table() -> None:
    import json

    made = night(plant([order("A", good=500, scrap=20)], done(machine="W20-01")))
    evidence = json.loads(finding(made, "QT-01")["evidence"])
    assert evidence["erp"]["good"] == 500
    assert evidence["mes"]["good"] == 980
    assert [row["op_seq"] for row in evidence["operations"]] == [10, 20]
    assert evidence["operations"][1]["machine"] == "W20-01"
    assert evidence["mes"]["last_report"] == "2026-02-28T22:00:00Z"


def test_a_second_report_of_the_same_operation_counts_once_and_the_latest_counts() -> None:
    reports = [
        report("A", 10, 1000, hours_ago=40), report("A", 10, 900, hours_ago=50),
        report("A", 20, 300, 0, 700, hours_ago=3), report("A", 20, 500, 0, 500, hours_ago=1),
    ]  # fmt: skip
    made = night(plant([order("A", good=500)], reports))
    assert fired(made, "A") == set()
    assert backlog(made, "A")["expected_qty"] == 500


def test_mes_orders_the_erp_does_not_know_are_listed() -> None:
    made = night(plant([order("A", status="released")], [report("GHOST", 10, 5)]))
    assert finding(made, "MP-01")["entity"] == "GHOST"
    assert made["findings"].filter(pl.col("rule") == "MP-01")["state"].to_list() == ["open"]


def test_last_night_s_pegging_tells_who_waits_behind_an_order() -> None:
    from recon_platform.tables.registry import table

    pegs = table("pegging").frame(
        [
            {"supply_type": "work_order", "supply": "A", "demand_type": kind, "demand": demand, "item": "P", "qty": 1.0,
             "level": 0}
            for kind, demand in (("sales_order", "S/1"), ("sales_order", "S/2"), ("forecast", "F"))
        ]
    )  # fmt: skip
    frames = plant([order("A", good=600)], [report("A", 10, 1000), report("A", 20, 500, 0, 500, hours_ago=1)])
    assert finding(night(frames), "QT-02")["orders_behind"] == 0
    assert finding(night({**frames, "previous.pegging": pegs}), "QT-02")["orders_behind"] == 2
    old = plant([order("A", status="firm", start_date=LONG_AGO, due_date=LONG_AGO)], [])
    assert fired(night(old), "A") == {"ST-10"}
    only_stock = pegs.filter(pl.col("demand_type") == "forecast")
    assert fired(night({**old, "previous.pegging": only_stock}), "A") == set()
