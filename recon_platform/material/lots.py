"""Lot sizing of one item's net requirements: the planning rules, compiled.

Quantities are whole millionths of the base unit, so that sums are exact; days are day numbers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

MICRO = 1_000_000
DAYS_PER_PERIOD = 7

LOT_FOR_LOT, FIXED, MINIMUM, PERIOD, PART_PERIOD, SILVER_MEAL = range(6)
RULES = {
    "lot_for_lot": LOT_FOR_LOT, "fixed": FIXED, "minimum": MINIMUM, "period": PERIOD, "part_period": PART_PERIOD,
    "silver_meal": SILVER_MEAL,
}  # fmt: skip

# Columns of the parameter table of an item, one row per item (float64).
ON_HAND, SAFETY, LEAD, RULE, LOT_QTY, WINDOW, MIN_QTY, MAX_QTY, MULTIPLE, SETUP, HOLDING, YIELD, BOUGHT = range(13)
N_PARAMETERS = 13
MAX_PIECES = 1_000  # a maximum lot this far below the need is a data error, not a plan


@njit(cache=True)
def lot_end(net_day: NDArray[np.int64], net_qty: NDArray[np.int64], end: int, i: int, period: int,  # noqa: PLR0917 - a compiled kernel takes its arrays by position
            p: NDArray[np.float64]) -> int:  # fmt: skip
    """Index after the last net requirement that a lot started at `i` covers.

    `period`: all inside the window of days (zeros count). `part_period`: stops before the accumulated unit-days
    exceed setup ÷ holding cost (DeMatteis 1968). `silver_meal`: stops where the cost per day covered rises
    (Silver & Meal 1973), a period being `period` days.
    """
    rule = int(p[RULE])
    j = i + 1
    if rule == PERIOD:
        while j < end and net_day[j] < net_day[i] + p[WINDOW]:
            j += 1
    elif rule == PART_PERIOD and p[HOLDING] > 0:
        held = 0.0
        while j < end:
            held += net_qty[j] / MICRO * (net_day[j] - net_day[i])
            if held * p[HOLDING] > p[SETUP] + 1e-9:
                break
            j += 1
    elif rule == SILVER_MEAL and p[HOLDING] > 0:
        cost = p[SETUP]
        while j < end:
            gap = net_day[j] - net_day[i]
            more = cost + p[HOLDING] * (net_qty[j] / MICRO) * gap
            if more / (gap + period) > cost / gap + 1e-9:
                break
            cost = more
            j += 1
    return j


@njit(cache=True)
def started_for(good: int, p: NDArray[np.float64]) -> int:
    """Quantity to start so that at least `good` comes out, under the lot rule, minimum and multiple."""
    started = good
    if p[YIELD] < 1.0:
        started = int(np.ceil(good / p[YIELD] - 1e-6))
    rule = int(p[RULE])
    if rule == FIXED and p[LOT_QTY] > 0:
        lot = int(p[LOT_QTY])
        started = -(-started // lot) * lot
    elif rule == MINIMUM:
        started = max(started, int(p[LOT_QTY]))
    started = max(started, int(p[MIN_QTY]))
    if p[MULTIPLE] > 0:
        multiple = int(p[MULTIPLE])
        started = -(-started // multiple) * multiple
    return started


@njit(cache=True)
def size_lots(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    net_day: NDArray[np.int64], net_qty: NDArray[np.int64], begin: int, end: int, p: NDArray[np.float64],
    lot_day: NDArray[np.int64], lot_started: NDArray[np.int64], lot_good: NDArray[np.int64], at: int,
) -> int:  # fmt: skip
    """Lots for net requirements `begin…end`, written from `at` on; gives their number, or −(length needed) where an
    output array is too short.

    What a lot makes beyond its need serves the requirements after it. A maximum splits a lot into pieces of one day.
    The period of Silver–Meal is the shortest gap between requirements, a week at most.
    """
    room = min(len(lot_day), len(lot_started), len(lot_good))
    period = DAYS_PER_PERIOD
    if int(p[RULE]) == SILVER_MEAL:
        for k in range(begin + 1, end):
            period = min(period, net_day[k] - net_day[k - 1])
    carry = 0
    made = at
    i = begin
    while i < end:
        need = net_qty[i] - carry
        if need <= 0:
            carry -= net_qty[i]
            i += 1
            continue
        j = lot_end(net_day, net_qty, end, i, period, p)
        good = need
        for k in range(i + 1, j):
            good += net_qty[k]
        started = started_for(good, p)
        piece = started
        if 0 < p[MAX_QTY] < started:
            piece = max(int(p[MAX_QTY]), -(-started // MAX_PIECES))
        pieces = -(-started // piece)
        if made + pieces > room:
            return -(made + pieces + (end - j))
        out = 0
        rest = started
        for _ in range(pieces):
            size = min(piece, rest)
            rest -= size
            lot_day[made] = net_day[i]
            lot_started[made] = size
            lot_good[made] = size if p[YIELD] >= 1.0 else int(size * p[YIELD] + 0.5)
            out += lot_good[made]
            made += 1
        if out < good:  # rounding of a yield: the last piece is what the need says
            lot_good[made - 1] += good - out
            out = good
        carry = out - good
        i = j
    return made - at
