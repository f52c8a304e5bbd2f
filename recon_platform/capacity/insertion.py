"""A rush order into a plan in force, with as few moves as there can be: it takes the places of what stands in its way.

Pushing everything behind it to the right moves every operation up to the next idle hour of each machine, and what
depends on those. Here only the operations that stand where the rush order has to be worked give up their places; they
are dispatched again into what room there is, and all others hold theirs.

Belongs here: where the new operations want to be, and who makes room. The plan itself is a `dispatch` pass.
"""

from __future__ import annotations

import numpy as np

from recon_platform.capacity.portfolio import Setting, objective, run_pass
from recon_platform.capacity.problem import FREE, SOFT, Array, Problem, Solution, sealed

PATIENCE = (0, 60)
"""How many later starts in force are weighed against the earliest start of a new operation; both ways are planned."""
URGENT = 10.0  # a minute of lateness of a new order counts so many times its weight: somebody said that it is urgent
HOLD = 1e9
"""`stay` of a pass in which no index is good enough to go before the plan in force."""


def hold(problem: Problem, machine: Array, setup_start: Array) -> Problem:
    """`problem` with the plan in force held: every operation with a machine keeps it and its place in the sequence.

    `machine` and `setup_start` are those in force, one per operation; machine -1: it has none, and is dispatched freely.
    """
    operation = problem.operation.copy()
    has = machine >= 0
    operation["state"] = np.where(has, SOFT, FREE)
    operation["not_before"] = np.where(has, setup_start, -1)
    operation["home"] = machine
    rows = np.flatnonzero(has)
    kept = rows[np.lexsort((setup_start[rows], machine[rows]))]
    machines = problem.machine.copy()
    count = np.bincount(machine[kept], minlength=machines.shape[0] - 1)
    machines["kept_ptr"] = np.concatenate([[0], np.cumsum(count)])
    return sealed(problem._replace(operation=operation, kept=kept.astype(np.int32), machine=machines))


def insert(
    problem: Problem, machine: Array, setup_start: Array, start: Array, end: Array, setting: Setting
) -> tuple[Problem, Solution]:
    """The orders without a place in force put into the plan: the better of two plans by `portfolio.objective`, with the
    problem it solves. One gives the new orders the earliest start, the other weighs it against the harm to others.

    Raises ValueError where the problem holds continuity groups or longest waits: their members move together only.
    """
    if (problem.operation["group"] >= 0).any() or (problem.operation["max_wait"] >= 0).any():
        raise ValueError("a rush order makes room among single operations; found continuity groups or longest waits")
    new = np.unique(problem.operation["order"][machine < 0])
    order, operation = problem.order.copy(), problem.operation.copy()
    order["weight"][new] *= URGENT
    operation["urgency"][machine < 0] += np.log(URGENT)
    problem = problem._replace(order=order, operation=operation)
    made = []
    for patience in PATIENCE:
        gives_up, ready = make_room(problem, machine, start, end, patience)
        operation = problem.operation.copy()
        operation["ready"] = ready
        following = hold(problem._replace(operation=operation), np.where(gives_up, -1, machine), setup_start)
        made.append((following, run_pass(following, Setting(setting.k1, setting.k2, HOLD, setting.pull))))
    return min(made, key=lambda one: objective(*one))


def make_room(problem: Problem, machine: Array, start: Array, end: Array, patience: int) -> tuple[Array, Array]:
    """(operations that give up their place, earliest start of each operation) for the orders without a place in force.

    `machine`, `start`, `end` of the plan in force, one per operation; machine -1: it has none. The new operations are
    laid one after another, components first, where each costs least weighted lateness of its own order and of what stands
    there; what meets it gives up its place and may start again once it is over.
    """
    gives_up = np.zeros(machine.shape[0], bool)
    ready = problem.operation["ready"].astype(np.int64).copy()
    placed = np.flatnonzero(machine >= 0)
    placed = placed[np.lexsort((start[placed], machine[placed]))]
    pointer = np.searchsorted(machine[placed], np.arange(problem.machine.shape[0]))
    own_end: dict[int, int] = {}
    for order in _suppliers_first(problem, np.unique(problem.operation["order"][machine < 0])):
        first, last = problem.order["first"][order], problem.order["first"][order + 1]
        free = 0
        for i in range(first, last):
            free = max(free, int(ready[i]), own_end.get(i, 0))
            if problem.operation["elapsed"][i] >= 0:
                free += int(problem.operation["elapsed"][i])
                continue
            over, rows = _place(problem, i, free, placed, pointer, start, end, patience)
            gives_up[rows] = True
            ready[rows] = np.maximum(ready[rows], over)
            free = over + int(problem.operation["lag"][i])
        for e in range(problem.order["link_ptr"][order], problem.order["link_ptr"][order + 1]):
            follower = int(problem.link_to[e])
            own_end[follower] = max(own_end.get(follower, 0), free)
    return gives_up, ready


