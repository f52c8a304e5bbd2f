"""What is under way when a plan is made: only what is left of it is planned, and yesterday's lateness is not kept."""

from __future__ import annotations

import polars as pl
import pytest

from recon_platform.capacity import check_schedule
from tests.capacity.plants import PlantBuilder, at, context
from tests.capacity.test_known_answers import plan, times


def at_the_vendor(since: float | None, status: str = "running") -> PlantBuilder:
    """An order at a vendor with a lead time of four days since so many hours, and packing after it."""
    builder = PlantBuilder()
    builder.center("V", external=True)
    builder.center("P")
    vendor = {"work_center": "V", "run": 60.0, "external_days": 4.0, "status": status}
    if since is not None:
        vendor["started_at"] = at(-since)
    builder.order("W", [vendor, {"work_center": "P", "run": 60.0}])
    return builder


def test_at_the_vendor_only_the_rest_of_the_lead_time_is_planned() -> None:
    assert times(plan(at_the_vendor(87.0)), "W")[2] == at(9)
    assert times(plan(at_the_vendor(87.0)), "W", 20)[1] == at(9)


def test_what_is_overdue_at_the_vendor_is_expected_within_the_hour() -> None:
    assert times(plan(at_the_vendor(200.0)), "W", 20)[1] == at(1)


def test_nobody_said_since_when_or_it_is_not_there_yet_the_whole_lead_time() -> None:
    assert times(plan(at_the_vendor(None)), "W")[2] == at(96)
    assert times(plan(at_the_vendor(None, "waiting")), "W")[2] == at(96)


def in_the_furnace(done: float, members: int = 1) -> PlantBuilder:
    """Orders in one furnace load of eight hours since three, `done` of each 40 units reported."""
    builder = PlantBuilder()
    builder.center("F")
    for k in range(members):
        builder.order(
            f"W{k}",
            [{"work_center": "F", "qty": 40.0, "batch_max": 200.0, "batch_minutes": 480.0, "status": "running",
              "machine": "F-01", "started_at": at(-3)}],
        )  # fmt: skip
        builder.rows["reconciled_operations"][-1]["remaining_qty"] = 40.0 - done
    return builder


def test_a_load_in_the_furnace_needs_what_is_left_of_it() -> None:
    assert times(plan(in_the_furnace(0.0)), "W0")[2] == at(5)  # by time: nothing is reported of it
    assert times(plan(in_the_furnace(30.0)), "W0")[2] == at(2)  # by the quarter that is left


def test_orders_in_one_load_are_done_together_not_one_after_another() -> None:
    builder = in_the_furnace(0.0, members=4)
    builder.order("NEXT", [{"work_center": "F", "qty": 40.0, "batch_max": 200.0, "batch_minutes": 480.0}])
    made = plan(builder)
    ends = [times(made, f"W{k}")[2] for k in range(4)]
    assert max(ends) <= at(5.1)
    assert times(made, "NEXT")[1] <= at(5.1)


def test_lateness_of_the_schedule_in_force_is_not_kept_beyond_the_fence() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("V", external=True)
    builder.order("W1", [{"work_center": "A", "run": 60.0}, {"work_center": "V", "run": 60.0, "external_days": 1.0}])
    builder.order("W2", [{"work_center": "A", "run": 60.0}])
    first = plan(builder)["schedule"].to_dicts()
    for row in first:  # in force: everything two days later than it need be
        for name in ("setup_start", "start", "end"):
            row[name] = row[name] + (at(48) - at(0))
    builder.rows["published"] = first
    made = plan(builder)
    assert times(made, "W1")[1] == at(24)  # inside the fence nothing begins that was not to begin there
    assert times(made, "W2")[1] == at(25)
    assert times(made, "W1", 20)[1] == at(25)


def stuck_behind(machine_status: str) -> PlantBuilder:
    """A circle through what is on the floor: P/10, begun on A-01, needs Q, which comes after W/20 on B-01, which follows
    W/10 on A-01 — after P/10, since what is on the machine goes first. B-02 is the faster machine."""
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B", machines=2)
    builder.rows["machines"][-1]["speed"] = 2.0
    builder.order("P", [{"work_center": "A", "run": 60.0, "status": machine_status, "machine": "A-01"}])
    builder.order("Q", [{"work_center": "B", "run": 60.0}])
    builder.order("W", [{"work_center": "A", "run": 60.0}, {"work_center": "B", "run": 60.0, "max_wait_min": 60.0}])
    builder.add("order_links", supply_order="Q", demand_order="P", item="I-Q", qty=1.0)
    for order, seq, machine, start in (
        ("W", 10, "A-01", 1),
        ("W", 20, "B-01", 2),
        ("Q", 10, "B-01", 3),
        ("P", 10, "A-01", 9),
    ):
        builder.add("published", work_order=order, op_seq=seq, work_center=machine[0], machine=machine,
                    setup_start=at(start), start=at(start), end=at(start + 1), qty=1.0, frozen=False, forced=False,
                    bound_by="machine", terms="")  # fmt: skip
    return builder


@pytest.mark.parametrize("status", ["paused", "setup"])
def test_a_circle_through_the_floor_is_undone_there_not_by_a_break_of_the_fence(status: str) -> None:
    made = plan(stuck_behind(status))
    assert times(made, "W")[1] == at(1)
    assert times(made, "W", 20)[1] == at(2)
    assert times(made, "Q")[1] == at(3)
    assert times(made, "P")[1] == at(4)
    where = made["schedule"].filter(work_order="W", op_seq=20).get_column("machine").item()
    assert where == "B-01"


def the_other_way_round(machines: int) -> PlantBuilder:
    """In force P goes before Q on A-01, and one more after them; P now takes what Q makes."""
    builder = PlantBuilder()
    builder.center("A", machines=machines)
    for name in ("P", "Q", "NEXT"):
        builder.order(name, [{"work_center": "A", "run": 60.0}])
    builder.order("FAR", [{"work_center": "A", "run": 600.0}] * 20, due=9000.0)
    builder.add("order_links", supply_order="Q", demand_order="P", item="I-Q", qty=1.0)
    for order, start in (("P", 1), ("Q", 2), ("NEXT", 3)):
        builder.add("published", work_order=order, op_seq=10, work_center="A", machine="A-01", setup_start=at(start),
                    start=at(start), end=at(start + 1), qty=1.0, frozen=False, forced=False, bound_by="machine", terms="")  # fmt: skip
    return builder


@pytest.mark.parametrize("machines", [1, 2])
def test_a_frozen_operation_that_waits_for_one_behind_it_gives_up_its_place_at_once(machines: int) -> None:
    made = plan(the_other_way_round(machines))
    assert times(made, "Q")[1] == at(2)
    assert times(made, "NEXT")[1] == at(3)
    assert at(3) <= times(made, "P")[1] <= at(25)


def test_no_other_frozen_operation_may_be_passed_for_it() -> None:
    builder = the_other_way_round(1)
    made = plan(builder)
    schedule = made["schedule"].to_dicts()
    q, following = (next(row for row in schedule if row["work_order"] == name) for name in ("Q", "NEXT"))
    for name in ("setup_start", "start", "end"):
        q[name], following[name] = following[name], q[name]
    table = made["schedule"].schema
    found = check_schedule({**builder.frames(), "schedule": pl.DataFrame(schedule, schema=table)}, context())
    assert "frozen" in found["constraint"].to_list()
