"""Pegging, compiled: first needed, first served, item by item, and what each order inherits from above.

The supply of an item is used in the order netting used it: stock, open orders on the day netting gives them, planned
orders. Demand is served by day; safety stock comes first, because it is deducted first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from recon_platform.material.lots import ON_HAND, SAFETY
from recon_platform.material.netting import Axis, Inputs, Netted
from recon_platform.material.rows import Ints, longer, stable_order

STOCK, OPEN_ORDER, PLANNED_ORDER = 0, 1, 2
SAFETY_DEMAND, GROSS_DEMAND, SURPLUS = 0, 1, 2
NO_RANK = 2**62


class Pegs(NamedTuple):
    """One row per (supply, demand) pair, in netting order of the items.

    `supply` is the item, the supply row or the planned order by `supply_kind`; `demand` the item or the gross row by
    `demand_kind`. Per order: quantity needed at all, quantity needed before its date, and the best rank above it.
    """

    item: Ints
    supply_kind: Ints
    supply: Ints
    demand_kind: Ints
    demand: Ints
    qty: Ints
    open_used: Ints
    open_early: Ints
    open_first: Ints  # first day on which it is pegged; `never` if it is not
    open_rank: Ints
    planned_rank: Ints


@njit(cache=True)
def peg_all(a: Inputs, n: Netted, axis: Axis, demand_rank: Ints, demand_order: Ints) -> Pegs:
    """Peg every item. `demand_rank` orders own demand by importance (smaller first, NO_RANK for none);
    `demand_order` is the supply row of the work order whose component the demand is, or −1."""
    items = len(a.parameters)
    room = len(n.gross_day) + len(a.supply_day) + len(n.planned_day) + 3 * items
    item_of = np.empty(room, dtype=np.int64)
    supply_kind = np.empty(room, dtype=np.int64)
    supply_of = np.empty(room, dtype=np.int64)
    demand_kind = np.empty(room, dtype=np.int64)
    demand_of = np.empty(room, dtype=np.int64)
    qty_of = np.empty(room, dtype=np.int64)
    open_used = np.zeros(len(a.supply_day), dtype=np.int64)
    open_early = np.zeros(len(a.supply_day), dtype=np.int64)
    open_first = np.full(len(a.supply_day), axis.never, dtype=np.int64)
    open_rank = np.full(len(a.supply_day), NO_RANK, dtype=np.int64)
    planned_rank = np.full(len(n.planned_day), NO_RANK, dtype=np.int64)
    when = np.empty(256, dtype=np.int64)
    order = np.empty(256, dtype=np.int64)
    spare = np.empty(256, dtype=np.int64)
    rows = 0
    for item in range(items):
        s, e = a.supply_at[item], a.supply_at[item + 1]
        ps, pe = n.planned_at[item], n.planned_at[item + 1]
        gs, ge = n.gross_at[item], n.gross_at[item + 1]
        on_hand = int(a.parameters[item, ON_HAND])
        safety = int(a.parameters[item, SAFETY]) + max(-on_hand, 0)
        count = 1 + (e - s) + (pe - ps)
        when = longer(when, count)
        order = longer(order, count)
        spare = longer(spare, count)
        when[0] = -NO_RANK
        for x in range(s, e):
            when[1 + x - s] = n.need[x]
        for x in range(ps, pe):
            when[1 + (e - s) + x - ps] = n.planned_day[x]
        stable_order(when, 0, count, order, spare)
        d = gs - 1 if safety > 0 else gs
        left = safety if safety > 0 else (n.gross_qty[gs] if gs < ge else 0)
        for position in range(count):
            x = order[position]
            if x == 0:
                kind, which, have = STOCK, item, max(on_hand, 0)
            elif x <= e - s:
                kind, which, have = OPEN_ORDER, s + x - 1, a.supply_qty[s + x - 1]
            else:
                kind, which = PLANNED_ORDER, ps + x - 1 - (e - s)
                have = n.planned_good[which]
            while have > 0:
                while d < ge and left == 0:
                    d += 1
                    left = n.gross_qty[d] if d < ge else 0
                item_of[rows] = item
                supply_kind[rows] = kind
                supply_of[rows] = which
                if d >= ge:
                    demand_kind[rows] = SURPLUS
                    demand_of[rows] = item
                    qty_of[rows] = have
                    rows += 1
                    break
                taken = min(have, left)
                have -= taken
                left -= taken
                qty_of[rows] = taken
                day = axis.today
                rank = NO_RANK
                if d < gs:
                    demand_kind[rows] = SAFETY_DEMAND
                    demand_of[rows] = item
                    if gs < ge:
                        day = min(day, n.gross_day[gs])
                else:
                    demand_kind[rows] = GROSS_DEMAND
                    demand_of[rows] = d
                    day = n.gross_day[d]
                    source = n.gross_source[d]
                    if source < 0:
                        rank = planned_rank[-1 - source]
                    elif demand_order[source] >= 0:
                        rank = open_rank[demand_order[source]]
                    else:
                        rank = demand_rank[source]
                if kind == OPEN_ORDER:
                    open_used[which] += taken
                    open_first[which] = min(open_first[which], day)
                    open_rank[which] = min(open_rank[which], rank)
                    if day < a.supply_day[which]:
                        open_early[which] += taken
                elif kind == PLANNED_ORDER:
                    planned_rank[which] = min(planned_rank[which], rank)
                rows += 1
    return Pegs(
        item_of[:rows], supply_kind[:rows], supply_of[:rows], demand_kind[:rows], demand_of[:rows], qty_of[:rows],
        open_used, open_early, open_first, open_rank, planned_rank,
    )  # fmt: skip
