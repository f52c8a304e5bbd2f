"""Seeded annealing of small job shops by moves on critical blocks, with exact re-timing.

Moves: swap two neighbours on a machine on a critical path (van Laarhoven, Aarts & Lenstra 1992; block ends after
Nowicki & Smutnicki 1996), or take a critical operation out and insert it elsewhere, on another machine where it has one
(after Mastrolilli & Gambardella 2000). Both are one thing: an operation leaves its place on a machine and gets another.
The number of moves is the budget, never seconds; the best solution seen is returned, so the result is never worse than
the start.

Belongs here: the annealing over a `Shop`, with or without set-ups, for either objective. Makespan without set-ups has a
better search in `tabu`. Plants with calendars, people and loads go through `improve`, which re-simulates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numba as nb
import numpy as np

from recon_platform.capacity.compiled import SEARCH_SOURCES, inner_search, sources_digest
from recon_platform.capacity.problem import Array
from recon_platform.capacity.shop import Shop, Timed, link, retime, value_of

LADDER = 8  # walks of parallel tempering
TURN = 100  # moves of each between two chances to change places
REACH = 8  # places a short insertion on a single machine moves at most
INNER_PASSED_OVER = 0.7  # share of inner pairs of a block not considered: only its ends can shorten the path


@inner_search
def take_out(before: Array, after: Array, head: Array, m: int, x: int) -> None:
    """Take operation `x` out of the sequence of machine `m`."""
    p, y = before[x], after[x]
    if p >= 0:
        after[p] = y
    else:
        head[m] = y
    if y >= 0:
        before[y] = p


@inner_search
def put_in(before: Array, after: Array, head: Array, m: int, x: int, p: int) -> None:
    """Put operation `x` into the sequence of machine `m` after `p`; -1: first."""
    y = after[p] if p >= 0 else head[m]
    before[x], after[x] = p, y
    if p >= 0:
        after[p] = x
    else:
        head[m] = x
    if y >= 0:
        before[y] = x


@inner_search
def _target(shop: Shop, end: Array, late: Array) -> int:
    """A job whose end matters: the last one, or any late one; -1 when none is late."""
    chosen = -1
    if shop.objective == 0:
        finish = -1.0
        for j in range(shop.release.shape[0]):
            if end[shop.first[j + 1] - 1] > finish:
                finish = end[shop.first[j + 1] - 1]
                chosen = j
        return chosen
    count = 0
    for j in range(shop.release.shape[0]):
        if end[shop.first[j + 1] - 1] > shop.due[j]:
            late[count] = j
            count += 1
    return late[np.random.randint(count)] if count > 0 else -1


@inner_search
def _critical_path(shop: Shop, before: Array, start: Array, end: Array, target: int, path: Array) -> int:
    """Write a critical path to the end of job `target` into `path`, last operation first; ties are drawn."""
    with_setup = shop.setup.shape[0] > 1
    length = 0
    x = shop.first[target + 1] - 1
    while x >= 0:
        path[length] = x
        length += 1
        m = before[x]
        j = shop.job[x]
        free = -1.0
        if m >= 0:
            free = end[m]
            if with_setup:
                free += shop.setup[shop.job[m], j]
        by_job = x > shop.first[j] and end[x - 1] == start[x]
        if m >= 0 and free == start[x]:
            x = x - 1 if by_job and np.random.random() < 0.5 else m
        else:
            x = x - 1 if by_job else -1
    return length


@inner_search
def _pair(path: Array, length: int, before: Array) -> int:
    """Place in `path` of the second of two neighbours on a machine, preferably at the end of a block; -1: there is none."""
    found = 0
    chosen = -1
    for k in range(length - 1):
        u = path[k + 1]
        if before[path[k]] != u:
            continue
        inner = k + 2 < length and before[u] == path[k + 2] and k > 0 and before[path[k - 1]] == path[k]
        if inner and np.random.random() < INNER_PASSED_OVER:
            continue
        found += 1
        if np.random.random() * found < 1.0:
            chosen = k
    return chosen


@inner_search
def _after_in_order(
    shop: Shop, order: Array, position: Array, after: Array, u: int, v: int, kept: Array, marked: Array, rest: Array
) -> bool:
    """Move `u` behind `v`, its follower on the machine, in the order: what `v` waits for goes first.

    `kept` holds the stretch of the order as it was. False, and nothing moved, where `v` also waits for `u` through others.
    """
    low, high = position[u], position[v]
    for q in range(low, high + 1):
        kept[q] = order[q]
        marked[order[q]] = 0
    marked[v] = 1
    for q in range(high - 1, low - 1, -1):
        y = order[q]
        by_job = (
            y + 1 < shop.first[shop.job[y] + 1]
            and q < position[y + 1]
            and position[y + 1] <= high
            and marked[y + 1] == 1
        )
        if q == low:
            if by_job:
                return False
            break
        z = after[y]
        if by_job or (z >= 0 and q < position[z] and position[z] <= high and marked[z] == 1):
            marked[y] = 1
    fill = low
    others = 0
    for q in range(low + 1, high + 1):
        y = kept[q]
        if marked[y]:
            order[fill] = y
            position[y] = fill
            fill += 1
        else:
            rest[others] = y
            others += 1
    order[fill] = u
    position[u] = fill
    for k in range(others):
        order[fill + 1 + k] = rest[k]
        position[rest[k]] = fill + 1 + k
    return True


@inner_search
def _shift(order: Array, position: Array, old: int, new: int, kept: Array) -> None:
    """Move what stands at `old` in the order to `new`; `kept` holds the stretch as it was."""
    low, high = min(old, new), max(old, new)
    kept[low : high + 1] = order[low : high + 1]
    x = order[old]
    step = 1 if new > old else -1
    for q in range(old, new, step):
        order[q] = order[q + step]
        position[order[q]] = q
    order[new] = x
    position[x] = new


class Walk(NamedTuple):
    """Where a walk stands: an order, machines, the sequences on them, and the times of all that."""

    order: Array
    alternative: Array
    position: Array  # of each operation in the order
    before: Array
    after: Array
    head: Array  # first operation of each machine
    start: Array
    end: Array


class Room(NamedTuple):
    """What a move needs room for; nothing is kept in it from one move to the next."""

    order: Array
    path: Array
    rest: Array
    start: Array
    end: Array
    marked: Array
    late: Array


class Best(NamedTuple):
    """The best solution seen; `value` has one entry."""

    value: Array
    order: Array
    alternative: Array


@inner_search
def _begin(shop: Shop, order: Array, alternative: Array) -> tuple[Walk, float]:
    """A walk that stands at a solution, and its value."""
    n = order.shape[0]
    position = np.empty(n, np.int64)
    for q in range(n):
        position[order[q]] = q
    walk = Walk(
        order.copy(), alternative.copy(), position, np.empty(n, np.int64), np.empty(n, np.int64),
        np.empty(shop.machines, np.int64), np.zeros(n), np.zeros(n),
    )  # fmt: skip
    link(shop, order, alternative, walk.before, walk.after, walk.head)
    retime(shop, order, alternative, walk.before, walk.start, walk.end, 0)
    return walk, value_of(shop, walk.end)


@inner_search
def _room(shop: Shop) -> Room:
    n = shop.job.shape[0]
    return Room(
        np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n), np.empty(n),
        np.zeros(n, np.uint8), np.empty(shop.release.shape[0], np.int64),
    )  # fmt: skip


@inner_search
def _timed(shop: Shop, best: Best, walk: Walk) -> Timed:
    """The best solution with its times; the walk's arrays are used for them."""
    link(shop, best.order, best.alternative, walk.before, walk.after, walk.head)
    start, end = np.zeros(walk.start.shape[0]), np.zeros(walk.start.shape[0])
    retime(shop, best.order, best.alternative, walk.before, start, end, 0)
    return Timed(best.value[0], best.order, best.alternative, start, end)


