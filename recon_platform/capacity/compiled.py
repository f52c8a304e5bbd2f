"""How the scheduler's kernels are compiled: inner functions as parts of one entry, cached with their sources.

Belongs here: the decorator and the digest only. The compiler caches a function by its own file; a change in a file it
calls would go unnoticed. So inner functions are never cached by themselves, and the entry carries the digest of all
sources as a constant, which is part of its key.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numba as nb

inner = nb.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
"""Compiled code calls these only, so nothing is made to call them from outside; they own no arrays, so no references are
counted."""

inner_search = nb.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""The same for the searches, which copy whole solutions: that needs counted references."""

SOURCES = (
    "causes", "compiled", "dispatch", "in_force", "index", "placing", "problem", "queues", "state", "together", "views", "waiting",
)  # fmt: skip


SEARCH_SOURCES = ("compiled", "problem", "sequence", "shop", "single", "tabu")


def sources_digest(sources: tuple[str, ...] = SOURCES) -> int:
    """A number that changes with any source the dispatch pass, or a search of `SEARCH_SOURCES`, is compiled from."""
    folder = Path(__file__).parent
    return zlib.crc32(b"".join((folder / f"{name}.py").read_bytes() for name in sources)) & 0x7FFFFFFF
