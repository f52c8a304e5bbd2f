"""The list for people: what is put together, what comes first, what may wait."""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.groups import to_decide
from tests.reconcile.small_plant import TODAY, Rows, finding, issue, item, night, order, plant, report


def done(name: str, good: float, **more: object) -> Rows:
    return [report(name, seq, good, **more) for seq in (10, 20)]  # type: ignore[arg-type]


def test_one_wrong_unit_on_many_orders_is_one_thing_to_decide() -> None:
    names = [f"A{n}" for n in range(4)]
    made = night(plant([order(n, good=1) for n in names], [row for n in names for row in done(n, 1000)]))
    assert made["finding_groups"]["group"].to_list() == ["unit/1000"]
    assert made["finding_groups"]["proposal"].to_list() == ["correct the unit of the posting interface for all of them"]
    assert to_decide(made["findings"]) == 1


def test_a_machine_with_far_more_than_its_share_is_one_suspect() -> None:
    orders, reports = [], []
    for n in range(60):
        name, machine = f"A{n:02}", "W20-01" if n < 10 else "W20-02"
        miscounted = n < 8 or n == 59
        orders.append(order(name, good=500))
        reports += [
            report(name, 10, 1000),
            report(name, 20, 500, 0, 400 if miscounted else 500, machine=machine, hours_ago=1),
        ]
    made = night(plant(orders, reports))
    lost = made["findings"].filter(pl.col("rule") == "QT-13").sort("entity")
    assert lost["group"].to_list() == [*["counter/QT-13/W20-01"] * 8, None]


def test_all_codes_of_one_spelling_are_one_alias_to_confirm() -> None:
    names = ["A", "B"]
    reports = [report(n, 10, 0, 0, 50, operation_code="CUTT", hours_ago=1) for n in names]
    codes = [{"operation_code": code} for code in ("CUT", "PACK")]
    made = night(plant([order(n) for n in names], reports, operation_codes=codes))
    row = finding(made, "RT-02", "A/10")
    assert (row["mes_value"], row["correction"], row["group"]) == ("CUTT", "take CUTT for CUT", "code/CUTT")
    assert set(made["findings"].filter(pl.col("group") == "code/CUTT")["rule"]) == {"RT-02", "RT-04"}


def test_the_floor_on_another_routing_is_reviewed_and_planned_with_it() -> None:
    routings = [
        {"item": "P", "routing": name, "op_seq": seq, "operation_code": code, "work_center": center,
         "setup_min": 5.0, "run_min_per_unit": 0.5}
        for name, seq, code, center in (
            ("main", 10, "CUT", "W10"), ("main", 20, "PACK", "W20"),
            ("fast", 10, "CUT", "W10"), ("fast", 30, "WRAP", "W20"),
        )
    ]  # fmt: skip
    made = night(plant([order("A")], [report("A", 10, 0, 0, 50, routing="fast", hours_ago=1)], routings=routings))
    assert finding(made, "RT-03")["correction"] == "follow routing fast"
    assert made["reconciled_operations"]["op_seq"].to_list() == [10, 30]
    unknown = night(plant([order("A")], [report("A", 10, 0, 0, 50, routing="lost", hours_ago=1)], routings=routings))
    assert unknown["reconciled_operations"]["op_seq"].to_list() == [10, 20]  # nothing is known of it


def test_critical_first_then_those_somebody_waits_for_then_value() -> None:
    waiting = [
        {"sales_order": "S", "line": "1", "customer": "K", "item": "P", "qty": 5.0, "uom": "PCE",
         "requested_date": TODAY, "status": "open"}
    ]  # fmt: skip
    orders = [
        order("CHEAP", good=600), order("DEAR", good=900, item="Q"), order("STOP", status="cancelled"),
        order("WAITED", good=800, sales_order="S", line="1"),
    ]  # fmt: skip
    reports = [
        *(report(name, 10, 1000) for name in ("CHEAP", "DEAR", "WAITED")),
        report("CHEAP", 20, 600, 0, 300, hours_ago=1),
        report("DEAR", 20, 600, 0, 400, hours_ago=1), report("WAITED", 20, 700, 0, 300, hours_ago=1),
        report("STOP", 10, 0, 0, 5, hours_ago=1),
    ]  # fmt: skip
    made = night(plant(orders, reports, items=[item("P"), item("Q", cost=50.0), item("C")], sales_orders=waiting))
    ranked = made["findings"].filter(pl.col("rank").is_not_null()).sort("rank")
    assert ranked["entity"].to_list() == ["STOP", "WAITED", "DEAR", "CHEAP"]
    assert finding(made, "QT-02", "WAITED")["orders_behind"] == 1


def test_a_trifle_nobody_waits_for_keeps_no_place_on_the_list() -> None:
    frames = plant([order("A", good=1000)], done("A", 1000, hours_ago=2), material_issues=[issue("A", 2060)])
    assert finding(night(frames), "BF-05")["rank"] == 1
    assert finding(night(frames, attention_value=100.0), "BF-05")["rank"] is None
    assert finding(night(frames, attention_value=100.0), "BF-05")["state"] == "open"  # told, never lost


def test_finished_orders_of_a_line_are_received_together_unless_value_forbids() -> None:
    names = [f"A{n}" for n in range(3)]
    orders = [order(n, good=500) for n in names]
    reports = [row for n in names for row in done(n, 1000)]
    made = night(plant(orders, reports))
    assert made["finding_groups"]["group"].to_list() == ["receive/W20"]
    assert to_decide(made["findings"]) == 1
    made = night(plant(orders, reports), auto_fix_value_limit=100.0)
    assert made["finding_groups"].is_empty()
    assert to_decide(made["findings"]) == 3
