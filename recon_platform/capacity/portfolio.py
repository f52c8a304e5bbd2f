"""Several dispatch passes with different look-ahead, the best kept: which (k1, k2) suits a plant differs by load.

Belongs here: the grid, the threads, and the choice. Every pass is deterministic and the choice takes the first of equal
ones in grid order, so the number of threads changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from recon_platform.capacity.circles import in_circle
from recon_platform.capacity.dispatch import dispatch_pass
from recon_platform.capacity.problem import (
    FREE,
    FROZEN,
    HELD,
    PROBLEM_FIELDS,
    RUNNING,
    Array,
    Problem,
    Solution,
    mean_run,
    mean_setup,
    sealed,
)
from recon_platform.capacity.state import RECORD, STATE_FIELDS, room_for
from recon_platform.capacity.views import words_of

GRID: tuple[tuple[float, float], ...] = (
    (16.0, 0.2), (8.0, 0.1), (32.0, 0.2), (8.0, 0.4), (64.0, 0.1), (16.0, 0.4), (32.0, 0.1), (64.0, 0.4),
    (12.0, 0.2), (24.0, 0.1), (48.0, 0.2), (12.0, 0.4), (24.0, 0.4), (48.0, 0.1), (10.0, 0.1), (96.0, 0.2),
)  # fmt: skip
"""(k1, k2) in the order they are tried; a portfolio of n takes the first n."""

NO_BIAS = np.zeros(0, np.float32)
AGAIN = 3  # passes that may follow one in which work on the floor had to give up its place


@dataclass(frozen=True, slots=True)
class Setting:
    """The settings of a pass: look-ahead k1, set-up sensitivity k2, and how strongly the plan in force holds."""

    k1: float
    k2: float
    stay: float = 0.0
    pull: float = 0.0


@dataclass(frozen=True, slots=True)
class Tried:
    """A setting, the lateness of its plan (`objective`; None where it was not measured), and whether that held the sequence in
    force in turn."""

    setting: Setting
    lateness: float | None = None
    in_turn: bool = False


def objective(problem: Problem, state: Solution) -> float:
    """Weighted tardiness in minutes of the orders that count, plus a full horizon late for each that is not finished.

    Half a minute per unit of weight goes to earliness of the end, so that of two plans without lateness the shorter
    one wins; it never outweighs lateness of a minute.
    """
    last = problem.order["first"][1:] - 1
    placement = state.placement
    end = placement["end"][last].astype(np.float64)
    scored = problem.order["scored"][:-1] == 1
    due = problem.order["due"][:-1].astype(np.float64)
    weight = problem.order["weight"][:-1].astype(np.float64)
    missing = placement["machine"][last] < 0
    end[missing] = 2.0 * problem.end_of_time
    late = np.where(missing, problem.end_of_time + np.maximum(0.0, end - due), np.maximum(0.0, end - due))
    flow = 0.5 * end / (2.0 * problem.end_of_time)
    return float((weight * (late + flow))[scored].sum() + 1e-3 * problem.end_of_time * missing[~scored].sum())


def run_pass(problem: Problem, setting: Setting, *, record: bool = False, bias: Array = NO_BIAS) -> Solution:
    """One dispatch pass with `setting`, again where work on the floor had to give up its place. Raises ValueError for a bias that is neither empty nor one number an operation,
    TypeError for arrays of another type than declared (`views.words_of`): compiled code reads them by address."""
    if bias.shape[0] not in (0, problem.operation.shape[0]):
        raise ValueError(
            f"bias: expected none or one number for each of {problem.operation.shape[0]} operations, found {bias.shape[0]}"
        )
    solution = _sweep(problem, setting, record, bias)
    if _in_circle(problem, _freed(problem, solution, FROZEN)).any():
        # The end of the fence must not decide who of a circle gives way.
        center = problem.center.copy()
        center["fence"] = problem.end_of_time
        problem = sealed(problem._replace(center=center))
        solution = _sweep(problem, setting, record, bias)
    for _ in range(AGAIN):
        stuck = _let_go(problem, solution)
        if stuck.shape[0] == 0:
            break
        operation = problem.operation.copy()
        operation["state"][stuck] = FREE
        problem = sealed(problem._replace(operation=operation))
        again = _sweep(problem, setting, record, bias)
        if objective(problem, again) >= objective(problem, solution):
            break
        solution = again
    return solution


def grown_later(problem: Problem, state: Solution, before: Array) -> float:
    """By what share the weighted tardiness of the orders that count is more than it was, with their last operations ending at
    `before` (minutes by operation; below 0 where that is not known: such an order counts for neither); infinite from none.

    An order that finds no place before the end of the known time any more counts as if it ended there: one that ended hours
    before it, months ahead, is no reason to move a hundred thousand operations.
    """
    last = problem.order["first"][1:] - 1
    due, weight = (problem.order[name][:-1].astype(np.float64) for name in ("due", "weight"))
    counts = (problem.order["scored"][:-1] == 1) & (before[last] >= 0)
    placed = state.placement["machine"][last] >= 0
    end = np.where(placed, state.placement["end"][last], problem.end_of_time)
    now, then = ((weight * np.maximum(0.0, ends - due))[counts].sum() for ends in (end, before[last]))
    return float((now - then) / then) if then > 0 else (np.inf if now > 0 else 0.0)


def _let_go(problem: Problem, solution: Solution) -> Array:
    """Operations that held a machine by being on the floor or frozen, waited for others that wait for them, and gave up
    their place.

    A pass notices that only when nothing else moves any more, with the machine idle until then; a pass that knows it
    beforehand loses no time. A frozen one that merely stood still with the others keeps its place in the next.
    """
    frozen = _freed(problem, solution, FROZEN)
    return np.concatenate([_freed(problem, solution, RUNNING, HELD), frozen[_in_circle(problem, frozen)]])


def _freed(problem: Problem, solution: Solution, *states: int) -> Array:
    """Operations that were kept in one of `states` and gave up their place."""
    kept = problem.kept
    were = np.isin(problem.operation["state"][kept], states)
    freed: Array = kept[were & (solution.course["state"][kept] == FREE)]
    return freed


def _in_circle(problem: Problem, operations: Array) -> Array:
    """Which of `operations` stand in a circle of waiting; looked for only where there are any."""
    return in_circle(problem)[operations] if operations.shape[0] else np.zeros(0, np.bool_)


def _sweep(problem: Problem, setting: Setting, record: bool, bias: Array) -> Solution:
    state = room_for(problem, record)
    state.count[RECORD] = int(record)
    dispatch_pass(
        words_of(PROBLEM_FIELDS, problem), words_of(STATE_FIELDS, state), bias, 1.0 / (setting.k1 * mean_run(problem)),
        1.0 / (setting.k2 * mean_setup(problem)), setting.stay, setting.pull,
    )  # fmt: skip
    return Solution(state.placement, state.course, state.terms)


def late_orders(problem: Problem, state: Solution) -> float:
    """Number of orders that count and end after their due date or not at all; ties are broken by `objective`."""
    last = problem.order["first"][1:] - 1
    end = state.placement["end"][last]
    late = ((end > problem.order["due"][:-1]) | (end < 0)) & (problem.order["scored"][:-1] == 1)
    value = objective(problem, state)
    return float(late.sum()) + value / (1.0 + value)


def compared(
    problem: Problem, passes: int, *, threads: int = 2, stay: float = 0.0, pull: float = 0.0,
    measure: Callable[[Problem, Solution], float] = objective,
) -> list[tuple[Setting, float]]:  # fmt: skip
    """The first `passes` settings of the grid, each with its measure, the best first. Ties go to the earlier setting.

    No plan is kept: a pass at a million operations takes a hundred megabytes, and making the best one again is one pass.
    """
    settings = [Setting(k1, k2, stay, pull) for k1, k2 in GRID[: max(1, passes)]]
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        values = list(pool.map(lambda setting: measure(problem, run_pass(problem, setting)), settings))
    return sorted(zip(settings, values, strict=True), key=lambda one: one[1])


def best_of(
    problem: Problem, passes: int, *, threads: int = 2, stay: float = 0.0, pull: float = 0.0,
    measure: Callable[[Problem, Solution], float] = objective,
) -> tuple[Setting, float]:  # fmt: skip
    """The best of `compared`, and its measure."""
    return compared(problem, passes, threads=threads, stay=stay, pull=pull, measure=measure)[0]


def best_plan(
    problem: Problem, passes: int, *, threads: int = 2, stay: float = 0.0, pull: float = 0.0,
    measure: Callable[[Problem, Solution], float] = objective,
) -> tuple[Setting, float, Solution]:  # fmt: skip
    """As `best_of`, with the plan itself."""
    setting, value = best_of(problem, passes, threads=threads, stay=stay, pull=pull, measure=measure)
    return setting, value, run_pass(problem, setting)
