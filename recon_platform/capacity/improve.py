"""Seeded improvement by re-simulation: nudge the index of some operations, dispatch again, keep what is better.

Random keys added to the index (Bean 1994) keep every plan feasible by construction, whatever the model holds. In a small
or middle problem any order may be nudged; in a large one only those in a window of time at the work centers where most
lateness waits, because a move there touches what matters. The budget is a number of moves (re-simulations), never
seconds, and moves are drawn before they are tried, in rounds of a fixed width: the same seed gives the same plan with any
number of threads. The start is kept until something better is found.

Belongs here: the search over biases. One pass is `dispatch`; exact search on plain job shops is `sequence`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from recon_platform.capacity.portfolio import Setting, objective, run_pass
from recon_platform.capacity.problem import Array, Problem, Solution

ROUND = 4  # moves drawn from one state; fixed, so that threads change nothing
LARGE = 50_000  # operations from which moves are kept to a window
WINDOWS = 12
SIZES = (0.002, 0.01, 0.05, 0.2)  # share of orders nudged in a move


def improve(
    problem: Problem, setting: Setting, moves: int, *, seed: int = 1, threads: int = 2, start: Array | None = None
) -> tuple[Array, float, float]:
    """(bias, value, value at the start) after `moves` re-simulations; the value is never above the start's."""
    n = problem.operation.shape[0]
    bias = np.zeros(n, np.float32) if start is None else start.astype(np.float32).copy()
    solution = run_pass(problem, setting, bias=bias)
    value = first = objective(problem, solution)
    rng = np.random.default_rng(seed)
    done = 0
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        while done < moves and value > 0:
            width = min(ROUND, moves - done)
            trials = [nudge(problem, solution, bias, rng) for _ in range(width)]
            made = list(pool.map(lambda trial: run_pass(problem, setting, bias=trial), trials))
            values = [objective(problem, one) for one in made]
            best = min(range(width), key=lambda k: (values[k], k))
            if values[best] < value:
                value, bias, solution = values[best], trials[best], made[best]
            done += width
    return bias, value, first


def nudge(problem: Problem, solution: Solution, bias: Array, rng: np.random.Generator) -> Array:
    """A copy of `bias` with some orders moved forward or back; late orders and those in their way are drawn more often."""
    operation, order = problem.operation, problem.order
    orders = order.shape[0] - 1
    last = order["first"][1:] - 1
    late = (
        np.maximum(0.0, solution.placement["end"][last].astype(np.float64) - order["due"][:-1]) * order["weight"][:-1]
    )
    share = SIZES[int(rng.integers(len(SIZES)))]
    count = max(1, int(orders * share))
    total = late.sum()
    chance = 0.5 / orders + (0.5 * late / total if total > 0 else np.full(orders, 0.5 / orders))
    chosen = np.zeros(orders, bool)
    chosen[rng.choice(orders, size=min(count, orders), p=chance / chance.sum())] = True
    rows = chosen[operation["order"]]
    if operation.shape[0] > LARGE:
        start = solution.placement["start"]
        span = max(1, int(start.max()) // WINDOWS)
        low = int(rng.integers(WINDOWS)) * span
        rows &= (start >= low) & (start < low + 2 * span)
    step = rng.normal(0.0, 1.0, orders).astype(np.float32)[operation["order"]]
    result: Array = np.where(rows, bias + step, bias).astype(np.float32)
    return result
