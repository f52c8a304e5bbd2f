"""Which orders are chased: what still has to be done leaves less than a shift of room before the due date.

Belongs here: the one rule by which an order becomes an expedite, the same under every policy, on the true state of the
floor. Does not belong here: what a policy does about it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.executing import Plant

ROOM_MIN = 480  # working time before the due date below which an order is chased


def remaining_minutes(plant: Plant) -> npt.NDArray[np.int64]:
    """By order: minutes of work, vendor and cooling still needed, had it every machine for itself; 0: finished."""
    arrays, state, now = plant.floor.arrays, plant.floor.state, plant.now
    waiting = state.setup_start < 0
    running = ~waiting & (state.ended > now)
    need = np.where(waiting, arrays.op_minutes * (arrays.op_external == 0) + arrays.op_external, 0)
    need += np.where(waiting & (state.arrived < 0), arrays.op_queue, 0)
    need += np.where(running, state.ended - now, 0)
    return np.bincount(arrays.op_order, weights=need, minlength=len(arrays.op_ptr) - 1).astype(np.int64)


def working_minutes_to_due(plant: Plant) -> npt.NDArray[np.int64]:
    """By order: minutes of working days between now and the end of its due day; negative once it has passed."""
    world, due = plant.history.world, plant.history.book.orders["due_day"].to_numpy()
    working = world.working_days()
    today = plant.now // DAY_MIN
    days = np.searchsorted(working, due, side="right") - np.searchsorted(working, today, side="right")
    left_today = (today + 1) * DAY_MIN - plant.now
    late = (due + 1) * DAY_MIN - plant.now
    return np.where(due < today, late, days * DAY_MIN + left_today)


def chased(plant: Plant) -> npt.NDArray[np.bool_]:
    """By order: entered, its material there, not finished, and less than a shift of room before its due date."""
    need = remaining_minutes(plant)
    known = np.maximum(plant.material, plant.history.book.orders["created"].to_numpy()) <= plant.now
    made: npt.NDArray[np.bool_] = known & (need > 0) & (working_minutes_to_due(plant) - need < ROOM_MIN)
    return made
