"""Random streams, one per source of chance."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """The random stream of one source of chance: a policy that acts differently still meets the same draws."""
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(name.encode()), *index]))
