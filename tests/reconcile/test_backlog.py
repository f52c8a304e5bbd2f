"""The backlog after reconciliation: one status, conserved quantities, what is still to be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.tables.reconciled import TABLES
from tests.reconcile.small_plant import AS_OF, TODAY, backlog, finding, item, night, order, plant, report

RUNNING = [report("A", 10, 900, 100, hours_ago=2), report("A", 20, 400, 0, 500, hours_ago=2, started_at=AS_OF)]


def operations(made: dict[str, pl.DataFrame]) -> list[tuple[Any, ...]]:
    columns = ("op_seq", "status", "qty", "good_qty", "in_process_qty", "remaining_qty")
    return made["reconciled_operations"].select(columns).rows()


def test_what_is_left_follows_the_floor_operation_by_operation() -> None:
    made = night(plant([order("A")], RUNNING))
    row = backlog(made, "A")
    assert (row["completed_qty"], row["scrapped_qty"], row["remaining_qty"]) == (400, 100, 500)
    assert row["expected_qty"] == 500
    assert row["unposted_qty"] == 400  # finished, and not yet in the ERP's stock
    assert row["rules"] == "QT-01,QT-03,QT-05"
    assert operations(made) == [(10, "complete", 1000, 900, 0, 0), (20, "running", 900, 400, 500, 500)]


def test_expected_supply_counts_the_yield_of_the_operations_ahead() -> None:
    routings = [
        {"item": "P", "routing": "main", "op_seq": seq, "operation_code": code, "work_center": f"W{seq}",
         "setup_min": 10.0, "run_min_per_unit": 0.1, "yield": good}
        for seq, code, good in ((10, "CUT", 0.9), (20, "PACK", 0.8))
    ]  # fmt: skip
    reports = [report("A", 10, 300, 0, 200, hours_ago=2), report("A", 20, 100, 0, 200, hours_ago=2)]
    made = night(plant([order("A", good=100)], reports, routings=routings))
    # 200 in pack, 200 in cut and 500 not started: 200·0.8 + (200 + 500)·0.9·0.8
    assert backlog(made, "A")["expected_qty"] == pytest.approx(200 * 0.8 + 700 * 0.9 * 0.8)
    assert finding(made, "QT-05")["correction"] == "expect 664"


def test_the_yield_of_the_item_counts_where_operations_have_none() -> None:
    made = night(plant([order("A", status="released")], [], items=[item("P", **{"yield": 0.95}), item("C")]))
    assert backlog(made, "A")["expected_qty"] == pytest.approx(950)


def test_expected_supply_never_exceeds_the_order() -> None:
    reports = [report("A", 10, 1200, hours_ago=2), report("A", 20, 400, 0, 800, hours_ago=2)]
    made = night(plant([order("A", good=400)], reports))
    assert backlog(made, "A")["expected_qty"] == 600


def test_a_surplus_is_capped_for_netting_and_kept_apart() -> None:
    reports = [report("A", 10, 1100), report("A", 20, 1100)]
    made = night(plant([order("A", good=1100)], reports))
    row = backlog(made, "A")
    assert (row["completed_qty"], row["remaining_qty"], row["over_qty"], row["status"]) == (1000, 0, 100, "complete")


def test_a_broken_balance_believes_the_lower_count_and_confirms_nothing() -> None:
    reports = [report("A", 10, 300, hours_ago=2), report("A", 20, 400, hours_ago=2)]
    row = backlog(night(plant([order("A", good=200)], reports)), "A")
    assert (row["completed_qty"], row["supply_confirmed"]) == (300, False)


STATUS = {
    "released and started": (order("A", status="released"), [report("A", 10, 5, 0, 5)], "in_process"),
    "firm and started": (order("A", status="firm"), [report("A", 10, 5, 0, 5)], "in_process"),
    "released and silent": (order("A", status="released"), [], "released"),
    "planned": (order("A", status="planned"), [], "planned"),
    "complete on the floor": (order("A", good=1000), [report("A", 10, 1000), report("A", 20, 1000)], "complete"),
    "ended short": (order("A", good=700), [report("A", 10, 700), report("A", 20, 700)], "complete"),
    "closed": (order("A", good=1000, status="closed"), [], "closed"),
    "cancelled, still running": (order("A", status="cancelled"), [report("A", 10, 5, 0, 5)], "cancelled"),
}


@pytest.mark.parametrize("case", STATUS, ids=lambda name: name.replace(" ", "-"))
def test_status_is_what_the_floor_says(case: str) -> None:
    erp, mes, status = STATUS[case]
    made = night(plant([erp], mes))
    assert made["reconciled_orders"].height == 1
    row = backlog(made, "A")
    assert row["status"] == status
    assert row["erp_status"] == erp["status"]
    needs_work = status in ("firm", "released", "in_process")
    assert (made["reconciled_operations"].height > 0) == needs_work
    assert (row["expected_qty"] > 0) <= (needs_work or status == "planned")


def test_work_on_hold_or_stalled_is_unconfirmed_supply() -> None:
    held = night(plant([order("A")], [report("A", 10, 0, 0, 50, status="hold", hours_ago=2)]))
    assert backlog(held, "A")["supply_confirmed"] is False
    assert operations(held)[0][1] == "hold"
    orders = [{"order": "A", "status": "hold", "reported_at": AS_OF}]
    held = night(plant([order("A")], [report("A", 10, 1000), report("A", 20, 0, 0, 50)], order_status=orders))
    assert [row[1] for row in operations(held)] == ["complete", "hold"]


def test_rework_comes_back_later_and_is_neither_good_nor_scrap() -> None:
    reports = [report("A", 10, 1000), report("A", 20, 900, 0, 0, rework_qty=100.0, status="running", hours_ago=2)]
    row = backlog(night(plant([order("A", good=900)], reports)), "A")
    assert (row["completed_qty"], row["scrapped_qty"], row["remaining_qty"]) == (900, 0, 100)
    assert (row["expected_qty"], row["rework_qty"]) == (100, 100)
    assert row["not_before"] == AS_OF + timedelta(days=2)


def test_units_without_report_are_planned_as_waiting_at_their_operation() -> None:
    reports = [report("A", 10, 1000), report("A", 20, 600, 0, 300, hours_ago=2)]
    made = night(plant([order("A", good=600)], reports))
    assert operations(made)[1] == (20, "running", 1000, 600, 400, 400)
    assert backlog(made, "A")["expected_qty"] == 400


def test_an_operation_the_mes_does_not_know_yet_keeps_its_place() -> None:
    made = night(plant([order("A")], [report("A", 10, 200, 0, 300, hours_ago=2)]))
    assert operations(made) == [(10, "running", 1000, 200, 300, 800), (20, "waiting", 1000, 0, 200, 1000)]


def test_parts_of_a_split_are_added_up_by_the_lot_tree() -> None:
    reports = [
        report("A", 10, 1000), report("A-1", 20, 300, 0, 100, hours_ago=2), report("A-2", 20, 600, hours_ago=2),
    ]  # fmt: skip
    lots = [
        {"lot": "LA", "item": "P", "order": "A"}, {"lot": "LA1", "parent_lot": "LA", "item": "P", "order": "A-1"},
        {"lot": "LA2", "parent_lot": "LA", "item": "P", "order": "A-2"},
    ]  # fmt: skip
    made = night(plant([order("A", good=900)], reports, lots=lots))
    row = finding(made, "MP-02")
    assert (row["entity"], row["mes_value"], row["mode"]) == ("A", "3 parts", "auto_overlay")
    assert set(made["findings"]["rule"]) == {"MP-02", "QT-05"}
    assert operations(made)[1] == (20, "running", 1000, 900, 100, 100)


def test_parts_put_together_by_the_cross_reference_are_added_up_too() -> None:
    reports = [
        report("A", 10, 1000), report("A", 20, 300, 0, 100, hours_ago=2, machine="W20-01", started_at=AS_OF),
        report("A", 20, 600, hours_ago=2, machine="W20-02", started_at=AS_OF),
    ]  # fmt: skip
    names = [
        {"source": "mes", "table": "operation_status", "column": "order", "raw_key": name, "key": "A", "rule": "xref"}
        for name in ("A/1", "A/2")
    ]
    made = night(plant([order("A", good=900)], reports, key_map=names))
    assert "MP-02" in set(made["findings"]["rule"])
    assert operations(made)[1] == (20, "running", 1000, 900, 100, 100)


def test_a_loop_of_lots_is_an_orphan_and_not_a_hang() -> None:
    lots = [
        {"lot": "L1", "parent_lot": "L2", "item": "P", "order": "X"}, {"lot": "L2", "parent_lot": "L1", "item": "P"},
    ]  # fmt: skip
    made = night(plant([order("A", status="released")], [report("X", 10, 5)], lots=lots))
    assert finding(made, "MP-01")["entity"] == "X"


def test_every_table_is_as_declared_and_sorted_by_its_key() -> None:
    made = night(plant([order("B"), order("A")], [*RUNNING, report("B", 10, 5, 0, 5)]))
    assert set(made) == {table.name for table in TABLES}
    for table in TABLES:
        frame = made[table.name]
        assert frame.schema == table.schema, table.name
        table.pandera().validate(frame)
        assert frame.equals(frame.sort(*table.key)), table.name


def test_operations_carry_how_they_are_made() -> None:
    routings = [
        {"item": "P", "routing": "main", "op_seq": 10, "operation_code": "CUT", "work_center": "W10", "setup_min": 10.0,
         "run_min_per_unit": 0.1, "setup_skill": "setter", "queue_min": 30.0, "tool": "DIE", "pausable": False},
        {"item": "P", "routing": "main", "op_seq": 20, "operation_code": "PACK", "work_center": "W20", "setup_min": 10.0,
         "run_min_per_unit": 0.1, "external_days": 3.0},
    ]  # fmt: skip
    made = night(plant([order("A", status="released")], [], routings=routings))["reconciled_operations"]
    columns = ("setup_skill", "queue_min", "tool", "pausable", "external_days")
    assert made.select(columns).rows() == [("setter", 30.0, "DIE", False, None), (None, 0.0, None, True, 3.0)]


def test_of_several_versions_of_a_routing_the_one_valid_at_the_start_counts() -> None:
    routings = [
        {"item": "P", "routing": "main", "op_seq": 10, "operation_code": "CUT", "work_center": "W10", "setup_min": 10.0,
         "run_min_per_unit": 0.1, "tool": tool, "valid_from": start, "valid_to": end}
        for tool, start, end in (
            ("OLD", None, TODAY - timedelta(days=10)), ("NEW", TODAY - timedelta(days=9), None),
        )
    ]  # fmt: skip
    old = order("OLD", status="released", start_date=TODAY - timedelta(days=12))
    made = night(plant([old, order("NEW", status="released")], [], routings=routings))["reconciled_operations"]
    assert made.filter(pl.col("op_seq") == 10).select("work_order", "tool").rows() == [("NEW", "NEW"), ("OLD", "OLD")]
