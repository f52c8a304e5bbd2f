"""Frozen operations that leave the frozen horizon by themselves: what they need comes after its end.

A machine whose next operation waits three weeks for wire does not stand for three weeks: the operation is not inside the
frozen horizon any more, and what stood behind it keeps its time. Belongs here: what is known of that before a pass. What
turns out while it runs (a machine down further up) is let go in `in_force`, when the horizon ends.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from recon_platform.capacity.problem import FREE, FROZEN, Array

LEVELS = 32  # of components made of components; more than any bill of material has


def leave_the_fence(operation: Array, order: Array, link_to: Array, fence: Array) -> None:
    """Set free the frozen among `operation` that cannot begin before their `fence` (minute by operation): own material, an
    operation before, a vendor or a made component comes later."""
    frozen = operation["state"] == FROZEN
    if frozen.any():
        earliest = _earliest(operation["ready"], operation["elapsed"], order["first"], order["link_ptr"], link_to)
        operation["state"][frozen & (earliest >= fence)] = FREE


@nb.njit(cache=True, nogil=True)
def _earliest(ready: Array, elapsed: Array, first: Array, link_ptr: Array, link_to: Array) -> Array:
    """Minute by operation before which it cannot begin, if all but vendors took no time."""
    earliest = ready.astype(np.int64)
    for _ in range(LEVELS):
        later = False
        for k in range(first.shape[0] - 1):
            at = np.int64(0)
            for i in range(first[k], first[k + 1]):
                earliest[i] = max(earliest[i], at)
                at = earliest[i] + max(0, elapsed[i])
            for e in range(link_ptr[k], link_ptr[k + 1]):
                if earliest[link_to[e]] < at:
                    earliest[link_to[e]] = at
                    later = True
        if not later:
            break
    return earliest
