"""Overtime on a floor: a Saturday shift that is called adds working time, and what is under way ends earlier.

Belongs here: what a call does to the floor. Does not belong here: who calls it, and why (`as_is`, `peer`, the platform).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recon_platform.plantsim.clock import Intervals
from recon_platform.plantsim.floor import Floor
from recon_platform.plantsim.floor_kernel import advance
from recon_platform.plantsim.history import History, working_intervals

Shifts = frozenset[tuple[int, int]]
"""Saturday shifts: (work center index, day number)."""


def call(history: History, floor: Floor, shifts: Shifts) -> tuple[History, Floor]:
    """The plant with more Saturday shifts worked. Raises ValueError for a shift that has begun already."""
    added = shifts - history.overtime
    if not added:
        return history, floor
    clock = history.world.clock
    over = [day for _, day in added if clock.minutes_of_days(np.array([day]), 0)[0] < floor.now]
    if over:
        raise ValueError(
            f"overtime on {clock.dates(np.array(over))[0]} was called on {clock.instant(floor.now):%Y-%m-%d}: call a "
            f"shift before its day begins"
        )
    every = history.overtime | added
    intervals = working_intervals(history.world, history.stops, every)
    return replace(history, intervals=intervals, overtime=every), on_intervals(floor, history.intervals, intervals)


def on_intervals(floor: Floor, before: Intervals, after: Intervals) -> Floor:
    """The floor under other working time: operations under way need the minutes they still needed, not the same end."""
    arrays = floor.arrays._replace(iv_ptr=after.ptr, iv_start=after.start, iv_end=after.end)
    state = type(floor.state)(*(part.copy() for part in floor.state))
    running = np.flatnonzero((state.setup_start >= 0) & (state.ended > floor.now) & (state.machine >= 0))
    machine = state.machine[running]
    worked = [before.worked(machine, at[running]) for at in (state.setup_start, state.started, state.ended)]
    busy = np.minimum(state.busy_until, floor.now)
    for i, m, setting, run in zip(running, machine, worked[1] - worked[0], worked[2] - worked[1], strict=True):
        if state.started[i] > floor.now:
            state.started[i] = advance(arrays, m, state.setup_start[i], setting)
        state.ended[i] = advance(arrays, m, state.started[i], run)
        busy[m] = max(busy[m], state.ended[i])
    state.busy_until[:] = busy
    return Floor(arrays, state, floor.now)
