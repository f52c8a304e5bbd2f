"""The bound of a value study: no order is done later than under any rule, and nothing happens that could not."""

from __future__ import annotations

import numpy as np
import pytest

from recon_platform.nights.value_cell import run_cell
from recon_platform.nights.value_measured import SERVICE, UNLIMITED, Cell
from recon_platform.plantsim.executing import begin, run_on
from recon_platform.plantsim.floor import free_choice
from recon_platform.plantsim.parameters import PLANTS, plant_named
from recon_platform.plantsim.unlimited import without_queues


@pytest.mark.parametrize("name", PLANTS)
def test_no_order_is_done_later_than_under_a_rule_and_none_before_it_can_be(name: str) -> None:
    plant = begin(orders=60, nights=28, seed=4, plant=plant_named(name))
    bound = without_queues(plant).floor
    orders, arrays, now = plant.history.book.orders, plant.floor.arrays, plant.now
    ready = np.maximum(plant.material, orders["created"].to_numpy())
    last, until = arrays.op_ptr[1:] - 1, now + 28 * 1440
    begun = plant.floor.state.setup_start >= 0
    assert (bound.state.ended[begun] <= plant.floor.state.ended[begun]).all(), (
        "under way: only a Saturday ends it earlier"
    )
    assert (
        bound.state.ended[~begun]
        >= ready[arrays.op_order[~begun]] + arrays.op_minutes[~begun] * (arrays.op_external[~begun] == 0)
    ).all()
    ops = np.flatnonzero(~begun)
    follows = ops[(ops > 0) & ~np.isin(ops, arrays.op_ptr[:-1])]
    assert (bound.state.started[follows] >= bound.state.ended[follows - 1]).all()
    sooner = 0
    for priority in (orders["due_day"].to_numpy(), -orders["due_day"].to_numpy(), orders["created"].to_numpy()):
        rule = free_choice(plant.floor, priority[arrays.op_order], ready, 1.0)
        ran = run_on(plant, rule, until).floor.state.ended[last]
        done = (ran >= 0) & (ran <= until)
        assert (bound.state.ended[last][done] <= ran[done]).all()
        sooner += int((bound.state.ended[last][done] < ran[done]).sum())
    assert sooner > 0


def test_a_cell_of_the_bound_tells_service_alone() -> None:
    cell = Cell("fastener", plant_named("fastener"), 60, 5, UNLIMITED, 2)
    made = run_cell(cell).measures
    assert set(made["metric"]) == set(SERVICE)
    assert made["week"].unique().sort().to_list() == [1, 2]
    assert (made["numerator"] <= made["denominator"]).all()
