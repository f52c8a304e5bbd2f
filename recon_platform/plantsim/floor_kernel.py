"""The event loop of the floor, compiled: operations queue at work centers, setters set, machines run and stand still.

Belongs here: the passing of time from one minute to another under given priorities. Does not belong here: quantities,
scrap, reports (`history`, `state`), who decides the priorities (`policies`).

A discrete-event simulation over minutes (Law 2015, chapter 1). Machines work only inside their intervals (calendar less
stops). A free machine takes, among the first of its queue, the operation with the least `priority + weight × set-up`.
A set-up needs a setter of the work center's pool; a batch machine takes along what else fits its load. All state lies
in arrays, so a run may stop at any minute and go on with other priorities.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOOKAHEAD = 31  # operations of a queue that a free machine looks at
BATCH_LOOKAHEAD = 400
BLOCK_MIN = 480  # setters are counted by shift
NEVER = 1 << 40
ARRIVE, FREE, DONE, KICK = 0, 1, 2, 3


class FloorArrays(NamedTuple):
    """What stands still. Orders own operations [op_ptr[o], op_ptr[o + 1]); work centers own machines by `wc_ptr`."""

    op_ptr: Ints
    op_order: Ints
    op_wc: Ints
    op_minutes: Ints  # run minutes
    op_queue: Ints  # waiting before the operation counts as arrived
    op_external: Ints  # minutes at the vendor, 0: made here
    op_load: Floats  # share of a batch machine's load
    order_feeds: Ints  # order that waits for this one, -1: none
    order_attribute: Ints  # by order: diameter, head and length, coil, class
    wc_ptr: Ints
    wc_setup: Ints  # set-up minutes by attribute
    wc_pool: Ints  # pool of setters, -1: none needed
    wc_batch: Ints  # 1: a batch machine
    machine_wc: Ints
    iv_ptr: Ints
    iv_start: Ints
    iv_end: Ints
    setters: Ints  # by pool and block of 480 minutes: how many are there


class FloorState(NamedTuple):
    """What moves; written in place. -1: not yet."""

    arrived: Ints
    setup_start: Ints
    started: Ints
    ended: Ints
    machine: Ints
    waits: Ints  # by order: orders it still waits for
    fed_at: Ints  # by order: when the last of them was done
    busy_until: Ints  # by machine
    setup: Ints  # by machine: the attributes it is set up for
    setter_until: Ints  # by pool and setter: busy until


class Dispatch(NamedTuple):
    """Who goes first. Lower `priority` (minutes) first; `wanted` machine or -1; from `anywhere_from` on any machine of
    the work center may take it; not begun before `not_before`; orders enter the floor at `release`.
    """

    priority: Floats
    wanted: Ints
    anywhere_from: Ints
    not_before: Ints
    release: Ints
    setup_weight: float


@njit(cache=True)
def _row(start: Ints, lo: int, hi: int, t: int) -> int:
    """The last interval of a machine that starts at or before t, or lo - 1."""
    a, b = lo, hi
    while a < b:
        mid = (a + b) // 2
        if start[mid] <= t:
            a = mid + 1
        else:
            b = mid
    return a - 1


@njit(cache=True)
def next_working(floor: FloorArrays, m: int, t: int) -> int:
    """The first working minute of machine m at or after t; `NEVER` when there is none."""
    lo, hi = floor.iv_ptr[m], floor.iv_ptr[m + 1]
    row = _row(floor.iv_start, lo, hi, t)
    if row >= lo and t < floor.iv_end[row]:
        return t
    return int(floor.iv_start[row + 1]) if row + 1 < hi else NEVER


@njit(cache=True)
def advance(floor: FloorArrays, m: int, t: int, minutes: int) -> int:
    """The minute at which `minutes` of work of machine m, begun at t, are done."""
    lo, hi = floor.iv_ptr[m], floor.iv_ptr[m + 1]
    row = _row(floor.iv_start, lo, hi, t)
    if row < lo or t >= floor.iv_end[row]:
        if minutes == 0:
            return t
        row += 1
        if row >= hi:
            return NEVER
        t = int(floor.iv_start[row])
    left = minutes
    while left > floor.iv_end[row] - t:
        left -= int(floor.iv_end[row]) - t
        row += 1
        if row >= hi:
            return NEVER
        t = int(floor.iv_start[row])
    return t + left


@njit(cache=True)
def _up(key: Floats, op: Ints, base: int, i: int) -> None:
    while i > 0:
        parent = (i - 1) // 2
        a, b = base + parent, base + i
        if key[a] < key[b] or (key[a] == key[b] and op[a] <= op[b]):
            break
        key[a], key[b] = key[b], key[a]
        op[a], op[b] = op[b], op[a]
        i = parent


@njit(cache=True)
def _down(key: Floats, op: Ints, base: int, size: int, i: int) -> None:
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        a, b = base + child, base + child + 1
        if child + 1 < size and (key[b] < key[a] or (key[b] == key[a] and op[b] < op[a])):
            child += 1
        a, b = base + i, base + child
        if key[a] < key[b] or (key[a] == key[b] and op[a] <= op[b]):
            break
        key[a], key[b] = key[b], key[a]
        op[a], op[b] = op[b], op[a]
        i = child


@njit(cache=True)
def _take(key: Floats, op: Ints, base: int, size: int, at: int) -> None:
    """Remove entry `at` of a queue that had `size` entries."""
    last = size - 1
    if at != last:
        key[base + at] = key[base + last]
        op[base + at] = op[base + last]
        _down(key, op, base, last, at)
        _up(key, op, base, at)


@njit(cache=True)
def _setup_minutes(floor: FloorArrays, state: FloorState, center: int, m: int, o: int) -> int:
    """The longest change among the attributes that differ."""
    minutes = 0
    for a in range(4):
        if state.setup[m, a] != floor.order_attribute[o, a] and floor.wc_setup[center, a] > minutes:
            minutes = floor.wc_setup[center, a]
    return minutes


@njit(cache=True)
def _free_setter(floor: FloorArrays, state: FloorState, pool: int, now: int) -> tuple[int, int]:
    """A setter of the pool who is free now (-1: none), and when to look again."""
    block = min(now // BLOCK_MIN, floor.setters.shape[1] - 1)
    there = floor.setters[pool, block]
    again = (now // BLOCK_MIN + 1) * BLOCK_MIN
    for k in range(min(there, state.setter_until.shape[1])):
        if state.setter_until[pool, k] <= now:
            return k, now
        again = min(again, state.setter_until[pool, k])
    return -1, again


@njit(cache=True)
def run_floor(floor: FloorArrays, state: FloorState, plan: Dispatch, now0: int, until: int) -> int:
    """Run the floor from `now0` to `until` (inclusive); the state moves in place. Returns how many events passed."""
    ops, orders = len(floor.op_wc), len(floor.op_ptr) - 1
    centers, machines = len(floor.wc_ptr) - 1, len(floor.machine_wc)
    count = np.zeros(centers + 1, np.int64)
    for i in range(ops):
        if state.setup_start[i] < 0:
            count[floor.op_wc[i] + 1] += 1
    base = np.cumsum(count)
    key, queue = np.empty(base[-1], np.float64), np.empty(base[-1], np.int64)
    size = np.zeros(centers, np.int64)
    idle = np.zeros(machines, np.bool_)
    events = [(np.int64(0), np.int64(0), np.int64(-1), np.int64(-1))]
    events.pop()
    sequence, passed = np.int64(0), 0
    for o in range(orders):
        first = floor.op_ptr[o]
        if state.arrived[first] < 0 and state.waits[o] == 0:
            at = max(plan.release[o], state.fed_at[o], now0)
            if at <= until:
                sequence += 1
                heapq.heappush(events, (at, sequence, np.int64(ARRIVE), np.int64(first)))
    for i in range(ops):
        if state.setup_start[i] >= 0:
            if state.ended[i] > now0:
                sequence += 1
                heapq.heappush(events, (state.ended[i], sequence, np.int64(DONE), np.int64(i)))
        elif state.arrived[i] >= 0:
            sequence += 1
            heapq.heappush(events, (max(state.arrived[i], now0), sequence, np.int64(ARRIVE), np.int64(i)))
    for m in range(machines):
        sequence += 1
        heapq.heappush(events, (max(state.busy_until[m], now0), sequence, np.int64(FREE), np.int64(m)))
    while len(events) > 0:
        now, _, kind, subject = heapq.heappop(events)
        if now > until:
            break
        passed += 1
        if kind == DONE:
            o = floor.op_order[subject]
            if subject + 1 < floor.op_ptr[o + 1]:
                at = now + floor.op_queue[subject + 1]
                state.arrived[subject + 1] = at
                sequence += 1
                heapq.heappush(events, (at, sequence, np.int64(ARRIVE), subject + 1))
            elif floor.order_feeds[o] >= 0:
                fed = floor.order_feeds[o]
                state.waits[fed] -= 1
                state.fed_at[fed] = max(state.fed_at[fed], now)
                if state.waits[fed] == 0:
                    sequence += 1
                    at = max(plan.release[fed], now)
                    heapq.heappush(events, (at, sequence, np.int64(ARRIVE), np.int64(floor.op_ptr[fed])))
            continue
        center = subject
        if kind == ARRIVE:
            center = floor.op_wc[subject]
            if state.arrived[subject] < 0:
                state.arrived[subject] = now
            if floor.op_external[subject] > 0:
                state.setup_start[subject] = now
                state.started[subject] = now
                state.ended[subject] = now + floor.op_external[subject]
                sequence += 1
                heapq.heappush(events, (state.ended[subject], sequence, np.int64(DONE), subject))
                continue
            if plan.not_before[subject] > now:
                sequence += 1
                heapq.heappush(events, (plan.not_before[subject], sequence, np.int64(ARRIVE), subject))
                continue
            at = size[center]
            key[base[center] + at] = plan.priority[subject]
            queue[base[center] + at] = subject
            size[center] += 1
            _up(key, queue, base[center], at)
        elif kind == FREE:
            idle[subject] = True
            center = floor.machine_wc[subject]
        while size[center] > 0:
            pool = floor.wc_pool[center]
            setter, again = -1, now
            if pool >= 0:
                setter, again = _free_setter(floor, state, pool, now)
            best_machine, best_at, best_value, best_setup = -1, -1, np.inf, 0
            held = False
            seen = min(size[center], LOOKAHEAD)
            for m in range(floor.wc_ptr[center], floor.wc_ptr[center + 1]):
                if not idle[m]:
                    continue
                for at in range(seen):
                    i = queue[base[center] + at]
                    if plan.wanted[i] >= 0 and plan.wanted[i] != m and now < plan.anywhere_from[i]:
                        continue
                    minutes = _setup_minutes(floor, state, center, m, floor.op_order[i])
                    if minutes > 0 and pool >= 0 and setter < 0:
                        held = True
                        continue
                    value = key[base[center] + at] + plan.setup_weight * minutes
                    if value < best_value:
                        best_machine, best_at, best_value, best_setup = m, at, value, minutes
            if best_machine < 0:
                if held and again > now:
                    sequence += 1
                    heapq.heappush(events, (again, sequence, np.int64(KICK), np.int64(center)))
                break
            m = best_machine
            begin = next_working(floor, m, now)
            idle[m] = False
            if begin > now:
                sequence += 1
                heapq.heappush(events, (begin, sequence, np.int64(FREE), np.int64(m)))
                continue
            i = queue[base[center] + best_at]
            _take(key, queue, base[center], size[center], best_at)
            size[center] -= 1
            begun = advance(floor, m, now, best_setup)
            done = advance(floor, m, begun, floor.op_minutes[i])
            state.setup_start[i], state.started[i], state.ended[i], state.machine[i] = now, begun, done, m
            if best_setup > 0 and setter >= 0:
                state.setter_until[pool, setter] = begun
            for a in range(4):
                state.setup[m, a] = floor.order_attribute[floor.op_order[i], a]
            state.busy_until[m] = done
            sequence += 1
            heapq.heappush(events, (done, sequence, np.int64(DONE), np.int64(i)))
            sequence += 1
            heapq.heappush(events, (done, sequence, np.int64(FREE), np.int64(m)))
            if floor.wc_batch[center] == 1 and floor.op_load[i] < 1.0:
                room = 1.0 - floor.op_load[i]
                at = 0
                while at < min(size[center], BATCH_LOOKAHEAD):
                    j = queue[base[center] + at]
                    same = floor.order_attribute[floor.op_order[j], 3] == floor.order_attribute[floor.op_order[i], 3]
                    if same and floor.op_load[j] <= room:
                        room -= floor.op_load[j]
                        _take(key, queue, base[center], size[center], at)
                        size[center] -= 1
                        state.setup_start[j], state.started[j] = now, begun
                        state.ended[j], state.machine[j] = done, m
                        sequence += 1
                        heapq.heappush(events, (done, sequence, np.int64(DONE), np.int64(j)))
                    else:
                        at += 1
    return passed
