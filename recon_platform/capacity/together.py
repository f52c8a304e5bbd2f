"""What is placed for good, and what is placed together: loads, continuity groups, chains under a maximum wait.

Belongs here: committing one operation or several that only make sense at once. Which comes first is `dispatch`.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.causes import (
    BATCH,
    BIG,
    CALENDAR,
    COMPONENT,
    CONTINUITY,
    LABOUR,
    MACHINE,
    MAX_WAIT,
    PREDECESSOR,
    TOOL,
)
from recon_platform.capacity.compiled import inner
from recon_platform.capacity.placing import NEVER, NO, YES, book, changeover, fit, free_copy, stretch, whole
from recon_platform.capacity.problem import FREE, Problem
from recon_platform.capacity.state import CHAIN, DONE, PLACED, WAITS, State
from recon_platform.capacity.waiting import dequeue, find_top

GIVE_BACK, NOBODY = np.int64(-1), np.int64(-1)


@inner
def _announce(p: Problem, s: State, j: int, at: int, bound: int, cause: int, now: int) -> None:
    """A predecessor of `j` is placed: `j` cannot start before `at`; with the last one its ready time is known."""
    course = s.course[j]
    if at > course.ready:
        course.ready = at
        course.ready_bound = bound
        course.cause = cause
    course.left -= 1
    if course.left == 0:
        minute = max(course.ready, now)
        if minute < p.end_of_time:
            course.ready_next = s.ready_head[minute]
            s.ready_head[minute] = j


@inner
def commit(
    p: Problem, s: State, i: int, m: int, setup_start: int, start: int, end: int, bound: int, speed: float,
    booked: int, now: int,
) -> None:  # fmt: skip
    """Place operation `i` for good and tell what waits for it. `booked`: its people are taken already."""
    o = p.operation[i]
    follows = i + 1 < p.operation.shape[0] and p.operation[i + 1].order == o.order
    part = np.int64(end)
    if follows and o.share < 1.0 and o.elapsed < 0:
        kind = p.kind[o.kind]
        minutes = whole(np.float64(o.run) / speed * np.float64(o.share))
        _, part, _ = stretch(
            p, s, np.int64(s.seat[m].cursor), np.int64(p.machine[m + 1].open_ptr), start, minutes, np.int64(kind.pausable),
            np.int64(kind.run_pool), np.int64(kind.run_people), NO,
        )  # fmt: skip
        part = min(part, end)
    if booked == 0:
        book(p, s, i, m, setup_start, start, end, YES)
    tool = np.int64(p.kind[o.kind].tool)
    if tool >= 0 and o.elapsed < 0:
        copy = free_copy(p.tool_ptr, s.tool_free, tool)
        s.tool_free[copy] = max(s.tool_free[copy], end)
    course, place = s.course[i], s.placement[i]
    if course.here == 0:
        s.queue[o.family].to_come -= 1
    course.here = PLACED
    place.machine = m
    place.setup_start = setup_start
    place.start = start
    place.end = end
    course.bound = bound
    s.count[DONE] += 1
    if follows:
        j = i + 1
        if part < end:
            s.course[j].min_end = end + o.lag
        _announce(p, s, j, np.int64(part + o.lag), PREDECESSOR, i, now)
    else:
        for e in range(p.order[o.order].link_ptr, p.order[o.order + 1].link_ptr):
            _announce(p, s, np.int64(p.link_to[e]), end, COMPONENT, i, now)


@inner
def why_then(p: Problem, s: State, i: int, m: int, setup_start: int, why: int) -> int:
    """What bound the start: people or tool, its own readiness, the machine, or the calendar."""
    course = s.course[i]
    if why == 1:
        return LABOUR
    if why == 2:
        return TOOL
    if why == 3:
        return PREDECESSOR
    if setup_start <= course.ready:
        return np.int64(course.ready_bound)
    if s.seat[m].free_at > course.ready:
        return MACHINE
    c = s.seat[m].cursor
    while c + 1 < p.machine[m + 1].open_ptr and p.open_end[c] <= setup_start:
        c += 1
    return CALENDAR if p.open_start[c] == setup_start else MACHINE


@inner
def chain_length(p: Problem, s: State, i: int) -> int:
    """How many operations after `i` have to follow without waiting too long."""
    order = p.operation[i].order
    c = np.int64(0)
    while i + c + 1 < p.operation.shape[0] and c < CHAIN:
        following = p.operation[i + c + 1]
        if following.order != order or following.max_wait < 0 or following.state != FREE:
            break
        c += 1
    return c


@inner
def plan_chain(
    p: Problem, s: State, i: int, m: int, at: int, setup: float, speed: float, limit: int, length: int
) -> int:
    """Plan `i` and the `length` operations bound to it by maximum waits; `i` waits if they could not follow in time.

    s.plan[c] = machine, set-up start, start, end. People stay booked on success.
    Returns 1 planned, 0 impossible, 3 passes `limit`, 4 + work center: its machines work off a kept sequence first.
    """
    plan = s.plan
    low = np.int64(at)
    for _ in range(400):
        setup_start, start, end, _why = fit(p, s, i, m, low, setup, speed)
        if end >= NEVER:
            return 0
        if end > limit:
            return 3
        plan[0, 0], plan[0, 1], plan[0, 2], plan[0, 3] = m, setup_start, start, end
        book(p, s, i, m, setup_start, start, end, YES)
        done = np.int64(1)
        again = np.int64(0)
        verdict = np.int64(0)
        while done <= length:
            j = np.int64(i + done)
            o = p.operation[j]
            center = np.int64(p.family[o.family].center)
            before = np.int64(plan[done - 1, 3])
            earliest = max(before + np.int64(p.operation[j - 1].lag), np.int64(s.course[j].ready))
            best, best_machine, best_setup_start, best_end = NEVER, NOBODY, NEVER, NEVER
            kept = False
            if o.elapsed >= 0:
                best, best_machine = earliest, np.int64(p.center[center].machines)
                best_setup_start, best_end = earliest, earliest + np.int64(o.elapsed)
            else:
                pinned = p.family[o.family].pinned
                for other in range(np.int64(p.center[center].machines), np.int64(p.center[center + 1].machines)):
                    if pinned >= 0 and pinned != other:
                        continue
                    at_kept = np.int64(s.seat[other].kept_at)
                    while at_kept < s.seat[other].kept_end and s.course[p.kept[at_kept]].here == PLACED:
                        at_kept += 1
                    if at_kept < s.seat[other].kept_end:
                        kept = True
                        continue
                    begin = max(earliest, np.int64(s.seat[other].tail))
                    family = np.int64(s.seat[other].tail_family)
                    for c in range(done):
                        if plan[c, 0] == other and plan[c, 3] >= s.seat[other].tail:
                            begin = max(begin, np.int64(plan[c, 3]))
                            family = np.int64(p.operation[i + c].family)
                    a, b, e, _why = fit(
                        p,
                        s,
                        j,
                        other,
                        begin,
                        changeover(p, s, family, np.int64(o.family)),
                        np.float64(p.machine[other].speed),
                    )
                    if e < NEVER and (b < best or (b == best and e < best_end)):
                        best, best_machine, best_setup_start, best_end = b, other, a, e
            if best_machine < 0 or best_end > p.end_of_time:
                verdict = 4 + center if kept else 0
                break
            if best - before > o.max_wait:
                again = best - before - o.max_wait
                break
            plan[done, 0], plan[done, 1], plan[done, 2], plan[done, 3] = best_machine, best_setup_start, best, best_end
            if o.elapsed < 0:
                book(p, s, j, best_machine, best_setup_start, best, best_end, YES)
            done += 1
        if done > length:
            return 1
        for c in range(done):
            if p.operation[i + c].elapsed < 0:
                book(
                    p,
                    s,
                    i + c,
                    np.int64(plan[c, 0]),
                    np.int64(plan[c, 1]),
                    np.int64(plan[c, 2]),
                    np.int64(plan[c, 3]),
                    GIVE_BACK,
                )
        if again == 0:
            return verdict
        low = max(low, setup_start) + again
    return 0


@inner
def keep_chain(p: Problem, s: State, i: int, length: int, bound: int, now: int) -> None:
    """Commit what `plan_chain` planned; the machines of the later operations are booked ahead."""
    plan = s.plan
    for c in range(length + 1):
        j = np.int64(i + c)
        m = np.int64(plan[c, 0])
        commit(
            p,
            s,
            j,
            m,
            np.int64(plan[c, 1]),
            np.int64(plan[c, 2]),
            np.int64(plan[c, 3]),
            bound if c == 0 else MAX_WAIT,
            np.float64(p.machine[m].speed),
            YES,
            now,
        )
        if c > 0 and p.operation[j].elapsed < 0:
            seat = s.seat[m]
            s.course[j].booked_next = -1
            if seat.booked < 0:
                seat.booked = j
                seat.limit = plan[c, 1]  # it may be idle in a work center that is giving out work this very minute
                seat.bar = BIG
            else:
                s.course[seat.booked_last].booked_next = j
            seat.booked_last = j
            seat.tail = plan[c, 3]
            seat.tail_family = p.operation[j].family


@inner
def load_more(
    p: Problem, s: State, i: int, m: int, setup_start: int, start: int, end: int, now: int, k1_inverse: float
) -> None:
    """Fill a load of a batch resource, begun with `i`, with more of its family: kept ones first, then by index."""
    first = p.operation[i]
    room = p.kind[first.kind].batch_max - first.qty
    if p.kind[first.kind].batch_max <= 0:
        return
    f = np.int64(first.family)
    for at in range(s.seat[m].kept_at, s.seat[m].kept_end):
        o = np.int64(p.kept[at])
        course = s.course[o]
        if course.here == PLACED:
            continue
        other = p.operation[o]
        if course.here != WAITS or course.state == FREE or other.family != f or other.qty > room:
            break
        if other.not_before > now or chain_length(p, s, o) > 0:
            break
        room -= other.qty
        commit(p, s, o, m, setup_start, start, end, BATCH, np.float64(1.0), YES, now)
    while s.queue[f].waiting > 0:
        find_top(p, s, f, now, k1_inverse)
        o = np.int64(s.queue[f].top)
        if o < 0 or p.operation[o].qty > room or p.operation[o].group >= 0 or chain_length(p, s, o) > 0:
            break
        room -= p.operation[o].qty
        dequeue(p, s, o)
        commit(p, s, o, m, setup_start, start, end, BATCH, np.float64(1.0), YES, now)


@inner
def whole_group(p: Problem, s: State, i: int, m: int, now: int) -> int:
    """Run the continuity group of `i` on machine `m` with nothing between; returns the end."""
    g = np.int64(p.operation[i].group)
    speed = np.float64(p.machine[m].speed)
    seat = s.seat[m]
    at = np.int64(now)
    chosen = np.int64(i)
    while chosen >= 0:
        first = p.operation[chosen]
        setup_start, start, end, why = fit(
            p, s, chosen, m, at, changeover(p, s, np.int64(seat.family), np.int64(first.family)), speed
        )
        if end >= NEVER:
            break
        bound = why_then(p, s, chosen, m, setup_start, why) if chosen == i else CONTINUITY
        commit(p, s, chosen, m, setup_start, start, end, bound, speed, NO, now)
        seat.family = first.family
        at = end
        room = p.kind[first.kind].batch_max - first.qty
        best = 1e30
        chosen = NOBODY
        for e in range(p.group_ptr[g], p.group_ptr[g + 1]):
            j = np.int64(p.group_op[e])
            if s.course[j].here != WAITS:
                continue
            o = p.operation[j]
            if room > 0 and o.family == first.family and o.qty <= room:
                room -= o.qty
                commit(p, s, j, m, setup_start, start, end, BATCH, speed, YES, now)
                continue
            minutes = changeover(p, s, np.int64(seat.family), np.int64(o.family))
            if chosen < 0 or minutes < best or (minutes == best and o.latest < p.operation[chosen].latest):
                chosen = j
                best = minutes
    return at
