"""Trying changes out: each way of asking makes the rows it says, and what is wrong is refused with the place named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.material import trial
from recon_platform.material.what_if import what_if
from tests.material.plant import MONDAY, context, day
from tests.material.test_remedies import small


def changes(base: Any, changed: Any) -> set[tuple[str, float]]:
    effects = what_if(base, changed, context(MONDAY))
    return {(r["item"], r["change"]) for r in effects.orders.iter_rows(named=True)}


def test_a_withdrawal_takes_from_several_records_and_no_more_than_there_is() -> None:
    base = small(
        inventory=[{"item": "B", "qty": 7.0}, {"item": "B", "qty": 5.0}, {"item": "B", "qty": 9.0, "status": "blocked"}]
    )
    left = trial.withdrawal(base, "B", 10.0)["inventory"].filter(pl.col("status") == "available")
    assert left.get_column("qty").to_list() == [0.0, 2.0]
    late = small(sales_orders=[{"sales_order": "S", "item": "A", "qty": 6.0, "requested_date": day(4)}],
                 purchase_orders=[{"purchase_order": "P", "item": "B", "qty": 9.0, "due_date": day(8)}])  # fmt: skip
    causes = what_if(late, trial.withdrawal(late, "B", 5.0), context(MONDAY)).tables["message_causes"]
    assert set(causes.filter(~pl.col("carried")).get_column("category")) == {"UNPLANNED_TXN"}
    with pytest.raises(ValueError, match=r"expected 13 of B available, found 12"):
        trial.withdrawal(base, "B", 13.0)


def test_master_schedule_parameter_and_supply_reach_the_components() -> None:
    base = small(purchase_orders=[{"purchase_order": "P", "item": "B", "qty": 10.0, "due_date": day(3)}],
                 sales_orders=[{"sales_order": "S", "item": "A", "qty": 10.0, "requested_date": day(6)}])  # fmt: skip
    assert changes(base, trial.demand_of(base, "A", day(7), 4.0, "interplant")) == {("A", 4.0), ("B", 6.0)}
    assert changes(base, trial.parameter(base, "B", "safety_stock", "3")) == {("B", 1.0)}
    assert changes(base, trial.supply(base, "P/1", qty=0.0)) == {("B", 8.0)}
    late = what_if(base, trial.supply(base, "P/1", day=day(8)), context(MONDAY))
    codes = {(r["code"], r["feasible"]) for r in late.messages.iter_rows(named=True)}
    assert ("EXPEDITE", True) in codes
    gone = trial.demand_of(trial.demand_of(base, "A", day(7), 4.0, "interplant"), "A", day(7), 0.0, "interplant")
    assert changes(base, gone) == set()


def test_effects_name_levels_tools_people_vendors_and_fences() -> None:
    base = small(
        items=[{"item": "A", "lead_time_days": 5.0},
               {"item": "B", "make_buy": "buy", "lead_time_days": 14.0, "cost": 3.0, "planning_fence_days": 20}],
        routings=[{"item": "A", "routing": "main", "op_seq": 10, "work_center": "W", "setup_min": 30.0,
                   "run_min_per_unit": 6.0, "tool": "DIE", "setup_skill": "setter", "setup_people": 1.0,
                   "run_skill": "operator", "run_people": 0.5}],
        supplier_items=[{"supplier": "V2", "item": "B", "price": 2.0}, {"supplier": "V1", "item": "B", "price": 1.0}],
    )  # fmt: skip
    effects = what_if(base, trial.demand_of(base, "A", day(4) + timedelta(days=1), 10.0, "interplant"), context(MONDAY))
    assert effects.levels.select("level", "items", "added").rows() == [(0, 1, 1), (1, 1, 1)]
    assert effects.tools.select("tool", "orders", "hours").rows() == [("DIE", 1, 1.5)]
    assert dict(effects.skills.select("skill", "hours").rows()) == {"operator": 0.5, "setter": 0.5}
    assert effects.vendors.select("supplier", "items", "value").rows() == [("V1", 1, 54.0)]
    assert effects.load_hours.rows() == [("W", 1.5)]
    assert effects.fenced == 1


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda f: trial.parameter(f, "B", "colour", "red"), "expected a planning parameter"),
        (lambda f: trial.parameter(f, "X", "safety_stock", "1"), "expected an item X"),
        (lambda f: trial.parameter(f, "B", "lead_time_days", "soon"), "found 'soon'"),
        (lambda f: trial.parameter(f, "B", "lot_rule", "guess"), "expected lot_for_lot"),
        (lambda f: trial.demand_of(f, "X", day(3), 1.0), "expected an item X"),
        (lambda f: trial.demand_of(f, "A", day(3), 1.0, "hope"), "found 'hope'"),
        (lambda f: trial.supply(f, "P/9", qty=1.0), "ORDER/LINE"),
    ],
)
def test_what_cannot_be_tried_is_refused(ask: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask(small())
