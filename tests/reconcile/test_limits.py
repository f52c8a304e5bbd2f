"""What a correction needs to leave the platform alone, and every reason that holds it back."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.reconcile import reconcile
from tests.reconcile.small_plant import (
    AS_OF,
    Rows,
    backlog,
    context,
    decision,
    decisions,
    finding,
    issue,
    item,
    night,
    order,
    plant,
    report,
)

DONE = [report("A", 10, 1000, hours_ago=2), report("A", 20, 1000, hours_ago=2)]
QUIET = [report("A", 10, 1000), report("A", 20, 1000)]


def changes(made: dict[str, pl.DataFrame]) -> list[tuple[str, str | None, str | None, str | None, str | None]]:
    columns = ("change", "field", "from", "to", "approved_by")
    return [tuple(row) for row in made["order_changes"].select(columns).rows()]  # type: ignore[misc]


def test_a_small_receipt_goes_out_alone() -> None:
    made = night(plant([order("A", good=960)], DONE))
    row = finding(made, "QT-01")
    assert (row["mode"], row["state"], row["applied"], row["held_by"]) == ("auto_fix", "applied", True, None)
    assert changes(made) == [("quantity", "completed_qty", "960", "1000", "rule QT-01 version 1")]
    assert row["category"] == "RECORD_ERROR"


def test_closing_and_receiving_are_two_changes_of_one_order() -> None:
    made = night(plant([order("A", good=960)], QUIET))
    assert changes(made) == [
        ("close", "status", "in_process", "closed", "rule ST-02 version 1"),
        ("quantity", "completed_qty", "960", "1000", "rule QT-01 version 1"),
    ]


RUN: dict[str, tuple[dict[str, Any], Rows, dict[str, Any], str]] = {
    "share of order": (order("A", good=900), DONE, {}, "share of order"),
    "value": (order("A", good=960), DONE, {"items": [item("P", cost=200.0), item("C")]}, "value"),
    "cost unknown": (order("A", good=960), DONE, {"items": [item("P", cost=None), item("C")]}, "cost unknown"),
    "lot-controlled": (
        order("A", good=960), DONE, {"items": [item("P", lot_traced=True), item("C")]}, "lot-controlled",
    ),
    "period closed": (
        order("A", good=960), DONE,
        {"accounting_periods": [{"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "open": False}]},
        "period closed",
    ),
    "period unknown": (order("A", good=960), DONE, {"accounting_periods": []}, "period unknown"),
    "balance broken": (
        order("A", good=960), [report("A", 10, 990, hours_ago=2), report("A", 20, 1000, hours_ago=2)], {}, "QT-07",
    ),
    "surplus": (
        order("A", good=1060), [report("A", 10, 1070, hours_ago=2), report("A", 20, 1070, hours_ago=2)], {}, "QT-06",
    ),
    "not released": (order("A", good=960, status="firm"), DONE, {}, "ST-06b"),
    "cancelled": (
        order("A", good=960, status="cancelled"), [report("A", 10, 1000), report("A", 20, 1000, 0, 5)], {}, "ST-05",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RUN, ids=lambda name: name.replace(" ", "-"))
def test_a_receipt_is_held_back(case: str) -> None:
    erp, mes, tables, reason = RUN[case]
    made = night(plant([erp], mes, **tables))
    row = finding(made, "QT-01")
    assert row["held_by"] == reason
    assert (row["mode"], row["state"], row["applied"]) == ("planner_review", "open", False)
    assert all(change[-1] is None for change in changes(made) if change[0] == "quantity")


def test_a_line_that_is_not_on_lets_nothing_out() -> None:
    frames = plant([order("A", good=1000)], QUIET)
    for state in ("shadow", "pilot"):
        policy = context().policy
        publish = dataclasses.replace(policy.publish, rollout={"L20": state})
        where = dataclasses.replace(context(), policy=dataclasses.replace(policy, publish=publish))
        made = reconcile(frames, where)
        assert finding(made, "ST-01")["held_by"] == f"rollout {state}"
        assert changes(made) == [("close", "status", "in_process", "closed", None)]


def test_closing_touches_no_material_and_is_not_held_by_lots_or_periods() -> None:
    made = night(
        plant([order("A", good=1000)], QUIET, items=[item("P", lot_traced=True), item("C")], accounting_periods=[])
    )
    assert finding(made, "ST-01")["state"] == "applied"


def test_a_rejected_correction_stays_away_until_its_lock_expires() -> None:
    frames = plant([order("A", good=960)], DONE)
    lock = decision("D1", "lock", "QT-01:A:completed_qty", valid_until=AS_OF + timedelta(hours=1))
    made = night({**frames, "decisions_in_force": decisions(lock)})
    row = finding(made, "QT-01")
    assert (row["state"], row["held_by"], row["rank"]) == ("locked", "lock D1", None)
    assert changes(made) == []
    assert backlog(made, "A")["completed_qty"] == 960  # the overlay is rejected with the correction
    over = decision("D1", "lock", "QT-01:A:completed_qty", valid_until=AS_OF)
    assert finding(night({**frames, "decisions_in_force": decisions(over)}), "QT-01")["state"] == "applied"


def test_a_lock_on_a_common_cause_holds_all_of_its_findings() -> None:
    orders = [order(f"A{n}", good=1) for n in range(3)]
    reports = [report(f"A{n}", seq, 1000) for n in range(3) for seq in (10, 20)]
    frames = plant(orders, reports)
    lock = decisions(decision("D1", "lock", "unit/1000"))
    made = night({**frames, "decisions_in_force": lock})
    assert made["findings"].filter(pl.col("rule") == "UM-01")["state"].unique().to_list() == ["locked"]


def test_an_accepted_finding_is_done_under_the_name_of_who_accepted_it() -> None:
    erp = order("A", good=600)
    frames = plant([erp], [report("A", 10, 1000, hours_ago=2), report("A", 20, 500, 0, 500, hours_ago=2)])
    assert backlog(night(frames), "A")["completed_qty"] == 600
    accepted = decisions(decision("D2", "approved_move", "QT-02:A:completed_qty"))
    made = night({**frames, "decisions_in_force": accepted})
    assert finding(made, "QT-02")["state"] == "applied"
    assert backlog(made, "A")["completed_qty"] == 500
    assert changes(made) == [("quantity", "completed_qty", "600", "500", "supervisor")]


def test_an_acceptance_holds_for_the_values_it_was_given_on() -> None:
    def frames(erp: float, mes: float) -> dict[str, pl.DataFrame]:
        reports = [report("A", 10, 1000, hours_ago=2), report("A", 20, mes, 0, 1000 - mes, hours_ago=2)]
        return plant([order("A", good=erp)], reports)

    seen = finding(night(frames(600, 500)), "QT-02")
    stood = [seen[name] for name in ("erp_value", "mes_value", "correction")]
    given = json.dumps({"findings": [seen["finding"]], "as_stood": {seen["finding"]: stood}})
    accepted = {"decisions_in_force": decisions(decision("D2", "approved_move", "A", value=given))}
    for erp, mes, holds in ((600, 500, True), (600, 450, False), (650, 500, False)):
        made = night({**frames(erp, mes), **accepted})
        row = finding(made, "QT-02")
        assert (row["state"], row["applied"]) == (("applied", True) if holds else ("open", False)), (erp, mes)
        assert backlog(made, "A")["completed_qty"] == (mes if holds else erp)
        assert changes(made)[0][-1] == ("supervisor" if holds else None)
    again = decision("D3", "approved_move", "A", value=given.replace("500", "450"))
    made = night(
        {**frames(600, 500), "decisions_in_force": decisions(accepted["decisions_in_force"].row(0, named=True), again)}
    )
    assert finding(made, "QT-02")["state"] == "applied"  # a later word on other values takes nothing back


def test_the_same_correction_has_the_same_key_every_night() -> None:
    frames = plant([order("A", good=960)], DONE, material_issues=[issue("A", 2000)])
    first, second = night(frames), night(frames)
    assert first["order_changes"].equals(second["order_changes"])
    assert first["order_changes"]["idempotency_key"].to_list() == ["A|quantity|completed_qty|960>1000"]
