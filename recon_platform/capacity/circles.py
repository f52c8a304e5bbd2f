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
    left: Array = _left(before, after, count) & _left(after, before, count)
    return left


def _left(before: Array, after: Array, count: int) -> Array:
    """By operation: whether it is left once everything that waits for nothing is taken away, again and again."""
    by_first = np.argsort(before, kind="stable")
    start = np.searchsorted(before[by_first], np.arange(count + 1))
    left: Array = _trim(np.bincount(after, minlength=count), start, after[by_first]) > 0
    return left


@nb.njit(cache=True, nogil=True)
def _trim(waits: Array, start: Array, following: Array) -> Array:
    """For how many each still waits in the end (Kahn 1962). What waits for i is `following` [start[i], start[i + 1])."""
    count = waits.shape[0]
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
    return waits
