"""The sequence in force while a pass runs: its head starts in its turn, others go before it only where they may.

Belongs here: what a machine owes to the operations it keeps (running, frozen, soft), bookings ahead of it, and what lets a
head go. What is kept is decided in `kept`; choosing among waiting operations is `dispatch`.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.causes import BIG, FENCE, RUNNING_NOW, STABILITY
from recon_platform.capacity.compiled import inner
from recon_platform.capacity.index import index_on, note
from recon_platform.capacity.placing import NEVER, NO, changeover, fit
from recon_platform.capacity.problem import FREE, FROZEN, RUNNING, SOFT, Problem
from recon_platform.capacity.state import FAILED, PLACED, PUT_OFF, WAITS, State
from recon_platform.capacity.together import chain_length, commit, keep_chain, load_more, plan_chain, why_then
from recon_platform.capacity.waiting import back_at, enqueue, make_busy, occupy, touch, touch_later


@inner
def put_off(p: Problem, s: State, i: int, center: int) -> None:
    """Operation `i` waits until `center` has a machine that has worked off the sequence it keeps."""
    s.course[i].here = PUT_OFF
    s.course[i].again = 1
    s.course[i].ready_next = s.desk[center].put_off
    s.desk[center].put_off = i


@inner
def kept_worked_off(p: Problem, s: State, center: int, now: int, k1_inverse: float) -> None:
    """A machine of `center` has no kept sequence left: what was put off may try again."""
    i = np.int64(s.desk[center].put_off)
    s.desk[center].put_off = -1
    while i >= 0:
        following = np.int64(s.course[i].ready_next)
        enqueue(p, s, i, now, k1_inverse)
        touch(s, np.int64(p.family[p.operation[i].family].center))
        i = following


@inner
def start_kept(p: Problem, s: State, m: int, h: int, now: int, k1_inverse: float, k2_inverse: float) -> bool:
    """Start the head of the kept sequence of machine `m`; False when it finds no room."""
    o = p.operation[h]
    running = o.state == RUNNING
    setup = np.float64(0.0) if running else changeover(p, s, np.int64(s.seat[m].family), np.int64(o.family))
    speed = np.float64(p.machine[m].speed)
    length = chain_length(p, s, h)
    note(p, s, h, index_on(p, s, h, m, now, k1_inverse, k2_inverse), setup, now, k1_inverse, k2_inverse)
    if length > 0 and plan_chain(p, s, h, m, now, setup, speed, NEVER, length) == 1:
        bound = RUNNING_NOW if running else why_then(p, s, h, m, np.int64(s.plan[0, 1]), NO)
        end = np.int64(s.plan[0, 3])
        keep_chain(p, s, h, length, bound, now)
        occupy(p, s, m, np.int64(o.family), end)
        return True
    setup_start, start, end, why = fit(p, s, h, m, now, setup, speed)
    if end >= NEVER:
        s.course[h].here = FAILED
        return False
    if running:
        bound = RUNNING_NOW
    elif why == 0 and setup_start <= o.not_before and o.not_before > s.course[h].ready:
        bound = STABILITY if o.state == SOFT else FENCE
    else:
        bound = why_then(p, s, h, m, setup_start, why)
    commit(p, s, h, m, setup_start, start, end, bound, speed, NO, now)
    load_more(p, s, h, m, setup_start, start, end, now, k1_inverse)
    occupy(p, s, m, np.int64(o.family), end)
    return True


@inner
def look_at_machine(p: Problem, s: State, m: int, now: int, k1_inverse: float, k2_inverse: float, stay: float) -> bool:
    """Calendar, bookings and kept sequence of an idle machine; False when it left the idle list."""
    seat = s.seat[m]
    c = np.int64(seat.cursor)
    high = np.int64(p.machine[m + 1].open_ptr)
    while c < high and p.open_end[c] <= now:
        c += 1
    seat.cursor = c
    if c >= high:
        make_busy(p, s, m)
        return False
    if p.open_start[c] > now:
        back_at(p, s, m, np.int64(p.open_start[c]))
        return False
    seat.open_until = p.open_end[c]
    b = np.int64(seat.booked)
    while b >= 0 and s.placement[b].setup_start <= now:
        end = np.int64(s.placement[b].end)
        seat.family = p.operation[b].family
        seat.free_at = end
        seat.booked = s.course[b].booked_next
        if end > now:
            seat.limit = NEVER
            seat.bar = -BIG
            back_at(p, s, m, end)
            return False
        b = np.int64(seat.booked)
    seat.limit = NEVER
    seat.bar = -BIG
    if b >= 0:
        seat.limit = s.placement[b].setup_start
        seat.bar = BIG
        touch_later(p, s, m, np.int64(seat.limit))
        return True
    last = seat.kept_end
    while seat.kept_at < last:
        h = np.int64(p.kept[seat.kept_at])
        course = s.course[h]
        if course.here == PLACED or course.here == FAILED or course.state == FREE:
            seat.kept_at += 1
            if seat.kept_at == last:
                kept_worked_off(p, s, np.int64(p.machine[m].center), now, k1_inverse)
            continue
        soft = course.state == SOFT
        fence = np.int64(p.center[p.machine[m].center].fence)
        if course.state == FROZEN and course.here == 0 and now >= fence:
            course.state = FREE  # what has not come by then is not inside any more: nobody behind it waits for it
            continue
        not_before = np.int64(p.operation[h].not_before)
        seat.bar = index_on(p, s, h, m, now, k1_inverse, k2_inverse) + stay if soft else BIG
        if course.here == WAITS:
            if now < not_before:
                seat.limit = not_before
                touch_later(p, s, m, not_before)
            elif soft:
                seat.limit = now
            elif start_kept(p, s, m, h, now, k1_inverse, k2_inverse):
                return False
            else:
                continue
        elif course.left == 0:
            seat.limit = max(not_before, course.ready)
        elif now < not_before:
            seat.limit = not_before
            touch_later(p, s, m, not_before)
        elif soft:
            course.state = FREE
            continue
        else:
            seat.limit = NEVER
            seat.bar = -BIG
            if course.state == FROZEN:
                touch_later(p, s, m, fence)
        return True
    seat.limit = NEVER
    seat.bar = -BIG
    return True


@inner
def let_go(p: Problem, s: State, now: int) -> bool:
    """Nothing moves any more: heads of kept sequences that wait for others give up their place; False when none does.

    A frozen operation gives up its own only where no running or held one is in the way: that would break the fence. What
    stands behind a head keeps its place and its machine.
    """
    any_let_go = False
    for frozen_too in range(2):
        if any_let_go:
            break
        for m in range(p.machine.shape[0] - 1):
            seat = s.seat[m]
            if seat.kept_at >= seat.kept_end:
                continue
            course = s.course[p.kept[seat.kept_at]]
            if course.here == 0 and course.state != FREE and (frozen_too == 1 or course.state != FROZEN):
                any_let_go = True
                course.state = FREE
            touch(s, np.int64(p.machine[m].center))
    return any_let_go
