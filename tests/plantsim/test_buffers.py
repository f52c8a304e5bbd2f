"""A reserve changes only what is not committed yet, never more material than was bought, and is the same after a reload."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.plantsim.buffers import Buffers, reserve_cost
from recon_platform.plantsim.executing import Plant, begin, land, load, run_day, save
from recon_platform.plantsim.policies import EarliestDueDate

ORDERS, NIGHTS = 60, 21


def first_night() -> Plant:
    return begin(orders=ORDERS, nights=NIGHTS, seed=8)


@pytest.fixture(scope="module")
def plant() -> Plant:
    return run_day(first_night(), land(first_night()), EarliestDueDate())


@settings(max_examples=10, deadline=None)
@given(days=st.integers(0, 12), allowance=st.sampled_from([0.0, 0.01, 0.03, 0.3]))
def test_only_what_is_not_committed_changes_and_material_is_conserved(
    plant: Plant, days: int, allowance: float
) -> None:
    changed = plant.with_buffers(Buffers({"S100": days, "S300": days}, allowance))
    before, after = plant.history.book, changed.history.book
    today = plant.history.world.clock.day_number(plant.day)
    ordered = before.purchases["ordered_day"].to_numpy() <= today
    for name in before.purchases.columns:
        assert before.purchases[name].to_numpy()[ordered].tolist() == after.purchases[name].to_numpy()[ordered].tolist()
    earlier = (before.purchases["due_day"] - after.purchases["due_day"]).to_numpy()
    assert (earlier >= 0).all()
    assert (after.purchases["ordered_day"].to_numpy()[~ordered] > today).all()
    mine = np.isin(before.purchases["supplier"].to_numpy(), [0, 2])
    assert (earlier[~mine] == 0).all()
    released = before.orders["release"].to_numpy() <= plant.now
    grown = (after.orders["qty"] - before.orders["qty"]).to_numpy()
    assert (grown >= 0).all()
    assert (grown[released] == 0).all()
    assert ((grown > 0).any() or allowance == 0.0) and ((earlier > 0).any() or days == 0)
    need = np.zeros(len(after.purchases))
    np.add.at(need, after.needs["purchase"].to_numpy(), after.needs["need"].to_numpy())
    assert (need <= after.purchases["qty"].to_numpy() + 1e-6).all()


def test_a_kit_grows_with_its_bolts_or_not_at_all(plant: Plant) -> None:
    changed = plant.with_buffers(Buffers({}, 0.02))
    grown = (changed.history.book.orders["qty"] - plant.history.book.orders["qty"]).to_numpy()
    feeds = plant.history.book.orders["feeds"].to_numpy()
    bolts = np.flatnonzero(feeds >= 0)
    released = plant.history.book.orders["release"].to_numpy() <= plant.now
    assert len(bolts) > 0
    assert (grown[feeds[bolts]][released[bolts]] == 0).all()


def test_what_has_happened_stays_and_no_reserve_costs_nothing(plant: Plant) -> None:
    changed = plant.with_buffers(Buffers({"S300": 4}, 0.01))
    assert all((a == b).all() for a, b in zip(plant.floor.state, changed.floor.state, strict=True))
    started = plant.floor.state.setup_start >= 0
    assert (plant.floor.arrays.op_minutes[started] == changed.floor.arrays.op_minutes[started]).all()
    components, days = plant.history.world.components, (0, plant.history.world.days)
    assert reserve_cost(plant.history.book, plant.history.book, components, days) == 0.0
    assert reserve_cost(plant.history.book, changed.history.book, components, days) > 0.0
    same = plant.with_buffers(Buffers())
    assert same.history.book.orders.equals(plant.history.book.orders)
    assert same.history.operations.equals(plant.history.operations)


def test_a_plant_that_was_saved_keeps_its_reserves(plant: Plant, tmp_path: Path) -> None:
    changed = plant.with_buffers(Buffers({"S300": 4}, 0.01))
    save(changed, tmp_path / "floor.npz")
    loaded = load(first_night(), tmp_path / "floor.npz")
    assert loaded.history.book.orders.equals(changed.history.book.orders)
    assert loaded.history.book.purchases.equals(changed.history.book.purchases)
    assert loaded.reserve == Buffers(
        {"S100": 0, "S200": 0, "S300": 4, "S400": 0, "S500": 0, "V900": 0, "V910": 0}, 0.01
    )
    assert (loaded.release == changed.release).all()


@pytest.mark.parametrize("wrong", [Buffers({"S999": 1}), Buffers({"S100": -1}), Buffers({}, -0.1)])
def test_a_reserve_that_cannot_be_is_refused(plant: Plant, wrong: Buffers) -> None:
    with pytest.raises(ValueError, match=r"not known|negative"):
        plant.with_buffers(wrong)
