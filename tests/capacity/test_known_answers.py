"""Small plants whose schedule a person can work out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.capacity import (
    check_schedule,
    explain_operation,
    load_after_downtime,
    order_screen,
    required_load,
    schedule,
)
from recon_platform.capacity.portfolio import best_of
from recon_platform.capacity.prepare import prepare
from tests.capacity.plants import AS_OF, PlantBuilder, at, context
from tests.capacity.random_plants import approve, pin


def plan(builder: PlantBuilder, policy: dict[str, Any] | None = None) -> dict[str, pl.DataFrame]:
    made = schedule(builder.frames(), context(policy))
    found = check_schedule({**builder.frames(), **made}, context(policy))
    assert found.is_empty(), found.rows()
    return made


def times(made: dict[str, pl.DataFrame], order: str, seq: int = 10) -> tuple[datetime, datetime, datetime]:
    row = made["schedule"].filter((pl.col("work_order") == order) & (pl.col("op_seq") == seq)).row(0, named=True)
    return row["setup_start"], row["start"], row["end"]


def test_a_run_pauses_off_shift() -> None:
    builder = PlantBuilder()
    builder.center("A", hours=(5, 13))
    builder.order("W", [{"work_center": "A", "run": 600.0}])
    assert times(plan(builder), "W") == (at(0), at(0), at(24 + 2))


def test_a_run_that_may_not_pause_waits_for_a_shift_long_enough() -> None:
    builder = PlantBuilder()
    builder.center("A", hours=(4, 13))
    builder.order("W", [{"work_center": "A", "run": 500.0, "pausable": False}])
    assert times(plan(builder), "W")[1] == at(23)


def test_the_longest_attribute_that_changes_counts() -> None:
    builder = PlantBuilder()
    builder.center("A")
    for attribute, minutes in (("diameter", 200), ("length", 50)):
        builder.add("setup_matrix", work_center="A", attribute=attribute, from_value="*", to_value="*", minutes=minutes)
    for item, diameter, length in (("X", "8", "40"), ("Y", "8", "60"), ("Z", "10", "60")):
        builder.add("setup_attributes", item=item, attribute="diameter", value=diameter)
        builder.add("setup_attributes", item=item, attribute="length", value=length)
    for order, item, due in (("W1", "X", 1.0), ("W2", "Y", 60.0), ("W3", "Z", 200.0), ("W4", "X", 1.1)):
        builder.order(order, [{"work_center": "A", "run": 60.0, "setup": 30.0}], item=item, due=due)
    made = plan(builder)
    setups = {
        order: (times(made, order)[1] - times(made, order)[0]).total_seconds() / 60
        for order in ("W1", "W2", "W3", "W4")
    }
    assert setups == {"W1": 30.0, "W4": 0.0, "W2": 50.0, "W3": 200.0}


def test_one_setter_sets_up_one_machine_at_a_time() -> None:
    from datetime import time

    builder = PlantBuilder()
    builder.center("A", 2)
    for weekday in range(1, 8):
        builder.add(
            "calendars", calendar="PLANT", weekday=weekday, shift="all", kind="regular", start=time(0), end=time(0)
        )
    builder.add("labour", skill="setter", calendar="PLANT", shift="all", people=1.0)
    for order in ("W1", "W2"):
        builder.order(
            order, [{"work_center": "A", "run": 100.0, "setup": 60.0, "setup_skill": "setter", "setup_people": 1.0}]
        )
    made = plan(builder)
    assert sorted(times(made, order)[0] for order in ("W1", "W2")) == [at(0), at(1)]
    assert made["schedule"]["bound_by"].to_list().count("labour") == 1


@pytest.mark.parametrize(("people", "each", "at_once"), [(330.0, 200.0, 1), (330.0, 165.0, 2), (700.0, 233.34, 2)])
def test_hundreds_of_people_of_one_skill_are_counted(people: float, each: float, at_once: int) -> None:
    from datetime import time

    builder = PlantBuilder()
    builder.center("A", 3)
    for weekday in range(1, 8):
        builder.add(
            "calendars", calendar="PLANT", weekday=weekday, shift="all", kind="regular", start=time(0), end=time(0)
        )
    builder.add("labour", skill="operator", calendar="PLANT", shift="all", people=people)
    for k in range(3):
        builder.order(f"W{k}", [{"work_center": "A", "run": 60.0, "run_skill": "operator", "run_people": each}])
    made = plan(builder)
    assert [times(made, f"W{k}")[1] for k in range(3)].count(at(0)) == at_once


def test_a_furnace_load_is_shared_and_full_at_most() -> None:
    builder = PlantBuilder()
    builder.center("F")
    for k in range(3):
        builder.order(f"W{k}", [{"work_center": "F", "qty": 40.0, "batch_max": 100.0, "batch_minutes": 120.0}])
    made = plan(builder)
    assert sorted(times(made, f"W{k}")[2] for k in range(3)) == [at(2), at(2), at(4)]


def test_what_may_not_wait_holds_back_what_is_before_it() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    builder.order("LONG", [{"work_center": "B", "run": 600.0, "status": "running", "machine": "B-01"}])
    builder.order(
        "W", [{"work_center": "A", "run": 60.0, "max_wait_min": 30.0}, {"work_center": "B", "run": 60.0}], due=300
    )
    made = plan(builder)
    assert times(made, "W", 20)[1] - times(made, "W", 10)[2] <= timedelta(minutes=30)
    assert times(made, "W", 10)[1] > at(0)


def test_a_machine_booked_ahead_by_a_maximum_wait_takes_nothing_longer_in_the_same_minute() -> None:
    builder = PlantBuilder()
    builder.center("A", 2)
    for machine, standing in zip(builder.rows["machines"], ("f1", "f2"), strict=True):
        machine["current_setup"] = standing
    first = {"work_center": "A", "run": 60.0, "setup": 60.0, "setup_family": "f1", "max_wait_min": 30.0}
    second = {"work_center": "A", "run": 90.0, "setup": 60.0, "setup_family": "f2"}
    builder.order("W", [first, second], due=1, weight=4)
    builder.order("LONG", [{"work_center": "A", "run": 600.0, "setup": 60.0, "setup_family": "f2"}], due=200)
    made = plan(builder)
    assert times(made, "W", 20)[1] == times(made, "W", 10)[2]


def test_an_overlap_starts_the_next_operation_after_one_transfer_batch() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    builder.order(
        "W",
        [
            {"work_center": "A", "qty": 10.0, "run": 600.0, "overlap_qty": 2.0},
            {"work_center": "B", "qty": 10.0, "run": 600.0},
        ],
    )
    assert times(plan(builder), "W", 20)[1:] == (at(2), at(12))


def test_tools_are_shared_only_as_far_as_there_are_copies() -> None:
    builder = PlantBuilder()
    builder.center("A", 2)
    builder.add("tools", tool="T", copies=1)
    for order in ("W1", "W2"):
        builder.order(order, [{"work_center": "A", "run": 60.0, "tool": "T"}])
    made = plan(builder)
    assert sorted(times(made, order)[1] for order in ("W1", "W2")) == [at(0), at(1)]


def test_the_frozen_horizon_keeps_sequence_and_moves_later_only_when_forced() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.order("W1", [{"work_center": "A", "run": 60.0}], due=50)
    builder.order("W2", [{"work_center": "A", "run": 60.0}], due=60)
    first = plan(builder)["schedule"]
    builder.rows["published"] = first.to_dicts()
    builder.order("RUSH", [{"work_center": "A", "run": 60.0}], due=1, weight=100)
    again = plan(builder)
    assert times(again, "W1") == times({"schedule": first}, "W1")
    assert times(again, "RUSH")[0] == at(24)
    builder.add("downtime_events", event="D", machine="A-01", started_at=at(-1), expected_end=at(3), reported_at=at(-1))
    late = plan(builder)["schedule"].filter(pl.col("frozen"))
    assert late["forced"].to_list() == [True, True]
    assert late.sort("start")["work_order"].to_list() == first.sort("start")["work_order"].to_list()
    approve(builder, kind="fence", work_order="RUSH", op_seq=None)
    assert times(plan(builder), "RUSH")[0] < at(24)


def test_overtime_is_worked_only_where_it_was_approved() -> None:
    builder = PlantBuilder()
    builder.center("A", hours=(5, 13))
    builder.open("A", "A-01", at(8), at(12), kind="overtime")
    builder.order("W", [{"work_center": "A", "run": 600.0}])
    assert times(plan(builder), "W")[2] == at(26)
    approve(builder, kind="overtime", work_center="A", start=at(8), end=at(12))
    made = plan(builder)
    assert times(made, "W")[2] == at(10)
    assert made["capacity_load"]["overtime_min"].sum() == 120.0


def test_what_cannot_be_scheduled_is_listed_and_the_rest_planned() -> None:
    builder = PlantBuilder()
    builder.center("A", hours=(5, 13))
    builder.add("work_centers", work_center="EMPTY", calendar="PLANT", machines=0)
    builder.order("GOOD", [{"work_center": "A"}])
    builder.order("NOWHERE", [{"work_center": "EMPTY"}])
    builder.order("TOO-LONG", [{"work_center": "A", "run": 5000.0, "pausable": False}])
    builder.order("HELD", [{"work_center": "A", "status": "hold"}])
    builder.order("NO-ROUTING", [])
    made = plan(builder)
    assert made["schedule"]["work_order"].unique().to_list() == ["GOOD"]
    reasons = dict(made["unscheduled"].iter_rows())
    assert "no machine" in reasons["NOWHERE"]
    assert "may not pause" in reasons["TOO-LONG"]
    assert "on hold" in reasons["HELD"]
    assert "no routing" in reasons["NO-ROUTING"]


def test_after_downtime_load_is_that_of_the_night_over_what_is_open_now() -> None:
    builder = PlantBuilder()
    builder.center("A", machines=2, hours=(6, 14))
    builder.order("W1", [{"work_center": "A", "run": 120.0}], due=72, start=date(2026, 3, 5))
    night = builder.frames()
    before = required_load(night, context())["required_load"]
    open_time = night["working_time"]
    for lost, known in ((pl.col("machine") == "A-01", True), (pl.col("start").dt.day() < 8, False)):
        now = {**night, "working_time": open_time.filter(~lost), "previous.required_load": before}
        made = load_after_downtime(now, context())
        if known:
            assert made is not None
            assert made["required_load"].equals(required_load(now, context())["required_load"])
            assert made["required_load"]["available_min"].sum() == before["available_min"].sum() / 2
        else:  # days without load have no working time any more
            assert made is None


def test_required_load_needs_no_schedule() -> None:
    builder = PlantBuilder()
    builder.center("A", hours=(5, 13))
    builder.order("W", [{"work_center": "A", "run": 120.0, "setup": 30.0}], due=72, start=date(2026, 3, 5))
    load = required_load(builder.frames(), context())["required_load"].filter(pl.col("loaded_min") > 0)
    assert load.select("bucket_start", "available_min", "loaded_min", "setup_min").rows() == [
        (date(2026, 3, 5), 480.0, 150.0, 30.0)
    ]


def test_explanation_names_reason_and_remedy() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.order("W1", [{"work_center": "A", "run": 60.0}], due=2)
    builder.order("W2", [{"work_center": "A", "run": 60.0}], due=90)
    frames = {**builder.frames(), **plan(builder)}
    (told,) = explain_operation(frames, "W2")
    assert (told.bound_by, told.ahead) == ("machine", "W1/10")
    assert any("overtime" in line for line in told.lines())
    with pytest.raises(KeyError, match="not in the schedule"):
        explain_operation(frames, "W9")


def test_an_order_is_explained_on_one_screen_with_the_longest_wait_first() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    builder.order("BUSY", [{"work_center": "B", "run": 600.0}], due=1, weight=9.0)
    builder.order("AHEAD", [{"work_center": "A", "run": 60.0}], due=1, weight=9.0)
    builder.order("W", [{"work_center": "A", "run": 60.0}, {"work_center": "B", "run": 60.0}], due=20)
    frames = {**builder.frames(), **plan(builder)}
    screen = order_screen(explain_operation(frames, "W", as_of=AS_OF))
    assert "starts 2026-03-02 06:00, ends 2026-03-02 16:00" in screen[0]
    assert "9.0 h to spare" in screen[0]
    rows = [line.split() for line in screen if line.startswith(("10 ", "20 "))]
    assert [(row[0], row[1], row[6], row[7], row[8]) for row in rows] == [
        ("10", "A-01", "1.0", "machine", "AHEAD/10"),
        ("20", "B-01", "8.0", "machine", "BUSY/10"),
    ]
    forward = screen[screen.index("It would come forward by:") + 1 :]
    assert [line.split(":")[0].strip() for line in forward] == ["op 20, up to 8.0 h", "op 10, up to 1.0 h"]
    long = PlantBuilder()
    long.center("A")
    long.order("L", [{"work_center": "A", "run": 30.0}] * 20)
    told = explain_operation({**long.frames(), **plan(long)}, "L", as_of=AS_OF)
    assert len(order_screen(told)) <= 24


@pytest.mark.parametrize("threads", [1, 3])
def test_same_plan_with_any_number_of_threads(threads: int) -> None:
    from recon_platform.bench.schedule import build
    from recon_platform.capacity.improve import improve
    from recon_platform.capacity.portfolio import Setting

    problem = build(600)
    setting, value = best_of(problem, 4, threads=threads)
    assert (setting, value) == best_of(problem, 4, threads=2)
    bias, better, start = improve(problem, Setting(16.0, 0.2), 24, seed=5, threads=threads)
    assert better <= start
    assert (bias == improve(problem, Setting(16.0, 0.2), 24, seed=5, threads=2)[0]).all()


def test_plan_is_as_of_and_repeatable() -> None:
    builder = PlantBuilder()
    builder.center("A", 2, hours=(6, 14))
    for k in range(12):
        builder.order(f"W{k:02d}", [{"work_center": "A", "run": 90.0 + k}], due=20 + k)
    first, second = plan(builder), plan(builder)
    assert all(first[name].equals(second[name]) for name in first)
    assert first["schedule"]["setup_start"].min() >= AS_OF
    assert prepare(builder.frames(), context()).problem.operation.shape[0] == 12


def machine_of(made: dict[str, pl.DataFrame], order: str) -> str:
    found: str = made["schedule"].filter(pl.col("work_order") == order)["machine"].item()
    return found


def test_a_pin_keeps_a_waiting_operation_on_its_machine_though_another_is_free() -> None:
    builder = PlantBuilder()
    builder.center("A", 2)
    builder.order("LONG", [{"work_center": "A", "run": 300.0, "status": "running", "machine": "A-01"}])
    builder.order("W", [{"work_center": "A", "run": 60.0}], due=2)
    builder.order("NEXT", [{"work_center": "A", "run": 60.0}], due=90)
    assert machine_of(plan(builder), "W") == "A-02"
    pin(builder, "W", 10, "A-01")
    made = plan(builder)
    assert (machine_of(made, "W"), times(made, "W")[0]) == ("A-01", at(5))
    assert (machine_of(made, "NEXT"), times(made, "NEXT")[0]) == ("A-02", at(0))


def test_a_pin_moves_an_operation_of_the_frozen_horizon_once_it_is_decided() -> None:
    builder = PlantBuilder()
    builder.center("A", 2)
    builder.order("W", [{"work_center": "A", "run": 60.0}])
    first = plan(builder)
    other = {"A-01": "A-02", "A-02": "A-01"}[machine_of(first, "W")]
    builder.rows["published"] = first["schedule"].to_dicts()
    assert machine_of(plan(builder), "W") == machine_of(first, "W")
    pin(builder, "W", 10, other)
    assert machine_of(plan(builder), "W") == other


def test_the_check_finds_an_operation_that_is_not_where_it_is_pinned() -> None:
    builder = PlantBuilder()
    builder.center("A", 2)
    builder.order("W", [{"work_center": "A", "run": 60.0}])
    made = plan(builder)
    pin(builder, "W", 10, {"A-01": "A-02", "A-02": "A-01"}[machine_of(made, "W")])
    found = check_schedule({**builder.frames(), **made}, context())
    assert found["constraint"].to_list() == ["pin"]


def test_a_pin_to_a_machine_of_another_work_center_binds_nothing() -> None:
    builder = PlantBuilder()
    builder.center("A")
    builder.center("B")
    builder.order("W", [{"work_center": "A", "run": 60.0}])
    pin(builder, "W", 10, "B-01")
    assert machine_of(plan(builder), "W") == "A-01"


def test_an_operation_that_two_moves_let_out_of_the_fence_is_planned_once() -> None:
    builder = PlantBuilder()
    builder.center("A")
    for order in ("W", "V"):
        builder.order(order, [{"work_center": "A", "run": 60.0}])
    builder.rows["published"] = plan(builder)["schedule"].to_dicts()
    for _ in range(2):
        approve(builder, kind="fence", work_order="W", op_seq=10)
    approve(builder, kind="fence", work_order="V", op_seq=None)
    approve(builder, kind="fence", work_order="V", op_seq=None)
    assert sorted(plan(builder)["schedule"]["work_order"]) == ["V", "W"]
