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
from recon_platform.capacity.state import State

NEVER = np.int64(2_000_000_000)
YES, NO = np.int64(1), np.int64(0)
"""Flags as one type of number: compiled code makes a version per type of argument, and one is enough."""


@inner
def stretch(
    open_start: Array, open_end: Array, low: int, high: int, at: int, work: int, pausable: int,
    people: Array, free: Array, pool: int, need: int,
) -> tuple[int, int, bool]:  # fmt: skip
    """Earliest (start, end, waited) of `work` minutes from `at` in open intervals low..high; start NEVER if none fits.

    With a pool, only minutes with `need` people on shift count, and all of them must be free; `waited` says that
    others had the people first.
    """
    k = low
    while k < high and open_end[k] <= at:
        k += 1
    if work <= 0:
        if k >= high:
            return NEVER, NEVER, False
        return at, at, False
    if pool < 0:
        start = -1
        left = work
        while k < high:
            begin = max(np.int64(open_start[k]), at)
            room = np.int64(open_end[k]) - begin
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
    start = -1
    left = work
    waited = False
    while k < high:
        stop = np.int64(open_end[k])
        for minute in range(max(np.int64(open_start[k]), at), stop):
            if people[pool, minute] < need:
                if pausable == 0:
                    start = -1
                    left = work
            elif free[pool, minute] < need:
                start = -1
                left = work
                waited = True
            else:
                if start < 0:
                    start = minute
                left -= 1
                if left == 0:
                    return start, minute + 1, waited
        k += 1
        if pausable == 0 and (k >= high or open_start[k] > stop):
            start = -1
            left = work
    return NEVER, NEVER, waited


@inner
def take_people(
    open_start: Array, open_end: Array, low: int, high: int, start: int, end: int, people: Array, free: Array,
    pool: int, need: int, take: int,
) -> None:  # fmt: skip
    """Book `take` people of `pool` for every working minute of [start, end) in which the shift has `need` of them."""
    k = low
    while k < high and open_end[k] <= start:
        k += 1
    while k < high and open_start[k] < end:
        for minute in range(max(open_start[k], start), min(open_end[k], end)):
            if people[pool, minute] >= need:
                free[pool, minute] -= take
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
def changeover(p: Problem, before: int, after: int) -> float:
    """Set-up minutes from family `before` to family `after` of one work center.

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
    min_end = np.int64(s.placement[i].min_end)
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
                p.open_start, p.open_end, low, high, at, setup_minutes, YES, p.people, s.free, np.int64(kind.setup_pool),
                np.int64(kind.setup_people),
            )  # fmt: skip
            if waited:
                why = 1
            if setup_start == NEVER:
                return NEVER, NEVER, NEVER, why
        start, end, waited = stretch(
            p.open_start,
            p.open_end,
            low,
            high,
            after,
            run,
            pausable,
            p.people,
            s.free,
            np.int64(kind.run_pool),
            np.int64(kind.run_people),
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
            p.open_start, p.open_end, low, high, setup_start, start, p.people, s.free, np.int64(kind.setup_pool),
            np.int64(kind.setup_people), np.int64(sign * kind.setup_people),
        )  # fmt: skip
    if kind.run_pool >= 0 and end > start:
        take_people(
            p.open_start, p.open_end, low, high, start, end, p.people, s.free, np.int64(kind.run_pool), np.int64(kind.run_people),
            np.int64(sign * kind.run_people),
        )  # fmt: skip
