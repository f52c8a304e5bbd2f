"""The rest of what a plant can have, one known answer each: stops, maintenance, absences, one campaign, siblings, planned
orders."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from recon_platform.conform.calendars import working_time
from recon_platform.tables.registry import conformed_table
from tests.capacity.plants import AS_OF, MONDAY, PlantBuilder, at
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


def closed(builder: PlantBuilder, *windows: dict[str, object]) -> None:
    """Working time as conforming makes it of a calendar without breaks and these rows of `planned_downtime`."""
    around_the_clock = [
        {"calendar": "PLANT", "weekday": weekday, "shift": "all", "kind": "regular", "start": time(0), "end": time(0)}
        for weekday in range(1, 8)
    ]
    made = working_time(
        conformed_table("machines").frame(builder.rows["machines"]),
        conformed_table("work_centers").frame(builder.rows["work_centers"]),
        conformed_table("calendars").frame(around_the_clock), conformed_table("calendar_exceptions").empty(),
        conformed_table("planned_downtime").frame(list(windows)),
        as_of=AS_OF, horizon_days=30, timezone="Europe/Berlin",
    )  # fmt: skip
    builder.rows["working_time"] = made.to_dicts()


@pytest.mark.parametrize("kind", ["maintenance", "forecast"])
def test_work_pauses_for_a_planned_stop_or_waits_until_it_is_over(kind: str) -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B", 2)
    builder.center("C", 2)
    closed(
        builder,
        {"machine": "A-01", "start": at(2), "end": at(4), "kind": kind},
        {"machine": "B-01", "start": at(0), "end": at(9), "kind": kind},
        {"work_center": "C", "start": at(-1), "end": at(3), "kind": kind},
    )
    builder.order("PAUSES", [{"work_center": "A", "run": 180.0}], due=6)
    builder.order("MAY-NOT", [{"work_center": "A", "run": 180.0, "pausable": False}], due=90)
    builder.order("OTHER", [{"work_center": "B", "run": 60.0}])
    builder.order("WAITS", [{"work_center": "C", "run": 60.0}])
    made = plan(builder)
    assert times(made, "PAUSES")[1:] == (at(0), at(5))
    assert times(made, "MAY-NOT")[1:] == (at(5), at(8))
    assert times(made, "OTHER")[1:] == (at(0), at(1))
    assert times(made, "WAITS")[1:] == (at(3), at(4))
    assert made["schedule"].filter(work_order="OTHER")["machine"].item() == "B-02"


def planned(builder: PlantBuilder, order: str, item: str, start: date) -> None:
    builder.add(
        "supply_orders", order=order, kind="planned", item=item, qty=10.0, need_date=start, due_at=at(240), weight=1.0,
        earliest_at=at(0), start_date=start,
    )  # fmt: skip


def test_planned_orders_inside_the_horizon_are_scheduled_by_their_routing() -> None:
    builder = PlantBuilder()
    builder.horizon_days = 60
    builder.center("A")
    builder.center("B")
    for seq, center, minutes in ((10, "A", 6.0), (20, "B", 30.0)):
        builder.add(
            "routings", item="I", routing="main", operation_code="WORK", op_seq=seq, work_center=center, setup_min=0.0, run_min_per_unit=minutes,
            **{"yield": 0.8},
        )  # fmt: skip
    planned(builder, "P-NOW", "I", MONDAY + timedelta(days=1))
    planned(builder, "P-LATER", "I", MONDAY + timedelta(days=400))
    planned(builder, "P-UNKNOWN", "NO-ROUTING", MONDAY + timedelta(days=1))
    made = plan(builder)
    assert made["schedule"].select("work_order", "op_seq", "qty").rows() == [("P-NOW", 10, 10.0), ("P-NOW", 20, 8.0)]
    assert times(made, "P-NOW", 10)[1:] == (at(0), at(1))
    assert times(made, "P-NOW", 20)[1:] == (at(1), at(5))  # of ten eight are good and go on
    assert made["unscheduled"]["work_order"].to_list() == ["P-UNKNOWN"]
    assert "has none valid" in made["unscheduled"]["reason"].item()
