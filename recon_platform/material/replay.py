"""Replay, compiled: net again only what a set of changes can reach, once per combination of changes that matters there.

An item is replayed for every combination of the *players* that reach it: players are cause categories when shares are
wanted (`SHARES`: all subsets up to six players, beyond that one after the other in their fixed order), or single events
when labels are wanted (`LABELS`: none, all, each alone, all but each). A player goes on to the components of an item
only where it changes the item's planned releases in some combination; that pruning loses nothing, because releases are
all that components see of their parents.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.lots import BOUGHT, LEAD, ON_HAND, SAFETY, size_lots
from recon_platform.material.netting import Axis, Inputs, Netted, net_item, release_day
from recon_platform.material.rows import Ints, longer, longer_floats, permute, stable_order

Floats = NDArray[np.float64]

SHARES, LABELS = 0, 1
PARAMETER_ADD, PARAMETER_SET, GROSS_ADD, OPEN_QTY_ADD, OPEN_DAY_SET = range(5)
MAX_EXACT = 6
NOBODY = -1


class Changes(NamedTuple):
    """Changes to a baseline, sorted by item (`at`: offsets). `column` is the parameter or the supply row, `day` the day of
    a gross requirement or the new date; `value` the amount or the new value. Replacements of one cell apply in order."""

    at: Ints
    operation: Ints
    player: Ints
    column: Ints
    day: Ints
    value: Floats


class Lines(NamedTuple):
    """BOM lines by component of baseline and now together; a line is there if its `added_by` player is in (NOBODY: it
    always was) and its `dropped_by` player is not."""

    at: Ints
    parent: Ints
    qty: Floats
    fixed: Ints
    begins: Ints
    ends: Ints
    added_by: Ints
    dropped_by: Ints


class Shifts(NamedTuple):
    """Per supply row that moved and player: how far (days) the need and the date moved because of it.

    In `LABELS` the shares are what the event does alone, and what is lost without it (`*_without`)."""

    row: Ints
    player: Ints
    need: Floats
    due: Floats
    need_without: Floats
    due_without: Floats
    sequential: NDArray[np.bool_]
    need_before: Ints
    need_now: Ints
    due_before: Ints
    due_now: Ints
    reached: NDArray[np.bool_]  # per item
    replays: int


@njit(cache=True)
def _players(scratch: Ints, found: int) -> int:
    """Sort the first `found` entries and drop repetitions, in place; gives how many are left."""
    left = 0
    for i in range(found):
        player = scratch[i]
        j = left - 1
        while j >= 0 and scratch[j] > player:
            j -= 1
        if j >= 0 and scratch[j] == player:
            continue
        for x in range(left, j + 1, -1):
            scratch[x] = scratch[x - 1]
        scratch[j + 1] = player
        left += 1
    return left


@njit(cache=True)
def _in(state: int, j: int, k: int, kind: int) -> bool:
    """Is the item's player number `j` of `k` in `state`? kind: 0 subsets, 1 one after the other, 2 labels."""
    if kind == 0:
        return (state >> j) & 1 == 1
    if kind == 1:
        return j < state
    if state == 0:
        return False
    if state == 1:
        return True
    if state < 2 + k:
        return state - 2 == j
    return state - 2 - k != j


@njit(cache=True)
def _state_of(inside: NDArray[np.bool_], k: int, kind: int, single: int, without: int) -> int:
    """The parent's state for a combination given as membership of its own players."""
    if kind == 0:
        state = 0
        for j in range(k):
            if inside[j]:
                state |= 1 << j
        return state
    if kind == 1:
        state = 0
        for j in range(k):
            if inside[j]:
                state = j + 1
        return state
    if single >= 0:
        return 2 + single
    if without >= 0:
        return 2 + k + without
    return 1 if k > 0 and inside[0] else 0


@njit(cache=True)
def _position(ids: Ints, begin: int, end: int, player: int) -> int:
    for x in range(begin, end):
        if ids[x] == player:
            return x - begin
    return -1


