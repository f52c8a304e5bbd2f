"""The queues of a dispatch pass: operations waiting per family, machines idle per work center, work centers to look at.

Belongs here: keeping these lists. Which operation is taken from them is decided in `dispatch`.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import Problem
from recon_platform.capacity.queues import at_minute, heap_pop, heap_push
from recon_platform.capacity.state import TOUCHED, WAITS, State


@inner
def touch(s: State, center: int) -> None:
    """Look at this work center before the minute is over."""
    if s.desk[center].touched == 0:
        s.desk[center].touched = 1
        s.touched[s.count[TOUCHED]] = center
        s.count[TOUCHED] += 1


@inner
def touch_later(p: Problem, s: State, node: int, minute: int) -> None:
    """Look at the work center of a machine (node) or of a family (machines + family) again at `minute`."""
    if s.touch_time[node] < 0 and minute < p.end_of_time:
        s.touch_time[node] = minute
        at_minute(s.touch_head, s.touch_next, node, minute)


@inner
def make_idle(p: Problem, s: State, m: int) -> None:
    """Machine `m` may be given work."""
    if s.seat[m].idle_at < 0:
        center = np.int64(p.machine[m].center)
        k = s.desk[center].idle
        s.idle[p.center[center].machines + k] = m
        s.seat[m].idle_at = k
        s.desk[center].idle = k + 1


@inner
def make_busy(p: Problem, s: State, m: int) -> None:
    """Machine `m` may not be given work."""
    k = s.seat[m].idle_at
    if k >= 0:
        center = p.machine[m].center
        base = p.center[center].machines
        s.desk[center].idle -= 1
        other = s.idle[base + s.desk[center].idle]
        s.idle[base + k] = other
        s.seat[other].idle_at = k
        s.seat[m].idle_at = -1


@inner
def back_at(p: Problem, s: State, m: int, minute: int) -> None:
    """Machine `m` leaves the idle list and comes back at `minute`."""
    make_busy(p, s, m)
    if minute < p.end_of_time:
        s.seat[m].next = s.machine_head[minute]
        s.machine_head[minute] = m


@inner
def occupy(p: Problem, s: State, m: int, family: int, end: int) -> None:
    """Machine `m` works until `end` and then stands at `family`."""
    seat = s.seat[m]
    seat.family = family
    seat.free_at = end
    if end >= seat.tail:
        seat.tail = end
        seat.tail_family = family
    back_at(p, s, m, end)


@inner
def enqueue(p: Problem, s: State, i: int, now: int) -> None:
    """Put a ready operation into the queue of its family."""
    o = p.operation[i]
    f = o.family
    q = s.queue[f]
    place = s.placement[i]
    place.here = WAITS
    if q.waiting == 0:
        center = p.family[f].center
        k = s.desk[center].active
        s.active[p.center[center].families + k] = f
        q.active_at = k
        s.desk[center].active = k + 1
        q.since = now
    q.waiting += 1
    q.waiting_qty += o.qty
    if place.late == 1 or o.latest <= now:
        place.late = 1
        q.overdue_size = heap_push(s.overdue, np.int64(q.heap_at), np.int64(q.overdue_size), s.base, i)
    else:
        q.early_size = heap_push(s.early, np.int64(q.heap_at), np.int64(q.early_size), s.early_key, i)
        if place.watched == 0:
            place.watched = 1
            q.slack_size = heap_push(s.slack, np.int64(q.heap_at), np.int64(q.slack_size), s.minus_latest, i)


@inner
def dequeue(p: Problem, s: State, i: int) -> None:
    """Take operation `i`, on top of one of its heaps, out of its queue."""
    o = p.operation[i]
    f = o.family
    q = s.queue[f]
    if s.placement[i].late == 1:
        q.overdue_size = heap_pop(s.overdue, np.int64(q.heap_at), np.int64(q.overdue_size), s.base)
    else:
        q.early_size = heap_pop(s.early, np.int64(q.heap_at), np.int64(q.early_size), s.early_key)
    q.waiting -= 1
    q.waiting_qty -= o.qty
    if q.waiting == 0:
        for k in range(q.slack_size):
            s.placement[s.slack[q.heap_at + k]].watched = 0
        q.slack_size = 0
        q.early_size = 0
        q.overdue_size = 0
        q.waiting_qty = 0.0
        center = p.family[f].center
        base = p.center[center].families
        s.desk[center].active -= 1
        other = s.active[base + s.desk[center].active]
        k = q.active_at
        s.active[base + k] = other
        s.queue[other].active_at = k
        q.active_at = -1


@inner
def find_top(p: Problem, s: State, f: int, now: int, k1_inverse: float) -> None:
    """Set the best operation of family `f` now, and its index without set-up; -1 when none may go."""
    q = s.queue[f]
    at = np.int64(q.heap_at)
    while q.slack_size > 0:
        o = np.int64(s.slack[at])
        place = s.placement[o]
        if place.here == WAITS and -s.minus_latest[o] > now:
            break
        q.slack_size = heap_pop(s.slack, at, np.int64(q.slack_size), s.minus_latest)
        place.watched = 0
        if place.here == WAITS:
            place.late = 1
            q.overdue_size = heap_push(s.overdue, at, np.int64(q.overdue_size), s.base, o)
    while q.early_size > 0:
        place = s.placement[s.early[at]]
        if place.here == WAITS and place.late == 0:
            break
        q.early_size = heap_pop(s.early, at, np.int64(q.early_size), s.early_key)
    while q.overdue_size > 0:
        if s.placement[s.overdue[at]].here == WAITS:
            break
        q.overdue_size = heap_pop(s.overdue, at, np.int64(q.overdue_size), s.base)
    q.top = -1
    if q.early_size > 0:
        o = s.early[at]
        q.top = o
        q.top_index = s.base[o] - (-s.minus_latest[o] - now) * k1_inverse
    if q.overdue_size > 0:
        o = s.overdue[at]
        if q.top < 0 or s.base[o] >= q.top_index:
            q.top = o
            q.top_index = s.base[o]
    if q.top >= 0:
        least = p.kind[p.operation[q.top].kind].batch_min
        if least > 0 and q.waiting_qty < least and q.to_come > 0 and now < q.since + p.batch_wait:
            q.top = -1
            touch_later(p, s, p.machine.shape[0] - 1 + f, np.int64(q.since + p.batch_wait))
