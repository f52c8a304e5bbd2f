"""Seeded improvement of small problems by moves on critical blocks, with exact re-timing.

A solution is a topological order of all operations together with a machine for each: taken in that order, every
operation starts as early as its predecessors on job and machine allow. Every order that keeps the jobs' sequences is
feasible, so no move can create a cycle. Moves: swap two neighbours on a machine on a critical path (van Laarhoven,
Aarts & Lenstra 1992; block ends after Nowicki & Smutnicki 1996), or take a critical operation out and insert it
elsewhere, on another machine where it has one (after Mastrolilli & Gambardella 2000). Simulated annealing over a number of
moves, never over seconds; the best solution seen is returned, so the result is never worse than the start.

Belongs here: the compiled search over plain job-shop arrays. Plants with calendars, people and loads go through
`improve`, which re-simulates.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

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
    setup: Array  # [operation, operation] minutes; 1 × 1 when there is none
    setup_initial: Array  # per operation
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
                    change = shop.setup_initial[i] if last_on[m] < 0 else shop.setup[last_on[m], i]
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
        last_on[shop.alt_machine[best_alt]] = i
        ready[best_job] = best_end
        following[best_job] += 1
    return order, alternative


@nb.njit(cache=True, nogil=True)
def _retime(shop: Shop, order: Array, alternative: Array, before: Array, start: Array, end: Array, at: int) -> None:
    """Earliest times of everything from position `at` of the order on."""
    with_setup = shop.setup.shape[0] > 1
    for q in range(at, order.shape[0]):
        x = order[q]
        j = shop.job[x]
        begin = shop.release[j] if x == shop.first[j] else end[x - 1]
        m = before[x]
        if m >= 0:
            free = end[m]
            if with_setup:
                free += shop.setup[m, x]
            begin = max(begin, free)
        elif with_setup:
            begin = max(begin, shop.setup_initial[x])
        start[x] = begin
        end[x] = begin + shop.alt_duration[alternative[x]]


@nb.njit(cache=True, nogil=True)
def _value(shop: Shop, end: Array) -> float:
    worst = 0.0
    total = 0.0
    for j in range(shop.release.shape[0]):
        finish = end[shop.first[j + 1] - 1]
        worst = max(worst, finish)
        total += shop.weight[j] * max(0.0, finish - shop.due[j])
    return worst if shop.objective == 0 else total


@nb.njit(cache=True, nogil=True)
def _link(shop: Shop, order: Array, alternative: Array, before: Array, after: Array, head: Array) -> None:
    """Machine sequences from the order."""
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


@nb.njit(cache=True, nogil=True)
def anneal(shop: Shop, order: Array, alternative: Array, moves: int, seed: int, hot: float, cold: float) -> Timed:
    """Anneal from `order`, `alternative` over `moves` moves, temperature falling from `hot` to `cold` geometrically.

    Deterministic for a seed. Returns the best solution seen.
    """
    np.random.seed(seed)
    n = order.shape[0]
    jobs = shop.release.shape[0]
    order = order.copy()
    alternative = alternative.copy()
    position = np.empty(n, np.int64)
    for q in range(n):
        position[order[q]] = q
    before = np.empty(n, np.int64)
    after = np.empty(n, np.int64)
    head = np.empty(shop.machines, np.int64)
    _link(shop, order, alternative, before, after, head)
    start = np.zeros(n)
    end = np.zeros(n)
    _retime(shop, order, alternative, before, start, end, 0)
    value = _value(shop, end)
    best = value
    best_order, best_alternative = order.copy(), alternative.copy()
    kept_order = np.empty(n, np.int64)
    kept_start, kept_end = np.empty(n), np.empty(n)
    path = np.empty(n, np.int64)
    marked = np.zeros(n, np.uint8)
    segment = np.empty(n, np.int64)
    temperature = hot
    cooling = (cold / hot) ** (1.0 / max(1, moves))
    with_setup = shop.setup.shape[0] > 1
    flexible = shop.alt_machine.shape[0] > n
    one_machine = shop.machines == 1
    late = np.empty(jobs, np.int64)
    for _ in range(moves):
        temperature *= cooling
        # a job whose end matters, and the critical path to it
        target = -1
        if shop.objective == 0:
            finish = -1.0
            for j in range(jobs):
                e = end[shop.first[j + 1] - 1]
                if e > finish:
                    finish = e
                    target = j
        else:
            count = 0
            for j in range(jobs):
                if end[shop.first[j + 1] - 1] > shop.due[j]:
                    late[count] = j
                    count += 1
            if count == 0:
                break
            target = late[np.random.randint(count)]
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
                    free += shop.setup[m, x]
            if m >= 0 and free == start[x]:
                if x > shop.first[j] and end[x - 1] == start[x] and np.random.random() < 0.5:
                    x = x - 1
                else:
                    x = m
            elif x > shop.first[j] and end[x - 1] == start[x]:
                x = x - 1
            else:
                x = -1
        insert = one_machine or (flexible and np.random.random() < 0.5)
        u, v = -1, -1
        if not insert:
            # machine arcs on the path; ends of blocks first
            found = 0
            for k in range(length - 1):
                v_k, u_k = path[k], path[k + 1]
                if before[v_k] != u_k:
                    continue
                inner = k + 2 < length and before[u_k] == path[k + 2] and k > 0 and before[path[k - 1]] == v_k
                if inner and np.random.random() < 0.7:
                    continue
                found += 1
                if np.random.random() * found < 1.0:
                    u, v = u_k, v_k
            if found == 0:
                if not flexible:
                    if shop.objective == 0:
                        break
                    continue
                insert = True
        if insert:
            x = path[np.random.randint(length)]
            old_q = position[x]
            j = shop.job[x]
            low = position[x - 1] + 1 if x > shop.first[j] else 0
            high = position[x + 1] - 1 if x + 1 < shop.first[j + 1] else n - 1
            a = alternative[x]
            if flexible:
                a = shop.alt_ptr[x] + np.random.randint(shop.alt_ptr[x + 1] - shop.alt_ptr[x])
            if one_machine and np.random.random() < 0.5:
                reach = 8
                low, high = max(low, old_q - reach), min(high, old_q + reach)
            new_q = low + np.random.randint(high - low + 1)
            if new_q == old_q and a == alternative[x]:
                continue
            at = min(old_q, new_q)
            upto = max(old_q, new_q)
            kept_order[at : upto + 1] = order[at : upto + 1]
            kept_start[:] = start
            kept_end[:] = end
            old_a = alternative[x]
            old_before, old_after = before[x], after[x]
            m = shop.alt_machine[old_a]
            if old_before >= 0:
                after[old_before] = old_after
            else:
                head[m] = old_after
            if old_after >= 0:
                before[old_after] = old_before
            if new_q > old_q:
                for q in range(old_q, new_q):
                    order[q] = order[q + 1]
                    position[order[q]] = q
            else:
                for q in range(old_q, new_q, -1):
                    order[q] = order[q - 1]
                    position[order[q]] = q
            order[new_q] = x
            position[x] = new_q
            alternative[x] = a
            m = shop.alt_machine[a]
            y = head[m]
            p = -1
            while y >= 0 and position[y] < new_q:
                p = y
                y = after[y]
            before[x], after[x] = p, y
            if p >= 0:
                after[p] = x
            else:
                head[m] = x
            if y >= 0:
                before[y] = x
            _retime(shop, order, alternative, before, start, end, at)
            new_value = _value(shop, end)
            if new_value <= value or np.random.random() < np.exp((value - new_value) / temperature):
                value = new_value
                if value < best:
                    best = value
                    best_order[:] = order
                    best_alternative[:] = alternative
                continue
            p, y = before[x], after[x]
            if p >= 0:
                after[p] = y
            else:
                head[m] = y
            if y >= 0:
                before[y] = p
            alternative[x] = old_a
            m = shop.alt_machine[old_a]
            before[x], after[x] = old_before, old_after
            if old_before >= 0:
                after[old_before] = x
            else:
                head[m] = x
            if old_after >= 0:
                before[old_after] = x
            for q in range(at, upto + 1):
                order[q] = kept_order[q]
                position[order[q]] = q
            start[:] = kept_start
            end[:] = kept_end
            continue
        # swap u -> v on their machine: what v waits for moves before u in the order
        low, high = position[u], position[v]
        for q in range(low, high + 1):
            kept_order[q] = order[q]
            marked[order[q]] = 0
        marked[v] = 1
        for q in range(high - 1, low, -1):
            y = order[q]
            j = shop.job[y]
            if (y + 1 < shop.first[j + 1] and position[y + 1] <= high and marked[y + 1] and position[y + 1] > q) or (
                after[y] >= 0 and position[after[y]] <= high and marked[after[y]] and position[after[y]] > q
            ):
                marked[y] = 1
        fill = low
        rest = 0
        for q in range(low, high + 1):
            y = kept_order[q]
            if y == u:
                continue
            if marked[y]:
                order[fill] = y
                position[y] = fill
                fill += 1
            else:
                segment[rest] = y
                rest += 1
        order[fill] = u
        position[u] = fill
        for k in range(rest):
            order[fill + 1 + k] = segment[k]
            position[segment[k]] = fill + 1 + k
        for q in range(low, high + 1):
            marked[order[q]] = 0
        m = shop.alt_machine[alternative[u]]
        p, y = before[u], after[v]
        before[v], after[v] = p, u
        before[u], after[u] = v, y
        if p >= 0:
            after[p] = v
        else:
            head[m] = v
        if y >= 0:
            before[y] = u
        kept_start[:] = start
        kept_end[:] = end
        _retime(shop, order, alternative, before, start, end, low)
        new_value = _value(shop, end)
        if new_value <= value or np.random.random() < np.exp((value - new_value) / temperature):
            value = new_value
            if value < best:
                best = value
                best_order[:] = order
                best_alternative[:] = alternative
            continue
        before[u], after[u] = p, v
        before[v], after[v] = u, y
        if p >= 0:
            after[p] = u
        else:
            head[m] = u
        if y >= 0:
            before[y] = v
        for q in range(low, high + 1):
            order[q] = kept_order[q]
            position[order[q]] = q
        start[:] = kept_start
        end[:] = kept_end
    _link(shop, best_order, best_alternative, before, after, head)
    _retime(shop, best_order, best_alternative, before, start, end, 0)
    return Timed(best, best_order, best_alternative, start, end)
