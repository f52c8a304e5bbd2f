"""Seeded tabu search for the makespan of job shops and flexible job shops, by moves inside critical blocks.

Neighbourhood: on one critical path, every operation of a block may go behind its last or before its first, and the first
and last into its inside (N6 of Balas & Vazacopoulos 1998, with N7 of Zhang et al. 2007); an operation with other machines
may go to any feasible place on them (after Mastrolilli & Gambardella 2000). Moves are judged by the estimate of Balas &
Vazacopoulos, which bounds the longest path through what moved, and the best that is not tabu is made. What a move undid
may not come back for a while: the order of a pair on a machine, or an operation on the machine it left. When nothing better
was found for long the search goes back to one of the best solutions it saw and starts from a disturbed copy.

Belongs here: the compiled search, its budget counted in moves. Set-ups and tardiness are annealed in `sequence`.
"""

from __future__ import annotations

from collections.abc import Callable

import numba as nb
import numpy as np

from recon_platform.capacity.compiled import SEARCH_SOURCES, inner_search, sources_digest
from recon_platform.capacity.problem import Array
from recon_platform.capacity.sequence import put_in, take_out
from recon_platform.capacity.shop import Shop, Timed, link, retime

PATIENCE = 3000  # moves without a better solution before the search goes elsewhere
ELITE = 6  # solutions it may go back to
DISTURB = 12  # random critical swaps a restart begins with
FAR = 1e300


@inner_search
def _times(
    shop: Shop, dur: Array, before: Array, after: Array, head: Array, tail: Array, order: Array, waits: Array
) -> float:
    """Set heads (earliest starts), tails (longest path after the end) and a topological order; returns the makespan.

    Returns a negative number where the sequences contradict the jobs (a cycle).
    """
    n = dur.shape[0]
    filled = 0
    for x in range(n):
        first = x == shop.first[shop.job[x]]
        waits[x] = (0 if first else 1) + (1 if before[x] >= 0 else 0)
        if waits[x] == 0:
            order[filled] = x
            filled += 1
    at = 0
    makespan = 0.0
    while at < filled:
        x = order[at]
        at += 1
        j = shop.job[x]
        begin = shop.release[j] if x == shop.first[j] else head[x - 1] + dur[x - 1]
        m = before[x]
        if m >= 0:
            begin = max(begin, head[m] + dur[m])
        head[x] = begin
        makespan = max(makespan, begin + dur[x])
        if x + 1 < shop.first[j + 1]:
            waits[x + 1] -= 1
            if waits[x + 1] == 0:
                order[filled] = x + 1
                filled += 1
        y = after[x]
        if y >= 0:
            waits[y] -= 1
            if waits[y] == 0:
                order[filled] = y
                filled += 1
    if filled < n:
        return -1.0
    for at in range(n - 1, -1, -1):
        x = order[at]
        rest = 0.0
        if x + 1 < shop.first[shop.job[x] + 1]:
            rest = tail[x + 1] + dur[x + 1]
        y = after[x]
        if y >= 0:
            rest = max(rest, tail[y] + dur[y])
        tail[x] = rest
    return makespan


