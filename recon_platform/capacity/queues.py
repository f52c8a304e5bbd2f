"""Priority queues and time lists of a dispatch pass, in flat arrays so that compiled code needs no objects.

Belongs here: binary heaps over array slices, and lists of what happens at a given minute.
"""

from __future__ import annotations

from recon_platform.capacity.compiled import inner
from recon_platform.capacity.problem import Array


@inner
def heap_push(heap: Array, base: int, size: int, keys: Array, item: int) -> int:
    """Put `item` into the heap heap[base : base + size]; the largest key is on top, ties by the smaller item."""
    k = size
    key = keys[item]
    while k > 0:
        parent = (k - 1) >> 1
        other = heap[base + parent]
        if keys[other] > key or (keys[other] == key and other < item):
            break
        heap[base + k] = other
        k = parent
    heap[base + k] = item
    return size + 1


@inner
def heap_pop(heap: Array, base: int, size: int, keys: Array) -> int:
    """Remove the top of the heap; returns the new size."""
    size -= 1
    if size == 0:
        return 0
    item = heap[base + size]
    key = keys[item]
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size:
            break
        right = child + 1
        one = heap[base + child]
        if right < size:
            two = heap[base + right]
            if keys[two] > keys[one] or (keys[two] == keys[one] and two < one):
                child = right
                one = two
        if key > keys[one] or (key == keys[one] and item < one):
            break
        heap[base + k] = one
        k = child
    heap[base + k] = item
    return size


@inner
def at_minute(head: Array, following: Array, item: int, minute: int) -> None:
    """Put `item` into the list of what happens at `minute`."""
    following[item] = head[minute]
    head[minute] = item
