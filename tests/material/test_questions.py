"""Answers to planners' questions on small plants: siblings that may wait, dates of a change, steps worth shortening."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.material import plan_material
from recon_platform.material.balance import accepted, asked, balance
from recon_platform.material.engineering import phase_in
from recon_platform.material.questions import QUESTIONS, Asked, answer
from recon_platform.material.shortening import shortening
from recon_platform.material.siblings import siblings_to_delay
from recon_platform.tables.registry import table
from tests.material.plant import MONDAY, context, day, filled, frames

Tables = dict[str, pl.DataFrame]
COSTS = [{"item": name, "make_buy": "buy", "lead_time_days": 7.0, "cost": 3.0} for name in "BCDE"]


def purchase(name: str, item: str, qty: float, due: date, **more: Any) -> dict[str, Any]:
    return {"purchase_order": name, "item": item, "qty": qty, "due_date": due, **more}


def planned(before: Tables | None = None, **tables: Any) -> Tables:
    made = frames(MONDAY, **tables)
    if before is not None:
        made |= {f"previous.{name}": frame for name, frame in before.items()}
    return {**made, **plan_material(made, context(MONDAY))}


def test_the_siblings_of_a_late_component_may_wait_as_long_as_others_let_them() -> None:
    """W waits three weeks for B: C may come then too, D only until V needs it; E is V's alone."""
    made = planned(
        items=[{"item": "A", "lead_time_days": 5.0}, {"item": "X", "lead_time_days": 5.0}, *COSTS],
        bom_lines=[
            {"parent_item": parent, "component_item": part} for parent, parts in (("A", "BCD"), ("X", "DE")) for part in parts
        ],
        orders=[
            {"work_order": "W", "item": "A", "qty": 5.0, "start_date": day(3), "due_date": day(4)},
            {"work_order": "V", "item": "X", "qty": 5.0, "start_date": day(5), "due_date": day(6)},
        ],
        sales_orders=[
            {"sales_order": f"S{n}", "item": item, "qty": 5.0, "requested_date": day(6)} for n, item in enumerate("AX")
        ],
        purchase_orders=[purchase(f"P{part}", part, 10.0 if part == "D" else 5.0, day(3)) for part in "BCDE"],
    )  # fmt: skip
    found = siblings_to_delay(made, "PB/1", day(6))
    assert found.select("parent", "order", "need_date", "delay_to").rows() == [
        ("W", "PC/1", day(3), day(6)), ("W", "PD/1", day(3), day(5)),
    ]  # fmt: skip
    assert siblings_to_delay(made, "PB/1", day(3)).is_empty()
    with pytest.raises(ValueError, match="found none called 'NONE'"):
        siblings_to_delay(made, "NONE", day(6))
    told = answer("catch-up", made, context(MONDAY), Asked("PB/1", day(6)))
    assert told["Other components that may wait"].equals(found)
    assert told["Back on schedule?"].row(0) == (False, 5)


def engineered() -> Tables:
    """A needs ten B every two weeks; C takes over in week 7 (E7), E takes over from D in week 9 (E8)."""
    eve = timedelta(days=1)
    return planned(
        items=[{"item": "A", "lead_time_days": 5.0}, *COSTS],
        bom_lines=[
            {"parent_item": "A", "component_item": "B", "qty_per": 2.0, "valid_to": day(7) - eve},
            {"parent_item": "A", "component_item": "C", "qty_per": 2.0, "valid_from": day(7), "change_no": "E7"},
            {"parent_item": "A", "component_item": "D", "valid_to": day(9) - eve},
            {"parent_item": "A", "component_item": "E", "valid_from": day(9), "change_no": "E8"},
        ],
        engineering_changes=[
            {"change_no": "E7", "kind": "phase_in", "effective_date": day(7)},
            {"change_no": "E8", "kind": "phase_in", "effective_date": day(9)},
        ],
        inventory=[{"item": "B", "qty": 12.0}, {"item": "D", "qty": 9.0}],
        purchase_orders=[purchase("PB", "B", 10.0, day(5)), purchase("PB2", "B", 10.0, day(7)), purchase("PC", "C", 10.0, day(7))],
        sales_orders=[
            {"sales_order": f"S{b}", "item": "A", "qty": 5.0, "requested_date": day(b)} for b in (4, 6, 8, 10, 12)
        ],
    )  # fmt: skip


