"""Seeded annealing of one machine: a sequence of jobs, with or without set-ups between them.

Moves: two jobs change places, or a block of neighbours goes elsewhere in the sequence (insertion is a block of one). A move
is judged from its first changed place on, and given up as soon as it is worse than what the temperature would take: the
threshold is drawn before the move is timed. Where the rest of the sequence starts as it did, it is not timed again. The
temperature falls several times; each time the search goes on from where it stands, and the best sequence seen is returned.

Belongs here: shops of a single machine and one operation a job. More machines are `sequence` and `tabu`.
"""

from __future__ import annotations

from collections.abc import Callable

import numba as nb
import numpy as np

from recon_platform.capacity.compiled import SEARCH_SOURCES, inner_search, sources_digest
from recon_platform.capacity.problem import Array
from recon_platform.capacity.shop import Shop, Timed

CYCLES = 8  # times the temperature falls
LONGEST_BLOCK = 12  # jobs that move together at most
SWAPS = 0.4  # share of moves that exchange two jobs


@inner_search
def _timed_from(
    shop: Shop, duration: Array, sequence: Array, finish: Array, cost: Array, at: int, upto: int, limit: float,
    new_finish: Array, new_cost: Array,
) -> tuple[float, int]:  # fmt: skip
    """(value, place from which nothing changed) of `sequence`, changed from `at` to `upto`; a value above `limit` is partial.

    `finish` and `cost` (cumulated) are those of the sequence before the change; the new ones are written beside them.
    """
    n = sequence.shape[0]
    with_setup = shop.setup.shape[0] > 1
    tardiness = shop.objective == 1
    clock = finish[at - 1] if at > 0 else 0.0
    total = cost[at - 1] if at > 0 else 0.0
    last = sequence[at - 1] if at > 0 else -1
    for k in range(at, n):
        j = sequence[k]
        if with_setup:
            clock += shop.setup_initial[j] if last < 0 else shop.setup[last, j]
        clock = max(clock, shop.release[j]) + duration[j]
        if tardiness:
            total += shop.weight[j] * max(0.0, clock - shop.due[j])
        else:
            total = clock
        if total > limit:
            return total, k
        new_finish[k] = clock
        new_cost[k] = total
        last = j
        if k > upto and clock == finish[k]:
            return total + cost[n - 1] - cost[k], k + 1
    return total, n


@inner_search
def _propose(sequence: Array, trial: Array, n: int) -> tuple[int, int]:
    """Write a changed copy of the sequence, in its changed stretch, into `trial`; returns the stretch."""
    if np.random.random() < SWAPS:
        a = np.random.randint(n)
        b = np.random.randint(n - 1)
        b += b >= a
        low, high = min(a, b), max(a, b)
        for k in range(low, high + 1):
            trial[k] = sequence[k]
        trial[low], trial[high] = sequence[high], sequence[low]
        return low, high
    size = 1
    while size < min(LONGEST_BLOCK, n - 1) and np.random.random() < 0.5:
        size += 1
    a = np.random.randint(n - size + 1)
    b = np.random.randint(n - size)
    b += b >= a
    low, high = min(a, b), max(a, b) + size - 1
    if b > a:
        for k in range(a + size, b + size):
            trial[k - size] = sequence[k]
    else:
        for k in range(b, a):
            trial[k + size] = sequence[k]
    for k in range(size):
        trial[b + k] = sequence[a + k]
    return low, high


def _entry(digest: int) -> Callable[[Shop, Array, Array, int, int, float, float], Timed]:
    @nb.njit(cache=True, nogil=True)
    def anneal_sequence(
        shop: Shop, order: Array, alternative: Array, moves: int, seed: int, hot: float, cold: float
    ) -> Timed:
        """Anneal the sequence `order` over `moves` moves, temperature falling from `hot` to `cold` geometrically.

        Temperatures are in units of the objective. Deterministic for a seed. Returns the best sequence seen.
        """
        np.random.seed(seed + 0 * digest)
        n = order.shape[0]
        duration = shop.alt_duration[alternative]
        sequence = order.copy()
        trial = order.copy()
        finish, cost, new_finish, new_cost = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
        value, _ = _timed_from(shop, duration, sequence, finish, cost, 0, n, 1e300, finish, cost)
        best = value
        best_sequence = sequence.copy()
        part = max(1, moves // CYCLES)
        cooling = (cold / hot) ** (1.0 / part)
        temperature = hot
        for move in range(moves if n > 1 else 0):
            if best <= 0.0:
                break
            temperature = hot if move % part == 0 else temperature * cooling
            low, high = _propose(sequence, trial, n)
            limit = value - temperature * np.log(1.0 - np.random.random())
            for k in range(low, high + 1):
                sequence[k], trial[k] = trial[k], sequence[k]
            new_value, upto = _timed_from(
                shop, duration, sequence, finish, cost, low, high, limit, new_finish, new_cost
            )
            if new_value > limit:
                for k in range(low, high + 1):
                    sequence[k] = trial[k]
                continue
            shift = new_value - value
            finish[low:upto] = new_finish[low:upto]
            cost[low:upto] = new_cost[low:upto]
            if shop.objective == 1 and upto < n:
                for k in range(upto, n):
                    cost[k] += shift
            value = new_value
            if value < best:
                best = value
                best_sequence[:] = sequence
        _timed_from(shop, duration, best_sequence, np.zeros(n), np.zeros(n), 0, n, 1e300, finish, cost)
        start, end = np.empty(n), np.empty(n)
        for k in range(n):
            end[best_sequence[k]] = finish[k]
            start[best_sequence[k]] = finish[k] - duration[best_sequence[k]]
        return Timed(cost[n - 1], best_sequence, alternative.copy(), start, end)

    return anneal_sequence


anneal_sequence = _entry(sources_digest(SEARCH_SOURCES))
