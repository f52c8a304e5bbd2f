"""Combinations of the players that reach an item, compiled: each is a state by number.

Three kinds: all subsets (`SUBSETS`: bit j is player j), one after the other (`ONE_BY_ONE`: state s holds the first s),
or what labels need (`EACH`: 0 none, 1 all, 2 + j only j, 2 + k + j all but j). Nothing here knows what players do.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.changes import Floats
from recon_platform.material.rows import Ints

SUBSETS, ONE_BY_ONE, EACH = range(3)
MAX_EXACT = 6  # players up to which every subset is replayed


@njit(cache=True)
def number_of_states(k: int, kind: int) -> int:
    """How many states `k` players have."""
    if kind == SUBSETS:
        return 1 << k
    return k + 1 if kind == ONE_BY_ONE else 2 + 2 * k


@njit(cache=True)
def distinct(scratch: Ints, found: int) -> int:
    """Sort the first `found` entries and drop repetitions, in place; gives how many are left."""
    left = 0
    for i in range(found):
        player = scratch[i]
        j = left - 1
        while j >= 0 and scratch[j] > player:
            j -= 1
        if j >= 0 and scratch[j] == player:
            continue
        for x in range(left, j + 1, -1):
            scratch[x] = scratch[x - 1]
        scratch[j + 1] = player
        left += 1
    return left


@njit(cache=True)
def is_in(state: int, j: int, k: int, kind: int) -> bool:
    """Is the item's player number `j` of `k` in `state`?"""
    if kind == SUBSETS:
        return (state >> j) & 1 == 1
    if kind == ONE_BY_ONE:
        return j < state
    if state == 0:
        return False
    if state == 1:
        return True
    if state < 2 + k:
        return state - 2 == j
    return state - 2 - k != j


@njit(cache=True)
def state_of(inside: NDArray[np.bool_], k: int, kind: int, single: int, without: int) -> int:
    """The state of a combination given as membership of `k` players; `single` and `without` name the one that is alone or
    left out where the kind is EACH (−1: neither)."""
    if kind == SUBSETS:
        state = 0
        for j in range(k):
            if inside[j]:
                state |= 1 << j
        return state
    if kind == ONE_BY_ONE:
        state = 0
        for j in range(k):
            if inside[j]:
                state = j + 1
        return state
    if single >= 0:
        return 2 + single
    if without >= 0:
        return 2 + k + without
    return 1 if k > 0 and inside[0] else 0


@njit(cache=True)
def position(ids: Ints, begin: int, end: int, player: int) -> int:
    """Place of `player` among `ids[begin:end]`; −1 where it is not there."""
    for x in range(begin, end):
        if ids[x] == player:
            return x - begin
    return -1


@njit(cache=True)
def shapley_weights() -> Floats:
    """|S|! (K − |S| − 1)! ÷ K! by K and |S| (Shapley 1953)."""
    weight = np.zeros((MAX_EXACT + 1, MAX_EXACT + 1))
    factorial = np.ones(MAX_EXACT + 2)
    for k in range(1, MAX_EXACT + 2):
        factorial[k] = factorial[k - 1] * k
    for k in range(1, MAX_EXACT + 1):
        for size in range(k):
            weight[k, size] = factorial[size] * factorial[k - size - 1] / factorial[k]
    return weight
