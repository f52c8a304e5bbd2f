"""Latest starts: backwards from due dates through every order and every link.

Belongs here: the one pass that turns due dates into latest starts per operation.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from recon_platform.capacity.problem import Array, Problem


@nb.njit(cache=True, nogil=True)
def set_latest(p: Problem, stretch: Array) -> int:
    """Fill `latest` of every operation: the due date, or what a consumer needs, less the work that remains.

    Run minutes count `stretch` calendar minutes each (work centers are not always open). Links are followed from
    consumers back to suppliers; orders in a cycle keep their own due date. Returns the number of such orders.
    """
    orders = p.order.shape[0] - 1
    waits = np.zeros(orders, np.int32)
    need = np.empty(orders, np.int64)
    for k in range(orders):
        waits[k] = p.order[k + 1].link_ptr - p.order[k].link_ptr
        need[k] = p.order[k].due
    feed_ptr = np.zeros(orders + 1, np.int32)
    for k in range(orders):
        for e in range(p.order[k].link_ptr, p.order[k + 1].link_ptr):
            feed_ptr[p.operation[p.link_to[e]].order + 1] += 1
    for k in range(orders):
        feed_ptr[k + 1] += feed_ptr[k]
    at = feed_ptr[:orders].copy()
    feeder = np.empty(p.link_to.shape[0], np.int32)
    fed = np.empty(p.link_to.shape[0], np.int32)
    for k in range(orders):
        for e in range(p.order[k].link_ptr, p.order[k + 1].link_ptr):
            d = p.operation[p.link_to[e]].order
            feeder[at[d]] = k
            fed[at[d]] = p.link_to[e]
            at[d] += 1
    stack = np.empty(orders, np.int32)
    size = 0
    for k in range(orders):
        if waits[k] == 0:
            stack[size] = k
            size += 1
    done = np.zeros(orders, np.uint8)
    finished = 0
    while finished < orders:
        if size == 0:
            for k in range(orders):
                if done[k] == 0:
                    stack[0] = k
                    size = 1
                    break
        size -= 1
        k = stack[size]
        if done[k] == 1:
            continue
        done[k] = 1
        finished += 1
        end = need[k]
        for i in range(p.order[k + 1].first - 1, p.order[k].first - 1, -1):
            o = p.operation[i]
            if i + 1 < p.order[k + 1].first:
                end -= o.lag
            length = np.float64(o.elapsed) if o.elapsed >= 0 else (o.run + 0.5 * p.family[o.family].setup) * stretch[i]
            start = end - np.int64(length)
            o.latest = np.int32(max(-1_000_000_000, min(1_000_000_000, start)))
            end = start
        for e in range(feed_ptr[k], feed_ptr[k + 1]):
            f = feeder[e]
            need[f] = min(need[f], np.int64(p.operation[fed[e]].latest))
            waits[f] -= 1
            if waits[f] == 0 and done[f] == 0:
                stack[size] = f
                size += 1
    return finished
