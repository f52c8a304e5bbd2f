"""A floor without queues: what no decision about sequence, machines, overtime or order of work could better.

Every operation begins when what it works on is there, has the machine of its work center that ends it first for itself,
sets up in no time, and every Saturday shift is worked. Late material, stops, scrap, vendors and cooling stay as they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit

from recon_platform.plantsim.clock import Minutes
from recon_platform.plantsim.deciding import overtime_centers
from recon_platform.plantsim.executing import Plant
from recon_platform.plantsim.floor import Floor
from recon_platform.plantsim.floor_kernel import NEVER, FloorArrays, FloorState, advance
from recon_platform.plantsim.overtime import call

SATURDAY = 5  # of a week whose Monday is 0


def without_queues(plant: Plant) -> Plant:
    """`plant` with everything that has not begun run to its end. Its `now` stays; nothing is left to decide."""
    history, floor = call(plant.history, plant.floor, _saturdays(plant))
    state = FloorState(*(part.copy() for part in floor.state))
    ready = np.maximum(plant.material, history.book.orders["created"].to_numpy())
    _run(floor.arrays, state, ready.astype(np.int64), floor.now)
    return replace(plant, history=history, floor=Floor(floor.arrays, state, floor.now))


def _saturdays(plant: Plant) -> frozenset[tuple[int, int]]:
    clock, world = plant.history.world.clock, plant.history.world
    first = clock.day_number(plant.day) + 1
    days = [day for day in range(first, world.days) if (day + clock.origin.weekday()) % 7 == SATURDAY]
    return frozenset((center, day) for center in overtime_centers(plant) for day in days)


@njit(cache=True)
def _run(floor: FloorArrays, state: FloorState, ready: Minutes, now: int) -> None:
    fed = np.zeros(len(ready), np.int64)
    for feeding in (True, False):  # what others wait for first
        for order in range(len(ready)):
            if (floor.order_feeds[order] >= 0) != feeding:
                continue
            at = max(ready[order], fed[order])
            for op in range(floor.op_ptr[order], floor.op_ptr[order + 1]):
                if state.setup_start[op] < 0:
                    if state.arrived[op] >= 0:
                        at = state.arrived[op]
                    elif op > floor.op_ptr[order]:
                        at += floor.op_queue[op]
                    at = max(at, now)
                    _alone(floor, state, op, at)
                at = state.ended[op]
            if feeding:
                fed[floor.order_feeds[order]] = max(fed[floor.order_feeds[order]], at)


@njit(cache=True)
def _alone(floor: FloorArrays, state: FloorState, op: int, at: int) -> None:
    state.arrived[op] = state.setup_start[op] = state.started[op] = at
    if floor.op_external[op] > 0:
        state.ended[op] = at + floor.op_external[op]
        return
    state.ended[op] = NEVER
    for machine in range(floor.wc_ptr[floor.op_wc[op]], floor.wc_ptr[floor.op_wc[op] + 1]):
        end = advance(floor, machine, at, floor.op_minutes[op])
        if end < state.ended[op]:
            state.ended[op] = end
            state.machine[op] = machine
