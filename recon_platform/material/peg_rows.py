"""Pegs as rows by number, compiled: who is who stays an index until somebody needs the name, and rows are put in order
item by item, because pegs never leave their item."""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.netting import Netted
from recon_platform.material.pegging import GROSS_DEMAND, OPEN_ORDER, PLANNED_ORDER, SAFETY_DEMAND, SURPLUS, Pegs
from recon_platform.material.problem import Problem
from recon_platform.material.rows import Ints, longer, stable_order

Short = NDArray[np.int32]
NOT_HERE = -(10**9)  # no day: stock, or supply whose day the scheduler decides


@njit(cache=True)
def _numbers(p: Pegs, n: Netted, demand_order: Ints, items: int, opens: int) -> tuple[Short, ...]:
    """Per peg: supply and demand by id, the consuming made order, own demand row, BOM line, day of the demand."""
    rows = len(p.item)
    planned = len(n.planned_day)
    supply_id, demand_id = np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int32)
    parent, own = np.full(rows, -1, dtype=np.int32), np.full(rows, -1, dtype=np.int32)
    line, day = np.full(rows, -1, dtype=np.int32), np.zeros(rows, dtype=np.int32)
    for i in range(rows):
        before = 0
        if p.supply_kind[i] == OPEN_ORDER:
            before = items
        elif p.supply_kind[i] == PLANNED_ORDER:
            before = items + opens
        supply_id[i] = p.supply[i] + before
        if p.demand_kind[i] != GROSS_DEMAND:
            demand_id[i] = p.demand[i] + (0 if p.demand_kind[i] == SAFETY_DEMAND else items)
            continue
        source = n.gross_source[p.demand[i]]
        line[i] = n.gross_line[p.demand[i]]
        day[i] = n.gross_day[p.demand[i]]
        if source < 0:
            parent[i] = opens - 1 - source
        else:
            own[i] = source
            parent[i] = demand_order[source]
        demand_id[i] = 2 * items + (parent[i] if parent[i] >= 0 else opens + planned + source)
    return supply_id, demand_id, parent, own, line, day


def peg_rows(problem: Problem, netted: Netted, pegs: Pegs) -> pl.DataFrame:
    """Pegs by row, in numbers.

    `supply_id` counts items (their stock), open orders, planned orders; `demand_id` items twice (safety stock, surplus),
    open orders (their components), planned orders, own demand. `parent` is the made order that consumes: the row of an open
    order, or the number of open orders plus the row of a planned one; −1 for demand that is not a component.
    """
    supply_id, demand_id, parent, own, line, day = _numbers(
        pegs, netted, problem.demand_order, problem.items.height, problem.orders.height
    )
    return pl.DataFrame(
        {
            "ix": pegs.item, "supply_kind": pegs.supply_kind, "supply_row": pegs.supply, "supply_id": supply_id,
            "demand_id": demand_id, "parent": parent, "demand_row": own, "line": line,
            "surplus": pegs.demand_kind == SURPLUS, "gross": pegs.demand_kind == GROSS_DEMAND, "day": day,
            "micro_qty": pegs.qty,
        }
    )  # fmt: skip


@njit(cache=True)
def rows_in_order(at: Ints, items: Ints, keys: Ints) -> Ints:
    """Rows by item in the order of `items`, within an item by key; rows `at[item] … at[item + 1]` are the item's."""
    rows = np.empty(len(keys), dtype=np.int64)
    order = np.empty(256, dtype=np.int64)
    spare = np.empty(256, dtype=np.int64)
    made = 0
    for item in items:
        begin = at[item]
        count = at[item + 1] - begin
        order = longer(order, count)
        spare = longer(spare, count)
        stable_order(keys, begin, count, order, spare)
        for k in range(count):
            rows[made] = begin + order[k]
            made += 1
    return rows


@njit(cache=True)
def latest_pegs(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    parent: Short, kind: Ints, row: Ints, opened: Ints, planned: Ints, parents: int
) -> tuple[Ints, Ints]:
    """Per made order, the peg whose supply comes last (the last row of equals; −1 for none) and its day. `opened` and
    `planned` say when each order is there, `NOT_HERE` for those that do not count."""
    peg = np.full(parents, -1, dtype=np.int64)
    when = np.full(parents, NOT_HERE, dtype=np.int64)
    for i in range(len(parent)):
        day = NOT_HERE
        if kind[i] == OPEN_ORDER:
            day = opened[row[i]]
        elif kind[i] == PLANNED_ORDER:
            day = planned[row[i]]
        if parent[i] >= 0 and day > NOT_HERE and day >= when[parent[i]]:
            peg[parent[i]] = i
            when[parent[i]] = day
    return peg, when
