"""Plain job shops: the arrays of a problem, the times of a solution, and dispatching rules that make a first one.

A solution is a topological order of all operations together with a machine for each: taken in that order, every
operation starts as early as its predecessors on job and machine allow. Every order that keeps the jobs' sequences is
feasible. Belongs here: what the searches (`sequence`, `tabu`) share. Plants with calendars, people and loads are
`problem`.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from recon_platform.capacity.compiled import inner_search
from recon_platform.capacity.problem import Array

MAKESPAN, TARDINESS = 0, 1
EDD, SPT, CRITICAL_RATIO, ATC = range(4)
RULES = ("edd", "spt", "cr", "atc")


class Shop(NamedTuple):
    """A job shop: operations sorted by job; alternatives of each; optional set-up between operations of a machine."""

    job: Array
    first: Array  # first operation of each job; one more entry than jobs
    alt_ptr: Array
    alt_machine: Array
    alt_duration: Array
    release: Array
    due: Array
    weight: Array
    setup: Array  # [job, job] minutes between what follows on a machine; 1 × 1 when there is none
    setup_initial: Array  # per job, on a machine that has done nothing
    machines: int
    objective: int


class Timed(NamedTuple):
    """A solution: order, machine and times."""

    value: float
    order: Array
    alternative: Array
    start: Array
    end: Array


@nb.njit(cache=True, nogil=True)
def dispatch_order(shop: Shop, rule: int, look_ahead: float) -> tuple[Array, Array]:
    """A non-delay schedule by a priority rule: (order, alternative). The earliest machine takes its best operation."""
    n = shop.job.shape[0]
    jobs = shop.release.shape[0]
    following = shop.first[:-1].copy()
    ready = shop.release.astype(np.float64)
    free = np.zeros(shop.machines)
    last_on = np.full(shop.machines, -1)
    remaining = np.zeros(n)
    mean = 0.0
    for j in range(jobs):
        total = 0.0
        for i in range(shop.first[j + 1] - 1, shop.first[j] - 1, -1):
            least = shop.alt_duration[shop.alt_ptr[i]]
            for a in range(shop.alt_ptr[i], shop.alt_ptr[i + 1]):
                least = min(least, shop.alt_duration[a])
            total += least
            mean += least
            remaining[i] = total
    mean /= n
    order = np.empty(n, np.int64)
    alternative = np.empty(n, np.int64)
    for step in range(n):
        earliest = 1e300
        for j in range(jobs):
            if following[j] < shop.first[j + 1]:
                i = following[j]
                for a in range(shop.alt_ptr[i], shop.alt_ptr[i + 1]):
                    earliest = min(earliest, max(ready[j], free[shop.alt_machine[a]]))
        best = -1e300
        best_job, best_alt, best_end = -1, -1, 1e300
        for j in range(jobs):
            if following[j] >= shop.first[j + 1]:
                continue
            i = following[j]
            for a in range(shop.alt_ptr[i], shop.alt_ptr[i + 1]):
                m = shop.alt_machine[a]
                begin = max(ready[j], free[m])
                if begin > earliest:
                    continue
                duration = shop.alt_duration[a]
                change = 0.0
                if shop.setup.shape[0] > 1:
                    change = shop.setup_initial[j] if last_on[m] < 0 else shop.setup[last_on[m], j]
                slack = shop.due[j] - begin - remaining[i]
                if rule == 0:
                    index = -shop.due[j] * 1.0
                elif rule == 1:
                    index = -(duration + change) * 1.0
                elif rule == 2:
                    index = -(shop.due[j] - begin) / max(1.0, remaining[i])
                else:
                    index = np.log(max(1e-6, shop.weight[j]) / max(1.0, duration)) - max(0.0, slack) / (
                        look_ahead * mean
                    )
                    index -= change / (0.3 * mean)
                end = begin + change + duration
                if index > best or (index == best and end < best_end):
                    best, best_job, best_alt, best_end = index, j, a, end
        i = following[best_job]
        order[step] = i
        alternative[i] = best_alt
        free[shop.alt_machine[best_alt]] = best_end
        last_on[shop.alt_machine[best_alt]] = best_job
        ready[best_job] = best_end
        following[best_job] += 1
    return order, alternative


@inner_search
def retime(shop: Shop, order: Array, alternative: Array, before: Array, start: Array, end: Array, at: int) -> None:
    """Set the earliest times of everything from position `at` of the order on."""
    with_setup = shop.setup.shape[0] > 1
    for q in range(at, order.shape[0]):
        x = order[q]
        j = shop.job[x]
        begin = shop.release[j] if x == shop.first[j] else end[x - 1]
        m = before[x]
        if m >= 0:
            free = end[m]
            if with_setup:
                free += shop.setup[shop.job[m], j]
            begin = max(begin, free)
        elif with_setup:
            begin = max(begin, shop.setup_initial[j])
        start[x] = begin
        end[x] = begin + shop.alt_duration[alternative[x]]


@inner_search
def value_of(shop: Shop, end: Array) -> float:
    """Latest end, or weighted tardiness of the jobs, as the shop's objective says."""
    worst = 0.0
    total = 0.0
    for j in range(shop.release.shape[0]):
        finish = end[shop.first[j + 1] - 1]
        worst = max(worst, finish)
        total += shop.weight[j] * max(0.0, finish - shop.due[j])
    return worst if shop.objective == 0 else total


@inner_search
def link(shop: Shop, order: Array, alternative: Array, before: Array, after: Array, head: Array) -> None:
    """Set the machine sequences (before, after, head) from the order."""
    last = np.full(shop.machines, -1)
    head[:] = -1
    for q in range(order.shape[0]):
        x = order[q]
        m = shop.alt_machine[alternative[x]]
        before[x] = last[m]
        after[x] = -1
        if last[m] >= 0:
            after[last[m]] = x
        else:
            head[m] = x
        last[m] = x
