"""The queues of a dispatch pass: operations waiting per family, machines idle per work center, work centers to look at.

Belongs here: keeping these lists. Which operation is taken from them is decided in `dispatch`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import Array, Problem
from recon_platform.capacity.queues import at_minute, heap_pop, heap_push, item_of, rank_by, rank_of
from recon_platform.capacity.state import NO_MINUTE, TOUCHED, WAITS, State
from recon_platform.capacity.views import soon


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
def enqueue(p: Problem, s: State, i: int, now: int, k1_inverse: float) -> None:
    """Put a ready operation into the queue of its family."""
    o = p.operation[i]
    f = np.int64(o.family)
    q = s.queue[f]
    course = s.course[i]
    course.here = WAITS
    if q.waiting == 0:
        center = p.family[f].center
        k = s.desk[center].active
        s.active[p.center[center].families + k] = f
        q.active_at = k
        s.desk[center].active = k + 1
        q.since = now
    at = np.int64(q.heap_at)
    soon(s.early, at + q.early_size)
    soon(s.slack, at + q.slack_size)
    soon(s.slack, at + (q.slack_size >> 1))
    q.waiting += 1
    q.waiting_qty += o.qty
    base = np.float64(s.course[i].base)
    if course.late == 1 or o.latest <= now:
        course.late = 1
        rank = rank_of(base, i)
        q.overdue_size = heap_push(s.overdue, at, np.int64(q.overdue_size), rank)
        if s.overdue[at] == rank:
            _best_overdue(p, s, f, i)
        return
    rank = rank_of(base - o.latest * k1_inverse, i)
    q.early_size = heap_push(s.early, at, np.int64(q.early_size), rank)
    if s.early[at] == rank:
        _best_early(p, s, f, i)
    q.late_at = min(q.late_at, o.latest)
    if course.again == 0 or not _stands_in(s.slack, at, np.int64(q.slack_size), i):
        q.slack_size = heap_push(s.slack, at, np.int64(q.slack_size), rank_by(np.int64(-o.latest), i))


@inner
def _stands_in(heap: Array, base: int, size: int, i: int) -> bool:
    """Whether operation `i` is in the heap heap[base : base + size]."""
    for k in range(base, base + size):  # noqa: SIM110 - compiled
        if item_of(heap[k]) == i:
            return True
    return False


@inner
def _best_early(p: Problem, s: State, f: int, i: int) -> None:
    """Operation `i` is the best of its family with slack."""
    q = s.queue[f]
    q.early_top = i
    q.early_base = s.course[i].base
    q.early_latest = p.operation[i].latest
    q.early_home = p.operation[i].home
    if p.kind[p.operation[i].kind].batch_min > 0:
        q.loads = 1


@inner
def _best_overdue(p: Problem, s: State, f: int, i: int) -> None:
    """Operation `i` is the best of its family without slack."""
    q = s.queue[f]
    q.overdue_top = i
    q.overdue_base = s.course[i].base
    q.overdue_home = p.operation[i].home
    if p.kind[p.operation[i].kind].batch_min > 0:
        q.loads = 1


@inner
def dequeue(p: Problem, s: State, i: int) -> None:
    """Take operation `i`, on top of one of its heaps, out of its queue."""
    o = p.operation[i]
    f = np.int64(o.family)
    q = s.queue[f]
    q.stale = 1
    if s.course[i].late == 1:
        q.overdue_size = heap_pop(s.overdue, np.int64(q.heap_at), np.int64(q.overdue_size))
    else:
        q.early_size = heap_pop(s.early, np.int64(q.heap_at), np.int64(q.early_size))
    if q.early_size > 0:
        _look_ahead(p, s, item_of(s.early[q.heap_at]))
    if q.overdue_size > 0:
        _look_ahead(p, s, item_of(s.overdue[q.heap_at]))
    q.waiting -= 1
    q.waiting_qty -= o.qty
    if q.waiting == 0:
        q.slack_size = 0
        q.early_size = 0
        q.overdue_size = 0
        q.waiting_qty = 0.0
        q.late_at = NO_MINUTE
        _nobody_waits(q)
        center = p.family[f].center
        base = p.center[center].families
        s.desk[center].active -= 1
        other = s.active[base + s.desk[center].active]
        k = q.active_at
        s.active[base + k] = other
        s.queue[other].active_at = k
        q.active_at = -1


@inner
def _look_ahead(p: Problem, s: State, i: int) -> None:
    """Operation `i` is next in its queue."""
    soon(s.course, i)
    soon(p.operation, i)
    soon(p.operation, i + 1)  # what follows may have to follow at once


@inner
def find_top(p: Problem, s: State, f: int, now: int, k1_inverse: float) -> None:
    """Set the best operation of family `f` now, and its index without set-up; -1 when none may go."""
    q = s.queue[f]
    if q.stale == 1 or now >= q.late_at:
        _find_both(p, s, f, now)
    q.top = q.early_top
    if q.early_top >= 0:
        q.top_home = q.early_home
        q.top_index = q.early_base - (q.early_latest - now) * k1_inverse
    if q.overdue_top >= 0 and (q.top < 0 or q.overdue_base >= q.top_index):
        q.top = q.overdue_top
        q.top_home = q.overdue_home
        q.top_index = q.overdue_base
    if q.loads == 1 and q.top >= 0:
        _wait_for_load(p, s, f, now)


@inner
def _wait_for_load(p: Problem, s: State, f: int, now: int) -> None:
    """No operation of family `f` may go while a load of its least size can still come together in time."""
    q = s.queue[f]
    least = p.kind[p.operation[q.top].kind].batch_min
    if least > 0 and q.waiting_qty < least and q.to_come > 0 and now < q.since + p.batch_wait:
        q.top = -1
        touch_later(p, s, p.machine.shape[0] - 1 + f, np.int64(q.since + p.batch_wait))


@inner
def _find_both(p: Problem, s: State, f: int, now: int) -> None:
    """The best of family `f` with slack and the best of the late ones: they stay so until one comes, goes or runs out of
    slack, because time shifts all with slack alike."""
    q = s.queue[f]
    at = np.int64(q.heap_at)
    while q.slack_size > 0 and now >= q.late_at:
        q.late_at = -(s.slack[at] >> 32)
        if q.late_at > now:
            break
        o = item_of(s.slack[at])
        course = s.course[o]
        q.slack_size = heap_pop(s.slack, at, np.int64(q.slack_size))
        if course.here == WAITS:
            course.late = 1
            q.overdue_size = heap_push(
                s.overdue, at, np.int64(q.overdue_size), rank_of(np.float64(s.course[o].base), o)
            )
    while q.early_size > 0:
        course = s.course[item_of(s.early[at])]
        if course.here == WAITS and course.late == 0:
            break
        q.early_size = heap_pop(s.early, at, np.int64(q.early_size))
    while q.overdue_size > 0:
        if s.course[item_of(s.overdue[at])].here == WAITS:
            break
        q.overdue_size = heap_pop(s.overdue, at, np.int64(q.overdue_size))
    if q.slack_size == 0:
        q.late_at = NO_MINUTE
    _nobody_waits(q)
    if q.early_size > 0:
        _best_early(p, s, f, item_of(s.early[at]))
    if q.overdue_size > 0:
        _best_overdue(p, s, f, item_of(s.overdue[at]))


@inner
def _nobody_waits(q: Any) -> None:
    """The queue has no best operation, and knows it."""
    q.early_top = -1
    q.overdue_top = -1
    q.loads = 0
    q.stale = 0
