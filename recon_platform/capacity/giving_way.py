"""Orders that cannot be on time any more give way to those that still can.

A late order pulls with full weight until it is done, so one that is lost whatever is done drags others past their date
with it. Treated as due some days later it takes its turn among them: for the number of late orders that is what Moore
(1968) does with the order he gives up on a single machine. It is not starved, as its new date comes too.

Belongs here: which orders are lost, and the date they are sequenced by. Does not belong here: the date they are promised
and measured by, which stays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from recon_platform.capacity.latest import set_latest
from recon_platform.capacity.problem import Array, Problem

DAY_MIN = 1440


def set_latest_giving_way(problem: Problem, stretch: Array, days: float) -> npt.NDArray[np.bool_]:
    """Fill `latest` as `set_latest` does, and `due` and `latest` of orders that are lost as if due `days` later. 0: none is.
    Returns by order whether it gave way."""
    set_latest(problem, stretch)
    if days <= 0:
        return np.zeros(problem.order.shape[0] - 1, np.bool_)
    lost = lost_orders(problem)
    problem.order["due"][:-1] += np.where(lost, round(days * DAY_MIN), 0).astype(np.int32)
    set_latest(problem, stretch)
    return lost


def lost_orders(problem: Problem) -> npt.NDArray[np.bool_]:
    """By order: what remains takes it past its due date, even had it every machine for itself, or it waits for one of
    which that is true. `latest` must be filled."""
    order, operation = problem.order, problem.operation
    first = order["first"][:-1]
    lost: npt.NDArray[np.bool_] = operation["latest"][first] < np.maximum(operation["ready"][first], 0)
    consumer = operation["order"][problem.link_to]
    feeder = np.repeat(np.arange(lost.shape[0]), np.diff(order["link_ptr"]))
    while True:
        more = np.unique(consumer[lost[feeder] & ~lost[consumer]])
        if more.shape[0] == 0:
            return lost
        lost[more] = True
