"""Learned parameters in a value study: proposed one week, judged by what came after, approved, planned with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from recon_platform.nights.value_learning import Learner, loss
from recon_platform.nights.value_platform import VARIANTS, plan_inputs, settings_of
from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim.executing import Plant, begin, land, run_on, view_of
from recon_platform.plantsim.parameters import plant_named, with_stale_standards
from recon_platform.plantsim.policies import EarliestDueDate
from recon_platform.tables.governance import DECISIONS_IN_FORCE


def a_week_on(plant: Plant) -> Plant:
    """The plant seven days later, its floor by due date."""
    due = plant.history.book.orders.select(
        "work_order", due_date=plant.history.world.clock.dates(plant.history.book.orders["due_day"].to_numpy()).dt.to_string()
    )  # fmt: skip
    later = plant.history.world.clock.minute(plant.day + timedelta(days=7), 240)
    ran = run_on(plant, EarliestDueDate().dispatch(view_of(plant, {"work_orders": due}, None)), later)
    return replace(ran, day=plant.day + timedelta(days=7))


def test_what_was_measured_afterwards_decides_and_open_orders_are_planned_with_it() -> None:
    few_items = replace(with_stale_standards(plant_named("fastener"), 0.6), items_per_order=0.1)
    plant = begin(orders=150, nights=8, seed=3, drift=0.0, plant=few_items)
    learner, settings = Learner(), settings_of(VARIANTS["learning"])
    frames, context = plan_inputs(plant, land(plant), settings)
    learner.weekly(run_stages(STAGES[:1], frames, context), context)
    asked = {key: row for key, (row, _, _) in learner.waiting.items()}
    assert asked
    assert not learner.decisions, "nothing is approved before it was judged"
    plant = a_week_on(plant)
    frames, context = plan_inputs(plant, land(plant), settings)
    conformed = run_stages(STAGES[:1], frames, context)
    learner.weekly(conformed, context)
    runs = {subject: value for (kind, subject), value in learner.values.items() if kind == "run_time"}
    assert runs
    world = plant.history.world
    items = world.items["item"].gather(world.routing["item_index"])
    true = {
        f"{item}/main/{op_seq}": minutes
        for item, op_seq, minutes in zip(items, world.routing["op_seq"], world.routing["run_min_per_unit"], strict=True)
    }
    for subject, value in runs.items():
        erp = asked["run_time", subject]["current"]
        assert abs(value / true[subject] - 1) < abs(erp / true[subject] - 1)
    before = run_stages(STAGES[1:2], conformed, context)["reconciled_operations"]
    decided = DECISIONS_IN_FORCE.frame(list(learner.decisions.values()))
    after = run_stages(STAGES[1:2], conformed | {"decisions_in_force": decided}, context)["reconciled_operations"]
    key = ["work_order", "op_seq"]
    moved = before.join(after, on=key, suffix="_after").filter(
        pl.col("run_min_per_unit") != pl.col("run_min_per_unit_after")
    )
    assert moved.height
    assert set(moved["run_min_per_unit_after"].round(9)) <= {round(value, 9) for value in runs.values()}


def test_the_check_loss_has_its_least_at_the_percentile() -> None:
    values = pl.Series([float(value) for value in range(1, 101)])
    for level in (0.5, 0.8):
        best = min(range(1, 101), key=lambda planned: loss(values, float(planned), level))
        assert best == pytest.approx(100 * level, abs=1)
    assert loss(pl.Series([], dtype=pl.Float64), 3.0, 0.5) == 0


def test_without_a_percentile_the_loss_has_its_least_at_the_mean() -> None:
    lost = pl.Series([0.0, 0.0, 0.0, 0.2])  # a stop hits one day of four
    assert min(range(21), key=lambda planned: loss(lost, planned / 100, None)) == 5
    assert min(range(21), key=lambda planned: loss(lost, planned / 100, 0.5)) == 0
