"""Netting, compiled: one item, and all items by low-level code.

Mode R inside the reschedule horizon: open orders are used in due-date order on the first day on which they are
needed, and planned orders only cover what is left. Mode S outside it: an open order counts on its own date.
Safety stock is deducted before anything else. Nothing here knows tables; `problem` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.lots import BOUGHT, LEAD, ON_HAND, SAFETY, size_lots
from recon_platform.material.rows import Ints, longer, permute, stable_order

Floats = NDArray[np.float64]


class Axis(NamedTuple):
    """The working-day axis (see `work_days`), today, and the day that stands for “never”."""

    first: int
    floor: Ints
    days: Ints
    today: int
    never: int


class Inputs(NamedTuple):
    """One netting problem in arrays. Offsets `*_at` have one entry per item and one more."""

    parameters: Floats  # item × parameter (see `lots`)
    supply_at: Ints
    supply_day: Ints
    supply_qty: Ints
    supply_fixed: NDArray[np.bool_]
    demand_at: Ints
    demand_day: Ints
    demand_qty: Ints
    line_at: Ints  # BOM lines by component
    line_parent: Ints
    line_qty: Floats  # per unit started, scrap included
    line_fixed: Ints
    line_from: Ints
    line_to: Ints


class Netted(NamedTuple):
    """What netting found. `gross_*` is every requirement, own and dependent, by item and day: `gross_source` is the own
    demand's index, or −1 − index of the planned order that causes it, through BOM line `gross_line`."""

    need: Ints  # per supply row: first day needed
    gross_at: Ints
    gross_day: Ints
    gross_qty: Ints
    gross_source: Ints
    gross_line: Ints
    planned_at: Ints
    planned_day: Ints
    planned_started: Ints
    planned_good: Ints
    planned_start: Ints
    net_at: Ints
    net_day: Ints
    net_qty: Ints


@njit(cache=True)
def release_day(day: int, lead: float, bought: float, first: int, floor: Ints, days: Ints) -> int:  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    """Latest day to start or order for a receipt on `day`: working days for made, calendar days for bought items."""
    steps = int(np.ceil(lead - 1e-9))
    last = first + len(floor) - 1
    if bought > 0:
        at = min(max(day - steps, first), last)
        return days[floor[at - first]]
    at = min(max(day, first), last)
    return days[max(floor[at - first] - steps, 0)]


@njit(cache=True)
def net_item(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    day: Ints, qty: Ints, begin: int, end: int, supply_day: Ints, supply_qty: Ints, supply_fixed: NDArray[np.bool_],
    first: int, last: int, usable: int, today: int, never: int, need: Ints, net_day: Ints, net_qty: Ints, at: int,
) -> int:  # fmt: skip
    """Net one item: demand rows `begin…end` by day against supply rows `first…last` by date. Fills `need` per supply row
    and net requirements from `at` on; gives their number.

    n_k = min{t : cumulative gross(t) > on hand − safety stock + Σ_{j<k} q_j}; a fixed order keeps its own date.
    """
    balance = usable
    k = fixed = first
    found = 0
    i = begin
    for s in range(first, last):
        need[s] = supply_day[s] if supply_fixed[s] else never
    opening = balance < 0
    while i < end or opening:
        t = day[i] if i < end else today
        if opening:
            t = min(t, today)
            opening = False
        while fixed < last and supply_day[fixed] <= t:
            if supply_fixed[fixed]:
                balance += supply_qty[fixed]
            fixed += 1
        while i < end and day[i] == t:
            balance -= qty[i]
            i += 1
        while balance < 0 and k < last:
            if not supply_fixed[k]:
                need[k] = t
                balance += supply_qty[k]
            k += 1
        if balance < 0:
            net_day[at + found] = t
            net_qty[at + found] = -balance
            found += 1
            balance = 0
    return found


