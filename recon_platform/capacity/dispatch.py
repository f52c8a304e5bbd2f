"""The dispatch pass: one sweep over time that puts every operation on a machine by an apparent-tardiness-cost index.

Index (ATCS in log form; Vepsalainen & Morton 1987, Lee, Bhaskaran & Pinedo 1997):
``ln(weight / run) − max(0, latest − now) / (k1 · mean run) − set-up / (k2 · mean set-up)``.
While an operation has slack, time shifts all indices alike, so the order inside a (work center, family) queue does not
change; once late its index is ``ln(weight / run)``. Two heaps, and a third that finds the operations whose slack has
run out, make the exact index cost O(families + log queue), with no scan of a queue; `offers` spare the scan of machines.

Belongs here: the sweep, and the choice of operation and machine. Not here: where work fits in time (`placing`), the
lists (`waiting`), the sequence in force (`in_force`), what is placed together (`together`), the choice of k1 and k2 (`portfolio`).
"""

from __future__ import annotations

from collections.abc import Callable

import numba as nb
import numpy as np

from recon_platform.capacity.causes import BIG, FENCE, MAX_WAIT
from recon_platform.capacity.compiled import inner, sources_digest
from recon_platform.capacity.in_force import let_go, look_at_machine, put_off, start_kept
from recon_platform.capacity.index import note
from recon_platform.capacity.offers import (
    best_offer,
    best_pair,
    follows_at_once,
    forget,
    line_up,
    look_at_family,
    second_offer,
    setup_there,
    step_back,
)
from recon_platform.capacity.placing import NEVER, NO, YES, changeover, fill_changeovers, fit
from recon_platform.capacity.problem import FREE, SOFT, Array, Problem
from recon_platform.capacity.state import (
    DONE,
    FAILED,
    NOW,
    PLACED,
    RECORD,
    SOURCES_SEEN,
    TOUCHED,
    WAITS,
    State,
    begin,
)
from recon_platform.capacity.together import (
    NOBODY,
    chain_length,
    commit,
    keep_chain,
    load_more,
    plan_chain,
    whole_group,
    why_then,
)
from recon_platform.capacity.views import problem_at, soon, state_at
from recon_platform.capacity.waiting import (
    dequeue,
    enqueue,
    find_top,
    make_idle,
    occupy,
    touch,
    touch_later,
)

FEW = 8
"""Idle machines of a work center up to which each is weighed against each family."""
AHEAD = np.int64(2)
"""Minutes ahead of which what becomes ready is fetched from memory."""


@inner
def _give(
    p: Problem, s: State, m: int, i: int, value: float, setup: float, now: int, k1_inverse: float, k2_inverse: float,

) -> int:  # fmt: skip
    """Start queue operation `i` on idle machine `m`. 1 started, 0 it does not fit there now, 2 it left the queue."""
    seat = s.seat[m]
    o = p.operation[i]
    q = s.queue[o.family]
    soon(s.early, q.heap_at + q.early_size - 1)
    soon(s.overdue, q.heap_at + q.overdue_size - 1)
    speed = np.float64(p.machine[m].speed)
    limit = NEVER if value > seat.bar else np.int64(seat.limit)
    if o.group >= 0:
        if limit < NEVER:
            return 0
        dequeue(p, s, i)
        note(p, s, i, value, setup, now, k1_inverse, k2_inverse)
        end = whole_group(p, s, i, m, now)
        if s.course[i].here != PLACED:
            s.course[i].here = FAILED
            return 2
        occupy(p, s, m, np.int64(seat.family), end)
        return 1
    b = np.int64(seat.booked)
    if b >= 0 and s.placement[b].start - s.placement[b].setup_start < changeover(
        p, s, np.int64(o.family), np.int64(p.operation[b].family)
    ):
        return 0
    length = chain_length(p, s, i)
    if length > 0:
        verdict = plan_chain(p, s, i, m, now, setup, speed, limit, length)
        if verdict == 3:
            return 0
        dequeue(p, s, i)
        if verdict >= 4:
            put_off(p, s, i, np.int64(verdict - 4))
            return 2
        if verdict == 0:
            s.course[i].here = FAILED
            return 2
        note(p, s, i, value, setup, now, k1_inverse, k2_inverse)
        end = np.int64(s.plan[0, 3])
        bound = MAX_WAIT if s.plan[0, 1] > now else why_then(p, s, i, m, np.int64(s.plan[0, 1]), NO)
        keep_chain(p, s, i, length, bound, now)
        occupy(p, s, m, np.int64(o.family), end)
        return 1
    setup_start, start, end, why = fit(p, s, i, m, now, setup, speed)
    if end >= NEVER:
        dequeue(p, s, i)
        s.course[i].here = FAILED
        return 2
    if end > limit:
        return 0
    dequeue(p, s, i)
    note(p, s, i, value, setup, now, k1_inverse, k2_inverse)
    commit(p, s, i, m, setup_start, start, end, why_then(p, s, i, m, setup_start, why), speed, NO, now)
    load_more(p, s, i, m, setup_start, start, end, now, k1_inverse)
    occupy(p, s, m, np.int64(o.family), end)
    return 1


