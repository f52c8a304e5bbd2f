"""Circles of waiting: the sequence in force has one operation before another that it has to wait for.

That comes about when what a frozen operation takes is pegged anew, to an order that stands behind it. Nobody can keep such
a sequence; without a break everything behind it would wait for good.

Belongs here: which operations stand in a circle. Who gives up its place is decided in `in_force` and `portfolio`.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from recon_platform.capacity.problem import Array, Problem


def in_circle(problem: Problem) -> Array:
    """By operation: whether it lies on a circle of operation sequence, components and sequence in force, or on a way
    from one such circle to another."""
    first = problem.order["first"]
    count = problem.operation.shape[0]
    here = np.arange(count, dtype=np.int64)
    inside = here[np.isin(here, first[1:] - 1, invert=True)]
    feeder = np.repeat(first[1:] - 1, np.diff(problem.order["link_ptr"])).astype(np.int64)
    machine = np.repeat(np.arange(problem.machine.shape[0] - 1), np.diff(problem.machine["kept_ptr"]))
    kept = problem.kept.astype(np.int64)
    same = machine[1:] == machine[:-1]
    before = np.concatenate([inside, feeder, kept[:-1][same]])
    after = np.concatenate([inside + 1, problem.link_to.astype(np.int64), kept[1:][same]])
    left: Array = _trim(before, after, count) & _trim(after, before, count)
    return left


@nb.njit(cache=True, nogil=True)
def _trim(before: Array, after: Array, count: int) -> Array:
    """What is left once everything that waits for nothing is taken away, again and again (Kahn 1962)."""
    waits = np.zeros(count, np.int64)
    start = np.zeros(count + 1, np.int64)
    for e in range(before.shape[0]):
        waits[after[e]] += 1
        start[before[e] + 1] += 1
    for i in range(count):
        start[i + 1] += start[i]
    at = start[:count].copy()
    following = np.empty(before.shape[0], np.int64)
    for e in range(before.shape[0]):
        following[at[before[e]]] = after[e]
        at[before[e]] += 1
    stack = np.empty(count, np.int64)
    size = 0
    for i in range(count):
        if waits[i] == 0:
            stack[size] = i
            size += 1
    while size > 0:
        size -= 1
        i = stack[size]
        for e in range(start[i], start[i + 1]):
            waits[following[e]] -= 1
            if waits[following[e]] == 0:
                stack[size] = following[e]
                size += 1
    return waits > 0