@njit(cache=True)
def _first_use(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
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


@njit(cache=True)
def replay_all(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    a: Inputs, base: Netted, axis: Axis, lines: Lines, changes: Changes, always_fixed: NDArray[np.bool_],
    fixed_after: int, mode: int, has_parts: NDArray[np.bool_], tie: Ints,
) -> Shifts:  # fmt: skip
    """Replay the cone of `changes` on baseline `a` (netted as `base`) and give every supply row's shifts.

    Orders of one day are used by `tie`, as in the netting of either side."""
    items = len(a.parameters)
    who = np.empty(1024, dtype=np.int64)  # players of each item, ascending
    who_at = np.zeros(items, dtype=np.int64)
    who_n = np.zeros(items, dtype=np.int64)
    kept = np.zeros(1024, dtype=np.int64)
    kind_of = np.zeros(items, dtype=np.int64)
    goes_on = np.zeros(items, dtype=np.bool_)
    whos = 0
    release_at = np.zeros(4096, dtype=np.int64)  # start of each stored state's releases, and one more
    first_state = np.zeros(items, dtype=np.int64)
    states_stored = 0
    rel_day = np.empty(4096, dtype=np.int64)
    rel_qty = np.empty(4096, dtype=np.int64)
    rels = 0
    day = np.empty(256, dtype=np.int64)
    qty = np.empty(256, dtype=np.int64)
    sequence = np.empty(256, dtype=np.int64)
    spare = np.empty(256, dtype=np.int64)
    net_day = np.empty(256, dtype=np.int64)
    net_qty = np.empty(256, dtype=np.int64)
    lot_day = np.empty(256, dtype=np.int64)
    lot_started = np.empty(256, dtype=np.int64)
    lot_good = np.empty(256, dtype=np.int64)
    weight = np.zeros((MAX_EXACT + 1, MAX_EXACT + 1))
    factorial = np.ones(MAX_EXACT + 2)
    for k in range(1, MAX_EXACT + 2):
        factorial[k] = factorial[k - 1] * k
    for k in range(1, MAX_EXACT + 1):
        for size in range(k):
            weight[k, size] = factorial[size] * factorial[k - size - 1] / factorial[k]
    out = 0
    o_row = np.empty(1024, dtype=np.int64)
    o_player = np.empty(1024, dtype=np.int64)
    o_need = np.empty(1024, dtype=np.float64)
    o_due = np.empty(1024, dtype=np.float64)
    o_need2 = np.empty(1024, dtype=np.float64)
    o_due2 = np.empty(1024, dtype=np.float64)
    o_seq = np.empty(1024, dtype=np.int64)
    o_nb = np.empty(1024, dtype=np.int64)
    o_nn = np.empty(1024, dtype=np.int64)
    o_db = np.empty(1024, dtype=np.int64)
    o_dn = np.empty(1024, dtype=np.int64)
    scratch = np.empty(64, dtype=np.int64)
    reached = np.zeros(items, dtype=np.bool_)
    replays = 0
    for item in range(items):
        # 1 who reaches this item
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
            if goes_on[p]:
                if kind_of[p] == 1:
                    sequential = True
                for j in range(who_n[p]):
                    if kept[who_at[p] + j]:
                        scratch = longer(scratch, found + 1)
                        scratch[found] = who[who_at[p] + j]
                        found += 1
        if found == 0:
            continue
        k = _players(scratch, found)
        who = longer(who, whos + k)
        kept = longer(kept, whos + k)
        who_at[item] = whos
        who_n[item] = k
        for j in range(k):
            who[whos + j] = scratch[j]
            kept[whos + j] = 0
        whos += k
        if mode == LABELS:
            kind = 2
            states = 2 + 2 * k
        elif sequential or k > MAX_EXACT:
            kind = 1
            states = k + 1
        else:
            kind = 0
            states = 1 << k
        kind_of[item] = kind
        reached[item] = True
        s0, s1 = a.supply_at[item], a.supply_at[item + 1]
        rows = s1 - s0
        if rows == 0 and not has_parts[item]:
            continue
        first_state[item] = states_stored
        release_at = longer(release_at, states_stored + states + 1)
        need = np.empty((states, rows), dtype=np.int64)
        due = np.empty((states, rows), dtype=np.int64)
        p_now = np.empty(a.parameters.shape[1], dtype=np.float64)
        amount = np.empty(rows, dtype=np.int64)
        order = np.empty(rows, dtype=np.int64)
        sorted_due = np.empty(rows, dtype=np.int64)
        sorted_amount = np.empty(rows, dtype=np.int64)
        sorted_fixed = np.empty(rows, dtype=np.bool_)
        sorted_need = np.empty(rows, dtype=np.int64)
        for state in range(states):
            replays += 1
            # 2 this state's inputs
            n = a.demand_at[item + 1] - a.demand_at[item]
            day = longer(day, n)
            qty = longer(qty, n)
            for x in range(n):
                day[x] = a.demand_day[a.demand_at[item] + x]
                qty[x] = a.demand_qty[a.demand_at[item] + x]
            for x in range(len(p_now)):
                p_now[x] = a.parameters[item, x]
            for x in range(rows):
                amount[x] = a.supply_qty[s0 + x]
                due[state, x] = a.supply_day[s0 + x]
                order[x] = x
            moved = False
            for e in range(changes.at[item], changes.at[item + 1]):
                if not _in(state, _position(who, who_at[item], who_at[item] + k, changes.player[e]), k, kind):
                    continue
                operation = changes.operation[e]
                if operation == PARAMETER_ADD:
                    p_now[changes.column[e]] += changes.value[e]
                elif operation == PARAMETER_SET:
                    p_now[changes.column[e]] = changes.value[e]
                elif operation == GROSS_ADD:
                    day = longer(day, n + 1)
                    qty = longer(qty, n + 1)
                    day[n] = changes.day[e]
                    qty[n] = int(changes.value[e])
                    n += 1
                elif operation == OPEN_QTY_ADD:
                    amount[changes.column[e] - s0] += int(changes.value[e])
                else:
                    due[state, changes.column[e] - s0] = changes.day[e]
                    moved = True
            for x in range(rows):
                amount[x] = max(amount[x], 0)
            for x in range(lines.at[item], lines.at[item + 1]):
                added, dropped = lines.added_by[x], lines.dropped_by[x]
                if added != NOBODY and not _in(state, _position(who, who_at[item], who_at[item] + k, added), k, kind):
                    continue
                if dropped != NOBODY and _in(state, _position(who, who_at[item], who_at[item] + k, dropped), k, kind):
                    continue
                parent = lines.parent[x]
                if goes_on[parent]:
                    pk = who_n[parent]
                    inside = np.zeros(pk, dtype=np.bool_)
                    single = without = -1
                    for j in range(pk):
                        if not kept[who_at[parent] + j] and kind_of[parent] != 2:
                            continue
                        here = _position(who, who_at[item], who_at[item] + k, who[who_at[parent] + j])
                        inside[j] = here >= 0 and _in(state, here, k, kind)
                        if here >= 0 and kind == 2:
                            if state == 2 + here:
                                single = j
                            elif state == 2 + k + here:
                                without = j
                    if kind_of[parent] == 2:
                        for j in range(pk):
                            inside[j] = state == 1 or state >= 2 + k
                    at = first_state[parent] + _state_of(inside, pk, kind_of[parent], single, without)
                    begin, end = release_at[at], release_at[at + 1]
                    day = longer(day, n + end - begin)
                    qty = longer(qty, n + end - begin)
                    for r in range(begin, end):
                        if lines.begins[x] <= rel_day[r] < lines.ends[x]:
                            day[n] = rel_day[r]
                            qty[n] = int(rel_qty[r] * lines.qty[x] + 0.5) + lines.fixed[x]
                            n += 1
                else:
                    begin, end = base.planned_at[parent], base.planned_at[parent + 1]
                    day = longer(day, n + end - begin)
                    qty = longer(qty, n + end - begin)
                    for r in range(begin, end):
                        if lines.begins[x] <= base.planned_start[r] < lines.ends[x]:
                            day[n] = base.planned_start[r]
                            qty[n] = int(base.planned_started[r] * lines.qty[x] + 0.5) + lines.fixed[x]
                            n += 1
            sequence = longer(sequence, n)
            spare = longer(spare, n)
            stable_order(day, 0, n, sequence, spare)
            permute(day, 0, n, sequence, spare)
            permute(qty, 0, n, sequence, spare)
            if moved:
                for i in range(1, rows):
                    o = order[i]
                    j = i - 1
                    while j >= 0 and (
                        due[state, order[j]] > due[state, o]
                        or (due[state, order[j]] == due[state, o] and tie[s0 + order[j]] > tie[s0 + o])
                    ):
                        order[j + 1] = order[j]
                        j -= 1
                    order[j + 1] = o
            any_fixed = False
            for x in range(rows):
                sorted_due[x] = due[state, order[x]]
                sorted_amount[x] = amount[order[x]]
                sorted_fixed[x] = always_fixed[s0 + order[x]] or sorted_due[x] > fixed_after
                any_fixed = any_fixed or sorted_fixed[x]
            # 3 net
            net_day = longer(net_day, n + 1)
            net_qty = longer(net_qty, n + 1)
            usable = int(p_now[ON_HAND]) - int(p_now[SAFETY])
            nets = net_item(
                day, qty, 0, n, sorted_due, sorted_amount, sorted_fixed, 0, rows, usable, axis.today, axis.never,
                sorted_need, net_day, net_qty, 0,
            )  # fmt: skip
            lots = 0
            if has_parts[item] or any_fixed:
                lots = size_lots(net_day, net_qty, 0, nets, p_now, lot_day, lot_started, lot_good, 0)
                while lots < 0:
                    lot_day = longer(lot_day, -lots)
                    lot_started = longer(lot_started, -lots)
                    lot_good = longer(lot_good, -lots)
                    lots = size_lots(net_day, net_qty, 0, nets, p_now, lot_day, lot_started, lot_good, 0)
            for x in range(rows):
                if sorted_fixed[x]:
                    need[state, order[x]] = _first_use(
                        day, qty, n, usable, sorted_due, sorted_amount, sorted_need, sorted_fixed, rows, lot_day,
                        lot_good, lots, x, axis.today, axis.never,
                    )  # fmt: skip
                else:
                    need[state, order[x]] = sorted_need[x]
            release_at[states_stored + state] = rels
            if has_parts[item]:
                rel_day = longer(rel_day, rels + lots)
                rel_qty = longer(rel_qty, rels + lots)
                for x in range(lots):
                    rel_day[rels] = release_day(
                        lot_day[x], p_now[LEAD], p_now[BOUGHT], axis.first, axis.floor, axis.days
                    )
                    rel_qty[rels] = lot_started[x]
                    rels += 1
            release_at[states_stored + state + 1] = rels
        # 4 who goes on to the components
        if has_parts[item]:
            s = states_stored
            for j in range(k):
                differs = False
                if kind == 0:
                    for state in range(states):
                        if (state >> j) & 1 == 0 and not differs:
                            differs = _differ(rel_day, rel_qty, release_at, s + state, s + (state | (1 << j)))
                elif kind == 1:
                    differs = _differ(rel_day, rel_qty, release_at, s + j, s + j + 1)
                else:
                    differs = _differ(rel_day, rel_qty, release_at, s, s + 2 + j) or _differ(
                        rel_day, rel_qty, release_at, s + 1, s + 2 + k + j
                    )
                kept[who_at[item] + j] = differs
                goes_on[item] = goes_on[item] or differs
            if kind == 2 and not goes_on[item] and _differ(rel_day, rel_qty, release_at, s, s + 1):
                goes_on[item] = True
                for j in range(k):
                    kept[who_at[item] + j] = 1  # only together do they matter: all of them go on
        if goes_on[item]:
            states_stored += states
        else:
            rels = release_at[states_stored]
        # 5 shares per supply row
        for x in range(rows):
            any_moved = False
            for state in range(1, states):
                if need[state, x] != need[0, x] or due[state, x] != due[0, x]:
                    any_moved = True
                    break
            if not any_moved:
                continue
            full = 1 if kind == 2 else states - 1
            for j in range(k):
                phi_need = phi_due = lost_need = lost_due = 0.0
                if kind == 0:
                    for state in range(states):
                        if (state >> j) & 1 == 0:
                            size = 0
                            for b in range(k):
                                size += (state >> b) & 1
                            more = state | (1 << j)
                            phi_need += weight[k, size] * (need[more, x] - need[state, x])
                            phi_due += weight[k, size] * (due[more, x] - due[state, x])
                elif kind == 1:
                    phi_need = float(need[j + 1, x] - need[j, x])
                    phi_due = float(due[j + 1, x] - due[j, x])
                else:
                    phi_need = float(need[2 + j, x] - need[0, x])
                    phi_due = float(due[2 + j, x] - due[0, x])
                    lost_need = float(need[1, x] - need[2 + k + j, x])
                    lost_due = float(due[1, x] - due[2 + k + j, x])
                if abs(phi_need) + abs(phi_due) + abs(lost_need) + abs(lost_due) < 1e-9 and kind != 2:
                    continue
                if out + 1 > len(o_row):
                    o_row = longer(o_row, out + 1)
                    o_player = longer(o_player, out + 1)
                    o_need = longer_floats(o_need, out + 1)
                    o_due = longer_floats(o_due, out + 1)
                    o_need2 = longer_floats(o_need2, out + 1)
                    o_due2 = longer_floats(o_due2, out + 1)
                    o_seq = longer(o_seq, out + 1)
                    o_nb = longer(o_nb, out + 1)
                    o_nn = longer(o_nn, out + 1)
                    o_db = longer(o_db, out + 1)
                    o_dn = longer(o_dn, out + 1)
                o_row[out] = s0 + x
                o_player[out] = who[who_at[item] + j]
                o_need[out] = phi_need
                o_due[out] = phi_due
                o_need2[out] = lost_need
                o_due2[out] = lost_due
                o_seq[out] = 1 if kind == 1 else 0
                o_nb[out] = need[0, x]
                o_nn[out] = need[full, x]
                o_db[out] = due[0, x]
                o_dn[out] = due[full, x]
                out += 1
    return Shifts(
        o_row[:out], o_player[:out], o_need[:out], o_due[:out], o_need2[:out], o_due2[:out], o_seq[:out] == 1,
        o_nb[:out], o_nn[:out], o_db[:out], o_dn[:out], reached, replays,
    )  # fmt: skip


@njit(cache=True)
def _differ(rel_day: Ints, rel_qty: Ints, at: Ints, one: int, other: int) -> bool:
    """Do two states release differently?"""
    n = at[one + 1] - at[one]
    if n != at[other + 1] - at[other]:
        return True
    for r in range(n):
        x, y = at[one] + r, at[other] + r
        if rel_day[x] != rel_day[y] or rel_qty[x] != rel_qty[y]:
            return True
    return False