@njit(cache=True)
def net_all(a: Inputs, axis: Axis) -> Netted:
    """Net every item, parents before components (items are numbered in that order)."""
    items = len(a.parameters)
    room = len(a.demand_day) + 1024
    need = np.empty(len(a.supply_day), dtype=np.int64)
    gross_day = np.empty(room, dtype=np.int64)
    gross_qty = np.empty(room, dtype=np.int64)
    gross_source = np.empty(room, dtype=np.int64)
    gross_line = np.empty(room, dtype=np.int64)
    net_day = np.empty(room, dtype=np.int64)
    net_qty = np.empty(room, dtype=np.int64)
    gross_at = np.zeros(items + 1, dtype=np.int64)
    planned_at = np.zeros(items + 1, dtype=np.int64)
    net_at = np.zeros(items + 1, dtype=np.int64)
    planned_day = np.empty(1024, dtype=np.int64)
    planned_started = np.empty(1024, dtype=np.int64)
    planned_good = np.empty(1024, dtype=np.int64)
    planned_start = np.empty(1024, dtype=np.int64)
    order = np.empty(256, dtype=np.int64)
    spare = np.empty(256, dtype=np.int64)
    g = made = nets = 0
    for item in range(items):
        p = a.parameters[item]
        begin = g
        rows = a.demand_at[item + 1] - a.demand_at[item]
        for line in range(a.line_at[item], a.line_at[item + 1]):
            rows += planned_at[a.line_parent[line] + 1] - planned_at[a.line_parent[line]]
        gross_day = longer(gross_day, g + rows)
        gross_qty = longer(gross_qty, g + rows)
        gross_source = longer(gross_source, g + rows)
        gross_line = longer(gross_line, g + rows)
        for d in range(a.demand_at[item], a.demand_at[item + 1]):
            gross_day[g] = a.demand_day[d]
            gross_qty[g] = a.demand_qty[d]
            gross_source[g] = d
            gross_line[g] = -1
            g += 1
        own = g
        for line in range(a.line_at[item], a.line_at[item + 1]):
            parent = a.line_parent[line]
            for r in range(planned_at[parent], planned_at[parent + 1]):
                if a.line_from[line] <= planned_start[r] < a.line_to[line]:
                    gross_day[g] = planned_start[r]
                    gross_qty[g] = int(planned_started[r] * a.line_qty[line] + 0.5) + a.line_fixed[line]
                    gross_source[g] = -1 - r
                    gross_line[g] = line
                    g += 1
        if g > own and g - begin > 1:
            n = g - begin
            order = longer(order, n)
            spare = longer(spare, n)
            stable_order(gross_day, begin, n, order, spare)
            permute(gross_day, begin, n, order, spare)
            permute(gross_qty, begin, n, order, spare)
            permute(gross_source, begin, n, order, spare)
            permute(gross_line, begin, n, order, spare)
        gross_at[item + 1] = g
        net_day = longer(net_day, nets + (g - begin) + 1)
        net_qty = longer(net_qty, nets + (g - begin) + 1)
        usable = int(p[ON_HAND]) - int(p[SAFETY])
        found = net_item(
            gross_day, gross_qty, begin, g, a.supply_day, a.supply_qty, a.supply_fixed, a.supply_at[item],
            a.supply_at[item + 1], usable, axis.today, axis.never, need, net_day, net_qty, nets,
        )  # fmt: skip
        if found > 0:
            lots = size_lots(net_day, net_qty, nets, nets + found, p, planned_day, planned_started, planned_good, made)
            while lots < 0:
                planned_day = longer(planned_day, -lots)
                planned_started = longer(planned_started, -lots)
                planned_good = longer(planned_good, -lots)
                lots = size_lots(
                    net_day, net_qty, nets, nets + found, p, planned_day, planned_started, planned_good, made
                )
            planned_start = longer(planned_start, made + lots)
            for x in range(made, made + lots):
                planned_start[x] = release_day(planned_day[x], p[LEAD], p[BOUGHT], axis.first, axis.floor, axis.days)
            made += lots
            nets += found
        planned_at[item + 1] = made
        net_at[item + 1] = nets
    return Netted(
        need, gross_at, gross_day[:g], gross_qty[:g], gross_source[:g], gross_line[:g], planned_at,
        planned_day[:made], planned_started[:made], planned_good[:made], planned_start[:made], net_at, net_day[:nets],
        net_qty[:nets],
    )  # fmt: skip
