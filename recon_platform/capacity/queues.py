"""Priority queues and time lists of a dispatch pass, in flat arrays so that compiled code needs no objects.

Belongs here: binary heaps over array slices, and lists of what happens at a given minute. A heap holds one number per
item, its rank: the key above, the item below. So comparing looks nowhere else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import Array

LOW = np.int64(0x7FFFFFFF)
BELOW = np.int64(0xFFFFFFFF)


@intrinsic
def _bits(typing_context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), code


@inner
def rank_of(key: float, item: int) -> int:
    """A rank by a key of single precision: larger for the larger key, of equal keys for the smaller item."""
    bits = np.int64(_bits(np.float32(key)))
    if bits < 0:
        bits ^= LOW
    return (bits << 32) + (LOW - item)


@inner
def rank_by(number: int, item: int) -> int:
    """A rank by a whole number of 32 bits: larger for the larger one, of equal ones for the smaller item."""
    return (np.int64(number) << 32) + (LOW - item)


@inner
def item_of(rank: int) -> int:
    """The item of a rank."""
    return LOW - (rank & BELOW)


@inner
def heap_push(heap: Array, base: int, size: int, rank: int) -> int:
    """Put `rank` into the heap heap[base : base + size], the largest on top; returns the new size."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        other = heap[base + parent]
        if other > rank:
            break
        heap[base + k] = other
        k = parent
    heap[base + k] = rank
    return size + 1


@inner
def heap_pop(heap: Array, base: int, size: int) -> int:
    """Remove the top of the heap; returns the new size."""
    size -= 1
    if size == 0:
        return np.int64(0)
    rank = heap[base + size]
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size:
            break
        one = heap[base + child]
        right = child + 1
        if right < size and heap[base + right] > one:
            child = right
            one = heap[base + right]
        if rank > one:
            break
        heap[base + k] = one
        k = child
    heap[base + k] = rank
    return size


@inner
def at_minute(head: Array, following: Array, item: int, minute: int) -> None:
    """Put `item` into the list of what happens at `minute`."""
    following[item] = head[minute]
    head[minute] = item