@inner
def _give_to_few(
    p: Problem, s: State, center: int, now: int, k1_inverse: float, k2_inverse: float, pull: float
) -> None:
    """Weigh every idle machine against every family each time: with few machines nothing is faster."""
    desk = s.desk[center]
    families = p.center[center].families
    first_look = True
    while desk.active > 0 and desk.idle > 0:
        for a in range(desk.active):
            f = np.int64(s.active[families + a])
            if first_look or s.queue[f].stale == 1 or s.queue[f].loads == 1:
                find_top(p, s, f, now, k1_inverse)
        first_look = False
        m, i, best, setup, second, second_index = best_pair(p, s, center, now, k2_inverse, pull)
        if m < 0:
            break
        verdict = _give(p, s, m, i, best, setup, now, k1_inverse, k2_inverse)
        if verdict == 0:
            s.seat[m].tried = now
        elif verdict == 1 and s.count[RECORD] == 1:
            _note_runner_up(p, s, i, setup, second, second_index, now, k1_inverse, k2_inverse)


@inner
def _give_to_many(
    p: Problem, s: State, center: int, now: int, k1_inverse: float, k2_inverse: float, pull: float
) -> None:
    """Keep what each family offers while machines take it: the same pairs as `_give_to_few` finds, with fewer looks."""
    desk = s.desk[center]
    families = p.center[center].families
    any_load = False
    many = np.int64(desk.active)
    for a in range(many):
        f = np.int64(s.active[families + a])
        s.line[families + a] = f
        s.offer[f].operation = -1
        any_load |= look_at_family(p, s, f, now, k1_inverse)
    line_up(s, np.int64(families), many)
    while desk.active > 0 and desk.idle > 0:
        f = best_offer(p, s, center, many, now, k2_inverse, pull)
        if f < 0:
            break
        best = s.offer[f].worth
        m, i = np.int64(s.offer[f].machine), np.int64(s.offer[f].operation)
        soon(p.operation, i)
        soon(s.course, i)
        soon(p.open_end, s.seat[m].cursor)
        soon(p.open_start, s.seat[m].cursor)
        setup = setup_there(p, s, center, m, f)
        second, second_index = NOBODY, -BIG
        if s.count[RECORD] == 1:
            other = second_offer(p, s, center, many, now, k2_inverse, pull)
            if other >= 0:
                second, second_index = np.int64(s.offer[other].operation), s.offer[other].worth
        verdict = _give(p, s, m, i, best, setup, now, k1_inverse, k2_inverse)
        if verdict == 0:
            s.seat[m].tried = now
        # What follows an operation at once may have been booked on any machine: then all are looked at again.
        forget(s, families, desk.active, m, follows_at_once(p, s, i))
        any_load |= look_at_family(p, s, f, now, k1_inverse)
        step_back(s, np.int64(families), many, np.int64(0))
        if any_load:
            for a in range(desk.active):
                look_at_family(p, s, np.int64(s.active[families + a]), now, k1_inverse)
            line_up(s, np.int64(families), many)
        if verdict == 1 and s.count[RECORD] == 1:
            _note_runner_up(p, s, i, setup, second, second_index, now, k1_inverse, k2_inverse)


@inner
def _note_runner_up(
    p: Problem, s: State, i: int, setup: float, second: int, second_index: float, now: int, k1_inverse: float, k2_inverse: float
) -> None:  # fmt: skip
    """Record what would have gone instead of operation `i`: the next best offer, or the next of its own family."""
    f = np.int64(p.operation[i].family)
    s.terms[i, 4] = second
    s.terms[i, 5] = second_index
    if s.queue[f].active_at >= 0:
        find_top(p, s, f, now, k1_inverse)
        value = s.queue[f].top_index - setup * k2_inverse
        if s.queue[f].top >= 0 and value > second_index:
            s.terms[i, 4] = s.queue[f].top
            s.terms[i, 5] = value


