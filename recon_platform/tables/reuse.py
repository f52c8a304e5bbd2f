"""What steps of a plan made before, given again to whoever asks for the same thing: a step is a function of what it reads.

Plans that are compared differ in little. Where a step reads the same tables as before, its result is the one it gave, and
what came out equal is the same object, so that the steps behind it find their inputs unchanged at a glance. Belongs here:
comparing and keeping. What a step reads is said where it is called; it is given that and nothing else (`only`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np
import polars as pl

from recon_platform.tables.model import Frames

P = ParamSpec("P")
T = TypeVar("T")

KEPT_PER_STEP = 3
"""Results kept of one step: the first, which is that of the plan all others are compared with, and the last ones."""


class Reuse:
    """Results of steps by their inputs. Never change in place what a step was given or has made.

    Any number of threads may ask at once: two that ask for the same thing may both make it, and both get it right.
    """

    def __init__(self) -> None:
        self._made: dict[Callable[..., Any], list[tuple[tuple[Any, ...], Any]]] = {}

    def of(self, step: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """`step(*given)`: made now, or made before from equal inputs."""
        asked = (*given, *sorted(named.items()))
        known = self._made.get(step, [])
        for inputs, result in known:
            if _same(inputs, asked):
                return result
        made = step(*given, **named)
        for _, result in known:
            made = _as_known(made, result)
        self._made[step] = [*known[:1], *known[1:][-(KEPT_PER_STEP - 2) :], (asked, made)]
        return made


def only(frames: Frames, *names: str) -> dict[str, pl.DataFrame]:
    """The tables called `names` out of `frames`, those that are there: what a step is given, and nothing besides."""
    return {name: frames[name] for name in names if name in frames}


def _same(one: Any, other: Any) -> bool:
    """Whether two inputs are the same by content."""
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, pl.DataFrame):
        same = one.schema == other.schema and one.equals(other)
    elif isinstance(one, np.ndarray):
        same = one.dtype == other.dtype and np.array_equal(one, other)
    elif isinstance(one, Mapping):
        same = one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    elif isinstance(one, (tuple, list)):
        same = len(one) == len(other) and all(map(_same, one, other))
    elif is_dataclass(one):
        same = all(_same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    else:
        same = one == other
    return bool(same)


def _as_known(made: Any, known: Any) -> Any:
    """`made`, and in place of it (or of its parts, where it is a tuple) what is known and equal."""
    if type(made) is tuple and type(known) is tuple and len(made) == len(known):
        return tuple(map(_as_known, made, known))
    return known if _same(made, known) else made
