"""Where work fits: walking working time, people and tools from a given minute on.

Belongs here: compiled functions that place one operation on one machine without choosing it. Choosing is `dispatch`.
Set-up and run are two stretches of working minutes. Each pauses where the machine is closed or where the shift has not
people enough at all; a stretch that meets people taken by others starts anew after them.
"""

from __future__ import annotations

import math

import numpy as np

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import Array, Problem
from recon_platform.capacity.state import BLOCK, NOW, State

NEVER = np.int64(2_000_000_000)
YES, NO = np.int64(1), np.int64(0)
"""Flags as one type of number: compiled code makes a version per type of argument, and one is enough."""


@inner
def _pool_now(p: Problem, s: State, pool: int) -> int:
    """The first stretch of the staff of `pool` that is not over now; nothing is ever placed before now."""
    g = np.int64(s.pool_at[pool])
    while g < p.pool_ptr[pool + 1] and p.staff[g].end <= s.count[NOW]:
        g += 1
    s.pool_at[pool] = g
    return g


@inner
def _last_above(taken: Array, first: int, many: int, most: int) -> int:
    """The last of so many minutes from `first` with more than `most` people at work, counted from 0; -1: none."""
    allowed = np.int16(most)
    lack = np.int16(0)
    for minute in range(first, first + many):
        lack = np.int16(
            lack | np.int16(allowed - taken[minute])
        )  # negative as soon as one is: no branch, many at a time
    if lack >= 0:
        return np.int64(-1)
    at = np.int64(many - 1)
    while taken[first + at] <= allowed:
        at -= 1
    return at


@inner
def _surely_free(most: Array, first: int, many: int, allowed: int) -> bool:
    """Whether no block of so many minutes from `first` has seen more than `allowed` people at work."""
    for block in range(first >> BLOCK, ((first + many - 1) >> BLOCK) + 1):  # noqa: SIM110 - compiled
        if most[block] > allowed:
            return False
    return True


@inner
def stretch(
    p: Problem, s: State, low: int, high: int, at: int, work: int, pausable: int, pool: int, need: int, heed: int
) -> tuple[int, int, bool]:
    """Earliest (start, end, waited) of `work` minutes from `at` in open intervals low..high; start NEVER if none fits.

    With a pool, only minutes with `need` people on shift count, and with `heed` all of them must be free; `waited` says
    that others had the people first.
    """
    k = low
    while k < high and p.open_end[k] <= at:
        k += 1
    if work <= 0:
        if k >= high:
            return NEVER, NEVER, False
        return at, at, False
    start = np.int64(-1)
    left = work
    if pool < 0:
        while k < high:
            begin = max(np.int64(p.open_start[k]), at)
            room = np.int64(p.open_end[k]) - begin
            if pausable == 0:
                if room >= work:
                    return begin, begin + work, False
            else:
                if start < 0:
                    start = begin
                if room >= left:
                    return start, begin + left, False
                left -= room
            k += 1
        return NEVER, NEVER, False
    waited = False
    g = _pool_now(p, s, pool)
    last = np.int64(p.pool_ptr[pool + 1])
    while k < high:
        stop = np.int64(p.open_end[k])
        minute = max(np.int64(p.open_start[k]), at)
        while minute < stop:
            while g < last and p.staff[g].end <= minute:
                g += 1
            if g >= last:
                return NEVER, NEVER, waited
            staff = p.staff[g]
            there = np.int64(staff.start) if staff.people >= need else np.int64(staff.end)
            if there > minute:
                if pausable == 0:
                    start = np.int64(-1)
                    left = work
                minute = there
                continue
            many = min(min(np.int64(staff.end), stop) - minute, left)
            taken = np.int64(-1)
            if heed == 1 and not _surely_free(s.most, staff.at + minute, many, staff.people - need):
                taken = _last_above(s.taken, staff.at + minute, many, staff.people - need)
            if taken >= 0:
                start = np.int64(-1)
                left = work
                waited = True
                minute += taken + 1
                continue
            if start < 0:
                start = minute
            minute += many
            left -= many
            if left == 0:
                return start, minute, waited
        k += 1
        if pausable == 0 and (k >= high or p.open_start[k] > stop):
            start = np.int64(-1)
            left = work
    return NEVER, NEVER, waited


@inner
def take_people(
    p: Problem, s: State, low: int, high: int, start: int, end: int, pool: int, need: int, take: int
) -> None:
    """Book `take` people of `pool` for every working minute of [start, end) in which the shift has `need` of them."""
    g = _pool_now(p, s, pool)
    last = np.int64(p.pool_ptr[pool + 1])
    more = np.int16(take)
    k = low
    while k < high and p.open_end[k] <= start:
        k += 1
    while k < high and p.open_start[k] < end:
        minute = max(np.int64(p.open_start[k]), start)
        stop = min(np.int64(p.open_end[k]), end)
        while minute < stop:
            while g < last and p.staff[g].end <= minute:
                g += 1
            if g >= last:
                return
            staff = p.staff[g]
            there = np.int64(staff.start) if staff.people >= need else np.int64(staff.end)
            if there > minute:
                minute = there
                continue
            until = min(np.int64(staff.end), stop)
            at, beyond = np.int64(staff.at + minute), np.int64(staff.at + until)
            while at < beyond:
                block = at >> BLOCK
                upto = min(beyond, (block + 1) << BLOCK)
                seen = np.int16(s.most[block])
                for one in range(at, upto):
                    now = np.int16(s.taken[one] + more)
                    s.taken[one] = now
                    seen = max(seen, now)
                s.most[block] = seen
                at = upto
            minute = until
        k += 1


