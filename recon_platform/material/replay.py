"""Replay, compiled: net again only what a set of changes can reach, once per combination of changes that matters there.

An item is replayed for every combination of the *players* that reach it: players are cause categories when shares are
wanted (`SHARES`: all subsets up to six players, beyond that one after the other in their fixed order), or single events
when labels are wanted (`LABELS`: none, all, each alone, all but each); `TURNS` is one after the other whatever their number. A player goes on to the components of an item
only where it changes the item's planned releases in some combination; that pruning loses nothing, because releases are
all that components see of their parents.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.changes import NOBODY, Changes, Lines, Shifts
from recon_platform.material.combinations import (
    EACH,
    MAX_EXACT,
    ONE_BY_ONE,
    SUBSETS,
    distinct,
    number_of_states,
    shapley_weights,
)
from recon_platform.material.lots import BOUGHT, LEAD, ON_HAND, SAFETY, size_lots
from recon_platform.material.netting import Axis, Inputs, Netted, net_item, release_day
from recon_platform.material.replay_item import Reach, by_date, changed_inputs, dependent_demand, first_use
from recon_platform.material.replay_shares import (
    DUE,
    DUE_BEFORE,
    DUE_NOW,
    DUE_WITHOUT,
    NEED,
    NEED_BEFORE,
    NEED_NOW,
    NEED_WITHOUT,
    PLAYER,
    ROW,
    SEQUENTIAL,
    share_out,
)
from recon_platform.material.rows import Ints, longer, permute, stable_order

SHARES, LABELS, TURNS = 0, 1, 2


@njit(cache=True)
def _reaching(r: Reach, lines: Lines, changes: Changes, item: int, scratch: Ints) -> tuple[Ints, int, bool]:
    """Players of `item`'s own changes, of its BOM lines, and those its parents pass on, in `scratch`; how many; and
    whether a parent was replayed one player after the other, so that its components must be too."""
    found = 0
    sequential = False
    for e in range(changes.at[item], changes.at[item + 1]):
        scratch = longer(scratch, found + 1)
        scratch[found] = changes.player[e]
        found += 1
    for x in range(lines.at[item], lines.at[item + 1]):
        for player in (lines.added_by[x], lines.dropped_by[x]):
            if player != NOBODY:
                scratch = longer(scratch, found + 1)
                scratch[found] = player
                found += 1
        p = lines.parent[x]
        if r.goes_on[p]:
            if r.kind_of[p] == ONE_BY_ONE:
                sequential = True
            for j in range(r.who_n[p]):
                if r.kept[r.who_at[p] + j]:
                    scratch = longer(scratch, found + 1)
                    scratch[found] = r.who[r.who_at[p] + j]
                    found += 1
    return scratch, found, sequential


@njit(cache=True)
def _differ(r: Reach, one: int, other: int) -> bool:
    """Do two stored states release differently?"""
    n = r.release_at[one + 1] - r.release_at[one]
    if n != r.release_at[other + 1] - r.release_at[other]:
        return True
    for row in range(n):
        x, y = r.release_at[one] + row, r.release_at[other] + row
        if r.rel_day[x] != r.rel_day[y] or r.rel_qty[x] != r.rel_qty[y]:
            return True
    return False


@njit(cache=True)
def _keep(r: Reach, item: int, k: int, kind: int, s: int) -> bool:
    """Mark in `kept` the players that change the releases of `item` (states from `s` on); is there any?"""
    any_kept = False
    at = r.who_at[item]
    for j in range(k):
        differs = False
        if kind == SUBSETS:
            for state in range(1 << k):
                if (state >> j) & 1 == 0 and not differs:
                    differs = _differ(r, s + state, s + (state | (1 << j)))
        elif kind == ONE_BY_ONE:
            differs = _differ(r, s + j, s + j + 1)
        else:
            differs = _differ(r, s, s + 2 + j) or _differ(r, s + 1, s + 2 + k + j)
        r.kept[at + j] = differs
        any_kept = any_kept or differs
    if kind == EACH and not any_kept and _differ(r, s, s + 1):
        any_kept = True
        for j in range(k):
            r.kept[at + j] = 1  # only together do they matter: all of them go on
    return any_kept


@njit(cache=True)
def with_parents(wanted: NDArray[np.bool_], lines: Lines) -> NDArray[np.bool_]:
    """`wanted` with every item above a wanted one; parents have the lower numbers."""
    for item in range(len(wanted) - 1, -1, -1):
        if wanted[item]:
            for x in range(lines.at[item], lines.at[item + 1]):
                wanted[lines.parent[x]] = True
    return wanted


@njit(cache=True)
def replay_all(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    a: Inputs, base: Netted, axis: Axis, lines: Lines, changes: Changes, always_fixed: NDArray[np.bool_],
    fixed_after: int, mode: int, has_parts: NDArray[np.bool_], tie: Ints,
    wanted: NDArray[np.bool_],
) -> Shifts:  # fmt: skip
    """Replay the cone of `changes` on baseline `a` (netted as `base`) and give every supply row's shifts.

    Orders of one day are used by `tie`, as in the netting of either side. Items not `wanted` are left out: whoever
    wants an item wants all above it (`with_parents`)."""
    items = len(a.parameters)
    who_at, who_n = np.zeros(items, dtype=np.int64), np.zeros(items, dtype=np.int64)
    kind_of, first_state = np.zeros(items, dtype=np.int64), np.zeros(items, dtype=np.int64)
    goes_on, reached = np.zeros(items, dtype=np.bool_), np.zeros(items, dtype=np.bool_)
    who, kept = np.empty(1024, dtype=np.int64), np.zeros(1024, dtype=np.int64)
    release_at = np.zeros(4096, dtype=np.int64)
    rel_day, rel_qty = np.empty(4096, dtype=np.int64), np.empty(4096, dtype=np.int64)
    whos = states_stored = rels = 0
    day, qty = np.empty(256, dtype=np.int64), np.empty(256, dtype=np.int64)
    sequence, spare = np.empty(256, dtype=np.int64), np.empty(256, dtype=np.int64)
    net_day, net_qty = np.empty(256, dtype=np.int64), np.empty(256, dtype=np.int64)
    lot_day, lot_started = np.empty(256, dtype=np.int64), np.empty(256, dtype=np.int64)
    lot_good, scratch = np.empty(256, dtype=np.int64), np.empty(64, dtype=np.int64)
    weight = shapley_weights()
    p_now = np.empty(a.parameters.shape[1], dtype=np.float64)
    numbers, shares = np.empty((1024, 7), dtype=np.int64), np.empty((1024, 4), dtype=np.float64)
    out = replays = 0
    for item in range(items):
        if not wanted[item]:
            continue
        r = Reach(goes_on, kind_of, who_at, who_n, first_state, who, kept, release_at, rel_day, rel_qty)
        scratch, found, sequential = _reaching(r, lines, changes, item, scratch)
        if found == 0:
            continue
        k = distinct(scratch, found)
        who, kept = longer(who, whos + k), longer(kept, whos + k)
        who_at[item], who_n[item] = whos, k
        for j in range(k):
            who[whos + j] = scratch[j]
            kept[whos + j] = 0
        whos += k
        kind = SUBSETS
        if mode == LABELS:
            kind = EACH
        elif sequential or k > MAX_EXACT or mode == TURNS:
            kind = ONE_BY_ONE
        states = number_of_states(k, kind)
        kind_of[item] = kind
        reached[item] = True
        s0 = a.supply_at[item]
        rows = a.supply_at[item + 1] - s0
        if rows == 0 and not has_parts[item]:
            continue
        first_state[item] = states_stored
        release_at = longer(release_at, states_stored + states + 1)
        need, due = np.empty((states, rows), dtype=np.int64), np.empty((states, rows), dtype=np.int64)
        amount, order = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
        sorted_due, sorted_amount = np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int64)
        sorted_fixed, sorted_need = np.empty(rows, dtype=np.bool_), np.empty(rows, dtype=np.int64)
        for state in range(states):
            replays += 1
            day, qty, n, moved = changed_inputs(
                a, changes, item, state, k, kind, who, who_at[item], p_now, amount, due[state], day, qty
            )
            r = Reach(goes_on, kind_of, who_at, who_n, first_state, who, kept, release_at, rel_day, rel_qty)
            day, qty, n = dependent_demand(r, base, lines, item, state, k, kind, who_at[item], day, qty, n)
            sequence, spare = longer(sequence, n), longer(spare, n)
            stable_order(day, 0, n, sequence, spare)
            permute(day, 0, n, sequence, spare)
            permute(qty, 0, n, sequence, spare)
            for x in range(rows):
                order[x] = x
            if moved:
                by_date(order, due[state], tie, s0)
            any_fixed = False
            for x in range(rows):
                sorted_due[x] = due[state, order[x]]
                sorted_amount[x] = amount[order[x]]
                sorted_fixed[x] = always_fixed[s0 + order[x]] or sorted_due[x] > fixed_after
                any_fixed = any_fixed or sorted_fixed[x]
            net_day, net_qty = longer(net_day, n + 1), longer(net_qty, n + 1)
            usable = int(p_now[ON_HAND]) - int(p_now[SAFETY])
            nets = net_item(
                day, qty, 0, n, sorted_due, sorted_amount, sorted_fixed, 0, rows, usable, axis.today, axis.never,
                sorted_need, net_day, net_qty, 0,
            )  # fmt: skip
            lots = 0
            if has_parts[item] or any_fixed:
                lots = size_lots(net_day, net_qty, 0, nets, p_now, lot_day, lot_started, lot_good, 0)
                while lots < 0:
                    lot_day, lot_good = longer(lot_day, -lots), longer(lot_good, -lots)
                    lot_started = longer(lot_started, -lots)
                    lots = size_lots(net_day, net_qty, 0, nets, p_now, lot_day, lot_started, lot_good, 0)
            for x in range(rows):
                if sorted_fixed[x]:
                    need[state, order[x]] = first_use(
                        day, qty, n, usable, sorted_due, sorted_amount, sorted_need, sorted_fixed, rows, lot_day,
                        lot_good, lots, x, axis.today, axis.never,
                    )  # fmt: skip
                else:
                    need[state, order[x]] = sorted_need[x]
            release_at[states_stored + state] = rels
            if has_parts[item]:
                rel_day, rel_qty = longer(rel_day, rels + lots), longer(rel_qty, rels + lots)
                for x in range(lots):
                    rel_day[rels] = release_day(
                        lot_day[x], p_now[LEAD], p_now[BOUGHT], axis.first, axis.floor, axis.days
                    )
                    rel_qty[rels] = lot_started[x]
                    rels += 1
            release_at[states_stored + state + 1] = rels
        if has_parts[item]:
            r = Reach(goes_on, kind_of, who_at, who_n, first_state, who, kept, release_at, rel_day, rel_qty)
            goes_on[item] = _keep(r, item, k, kind, states_stored)
        if goes_on[item]:
            states_stored += states
        else:
            rels = release_at[states_stored]
        numbers, shares, out = share_out(need, due, k, kind, weight, s0, who, who_at[item], numbers, shares, out)
    whole, days = numbers[:out], shares[:out]
    return Shifts(
        whole[:, ROW].copy(), whole[:, PLAYER].copy(), days[:, NEED].copy(), days[:, DUE].copy(), days[:, NEED_WITHOUT].copy(),
        days[:, DUE_WITHOUT].copy(), whole[:, SEQUENTIAL] == 1, whole[:, NEED_BEFORE].copy(), whole[:, NEED_NOW].copy(),
        whole[:, DUE_BEFORE].copy(), whole[:, DUE_NOW].copy(), reached, replays,
    )  # fmt: skip
