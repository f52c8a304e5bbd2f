"""Small array operations: sorting by several whole numbers, and those of the kernels, written out as loops because they
compile in a fraction of NumPy's general ones."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
SHORT = 24
KEY_BITS = 62


def ascending(*keys: Ints) -> Ints:
    """The rows in ascending order of `keys`, the first the most significant; equals keep their order.

    Keys are packed into as few whole numbers as hold them: one comparison instead of several, and no strings.
    """
    packed: list[Ints] = []
    room = 0
    for key in keys:
        low = int(key.min()) if len(key) else 0
        bits = (int(key.max()) - low).bit_length() if len(key) else 0
        if packed and bits <= room:
            packed[-1] = (packed[-1] << bits) + (key - low)
            room -= bits
        else:
            packed.append(key - low)
            room = KEY_BITS - bits
    if len(packed) > 1:
        return np.lexsort(packed[::-1])
    bits = len(packed[0]).bit_length()
    if bits > room:
        return packed[0].argsort(kind="stable")
    return np.sort((packed[0] << bits) + np.arange(len(packed[0]))) & ((1 << bits) - 1)


@njit(cache=True)
def longer(values: Ints, size: int) -> Ints:
    """`values` with room for `size`; at least doubled when it must grow."""
    if size <= len(values):
        return values
    grown = np.empty(max(size, 2 * len(values)), dtype=np.int64)
    for i in range(len(values)):
        grown[i] = values[i]
    return grown


@njit(cache=True)
def longer_rows(values: Ints, size: int) -> Ints:
    """The same for a table of whole numbers or of numbers: room for `size` rows."""
    if size <= len(values):
        return values
    grown = np.empty((max(size, 2 * len(values)), values.shape[1]), dtype=values.dtype)
    grown[: len(values)] = values
    return grown


@njit(cache=True)
def stable_order(keys: Ints, begin: int, n: int, order: Ints, spare: Ints) -> None:
    """Fill `order[0:n]` with positions 0…n−1 such that `keys[begin + position]` ascends; equals keep their order.

    Insertion within short runs, then merging of runs; runs already in order are not merged again.
    """
    for left in range(0, n, SHORT):
        right = min(left + SHORT, n)
        for i in range(left, right):
            key = keys[begin + i]
            j = i - 1
            while j >= left and keys[begin + order[j]] > key:
                order[j + 1] = order[j]
                j -= 1
            order[j + 1] = i
    width = SHORT
    while width < n:
        for left in range(0, n - width, 2 * width):
            middle = left + width
            right = min(left + 2 * width, n)
            if keys[begin + order[middle - 1]] <= keys[begin + order[middle]]:
                continue
            for i in range(left, right):
                spare[i] = order[i]
            i, j = left, middle
            for x in range(left, right):
                if j >= right or (i < middle and keys[begin + spare[i]] <= keys[begin + spare[j]]):
                    order[x] = spare[i]
                    i += 1
                else:
                    order[x] = spare[j]
                    j += 1
        width *= 2


@njit(cache=True)
def permute(values: Ints, begin: int, n: int, order: Ints, spare: Ints) -> None:
    """Put `values[begin : begin + n]` in `order`."""
    for i in range(n):
        spare[i] = values[begin + i]
    for i in range(n):
        values[begin + i] = spare[order[i]]
