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

Ints = NDArray[np.int64]
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
def release_day(day: int, lead: float, bought: float, first: int, floor: Ints, days: Ints) -> int:
    """Latest day to start or order for a receipt on `day`: working days for made, calendar days for bought items."""
    steps = int(np.ceil(lead - 1e-9))
    last = first + len(floor) - 1
    if bought > 0:
        at = min(max(day - steps, first), last)
        return days[floor[at - first]]
    at = min(max(day, first), last)
    return days[max(floor[at - first] - steps, 0)]


@njit(cache=True)
def net_item(
    day: Ints, qty: Ints, n: int, supply_day: Ints, supply_qty: Ints, supply_fixed: NDArray[np.bool_], n_supply: int,
    usable: int, today: int, never: int, need: Ints, net_day: Ints, net_qty: Ints,
) -> int:  # fmt: skip
    """Net one item: fills `need` per supply (in the given order, which is that of their dates) and the net
    requirements; gives their number. Demand is sorted by day.

    n_k = min{t : cumulative gross(t) > on hand − safety stock + Σ_{j<k} q_j}; a fixed order keeps its own date.
    """
    balance = usable
    k = 0
    fixed = 0
    found = 0
    i = 0
    for s in range(n_supply):
        need[s] = supply_day[s] if supply_fixed[s] else never
    opening = balance < 0
    while i < n or opening:
        t = day[i] if i < n else today
        if opening:
            t = min(t, today)
            opening = False
        while fixed < n_supply and supply_day[fixed] <= t:
            if supply_fixed[fixed]:
                balance += supply_qty[fixed]
            fixed += 1
        while i < n and day[i] == t:
            balance -= qty[i]
            i += 1
        while balance < 0 and k < n_supply:
            if not supply_fixed[k]:
                need[k] = t
                balance += supply_qty[k]
            k += 1
        if balance < 0:
            net_day[found] = t
            net_qty[found] = -balance
            found += 1
            balance = 0
    return found


@njit(cache=True)
def _longer(values: Ints, size: int) -> Ints:
    grown = np.empty(max(size, 2 * len(values)), dtype=np.int64)
    grown[: len(values)] = values
    return grown


@njit(cache=True)
def net_all(a: Inputs, axis: Axis) -> Netted:
    """Net every item, parents before components (items are numbered in that order)."""
    items = len(a.parameters)
    own = len(a.demand_day)
    need = np.empty(len(a.supply_day), dtype=np.int64)
    room = own + 1024
    gross_day = np.empty(room, dtype=np.int64)
    gross_qty = np.empty(room, dtype=np.int64)
    gross_source = np.empty(room, dtype=np.int64)
    gross_line = np.empty(room, dtype=np.int64)
    gross_at = np.zeros(items + 1, dtype=np.int64)
    planned_at = np.zeros(items + 1, dtype=np.int64)
    planned_day = np.empty(1024, dtype=np.int64)
    planned_started = np.empty(1024, dtype=np.int64)
    planned_good = np.empty(1024, dtype=np.int64)
    planned_start = np.empty(1024, dtype=np.int64)
    net_at = np.zeros(items + 1, dtype=np.int64)
    net_day = np.empty(room, dtype=np.int64)
    net_qty = np.empty(room, dtype=np.int64)
    lot_day = np.empty(256, dtype=np.int64)
    lot_started = np.empty(256, dtype=np.int64)
    lot_good = np.empty(256, dtype=np.int64)
    g = 0
    made = 0
    nets = 0
    for item in range(items):
        p = a.parameters[item]
        begin = g
        rows = a.demand_at[item + 1] - a.demand_at[item]
        for line in range(a.line_at[item], a.line_at[item + 1]):
            rows += planned_at[a.line_parent[line] + 1] - planned_at[a.line_parent[line]]
        if g + rows > len(gross_day):
            gross_day = _longer(gross_day, g + rows)
            gross_qty = _longer(gross_qty, g + rows)
            gross_source = _longer(gross_source, g + rows)
            gross_line = _longer(gross_line, g + rows)
        for d in range(a.demand_at[item], a.demand_at[item + 1]):
            gross_day[g] = a.demand_day[d]
            gross_qty[g] = a.demand_qty[d]
            gross_source[g] = d
            gross_line[g] = -1
            g += 1
        sorted_so_far = g
        for line in range(a.line_at[item], a.line_at[item + 1]):
            parent = a.line_parent[line]
            for r in range(planned_at[parent], planned_at[parent + 1]):
                if a.line_from[line] <= planned_start[r] < a.line_to[line]:
                    gross_day[g] = planned_start[r]
                    gross_qty[g] = int(np.floor(planned_started[r] * a.line_qty[line] + 0.5)) + a.line_fixed[line]
                    gross_source[g] = -1 - r
                    gross_line[g] = line
                    g += 1
        if g > sorted_so_far and g - begin > 1:
            order = np.argsort(gross_day[begin:g], kind="mergesort")
            gross_day[begin:g] = gross_day[begin:g][order]
            gross_qty[begin:g] = gross_qty[begin:g][order]
            gross_source[begin:g] = gross_source[begin:g][order]
            gross_line[begin:g] = gross_line[begin:g][order]
        gross_at[item + 1] = g
        s, e = a.supply_at[item], a.supply_at[item + 1]
        if nets + (g - begin) + 1 > len(net_day):
            net_day = _longer(net_day, nets + (g - begin) + 1)
            net_qty = _longer(net_qty, nets + (g - begin) + 1)
        usable = int(p[ON_HAND]) - int(p[SAFETY])
        found = net_item(
            gross_day[begin:g], gross_qty[begin:g], g - begin, a.supply_day[s:e], a.supply_qty[s:e],
            a.supply_fixed[s:e], e - s, usable, axis.today, axis.never, need[s:e], net_day[nets:], net_qty[nets:],
        )  # fmt: skip
        if found > 0:
            lots = size_lots(net_day[nets:], net_qty[nets:], found, p, lot_day, lot_started, lot_good)
            while lots < 0:
                lot_day = _longer(lot_day, -lots)
                lot_started = _longer(lot_started, -lots)
                lot_good = _longer(lot_good, -lots)
                lots = size_lots(net_day[nets:], net_qty[nets:], found, p, lot_day, lot_started, lot_good)
            if made + lots > len(planned_day):
                planned_day = _longer(planned_day, made + lots)
                planned_started = _longer(planned_started, made + lots)
                planned_good = _longer(planned_good, made + lots)
                planned_start = _longer(planned_start, made + lots)
            for x in range(lots):
                planned_day[made] = lot_day[x]
                planned_started[made] = lot_started[x]
                planned_good[made] = lot_good[x]
                planned_start[made] = release_day(lot_day[x], p[LEAD], p[BOUGHT], axis.first, axis.floor, axis.days)
                made += 1
            nets += found
        planned_at[item + 1] = made
        net_at[item + 1] = nets
    return Netted(
        need, gross_at, gross_day[:g], gross_qty[:g], gross_source[:g], gross_line[:g], planned_at,
        planned_day[:made], planned_started[:made], planned_good[:made], planned_start[:made], net_at, net_day[:nets],
        net_qty[:nets],
    )  # fmt: skip
