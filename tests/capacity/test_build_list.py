"""The rest of what a plant can have, one known answer each: stops, absences, one campaign, siblings, planned orders."""

from __future__ import annotations

from datetime import time

from tests.capacity.plants import MONDAY, PlantBuilder, at
from tests.capacity.random_plants import approve
from tests.capacity.test_known_answers import plan, times


def test_a_machine_that_is_down_works_again_from_its_expected_end() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.add("downtime_events", event="D", machine="A-01", started_at=at(-1), expected_end=at(3), reported_at=at(-1))
    builder.order("W", [{"work_center": "A", "run": 60.0}])
    assert times(plan(builder), "W")[1:] == (at(3), at(4))


def test_an_absence_is_capacity_that_is_not_there() -> None:
    builder = PlantBuilder()
    builder.center("A")
    for weekday in range(1, 8):
        for shift, start, end in (("early", 6, 14), ("late", 14, 22)):
            builder.add(
                "calendars", calendar="PLANT", weekday=weekday, shift=shift, kind="regular", start=time(start), end=time(end)
            )  # fmt: skip
    for shift in ("early", "late"):
        builder.add("labour", skill="setter", calendar="PLANT", shift=shift, people=1.0)
    step = {"work_center": "A", "run": 60.0, "setup": 60.0, "setup_skill": "setter", "setup_people": 1.0}
    builder.order("W", [step])
    assert times(plan(builder), "W")[:2] == (at(0), at(1))
    builder.add("labour_exceptions", skill="setter", date=MONDAY, shift="early", people=0.0)
    assert times(plan(builder), "W")[:2] == (at(8), at(9))


def test_a_campaign_is_not_interrupted_by_what_is_more_urgent() -> None:
    builder = PlantBuilder()
    builder.center("A", continuity="campaign")
    builder.order("W1", [{"work_center": "A", "run": 60.0}], due=1, weight=4, campaign="K")
    builder.order("W2", [{"work_center": "A", "run": 60.0}], due=400, campaign="K")
    builder.order("W3", [{"work_center": "A", "run": 60.0}], due=2, weight=2)
    made = plan(builder)
    assert times(made, "W2")[1] == times(made, "W1")[2]


def test_a_sibling_takes_work_only_where_it_was_approved() -> None:
    builder = PlantBuilder()
    builder.center("A", sibling_group="S")
    builder.center("B", sibling_group="S")
    for order in ("W1", "W2"):
        builder.order(order, [{"work_center": "A", "run": 60.0}])
    made = plan(builder)
    assert made["schedule"]["work_center"].unique().to_list() == ["A"]
    approve(builder, kind="sibling", work_order="W2", op_seq=10, work_center="B")
    made = plan(builder)
    assert times(made, "W1")[1] == times(made, "W2")[1] == at(0)
    assert sorted(made["schedule"]["work_center"]) == ["A", "B"]