@inner
def _assign(
    p: Problem, s: State, center: int, now: int, k1_inverse: float, k2_inverse: float, stay: float, pull: float,
) -> None:  # fmt: skip
    """Give the idle machines of `center` work, best (machine, operation) pair first, until either runs out."""
    desk = s.desk[center]
    base = p.center[center].machines
    k = np.int64(0)
    while k < desk.idle:
        m = np.int64(s.idle[base + k])
        seat = s.seat[m]
        nothing_due = now < seat.open_until and seat.booked < 0 and seat.kept_at >= seat.kept_end
        if nothing_due or look_at_machine(p, s, m, now, k1_inverse, k2_inverse, stay):
            k += 1
    if desk.active > 0 and desk.idle > FEW:
        _give_to_many(p, s, center, now, k1_inverse, k2_inverse, pull)
    else:
        _give_to_few(p, s, center, now, k1_inverse, k2_inverse, pull)
    k = np.int64(0)
    while k < desk.idle:
        m = np.int64(s.idle[base + k])
        seat = s.seat[m]
        started = False
        if seat.kept_at < seat.kept_end and seat.booked < 0:
            h = np.int64(p.kept[seat.kept_at])
            course = s.course[h]
            if course.state == SOFT and course.here == WAITS and now >= p.operation[h].not_before:
                started = start_kept(p, s, m, h, now, k1_inverse, k2_inverse)
                if not started:
                    touch_later(p, s, m, np.int64(now + 1))
        if not started:
            k += 1
    if p.sibling_pull == 1 and desk.idle > 0 and p.center[center].sibling >= 0:
        _pull_from_siblings(p, s, center, now, k1_inverse, k2_inverse)


@inner
def _pull_from_siblings(p: Problem, s: State, center: int, now: int, k1_inverse: float, k2_inverse: float) -> None:
    """Idle machines of `center` take work that waits at a sibling work center, at the sibling speed and full set-up."""
    base = p.center[center].machines
    desk = s.desk[center]
    k = np.int64(0)
    while k < desk.idle:
        m = np.int64(s.idle[base + k])
        best = -BIG
        i = NOBODY
        if s.seat[m].limit >= NEVER and s.seat[m].booked < 0:
            for other in range(p.center.shape[0] - 1):
                if other == center or p.center[other].sibling != p.center[center].sibling:
                    continue
                for a in range(s.desk[other].active):
                    f = np.int64(s.active[p.center[other].families + a])
                    find_top(p, s, f, now, k1_inverse)
                    o = np.int64(s.queue[f].top)
                    if (
                        o < 0
                        or p.family[f].pinned >= 0
                        or p.operation[o].group >= 0
                        or p.kind[p.operation[o].kind].batch_max > 0
                    ):
                        continue
                    if chain_length(p, s, o) > 0:
                        continue
                    value = s.queue[f].top_index - p.family[f].setup * k2_inverse
                    if value > best or (value == best and o < i):
                        best = value
                        i = o
        if i < 0:
            k += 1
            continue
        setup = np.float64(p.family[p.operation[i].family].setup)
        speed = np.float64(p.machine[m].speed * p.center[center].sibling_speed)
        setup_start, start, end, why = fit(p, s, i, m, now, setup, speed)
        if end >= NEVER:
            k += 1
            continue
        dequeue(p, s, i)
        note(p, s, i, best, setup, now, k1_inverse, k2_inverse)
        commit(p, s, i, m, setup_start, start, end, why_then(p, s, i, m, setup_start, why), speed, NO, now)
        occupy(p, s, m, NOBODY, end)


