"""A rerun that holds the sequence in force operation by operation: what a stop has nothing to do with stays to the minute."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from hypothesis import given, settings

from recon_platform.capacity import check_schedule, schedule
from recon_platform.tables.capacity import held_in_turn
from tests.capacity.plants import PlantBuilder, at, context
from tests.capacity.random_plants import plants
from tests.capacity.test_feasible import PHASES, QUIET

NIGHT = context({"capacity": {"portfolio_passes": 1, "frozen_hours": 0, "match_up_days": 0}})
RERUN = replace(NIGHT, sequence=1, in_turn=True)
KEY = ["work_order", "op_seq"]


def after_a_stop(builder: PlantBuilder, machine: str, hours: float) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The schedule in force, and the tables of the rerun after `machine` is said to stand for so long."""
    in_force = schedule(builder.frames(), NIGHT)["schedule"]
    builder.add(
        "downtime_events", event="STOP", machine=machine, started_at=at(-1), expected_end=at(hours), reported_at=at(-1)
    )
    frames = {**builder.frames(), "published.schedule": in_force}
    made = schedule(frames, RERUN)
    assert check_schedule({**frames, **made}, RERUN).is_empty()
    return in_force, made


def two_machines(due: float) -> PlantBuilder:
    """Six orders of four hours on two machines alike, then each an hour on the one machine that follows."""
    builder = PlantBuilder()
    builder.center("A", machines=2)
    builder.center("B")
    for number in range(6):
        steps = [{"work_center": "A", "run": 240.0}, {"work_center": "B", "run": 60.0}]
        builder.order(f"W{number}", steps, due=due + number)
    return builder


def test_a_stop_that_makes_nothing_late_moves_what_stands_on_its_machine_and_nothing_else() -> None:
    in_force, made = after_a_stop(two_machines(due=200), "A-01", 2)
    assert held_in_turn(made["dispatch_settings"])
    assert not held_in_turn(made["dispatch_settings"].drop("in_turn"))  # as nights before wrote it
    assert made["dispatch_settings"]["lateness"].to_list() == [None], "nothing to compare it with"
    beside = in_force.join(made["schedule"], on=KEY, suffix="_now")
    assert beside.height == 12
    assert (beside["machine"] == beside["machine_now"]).all()
    moved = beside.filter(pl.col("start") != pl.col("start_now"))
    on_it = beside.filter((pl.col("machine") == "A-01") & (pl.col("op_seq") == 10))
    assert set(on_it["work_order"]) <= set(moved["work_order"])
    assert set(moved.filter(pl.col("op_seq") == 10)["work_order"]) == set(on_it["work_order"])


def test_a_stop_that_would_make_orders_late_sequences_anew_where_that_saves_them() -> None:
    in_force, made = after_a_stop(two_machines(due=14), "A-01", 100)
    rows = made["dispatch_settings"].sort("lateness")
    assert rows["in_turn"].to_list() == [False, True]
    assert rows["taken"].to_list() == [True, False]
    assert rows["lateness"][0] < rows["lateness"][1]
    first = made["schedule"].filter(pl.col("op_seq") == 10)
    assert (first["machine"] == "A-02").sum() > (in_force.filter(pl.col("op_seq") == 10)["machine"] == "A-02").sum()


@settings(max_examples=8, deadline=None, derandomize=True, phases=PHASES, suppress_health_check=QUIET)
@given(plants())
def test_whatever_the_plant_what_is_held_is_feasible(builder: PlantBuilder) -> None:
    machine = builder.rows["machines"][0]["machine"]
    after_a_stop(builder, machine, 30)
