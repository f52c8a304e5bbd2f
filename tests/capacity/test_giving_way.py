"""An order that cannot be on time any more gives way, for so long as the policy says and no longer."""

from __future__ import annotations

from typing import Any

import pytest

from recon_platform.capacity import explain_operation
from tests.capacity.plants import AS_OF, PlantBuilder, at
from tests.capacity.test_known_answers import plan, times

SERVICE = {"capacity": {"give_way_days": 2.0}}


def one_machine(*orders: tuple[str, float, float], **facts: Any) -> PlantBuilder:
    builder = PlantBuilder()
    builder.center("A")
    for name, run_hours, due in orders:
        builder.order(name, [{"work_center": "A", "run": 60.0 * run_hours, **facts}], due=due)
    return builder


@pytest.mark.parametrize(("policy", "first"), [(None, "LOST"), (SERVICE, "SOON")])
def test_a_lost_order_does_not_take_another_with_it(policy: dict[str, Any] | None, first: str) -> None:
    made = plan(one_machine(("LOST", 6.0, 2.0), ("SOON", 6.0, 8.0)), policy)
    assert times(made, first)[1] == at(0)


def test_it_still_goes_before_what_is_due_after_its_new_date() -> None:
    orders = (("LOST", 6.0, 2.0), ("LATER", 6.0, 24.0 * 5))
    assert times(plan(one_machine(*orders), SERVICE), "LOST")[1] == at(0)


def test_the_date_it_is_measured_by_stays() -> None:
    builder = one_machine(("LOST", 6.0, 2.0))
    told = explain_operation({**builder.frames(), **plan(builder, SERVICE)}, "LOST", as_of=AS_OF)
    assert told[0].due == at(2)
    assert told[0].late_hours == pytest.approx(4.0)


def test_what_runs_past_its_date_is_lost_and_what_just_makes_it_is_not() -> None:
    orders = (("JUST", 6.0, 6.0), ("SOON", 6.0, 6.5))
    assert times(plan(one_machine(*orders), SERVICE), "JUST")[1] == at(0)


def test_an_order_that_waits_for_a_lost_one_gives_way_too() -> None:
    builder = one_machine(("PART", 6.0, 2.0), ("SOON", 6.0, 8.0))
    builder.center("B")
    builder.order("WHOLE", [{"work_center": "B", "run": 60.0}], due=7.5)
    builder.add("order_links", supply_order="PART", demand_order="WHOLE", op_seq=10, item="I-PART", qty=1.0)
    builder.order("AT B", [{"work_center": "B", "run": 60.0}], due=13.0)
    made = plan(builder, SERVICE)
    assert times(made, "SOON")[1] == at(0)
    assert times(made, "PART")[1] == at(6)


def test_a_plan_without_lateness_can_be_improved_too() -> None:
    made = plan(one_machine(("A", 6.0, 50.0), ("B", 6.0, 60.0)), {"capacity": {"improvement_moves": 4}})
    assert made["schedule"].height == 2


@pytest.mark.parametrize(("policy", "notes"), [(None, {"LOST": "late"}), (SERVICE, {"LOST": "late; gives way"})])
def test_the_floor_is_told_who_gives_way(policy: dict[str, Any] | None, notes: dict[str, str]) -> None:
    made = plan(one_machine(("LOST", 6.0, 2.0), ("SOON", 6.0, 20.0)), policy)
    told = made["dispatch_list"].select("work_order", "note").drop_nulls()
    assert dict(told.iter_rows()) == notes
