"""How units flow through the operations of each order: what entered, what is missing or too much, what will come out.

The counts of one operation are the input of the next, so this is a pass along each routing: a compiled kernel over
operations sorted by order and sequence.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@numba.njit(cache=True)
def follow(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    starts: Ints, qty: Floats, received: Floats, item_yield: Floats, reported: Flags, done: Flags, known_wip: Flags,
    good_reported: Floats, scrap: Floats, rework: Floats, wip: Floats, yields: Floats, out_op: Floats,
    out_order: Floats,
) -> None:  # fmt: skip
    """Fill `out_op` and `out_order`.

    Order k owns operations starts[k] … starts[k+1]−1. Unknown yields are NaN: where no operation of an order has one,
    the item's counts at the last. Of an order the MES never reported, what the ERP received has passed everywhere.

    Per operation (`out_op`, 8 columns): good so far, yield used, units entering in total, units still to process,
    units there now (queue included), units counted beyond what entered, good units beyond what the operation before
    could give, units unaccounted for. Per order (`out_order`, 4 columns): good units that will have come out in total
    with and without rework returning, good units out so far, and the largest count of good units that every operation
    can vouch for. What enters the first operation is the order quantity for planning and unlimited for the balance,
    since the floor may start more than was ordered.
    """
    for k in range(len(starts) - 1):
        first, last = starts[k], starts[k + 1]
        told, any_yield = False, False
        for j in range(first, last):
            told = told or reported[j]
            any_yield = any_yield or not np.isnan(yields[j])
        flowing = qty[k]  # units entering, rework returning
        flowing_plain = qty[k]
        credible = np.inf
        good_before, rework_before, known_before = 0.0, 0.0, False
        good_now = 0.0
        for j in range(first, last):
            good_now = good_reported[j] if told else max(good_reported[j], received[k])
            share = yields[j]
            if np.isnan(share):
                share = item_yield[k] if (not any_yield and j == last - 1 and not np.isnan(item_yield[k])) else 1.0
            counted = good_now + scrap[j] + rework[j]
            in_process = wip[j]
            over_count, over_good, missing = 0.0, 0.0, 0.0
            if known_before and reported[j]:
                entered = good_before + rework_before
                over_count = counted + in_process - entered
                over_good = good_now - entered
                if known_wip[j] or done[j]:
                    missing = good_before - counted - in_process
                credible = min(credible, entered)
            queue = in_process
            if done[j]:
                remaining = 0.0
                entering = counted
                coming = good_now + rework[j]
                coming_plain = good_now
            else:
                entering = max(flowing, counted)
                remaining = max(flowing - good_now - scrap[j], 0.0)
                coming = good_now + remaining * share
                coming_plain = good_now + max(flowing_plain - counted, 0.0) * share
                if known_before:
                    queue = max(queue, good_before - counted)
            out_op[j, 0] = good_now
            out_op[j, 1] = share
            out_op[j, 2] = entering
            out_op[j, 3] = remaining
            out_op[j, 4] = max(queue, 0.0)
            out_op[j, 5] = max(over_count, 0.0)
            out_op[j, 6] = max(over_good, 0.0)
            out_op[j, 7] = max(missing, 0.0)
            flowing, flowing_plain = coming, coming_plain
            good_before, rework_before, known_before = good_now, rework[j], reported[j]
        if last > first:
            out_order[k, 0] = flowing
            out_order[k, 1] = flowing_plain
            out_order[k, 2] = good_now
            out_order[k, 3] = min(credible, good_now)