def test_each_date_of_a_change_shows_what_it_brings_and_what_it_leaves() -> None:
    """32 of B cover three needs of ten: used up in week 9, two left. As entered, in week 7, twelve are left."""
    rows = {row["choice"]: row for row in phase_in(engineered(), "E7", context(MONDAY)).iter_rows(named=True)}
    assert [rows[choice]["date"] for choice in ("as entered", "use up", "block")] == [day(7), day(9), day(9)]
    assert rows["as entered"]["left_over_qty"] == 12 and rows["as entered"]["left_over_value"] == 36.0
    assert rows["as entered"]["new_messages"] == rows["as entered"]["cleared"] == 0
    for choice in ("use up", "block"):
        assert rows[choice]["left_over_qty"] == 2
        assert rows[choice]["cleared"] == 1  # PB2 need not be cancelled
        assert (rows[choice]["new_messages"], rows[choice]["infeasible"]) == (2, 0)  # PC later, two fewer on PB2
        assert rows[choice]["planned_value"] == -30.0  # ten fewer of C
    with pytest.raises(ValueError, match="expected lines of engineering change E9"):
        phase_in(engineered(), "E9", context(MONDAY))


def test_shortening_the_step_that_is_too_long_saves_the_messages_it_causes() -> None:
    made = planned(
        items=[{"item": "A", "lead_time_days": 5.0}, {"item": "B", "make_buy": "buy", "lead_time_days": 28.0}],
        bom_lines=[{"parent_item": "A", "component_item": "B"}],
        sales_orders=[{"sales_order": "S", "item": "A", "qty": 5.0, "requested_date": day(4)}],
    )
    steps = shortening(made, "A", 14, context(MONDAY))
    assert steps["item"].to_list() == ["A", "B"]
    assert steps["shortened_to"].to_list() == [0.0, 14.0]
    late = made["action_messages"].filter(~pl.col("feasible")).height
    assert late > 0 and steps["too_late"].to_list() == [late, late]
    assert steps["too_late_saved"].to_list() == [0, late]  # two weeks are there for B, not four
    assert shortening(made, "B", 1, context(MONDAY)).height == 1
    with pytest.raises(ValueError, match="expected an item Z"):
        shortening(made, "Z", 1, context(MONDAY))


def rushed(due: date, before: Tables | None = None) -> Tables:
    """W is needed in week 3 and P, of what nobody needs sooner, in week 9."""
    step = {
        "work_order": "W", "op_seq": 10, "work_center": "WC", "status": "waiting", "qty": 6.0, "good_qty": 0.0,
        "scrap_qty": 0.0, "in_process_qty": 0.0, "remaining_qty": 6.0, "setup_min": 60.0, "run_min_per_unit": 10.0,
    }  # fmt: skip
    done = {**step, "op_seq": 5, "work_center": "SAW", "status": "complete", "remaining_qty": 0.0}
    made = frames(
        MONDAY,
        items=[{"item": "A", "lead_time_days": 5.0}, *COSTS],
        orders=[{"work_order": "W", "item": "A", "qty": 6.0, "start_date": day(4), "due_date": due}],
        purchase_orders=[purchase("P", "B", 5.0, day(5))],
        sales_orders=[
            {"sales_order": "S", "item": "A", "qty": 6.0, "requested_date": day(3)},
            {"sales_order": "T", "item": "B", "qty": 5.0, "requested_date": day(9)},
        ],
    )
    made["reconciled_operations"] = filled(table("reconciled_operations"), [done, step])
    if before is not None:
        made |= {f"previous.{name}": frame for name, frame in before.items()}
    return {**made, **plan_material(made, context(MONDAY))}


def test_the_balance_weighs_hours_at_work_centers_and_value_at_vendors() -> None:
    first = rushed(day(5))
    rows = asked(first)
    assert rows.select("order", "code", "resource", "hours", "weight").rows() == [
        ("P/1", "DELAY", "VENDOR", None, 15.0), ("W", "EXPEDITE", "WC", 2.0, 2.0),
    ]  # fmt: skip
    by = balance(rows, pl.col("weight"))
    assert by.select("resource", "expedite", "delay", "balance_gap").rows() == [
        ("VENDOR", 0.0, 15.0, 0.0), ("WC", 2.0, 0.0, 2.0),
    ]  # fmt: skip
    assert accepted(first).is_empty()
    second = rushed(day(4), first)  # W was brought forward, P stayed where it was
    assert accepted(second).select("order", "code", "weight").rows() == [("W", "EXPEDITE", 2.0)]


def test_every_question_has_an_answer_or_says_what_it_lacks() -> None:
    made, ctx = engineered(), context(MONDAY)
    alone = set(QUESTIONS) - {"catch-up", "split"}
    for question in alone:
        told = answer(question, made, ctx, Asked())
        assert told and all(isinstance(frame, pl.DataFrame) for frame in told.values())
    assert answer("use-up", made, ctx, Asked())["When what is there and on order is used up"].height
    assert answer("lead-times", made, ctx, Asked("A"))
    for question, about, said in (
        ("why", Asked(), "expected one of causes, balance"),
        ("split", Asked(), "expected an EXPEDITE message"),
        ("catch-up", Asked("PB/1"), "expected the day"),
        ("causes", Asked(by="moon"), "found 'moon'"),
    ):
        with pytest.raises(ValueError, match=said):
            answer(question, made, ctx, about)
