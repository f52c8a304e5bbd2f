"""Overtime adds exactly its shift, keeps every minute of work, and only helps what runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.deciding import overtime_centers, saturday_shifts
from recon_platform.plantsim.executing import Plant, begin, land, load, next_night, run_day, run_on, save, view_of
from recon_platform.plantsim.floor_kernel import FloorState, advance
from recon_platform.plantsim.overtime import on_intervals
from recon_platform.plantsim.policies import EarliestDueDate, View

ORDERS, NIGHTS = 150, 14


@pytest.fixture(scope="module")
def friday() -> Plant:
    plant = begin(orders=ORDERS, nights=NIGHTS, seed=8)
    while plant.day.isoweekday() != 5:
        plant = run_day(plant, land(plant), EarliestDueDate())
    return plant


def worked_minutes(plant: Plant, begin_: int, end: int) -> np.ndarray:
    machines = np.arange(len(plant.history.world.machines))
    worked = plant.history.intervals.worked
    return worked(machines, np.full(len(machines), end)) - worked(machines, np.full(len(machines), begin_))


def minutes_needed(plant: Plant) -> tuple[np.ndarray, np.ndarray]:
    """Machine minutes between set-up begin, start and end of every operation begun, in working time."""
    state, worked = plant.floor.state, plant.history.intervals.worked
    at = np.flatnonzero((state.setup_start >= 0) & (state.machine >= 0))
    begin_, start, end = (
        worked(state.machine[at], part[at]) for part in (state.setup_start, state.started, state.ended)
    )
    return start - begin_, end - start


def test_a_called_shift_adds_its_eight_hours_less_stops_and_no_others(friday: Plant) -> None:
    centers = overtime_centers(friday)[:1]
    called = friday.with_overtime(saturday_shifts(friday, centers))
    monday = friday.now + 3 * DAY_MIN
    more = worked_minutes(called, friday.now, monday) - worked_minutes(friday, friday.now, monday)
    mine = (friday.history.world.machines["wc"] == centers[0]).to_numpy()
    assert (more[~mine] == 0).all()
    assert (more[mine] > 0).any()
    assert (more[mine] <= 480).all()


def test_what_runs_keeps_its_minutes_and_ends_no_later(friday: Plant) -> None:
    long = [part.copy() for part in friday.floor.state]
    state = FloorState(*long)
    running = np.flatnonzero((state.ended > friday.now) & (state.machine >= 0))
    for i in running:  # jobs so long that they stand over the weekend
        state.ended[i] = advance(friday.floor.arrays, state.machine[i], state.started[i], 2600)
        state.busy_until[state.machine[i]] = state.ended[i]
    friday = replace(friday, floor=replace(friday.floor, state=state))
    called = friday.with_overtime(saturday_shifts(friday, overtime_centers(friday)))
    before, after = minutes_needed(friday), minutes_needed(called)
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])
    assert (called.floor.state.ended[running] <= friday.floor.state.ended[running]).all()
    on_called = np.isin(
        friday.history.world.machines["wc"].to_numpy()[state.machine[running]], overtime_centers(friday)
    )
    assert on_called.any()
    assert (called.floor.state.ended[running] < state.ended[running])[on_called].all()
    assert np.array_equal(called.floor.state.busy_until[state.machine[running]], called.floor.state.ended[running])
    others = np.delete(np.arange(len(state.ended)), running)
    assert np.array_equal(called.floor.state.ended[others], state.ended[others])


def test_the_same_working_time_changes_nothing(friday: Plant) -> None:
    again = on_intervals(friday.floor, friday.history.intervals, friday.history.intervals)
    for name, one, two in zip(friday.floor.state._fields, friday.floor.state, again.state, strict=True):
        if name == "busy_until":  # of machines that stand, since when does not matter
            one, two = np.maximum(one, friday.now), np.maximum(two, friday.now)  # noqa: PLW2901
        assert np.array_equal(one, two), name


def test_the_books_show_the_hours_as_overtime(friday: Plant) -> None:
    centers = overtime_centers(friday)[:1]
    plant = friday.with_overtime(saturday_shifts(friday, centers))
    dispatch = EarliestDueDate()
    while plant.day.isoweekday() != 1:
        plant = run_day(plant, land(plant), dispatch)
    hours = land(plant).true["labour_hours"]
    saturday = friday.day + timedelta(days=1)
    booked = hours.filter(pl.col("overtime_hours") > 0)
    assert booked["date"].unique().to_list() == [saturday]
    center = friday.history.world.parameters.work_centers[centers[0]]
    assert booked["work_center"].unique().to_list() == [center.code]
    machines = int((friday.history.world.machines["wc"] == centers[0]).sum())
    assert booked["overtime_hours"].sum() <= 8 * machines * (center.run_people or 0) + 0.01


def test_a_shift_that_has_begun_cannot_be_called(friday: Plant) -> None:
    shifts = saturday_shifts(friday, overtime_centers(friday)[:1])
    sunday = replace(friday, floor=run_on(friday, EarliestDueDate().dispatch(_view(friday)), next_night(friday)).floor)
    with pytest.raises(ValueError, match="call a shift before its day begins"):
        sunday.with_overtime(shifts)


def test_a_saved_plant_remembers_its_overtime(friday: Plant, tmp_path: Path) -> None:
    plant = replace(
        friday.with_overtime(saturday_shifts(friday, overtime_centers(friday)[:2])), expedited=frozenset({4, 9})
    )
    save(plant, tmp_path / "floor.npz")
    loaded = load(begin(orders=ORDERS, nights=NIGHTS, seed=8), tmp_path / "floor.npz")
    assert loaded.history.overtime == plant.history.overtime
    assert loaded.expedited == plant.expedited
    one, two = (run_on(p, EarliestDueDate().dispatch(_view(p)), next_night(p)) for p in (plant, loaded))
    for a, b in zip(one.floor.state, two.floor.state, strict=True):
        assert np.array_equal(a, b)


def _view(plant: Plant) -> View:
    return view_of(plant, land(plant).text, None)