@inner
def _arrive(p: Problem, s: State, i: int, now: int, k1_inverse: float) -> None:
    """Operation `i` is ready."""
    course = s.course[i]
    if course.here == PLACED:
        return
    o = p.operation[i]
    s.queue[o.family].to_come -= 1
    center = np.int64(p.family[o.family].center)
    course.here = WAITS
    if o.elapsed >= 0:
        at = max(now, np.int64(o.not_before))
        end = at + np.int64(o.elapsed)
        if end <= p.end_of_time:
            bound = np.int64(course.ready_bound) if at <= course.ready else FENCE
            commit(p, s, i, np.int64(p.center[center].machines), at, at, end, bound, np.float64(1.0), YES, now)
        else:
            course.here = FAILED
        return
    if course.state != FREE:
        touch(s, center)
        return
    g = np.int64(o.group)
    if g >= 0:
        group = s.group[g]
        group.left -= 1
        if group.best < 0 or o.latest < p.operation[group.best].latest:
            group.best = i
        if group.left > 0:
            return
        i = np.int64(group.best)
    enqueue(p, s, i, now, k1_inverse)
    touch(s, center)


@inner
def _start_events(p: Problem, s: State) -> None:
    for m in range(p.machine.shape[0] - 1):
        if p.machine[m].open_ptr < p.machine[m + 1].open_ptr:
            s.seat[m].next = s.machine_head[0]
            s.machine_head[0] = m
    for i in range(p.operation.shape[0] - 1, -1, -1):
        course = s.course[i]
        if course.left == 0 and course.ready < p.end_of_time:
            minute = max(0, course.ready)
            course.ready_next = s.ready_head[minute]
            s.ready_head[minute] = i


@inner
def _happenings(p: Problem, s: State, minute: int, k1_inverse: float) -> None:
    """What becomes ready, free or due for another look at this minute."""
    i = np.int64(s.ready_head[minute])
    s.ready_head[minute] = -1
    while i >= 0:
        following = np.int64(s.course[i].ready_next)
        if following >= 0:
            soon(s.course, following)
            soon(p.operation, following)
        _arrive(p, s, i, minute, k1_inverse)
        i = following
    m = np.int64(s.machine_head[minute])
    s.machine_head[minute] = -1
    while m >= 0:
        following = np.int64(s.seat[m].next)
        make_idle(p, s, m)
        touch(s, np.int64(p.machine[m].center))
        m = following
    node = np.int64(s.touch_head[minute])
    s.touch_head[minute] = -1
    machines = p.machine.shape[0] - 1
    while node >= 0:
        following = np.int64(s.touch_next[node])
        s.touch_time[node] = -1
        touch(s, np.int64(p.machine[node].center) if node < machines else np.int64(p.family[node - machines].center))
        node = following


def _entry(digest: int) -> Callable[[Array, Array, Array, float, float, float, float], None]:
    @nb.njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
    def dispatch_pass(
        problem: Array, state: Array, bias: Array, k1_inverse: float, k2_inverse: float, stay: float, pull: float
    ) -> None:
        """Schedule a problem once, into the placements and terms of its state; both are given as `views.words_of` them.

        `k1_inverse` = 1 / (k1 · mean run), `k2_inverse` = 1 / (k2 · mean set-up). `stay`: how much better than the head
        of a match-up sequence another operation must be to go first; `pull`: what leaving the machine in force costs.
        """
        p = problem_at(problem)
        s = state_at(state)
        begin(p, s, bias)
        fill_changeovers(p, s)
        s.count[SOURCES_SEEN] = np.int64(digest)
        _start_events(p, s)
        minute = np.int64(0)
        last = np.int64(0)
        while True:
            while minute < p.end_of_time:
                if s.ready_head[minute] < 0 and s.machine_head[minute] < 0 and s.touch_head[minute] < 0:
                    if s.count[TOUCHED] == 0:
                        minute += 1
                        continue
                    s.count[NOW] = minute
                else:
                    s.count[NOW] = minute
                    _happenings(p, s, minute, k1_inverse)
                last = minute
                coming = np.int64(s.ready_head[min(minute + AHEAD, p.end_of_time - 1)])
                if coming >= 0:
                    soon(s.course, coming)
                    soon(p.operation, coming)
                while s.count[TOUCHED] > 0:
                    s.count[TOUCHED] -= 1
                    center = np.int64(s.touched[s.count[TOUCHED]])
                    s.desk[center].touched = 0
                    _assign(p, s, center, minute, k1_inverse, k2_inverse, stay, pull)
            if s.count[DONE] >= p.operation.shape[0] or not let_go(p, s, last):
                break
            for m in range(p.machine.shape[0] - 1):
                if s.seat[m].idle_at < 0 and s.seat[m].free_at <= last:
                    make_idle(p, s, m)
            minute = last

    return dispatch_pass


dispatch_pass = _entry(sources_digest())