def _place(
    problem: Problem, i: int, free: int, placed: Array, pointer: Array, start: Array, end: Array, patience: int
) -> tuple[int, Array]:
    """(end, operations in the way) of operation `i` from `free` on, where it costs least weighted lateness: its own for every
    minute it waits, and that of what gives up its place, reckoned until the next gap of the machine that is long enough.
    """
    operation = problem.operation
    center = problem.family["center"][operation["family"][i]]
    weight = problem.order["weight"]
    best: tuple[float, int, Array] | None = None
    for m in range(problem.center["machines"][center], problem.center["machines"][center + 1]):
        mine = placed[pointer[m] : pointer[m + 1]]
        begins, ends = start[mine], end[mine]
        gap = np.append(begins[1:], problem.end_of_time) - ends
        runs = (begins < free) & (ends > free)
        first = int(ends[runs].max()) if runs.any() else free
        minutes = int(np.ceil(operation["run"][i] / problem.machine["speed"][m] - 1e-3))
        minutes += int(problem.family["setup"][operation["family"][i]])
        for begin in (first, *begins[begins > first][:patience].tolist()):
            at, over = _working(problem, m, int(begin), minutes)
            inside = np.flatnonzero((begins < over) & (ends > at))
            loss = float(weight[operation["order"][i]] * over)
            for k in inside:
                length = ends[k] - begins[k]
                later = np.flatnonzero((ends >= over) & (gap >= length))
                moved_to = int(ends[later[0]]) if later.size else problem.end_of_time
                late = max(0, moved_to - max(int(operation["latest"][mine[k]]), int(begins[k])))
                loss += float(weight[operation["order"][mine[k]]]) * late
            if best is None or loss < best[0]:
                best = loss, over, mine[inside]
    if best is None:
        raise ValueError(f"operation {i}: its work center {center} has no machine")
    return best[1], best[2]


def _working(problem: Problem, m: int, begin: int, minutes: int) -> tuple[int, int]:
    """(start, end) of `minutes` of working time of machine `m` from `begin` on; past its last working time, at once."""
    low, high = problem.machine["open_ptr"][m], problem.machine["open_ptr"][m + 1]
    opens = np.maximum(problem.open_start[low:high].astype(np.int64), begin)
    length = np.maximum(0, problem.open_end[low:high].astype(np.int64) - opens)
    total = np.cumsum(length)
    k = int(np.searchsorted(total, minutes))
    if k >= total.shape[0]:
        return begin, begin + minutes
    return int(opens[int(np.argmax(length > 0))]), int(opens[k] + minutes - (total[k] - length[k]))


def _suppliers_first(problem: Problem, orders: Array) -> list[int]:
    """The orders so that each comes after those that feed it."""
    wanted = set(orders.tolist())
    feeds = {
        order: {
            int(problem.operation["order"][problem.link_to[e]])
            for e in range(problem.order["link_ptr"][order], problem.order["link_ptr"][order + 1])
        }
        & wanted
        for order in wanted
    }
    result: list[int] = []
    seen: set[int] = set()

    def visit(order: int) -> None:
        if order in seen:
            return
        seen.add(order)
        for consumer in sorted(feeds[order]):
            visit(consumer)
        result.append(order)

    for order in sorted(wanted):
        visit(order)
    return result[::-1]


__all__ = ["HOLD", "hold", "insert", "make_room"]