@inner_search
def _path(shop: Shop, dur: Array, before: Array, head: Array, tail: Array, makespan: float, path: Array) -> int:
    """Write one critical path, first operation first, into `path`; ties are drawn. Returns its length."""
    n = dur.shape[0]
    x = -1
    found = 0
    for y in range(n):
        if tail[y] == 0.0 and head[y] + dur[y] == makespan:
            found += 1
            if np.random.random() * found < 1.0:
                x = y
    length = 0
    while x >= 0:
        path[length] = x
        length += 1
        m = before[x]
        by_machine = m >= 0 and head[m] + dur[m] == head[x]
        by_job = x > shop.first[shop.job[x]] and head[x - 1] + dur[x - 1] == head[x]
        if by_machine and (not by_job or np.random.random() < 0.5):
            x = m
        else:
            x = x - 1 if by_job else -1
    for k in range(length // 2):
        path[k], path[length - 1 - k] = path[length - 1 - k], path[k]
    return length


@inner_search
def _job_head(shop: Shop, dur: Array, head: Array, x: int) -> float:
    j = shop.job[x]
    return shop.release[j] if x == shop.first[j] else head[x - 1] + dur[x - 1]


@inner_search
def _job_tail(shop: Shop, dur: Array, tail: Array, x: int) -> float:
    return 0.0 if x + 1 >= shop.first[shop.job[x] + 1] else tail[x + 1] + dur[x + 1]


@inner_search
def _estimate(
    shop: Shop, dur: Array, head: Array, tail: Array, row: Array, count: int, low: int, high: int, new_head: Array
) -> float:
    """Longest path through the operations of `row`, a stretch of one machine between `low` and `high` in its new sequence."""
    ready = 0.0 if low < 0 else head[low] + dur[low]
    for k in range(count):
        x = row[k]
        ready = max(ready, _job_head(shop, dur, head, x))
        new_head[k] = ready
        ready += dur[x]
    longest = 0.0
    rest = 0.0 if high < 0 else tail[high] + dur[high]
    for k in range(count - 1, -1, -1):
        x = row[k]
        rest = max(rest, _job_tail(shop, dur, tail, x)) + dur[x]
        longest = max(longest, new_head[k] + rest)
    return longest


@inner_search
def _may_follow(shop: Shop, dur: Array, tail: Array, u: int, v: int) -> bool:
    """`u` may go behind `v`, later on its machine: no path leads from the next operation of u's job to `v`."""
    following = u + 1
    if following >= shop.first[shop.job[u] + 1]:
        return True
    if following == v:
        return False
    own = dur[following]
    return bool(tail[v] + dur[v] + own > tail[following] + own)


@inner_search
def _may_precede(shop: Shop, dur: Array, head: Array, u: int, v: int) -> bool:
    """`v` may go before `u`, earlier on its machine: no path leads from `u` to the operation before `v` in its job."""
    if v == shop.first[shop.job[v]]:
        return True
    earlier = v - 1
    if earlier == u:
        return False
    own = dur[earlier]
    return bool(head[u] + dur[u] + own > head[earlier] + own)


@inner_search
def _tabu_row(pair_until: Array, row: Array, count: int, moved: int, at: int, iteration: int) -> bool:
    """The new row puts some pair back into an order that a recent move undid."""
    for k in range(count):
        if k < at and pair_until[row[k], moved] > iteration:
            return True
        if k > at and pair_until[moved, row[k]] > iteration:
            return True
    return False


@inner_search
def _block_moves(
    shop: Shop, dur: Array, before: Array, after: Array, head: Array, tail: Array, path: Array, length: int,
    pair_until: Array, iteration: int, best: float, row: Array, new_head: Array, move: Array,
) -> float:  # fmt: skip
    """Best move inside the blocks of `path`. move = operation, the one it goes behind (-1: first of the machine), machine
    alternative (-1: as it is). Returns its estimate; `FAR` where there is none."""
    chosen = FAR
    ties = 0
    fallback = 0
    begin = 0
    while begin < length:
        stop = begin + 1
        while stop < length and before[path[stop]] == path[stop - 1]:
            stop += 1
        size = stop - begin
        for a in range(size):
            for b in range(size):
                # the operation at place a of the block goes to place b
                if a == b or (size > 2 and 0 < a < size - 1 and 0 < b < size - 1):
                    continue
                if b == a - 1 and size >= 2:
                    continue  # the same exchange as a - 1 → a
                x = path[begin + a]
                if a < b:
                    if not _may_follow(shop, dur, tail, x, path[begin + b]):
                        continue
                    low, high = a, b
                else:
                    if not _may_precede(shop, dur, head, path[begin + b], x):
                        continue
                    low, high = b, a
                count = 0
                if a > b:
                    row[0] = x
                    count = 1
                for k in range(low, high + 1):
                    if k != a:
                        row[count] = path[begin + k]
                        count += 1
                if a < b:
                    row[count] = x
                    count += 1
                value = _estimate(
                    shop, dur, head, tail, row, count, before[path[begin + low]], after[path[begin + high]], new_head
                )
                tabu = _tabu_row(pair_until, row, count, x, count - 1 if a < b else 0, iteration)
                behind = path[begin + b] if a < b else before[path[begin + b]]
                if tabu and value >= best:
                    fallback += 1
                    if chosen >= FAR and np.random.random() * fallback < 1.0:
                        move[3], move[4], move[5] = x, behind, -1
                    continue
                ties = ties + 1 if value == chosen else 1
                if value < chosen or (value == chosen and np.random.random() * ties < 1.0):
                    chosen = value
                    move[0], move[1], move[2] = x, behind, -1
        begin = stop
    move[6] = 1 if fallback > 0 else 0
    return chosen


@inner_search
def _machine_moves(
    shop: Shop, alternative: Array, dur: Array, after: Array, first_on: Array, head: Array, tail: Array, path: Array, length: int,
    leave_until: Array, iteration: int, best: float, chosen: float, move: Array,
) -> float:  # fmt: skip
    """Better of `chosen` and the best change of machine of an operation of `path`, estimated by the path through it."""
    ties = 1
    for k in range(length):
        x = path[k]
        if shop.alt_ptr[x + 1] - shop.alt_ptr[x] < 2:
            continue
        ready = _job_head(shop, dur, head, x)
        rest = _job_tail(shop, dur, tail, x)
        here = shop.alt_machine[alternative[x]]
        for a in range(shop.alt_ptr[x], shop.alt_ptr[x + 1]):
            m = shop.alt_machine[a]
            if m == here:
                continue
            own = shop.alt_duration[a]
            p = -1
            y = first_on[m]
            while y >= 0 and head[y] + dur[y] <= ready:
                p = y
                y = after[y]
            while True:
                begin = ready if p < 0 else max(ready, head[p] + dur[p])
                remains = rest if y < 0 else max(rest, tail[y] + dur[y])
                value = begin + own + remains
                if (leave_until[a] <= iteration or value < best) and value <= chosen:
                    ties = ties + 1 if value == chosen else 1
                    if value < chosen or np.random.random() * ties < 1.0:
                        chosen = value
                        move[0], move[1], move[2] = x, p, a
                if y < 0 or tail[y] + dur[y] <= rest:
                    break
                p = y
                y = after[y]
    return chosen


@inner_search
def _make(
    shop: Shop, alternative: Array, dur: Array, before: Array, after: Array, first_on: Array, x: int, behind: int, to: int,
    pair_until: Array, leave_until: Array, until: int,
) -> None:  # fmt: skip
    """Make a move and remember what it undid until iteration `until`."""
    m = shop.alt_machine[alternative[x]]
    if to >= 0:
        leave_until[alternative[x]] = until
        take_out(before, after, first_on, m, x)
        alternative[x] = to
        dur[x] = shop.alt_duration[to]
        put_in(before, after, first_on, shop.alt_machine[to], x, behind)
        return
    forward = False
    y = after[x]
    while y >= 0 and not forward:
        forward = y == behind
        y = after[y]
    if forward:
        y = after[x]
        while True:
            pair_until[x, y] = until
            if y == behind:
                break
            y = after[y]
    else:
        y = before[x]
        while y != behind:
            pair_until[y, x] = until
            y = before[y]
    take_out(before, after, first_on, m, x)
    put_in(before, after, first_on, m, x, behind)


@inner_search
def _keep(
    before: Array, alternative: Array, value: float, elite_before: Array, elite_alternative: Array, elite_value: Array
) -> None:
    """Keep a solution in place of the worst kept one, unless one of the same value is kept."""
    worst = 0
    for e in range(elite_value.shape[0]):
        if elite_value[e] == value:
            worst = e
            break
        if elite_value[e] > elite_value[worst]:
            worst = e
    if value <= elite_value[worst]:
        elite_value[worst] = value
        elite_before[worst, :] = before
        elite_alternative[worst, :] = alternative


@inner_search
def _sequences(shop: Shop, before: Array, alternative: Array, after: Array, first_on: Array) -> None:
    """Set `after` and the first operation of each machine from `before`."""
    after[:] = -1
    first_on[:] = -1
    for x in range(before.shape[0]):
        if before[x] >= 0:
            after[before[x]] = x
        else:
            first_on[shop.alt_machine[alternative[x]]] = x


def _entry(digest: int) -> Callable[[Shop, Array, Array, int, int, float], Timed]:
    @nb.njit(cache=True, nogil=True)
    def tabu(shop: Shop, order: Array, alternative: Array, moves: int, seed: int, bound: float) -> Timed:
        """Search from `order`, `alternative` over `moves` moves, or until the makespan is at most `bound` (a lower bound).

        Deterministic for a seed. Returns the best solution seen. The shop has no set-ups.
        """
        np.random.seed(seed + 0 * digest)
        n = order.shape[0]
        order, alternative = order.copy(), alternative.copy()
        before, after = np.empty(n, np.int64), np.empty(n, np.int64)
        first_on = np.empty(shop.machines, np.int64)
        link(shop, order, alternative, before, after, first_on)
        dur = shop.alt_duration[alternative]
        head, tail = np.zeros(n), np.zeros(n)
        waits, path, row = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
        new_head = np.empty(n)
        move = np.empty(7, np.int64)
        pair_until = np.zeros((n, n), np.int32)
        leave_until = np.zeros(shop.alt_machine.shape[0], np.int32)
        value = _times(shop, dur, before, after, head, tail, order, waits)
        best = local = value
        best_order, best_alternative = order.copy(), alternative.copy()
        elite_before = np.empty((ELITE, n), np.int64)
        elite_alternative = np.empty((ELITE, n), np.int64)
        elite_value = np.full(ELITE, FAR)
        flexible = shop.alt_machine.shape[0] > n
        tenure = 10 + shop.release.shape[0] // max(1, shop.machines)
        local_before, local_alternative = before.copy(), alternative.copy()
        since = 0
        disturb = 0
        for iteration in range(1, moves + 1):
            if best <= bound:
                break
            if since >= PATIENCE:
                _keep(local_before, local_alternative, local, elite_before, elite_alternative, elite_value)
                kept = 0
                for e in range(ELITE):
                    kept += elite_value[e] < FAR
                pick = np.random.randint(kept)
                for e in range(ELITE):
                    if elite_value[e] < FAR:
                        if pick == 0:
                            before[:] = elite_before[e]
                            alternative[:] = elite_alternative[e]
                        pick -= 1
                _sequences(shop, before, alternative, after, first_on)
                dur[:] = shop.alt_duration[alternative]
                value = _times(shop, dur, before, after, head, tail, order, waits)
                pair_until[:, :] = 0
                leave_until[:] = 0
                local = FAR
                since = 0
                disturb = DISTURB
            since += 1
            length = _path(shop, dur, before, head, tail, value, path)
            until = iteration + tenure + np.random.randint(tenure // 2)
            if disturb > 0:
                disturb -= 1
                found = 0
                k = -1
                for e in range(1, length):
                    if before[path[e]] == path[e - 1] and _may_follow(shop, dur, tail, path[e - 1], path[e]):
                        found += 1
                        if np.random.random() * found < 1.0:
                            k = e
                if k < 0:
                    continue
                move[0], move[1], move[2] = path[k - 1], path[k], -1
            else:
                chosen = _block_moves(
                    shop, dur, before, after, head, tail, path, length, pair_until, iteration, best, row, new_head,
                    move,
                )  # fmt: skip
                if flexible:
                    chosen = _machine_moves(
                        shop, alternative, dur, after, first_on, head, tail, path, length, leave_until, iteration, best, chosen,
                        move,
                    )  # fmt: skip
                if chosen >= FAR:
                    if move[6] == 0:
                        since = PATIENCE
                        if not flexible:
                            break
                        continue
                    move[0], move[1], move[2] = move[3], move[4], move[5]
            _make(
                shop, alternative, dur, before, after, first_on, move[0], move[1], move[2], pair_until, leave_until, until
            )  # fmt: skip
            value = _times(shop, dur, before, after, head, tail, order, waits)
            if value < local:
                local = value
                since = 0
                local_before[:] = before
                local_alternative[:] = alternative
                if value < best:
                    best = value
                    best_order[:] = order
                    best_alternative[:] = alternative
        link(shop, best_order, best_alternative, before, after, first_on)
        start, end = np.zeros(n), np.zeros(n)
        retime(shop, best_order, best_alternative, before, start, end, 0)
        return Timed(best, best_order, best_alternative, start, end)

    return tabu


tabu = _entry(sources_digest(SEARCH_SOURCES))