@inner
def free_copy(tool_ptr: Array, tool_free: Array, tool: int) -> int:
    """The copy of `tool` that is free first."""
    best = np.int64(tool_ptr[tool])
    for copy in range(tool_ptr[tool] + 1, tool_ptr[tool + 1]):
        if tool_free[copy] < tool_free[best]:
            best = copy
    return best


@inner
def changes_from(p: Problem, s: State, center: int, before: int) -> int:
    """Where the changeovers from family `before` stand, less the number of the first family of `center`; NEVER: nowhere."""
    at = np.int64(s.change_at[center])
    first = np.int64(p.center[center].families)
    many = np.int64(p.center[center + 1].families) - first
    if at < 0 or before < first or before >= first + many:
        return NEVER
    return at + (before - first) * many - first


@inner
def changeover(p: Problem, s: State, before: int, after: int) -> float:
    """Set-up minutes from family `before` to family `after` of one work center."""
    row = changes_from(p, s, np.int64(p.family[after].center), before)
    if row < NEVER:
        return np.float64(s.change[row + after])
    return changeover_minutes(p, before, after)


@inner
def fill_changeovers(p: Problem, s: State) -> None:
    """Reckon the changeovers of all work centers that have not too many families."""
    for c in range(p.center.shape[0] - 1):
        at = np.int64(s.change_at[c])
        if at < 0:
            continue
        for before in range(np.int64(p.center[c].families), np.int64(p.center[c + 1].families)):
            for after in range(np.int64(p.center[c].families), np.int64(p.center[c + 1].families)):
                s.change[at] = changeover_minutes(p, before, after)
                at += 1


@inner
def changeover_minutes(p: Problem, before: int, after: int) -> float:
    """Set-up minutes from family `before` to family `after` of one work center, from the matrices.

    Of the attributes that change, the longest counts; none changes: 0. Without a matrix: 0 inside a set-up family,
    else the operation's own set-up, which also stands for a change the matrix has no row for.
    """
    own = np.float64(p.family[after].setup)
    if before < 0:
        return own
    center = p.family[after].center
    any_matrix = False
    minutes = 0.0
    for a in range(p.matrix_at.shape[1]):
        offset = p.matrix_at[center, a]
        if offset < 0:
            continue
        any_matrix = True
        to = p.family_value[after, a]
        if to < 0 or p.family_value[before, a] == to:
            continue
        cell = p.matrix[offset + p.family_code[before, a] * p.matrix_size[center, a] + p.family_code[after, a]]
        change = np.float64(cell) if cell >= 0 else own
        minutes = max(minutes, change)
    if any_matrix:
        return minutes
    alike = p.family[after].alike
    if alike >= 0 and p.family[before].alike == alike:
        return 0.0
    return own


@inner
def whole(minutes: float) -> int:
    """Minutes rounded up, forgiving what single precision adds."""
    return np.int64(math.ceil(minutes * 0.999999 - 1e-3))


@inner
def fit(p: Problem, s: State, i: int, m: int, at: int, setup: float, speed: float) -> tuple[int, int, int, int]:
    """Where operation `i` fits on machine `m` from minute `at` on: (set-up start, start, end, what held it up).

    What held it up: 0 nothing, 1 people, 2 the tool, 3 the last transfer batch of the operation before.
    """
    o = p.operation[i]
    kind = p.kind[o.kind]
    why = np.int64(0)
    if kind.tool >= 0:
        there = np.int64(s.tool_free[free_copy(p.tool_ptr, s.tool_free, np.int64(kind.tool))])
        if there > at:
            at = there
            why = 2
    low = np.int64(s.seat[m].cursor)
    high = np.int64(p.machine[m + 1].open_ptr)
    run = np.int64(whole(np.float64(o.run) / speed))
    setup_minutes = np.int64(whole(setup))
    min_end = np.int64(s.course[i].min_end)
    if min_end >= 0:
        min_end += np.int64(whole(np.float64(o.run) / speed * np.float64(p.operation[i - 1].share)))
    pausable = np.int64(kind.pausable)
    at = np.int64(at)
    setup_start, start, end = at, at, at
    for _ in range(64):
        setup_start = at
        after = at
        if setup_minutes > 0:
            setup_start, after, waited = stretch(
                p, s, low, high, at, setup_minutes, YES, np.int64(kind.setup_pool), np.int64(kind.setup_people), YES
            )
            if waited:
                why = 1
            if setup_start == NEVER:
                return NEVER, NEVER, NEVER, why
        start, end, waited = stretch(
            p, s, low, high, after, run, pausable, np.int64(kind.run_pool), np.int64(kind.run_people), YES
        )
        if waited:
            why = 1
        if start == NEVER:
            return NEVER, NEVER, NEVER, why
        if setup_minutes <= 0:
            setup_start = start
        if end >= min_end:
            break
        why = 3
        at = max(at, setup_start) + (min_end - end)
    return setup_start, start, end, why


@inner
def book(p: Problem, s: State, i: int, m: int, setup_start: int, start: int, end: int, sign: int) -> None:
    """Take (sign 1) or give back (sign -1) the people of operation `i`."""
    kind = p.kind[p.operation[i].kind]
    low = np.int64(s.seat[m].cursor)
    high = np.int64(p.machine[m + 1].open_ptr)
    if kind.setup_pool >= 0 and start > setup_start:
        take_people(
            p, s, low, high, setup_start, start, np.int64(kind.setup_pool), np.int64(kind.setup_people),
            np.int64(sign * kind.setup_people),
        )  # fmt: skip
    if kind.run_pool >= 0 and end > start:
        take_people(
            p, s, low, high, start, end, np.int64(kind.run_pool), np.int64(kind.run_people), np.int64(sign * kind.run_people)
        )  # fmt: skip
