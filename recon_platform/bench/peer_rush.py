"""One rush order into the plan of the peer workload: how much of the plan in force moves, and how late the order is.

Belongs here: the same orders found again in the new netting, the three ways of planning it, and their figures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from recon_platform.bench.peer_netting import Netted, Workload, net
from recon_platform.capacity.insertion import HOLD, hold, insert
from recon_platform.capacity.portfolio import Setting, run_pass
from recon_platform.capacity.problem import Array, Problem

PUSHED = 0.5  # how much better an index must be to go before the plan in force, where everything may make way
Build = Callable[[Workload, Netted, list[str]], tuple[Problem, pl.DataFrame, float]]
DUE_DAYS = 5.0
PULL = 0.1


class Rush(NamedTuple):
    """The problem with the rush order, and the plan in force for its operations: -1 where an operation has none."""

    problem: Problem
    netted: Netted
    number: int  # sales order
    machine: Array
    setup_start: Array
    start: Array
    end: Array


def with_rush_order(load: Workload, netted: Netted, placement: Array, build: Build) -> Rush:
    """One more sales order, of the first one's item and quantity, due in five days; what the others have from stock, lots and
    purchases stays theirs.
    """
    orders = load.tables["sales_orders"]
    again, _, names = net(load, (orders["item"][0], float(orders["qty"][0]), DUE_DAYS))
    problem, _, _ = build(load, again, names)
    row = _rows_in_force(load, netted, again, problem, names)
    in_force = (
        np.where(row >= 0, placement[name][row], -1).astype(np.int64)
        for name in ("machine", "setup_start", "start", "end")
    )
    return Rush(problem, again, orders.height, *in_force)


def rush_figures(
    load: Workload, netted: Netted, placement: Array, setting: Setting, tick: float, build: Build
) -> dict[str, float]:
    """The fields `rush_*`, `held_*` and `pushed_*` of `PeerFigures`."""
    rush = with_rush_order(load, netted, placement, build)
    held = hold(rush.problem, rush.machine, rush.setup_start)
    plans = {
        "rush": insert(rush.problem, rush.machine, rush.setup_start, rush.start, rush.end, setting)[1].placement,
        "held": run_pass(held, Setting(setting.k1, setting.k2, HOLD, PULL)).placement,
        "pushed": run_pass(held, Setting(setting.k1, setting.k2, PUSHED, PULL)).placement,
    }
    figures: dict[str, float] = {}
    for name, made in plans.items():
        figures |= {f"{name}_{what}": value for what, value in _compared(rush, made, tick).items()}
    return figures


def _compared(rush: Rush, made: Array, tick: float) -> dict[str, float]:
    """Shares of steps in force that move, days the rush order is late, days the others are later than before."""
    has = rush.machine >= 0
    shift = np.abs(made["start"][has].astype(np.int64) - rush.start[has])
    last = rush.problem.order["first"][1:] - 1
    due = rush.problem.order["due"][:-1]
    late, before = (np.maximum(0, end[last].astype(np.int64) - due) * tick / 86400 for end in (made["end"], rush.end))
    own = rush.netted.demand == rush.number
    others = (rush.netted.demand >= 0) & ~own
    return {
        "moved_pct": round(100 * float((shift > 0).mean()), 2),
        "moved_8h_pct": round(100 * float((shift * tick > 8 * 3600).mean()), 2),
        "late_days": round(float(late[own].max(initial=0.0)), 2),
        "others_late_days": round(float((late - before)[others].sum()), 1),
    }


def _rows_in_force(load: Workload, old: Netted, new: Netted, problem: Problem, names: list[str]) -> Array:
    """For each operation of the new problem its row in the plan in force; -1: it is not in it."""
    per_item = dict(load.tables["routings"].group_by("item").len().iter_rows())
    lengths = np.array([per_item[names[int(i)]] for i in old.item])
    first_old = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    known = _same_orders(old, new)
    first_new = problem.order["first"][known].astype(np.int64)
    within = np.arange(lengths.sum()) - np.repeat(first_old, lengths)
    row = np.full(problem.operation.shape[0], -1, np.int64)
    row[np.repeat(first_new, lengths) + within] = np.repeat(first_old, lengths) + within
    return row


def _same_orders(old: Netted, new: Netted) -> Array:
    """For each order of the old plan its number in the new one: same item, same place among the item's orders."""

    def place(item: Array) -> pl.DataFrame:
        return pl.DataFrame({"item": item}).with_row_index("nr").with_columns(
            pl.int_range(pl.len()).over("item").alias("place")
        )  # fmt: skip

    found = place(old.item).join(place(new.item), on=["item", "place"], how="left", maintain_order="left")
    return found["nr_right"].to_numpy()