@inner_search
def _wander(
    shop: Shop, walk: Walk, room: Room, best: Best, value: float, moves: int, temperature: float, cooling: float
) -> float:
    """Make `moves` moves, each kept by the rule of Metropolis, the temperature times `cooling` before each; the value after."""
    n = walk.order.shape[0]
    order, alternative, position, before, after, head, start, end = walk
    kept_order, path, rest, kept_start, kept_end, marked, late = room
    flexible = shop.alt_machine.shape[0] > n
    one_machine = shop.machines == 1
    for _ in range(moves):
        temperature *= cooling
        target = _target(shop, end, late)
        if target < 0:
            break
        length = _critical_path(shop, before, start, end, target, path)
        insert = one_machine or (flexible and np.random.random() < 0.5)
        if not insert:
            k = _pair(path, length, before)
            if k < 0 and not flexible:
                if shop.objective == 0:
                    break
                continue
            insert = k < 0
        if insert:
            x = path[np.random.randint(length)]
            j = shop.job[x]
            old_q = position[x]
            low = position[x - 1] + 1 if x > shop.first[j] else 0
            high = position[x + 1] - 1 if x + 1 < shop.first[j + 1] else n - 1
            if one_machine and np.random.random() < 0.5:
                low, high = max(low, old_q - REACH), min(high, old_q + REACH)
            new_q = low + np.random.randint(high - low + 1)
            new_a = alternative[x]
            if flexible:
                new_a = shop.alt_ptr[x] + np.random.randint(shop.alt_ptr[x + 1] - shop.alt_ptr[x])
            if new_q == old_q and new_a == alternative[x]:
                continue
            at, upto = min(old_q, new_q), max(old_q, new_q)
            _shift(order, position, old_q, new_q, kept_order)
        else:
            x, v = path[k + 1], path[k]
            at, upto = position[x], position[v]
            new_a = alternative[x]
            if not _after_in_order(shop, order, position, after, x, v, kept_order, marked, rest):
                continue
        old_a, old_before = alternative[x], before[x]
        take_out(before, after, head, shop.alt_machine[old_a], x)
        p = -1
        if insert:
            y = head[shop.alt_machine[new_a]]
            while y >= 0 and position[y] < position[x]:
                p = y
                y = after[y]
        else:
            p = v
        alternative[x] = new_a
        put_in(before, after, head, shop.alt_machine[new_a], x, p)
        kept_start[:] = start
        kept_end[:] = end
        retime(shop, order, alternative, before, start, end, at)
        new_value = value_of(shop, end)
        if new_value <= value or np.random.random() < np.exp((value - new_value) / temperature):
            value = new_value
            if value < best.value[0]:
                best.value[0] = value
                best.order[:] = order
                best.alternative[:] = alternative
            continue
        take_out(before, after, head, shop.alt_machine[new_a], x)
        alternative[x] = old_a
        put_in(before, after, head, shop.alt_machine[old_a], x, old_before)
        for q in range(at, upto + 1):
            order[q] = kept_order[q]
            position[order[q]] = q
        start[:] = kept_start
        end[:] = kept_end
    return value


