"""The event loop of the floor, compiled: operations queue at work centers, machines set up, run, and stand still.

Belongs here: the passing of time under one dispatch rule. Does not belong here: quantities, scrap, reports (`history`).

A discrete-event simulation over minutes. Machines work only inside their intervals (calendar less stops). At each
decision a free machine takes, among the first of its queue by priority, the operation with the least
`due + setup_weight × setup`.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

ARRIVE, FREE, DONE = 0, 1, 2
LOOKAHEAD = 31


@njit(cache=True)
def _row(start, lo, hi, t):
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
def next_working(start, end, lo, hi, t):
    """The first working minute at or after t; a far future minute when there is none."""
    row = _row(start, lo, hi, t)
    if row >= lo and t < end[row]:
        return t
    return start[row + 1] if row + 1 < hi else np.int64(1) << 40


@njit(cache=True)
def advance(start, end, lo, hi, t, minutes):
    """The minute at which `minutes` of work begun at t are done."""
    row = _row(start, lo, hi, t)
    if row < lo or t >= end[row]:
        row += 1
        if row >= hi:
            return np.int64(1) << 40
        t = start[row]
    left = minutes
    while left > end[row] - t:
        left -= end[row] - t
        row += 1
        if row >= hi:
            return np.int64(1) << 40
        t = start[row]
    return t + left


@njit(cache=True)
def _up(key, op, base, i):
    while i > 0:
        parent = (i - 1) // 2
        if key[base + parent] <= key[base + i]:
            break
        key[base + parent], key[base + i] = key[base + i], key[base + parent]
        op[base + parent], op[base + i] = op[base + i], op[base + parent]
        i = parent


@njit(cache=True)
def _down(key, op, base, size, i):
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and key[base + child + 1] < key[base + child]:
            child += 1
        if key[base + i] <= key[base + child]:
            break
        key[base + child], key[base + i] = key[base + i], key[base + child]
        op[base + child], op[base + i] = op[base + i], op[base + child]
        i = child


@njit(cache=True)
def run_floor(
    op_ptr,
    op_wc,
    op_minutes,
    op_queue,
    op_external,  # operations, orders own [op_ptr[o], op_ptr[o + 1])
    order_ready,
    order_priority,
    order_waits,
    order_feeds,
    order_attribute,  # orders; attributes: diameter, head, coil, class
    wc_ptr,
    wc_setup,  # machines of a work center are [wc_ptr[w], wc_ptr[w + 1]); setup minutes by attribute
    iv_ptr,
    iv_start,
    iv_end,
    horizon,
    setup_weight,
):
    """Begin of set-up, start and end minute, and machine of every operation (-1 where not begun by the horizon)."""
    orders, ops, centers, machines = len(order_ready), len(op_wc), len(wc_ptr) - 1, len(iv_ptr) - 1
    setup_start = np.full(ops, -1, np.int64)
    started = np.full(ops, -1, np.int64)
    ended = np.full(ops, -1, np.int64)
    chosen = np.full(ops, -1, np.int64)
    waits = order_waits.copy()
    ready = order_ready.copy()
    op_order = np.empty(ops, np.int64)
    count = np.zeros(centers + 1, np.int64)
    for o in range(orders):
        for i in range(op_ptr[o], op_ptr[o + 1]):
            op_order[i] = o
            count[op_wc[i] + 1] += 1
    base = np.cumsum(count)
    key, queue = np.empty(ops, np.float64), np.empty(ops, np.int64)
    size = np.zeros(centers, np.int64)
    idle = np.ones(machines, np.bool_)
    state = np.full((machines, 4), -1, np.int64)
    events = [(np.int64(0), np.int64(0), np.int64(-1), np.int64(-1))]
    events.pop()
    sequence = np.int64(0)
    for o in range(orders):
        if waits[o] == 0:
            sequence += 1
            heapq.heappush(events, (ready[o], sequence, np.int64(0), np.int64(op_ptr[o])))
    while len(events) > 0:
        now, _, kind, subject = heapq.heappop(events)
        if now > horizon:
            break
        center = np.int64(-1)
        if kind == 0:  # an operation arrives
            center = op_wc[subject]
            if op_external[subject] > 0:
                setup_start[subject] = now
                started[subject] = now
                ended[subject] = now + op_external[subject]
                sequence += 1
                heapq.heappush(events, (ended[subject], sequence, np.int64(2), subject))
                continue
            at = size[center]
            key[base[center] + at] = order_priority[op_order[subject]]
            queue[base[center] + at] = subject
            size[center] += 1
            _up(key, queue, base[center], at)
        elif kind == 1:  # a machine may begin
            idle[subject] = True
            for w in range(centers):
                if wc_ptr[w] <= subject < wc_ptr[w + 1]:
                    center = w
        else:  # an operation is done
            o = op_order[subject]
            if subject + 1 < op_ptr[o + 1]:
                sequence += 1
                heapq.heappush(events, (now + op_queue[subject + 1], sequence, np.int64(0), subject + 1))
            elif order_feeds[o] >= 0:
                fed = order_feeds[o]
                waits[fed] -= 1
                ready[fed] = max(ready[fed], now)
                if waits[fed] == 0:
                    sequence += 1
                    heapq.heappush(events, (ready[fed], sequence, np.int64(0), np.int64(op_ptr[fed])))
            continue
        while size[center] > 0:
            best_machine, best_at, best_value, best_setup = -1, -1, np.inf, 0
            seen = min(size[center], LOOKAHEAD)
            for m in range(wc_ptr[center], wc_ptr[center + 1]):
                if not idle[m]:
                    continue
                for at in range(seen):
                    o = op_order[queue[base[center] + at]]
                    minutes = 0
                    for a in range(4):
                        if state[m, a] != order_attribute[o, a] and wc_setup[center, a] > minutes:
                            minutes = wc_setup[center, a]
                    value = key[base[center] + at] + setup_weight * minutes
                    if value < best_value:
                        best_machine, best_at, best_value, best_setup = m, at, value, minutes
            if best_machine < 0:
                break
            m = best_machine
            begin = next_working(iv_start, iv_end, iv_ptr[m], iv_ptr[m + 1], now)
            idle[m] = False
            if begin > now:
                sequence += 1
                heapq.heappush(events, (begin, sequence, np.int64(1), np.int64(m)))
                continue
            i = queue[base[center] + best_at]
            size[center] -= 1
            last = size[center]
            if best_at != last:
                key[base[center] + best_at] = key[base[center] + last]
                queue[base[center] + best_at] = queue[base[center] + last]
                _down(key, queue, base[center], last, best_at)
                _up(key, queue, base[center], best_at)
            setup_start[i] = now
            started[i] = advance(iv_start, iv_end, iv_ptr[m], iv_ptr[m + 1], now, best_setup)
            ended[i] = advance(iv_start, iv_end, iv_ptr[m], iv_ptr[m + 1], started[i], op_minutes[i])
            chosen[i] = m
            for a in range(4):
                state[m, a] = order_attribute[op_order[i], a]
            sequence += 1
            heapq.heappush(events, (ended[i], sequence, np.int64(2), i))
            sequence += 1
            heapq.heappush(events, (ended[i], sequence, np.int64(1), np.int64(m)))
    return setup_start, started, ended, chosen
