"""Shares of the shifts of one item's open orders, compiled: from need and date in every state to shares per player."""

from __future__ import annotations

from numba import njit

from recon_platform.material.changes import Floats
from recon_platform.material.combinations import EACH, ONE_BY_ONE, SUBSETS
from recon_platform.material.rows import Ints, longer_rows

ROW, PLAYER, SEQUENTIAL, NEED_BEFORE, NEED_NOW, DUE_BEFORE, DUE_NOW = range(7)
NEED, DUE, NEED_WITHOUT, DUE_WITHOUT = range(4)


@njit(cache=True)
def moved_at_all(need: Ints, due: Ints, x: int) -> bool:
    """Does order `x` have another need or date in any state than in the first?"""
    moved = False
    for state in range(1, len(need)):
        moved = moved or need[state, x] != need[0, x] or due[state, x] != due[0, x]
    return moved


@njit(cache=True)
def shapley(values: Ints, x: int, j: int, k: int, weight: Floats) -> float:
    """φ_j = Σ_S |S|! (K − |S| − 1)! ÷ K! · [v(S ∪ j) − v(S)] of order `x`; states are subsets by bits."""
    share = 0.0
    for state in range(len(values)):
        if (state >> j) & 1 == 0:
            size = 0
            for b in range(k):
                size += (state >> b) & 1
            share += weight[k, size] * (values[state | (1 << j), x] - values[state, x])
    return share


@njit(cache=True)
def share_out(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    need: Ints, due: Ints, k: int, kind: int, weight: Floats, first_row: int, who: Ints, who_at: int, numbers: Ints,
    days: Floats, out: int,
) -> tuple[Ints, Floats, int]:  # fmt: skip
    """Append one row per order that moved and player to `numbers` and `days` (columns above) from `out` on.

    `need` and `due` are state × order. Gives the tables, longer where they had to grow, and their number of rows.
    """
    states, rows = need.shape
    full = 1 if kind == EACH else states - 1
    for x in range(rows):
        if not moved_at_all(need, due, x):
            continue
        for j in range(k):
            lost_need = lost_due = 0.0
            if kind == SUBSETS:
                by_need, by_due = shapley(need, x, j, k, weight), shapley(due, x, j, k, weight)
            elif kind == ONE_BY_ONE:
                by_need, by_due = float(need[j + 1, x] - need[j, x]), float(due[j + 1, x] - due[j, x])
            else:
                by_need, by_due = float(need[2 + j, x] - need[0, x]), float(due[2 + j, x] - due[0, x])
                lost_need = float(need[1, x] - need[2 + k + j, x])
                lost_due = float(due[1, x] - due[2 + k + j, x])
            if kind != EACH and abs(by_need) + abs(by_due) < 1e-9:
                continue
            numbers = longer_rows(numbers, out + 1)
            days = longer_rows(days, out + 1)
            numbers[out, ROW] = first_row + x
            numbers[out, PLAYER] = who[who_at + j]
            numbers[out, SEQUENTIAL] = 1 if kind == ONE_BY_ONE else 0
            numbers[out, NEED_BEFORE] = need[0, x]
            numbers[out, NEED_NOW] = need[full, x]
            numbers[out, DUE_BEFORE] = due[0, x]
            numbers[out, DUE_NOW] = due[full, x]
            days[out, NEED] = by_need
            days[out, DUE] = by_due
            days[out, NEED_WITHOUT] = lost_need
            days[out, DUE_WITHOUT] = lost_due
            out += 1
    return numbers, days, out