def _entries(digest: int) -> tuple[Callable[[Shop, Array, Array, int, int, float, float], Timed], ...]:
    @nb.njit(cache=True, nogil=True)
    def anneal(shop: Shop, order: Array, alternative: Array, moves: int, seed: int, hot: float, cold: float) -> Timed:
        """Anneal from `order`, `alternative` over `moves` moves, temperature falling from `hot` to `cold` geometrically.

        Temperatures are in units of the objective. Deterministic for a seed. Returns the best solution seen.
        """
        np.random.seed(seed + 0 * digest)
        walk, value = _begin(shop, order, alternative)
        best = Best(np.full(1, value), order.copy(), alternative.copy())
        _wander(shop, walk, _room(shop), best, value, moves, hot, (cold / hot) ** (1.0 / max(1, moves)))
        return _timed(shop, best, walk)

    @nb.njit(cache=True, nogil=True)
    def temper(shop: Shop, order: Array, alternative: Array, moves: int, seed: int, hot: float, cold: float) -> Timed:
        """Parallel tempering (Swendsen & Wang 1986; Hukushima & Nemoto 1996) from `order`, `alternative`: `LADDER` walks
        at temperatures from `cold` to `hot`, which share `moves` moves and change places now and then, so that what is
        found hot is finished cold and what is stuck cold comes free. As `anneal` otherwise.
        """
        np.random.seed(seed + 0 * digest)
        walk, value = _begin(shop, order, alternative)
        best = Best(np.full(1, value), order.copy(), alternative.copy())
        walks = [_begin(shop, order, alternative)[0] for _ in range(LADDER)]
        values = np.full(LADDER, value)
        stands = np.arange(LADDER)  # which walk stands on each step of the ladder
        steps = cold * (hot / cold) ** (np.arange(LADDER) / (LADDER - 1))
        room = _room(shop)
        each = max(1, min(TURN, moves // LADDER))
        for turn in range(max(1, moves // (LADDER * each))):
            for k in range(LADDER):
                w = stands[k]
                values[w] = _wander(shop, walks[w], room, best, values[w], each, steps[k], 1.0)
            for k in range(turn % 2, LADDER - 1, 2):
                low, high = stands[k], stands[k + 1]
                gain = (values[low] - values[high]) * (1.0 / steps[k] - 1.0 / steps[k + 1])
                if gain >= 0.0 or np.random.random() < np.exp(gain):
                    stands[k], stands[k + 1] = high, low
        return _timed(shop, best, walk)

    return anneal, temper


anneal, temper = _entries(sources_digest(SEARCH_SOURCES))
