"""One item in one state, compiled: what its changes and its parents' releases make of its inputs.

Belongs here: parameters, open orders and gross requirements of a state. Which states there are is `replay`'s.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.changes import (
    GROSS_ADD,
    NOBODY,
    OPEN_QTY_ADD,
    PARAMETER_ADD,
    PARAMETER_SET,
    Changes,
    Floats,
    Lines,
)
from recon_platform.material.combinations import EACH, is_in, position, state_of
from recon_platform.material.netting import Inputs, Netted
from recon_platform.material.rows import Ints, longer


class Reach(NamedTuple):
    """Who reaches each item and what it releases in each of its states, for the items replayed so far.

    `who[who_at[i] : who_at[i] + who_n[i]]` are the players of item i, `kept` those that go on to its components;
    `release_at[first_state[i] + s]` is where its releases in state s begin.
    """

    goes_on: NDArray[np.bool_]
    kind_of: Ints
    who_at: Ints
    who_n: Ints
    first_state: Ints
    who: Ints
    kept: Ints
    release_at: Ints
    rel_day: Ints
    rel_qty: Ints


@njit(cache=True)
def changed_inputs(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    a: Inputs, changes: Changes, item: int, state: int, k: int, kind: int, who: Ints, who_at: int, p_now: Floats,
    amount: Ints, due: Ints, day: Ints, qty: Ints,
) -> tuple[Ints, Ints, int, bool]:  # fmt: skip
    """Fill parameters `p_now`, open quantities `amount` and dates `due` of `item`, and its own demand into `day`, `qty`.

    Gives the demand arrays (longer ones where they had to grow), the number of demands, and whether a date moved.
    """
    n = a.demand_at[item + 1] - a.demand_at[item]
    day, qty = longer(day, n), longer(qty, n)
    for x in range(n):
        day[x] = a.demand_day[a.demand_at[item] + x]
        qty[x] = a.demand_qty[a.demand_at[item] + x]
    for x in range(len(p_now)):
        p_now[x] = a.parameters[item, x]
    s0 = a.supply_at[item]
    for x in range(len(amount)):
        amount[x] = a.supply_qty[s0 + x]
        due[x] = a.supply_day[s0 + x]
    moved = False
    for e in range(changes.at[item], changes.at[item + 1]):
        if not is_in(state, position(who, who_at, who_at + k, changes.player[e]), k, kind):
            continue
        operation = changes.operation[e]
        if operation == PARAMETER_ADD:
            p_now[changes.column[e]] += changes.value[e]
        elif operation == PARAMETER_SET:
            p_now[changes.column[e]] = changes.value[e]
        elif operation == GROSS_ADD:
            day, qty = longer(day, n + 1), longer(qty, n + 1)
            day[n] = changes.day[e]
            qty[n] = int(changes.value[e])
            n += 1
        elif operation == OPEN_QTY_ADD:
            amount[changes.column[e] - s0] += int(changes.value[e])
        else:
            due[changes.column[e] - s0] = changes.day[e]
            moved = True
    for x in range(len(amount)):
        amount[x] = max(amount[x], 0)
    return day, qty, n, moved


@njit(cache=True)
def parent_state(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    r: Reach, parent: int, state: int, k: int, kind: int, who_at: int
) -> int:
    """The state of `parent` that goes with `state` of a component whose `k` players begin at `who_at`."""
    pk = r.who_n[parent]
    each = r.kind_of[parent] == EACH
    inside = np.zeros(pk, dtype=np.bool_)
    single = without = -1
    for j in range(pk):
        if not r.kept[r.who_at[parent] + j] and not each:
            continue
        here = position(r.who, who_at, who_at + k, r.who[r.who_at[parent] + j])
        inside[j] = here >= 0 and is_in(state, here, k, kind)
        if here >= 0 and kind == EACH:
            if state == 2 + here:
                single = j
            elif state == 2 + k + here:
                without = j
    if each:
        for j in range(pk):
            inside[j] = state == 1 or state >= 2 + k
    return state_of(inside, pk, r.kind_of[parent], single, without)


@njit(cache=True)
def dependent_demand(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    r: Reach, base: Netted, lines: Lines, item: int, state: int, k: int, kind: int, who_at: int, day: Ints, qty: Ints,
    n: int,
) -> tuple[Ints, Ints, int]:  # fmt: skip
    """Add what the parents of `item` release in `state` to its `n` requirements; gives arrays and number."""
    for x in range(lines.at[item], lines.at[item + 1]):
        added, dropped = lines.added_by[x], lines.dropped_by[x]
        if added != NOBODY and not is_in(state, position(r.who, who_at, who_at + k, added), k, kind):
            continue
        if dropped != NOBODY and is_in(state, position(r.who, who_at, who_at + k, dropped), k, kind):
            continue
        parent = lines.parent[x]
        if r.goes_on[parent]:
            at = r.first_state[parent] + parent_state(r, parent, state, k, kind, who_at)
            begin, end = r.release_at[at], r.release_at[at + 1]
            starts, started = r.rel_day, r.rel_qty
        else:
            begin, end = base.planned_at[parent], base.planned_at[parent + 1]
            starts, started = base.planned_start, base.planned_started
        day, qty = longer(day, n + end - begin), longer(qty, n + end - begin)
        for row in range(begin, end):
            if lines.begins[x] <= starts[row] < lines.ends[x]:
                day[n] = starts[row]
                qty[n] = int(started[row] * lines.qty[x] + 0.5) + lines.fixed[x]
                n += 1
    return day, qty, n


@njit(cache=True)
def by_date(order: Ints, due: Ints, tie: Ints, s0: int) -> None:
    """Put the item's supply rows into the order of their dates, those of one day by `tie`."""
    for i in range(1, len(order)):
        row = order[i]
        j = i - 1
        while j >= 0 and (
            due[order[j]] > due[row] or (due[order[j]] == due[row] and tie[s0 + order[j]] > tie[s0 + row])
        ):
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = row


@njit(cache=True)
def first_use(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    day: Ints, qty: Ints, n: int, usable: int, due: Ints, amount: Ints, need: Ints, fixed: NDArray[np.bool_], rows: int,
    lot_day: Ints, lot_good: Ints, lots: int, row: int, today: int, never: int,
) -> int:  # fmt: skip
    """First day on which a fixed order is needed, when supply is used by date: what pegging says of it."""
    ahead = usable
    for x in range(rows):
        when = due[x] if fixed[x] else need[x]
        if x != row and (when < due[row] or (when == due[row] and x < row)):
            ahead += amount[x]
    for x in range(lots):
        if lot_day[x] < due[row]:
            ahead += lot_good[x]
    if ahead < 0:
        return min(today, day[0]) if n > 0 else today
    total = 0
    for x in range(n):
        total += qty[x]
        if total > ahead:
            return day[x]
    return never
