"""What steps of a plan made before, given again to whoever asks for the same thing: a step is a function of what it reads.

Plans that are compared differ in little. Where a step reads the same tables as before, its result is the one it gave, and
what came out equal is the same object, so that the steps behind it find their inputs unchanged at a glance. Of a step that
makes the rows of each order from that order alone, only those of orders that differ are made again (`by_key`). Belongs here:
comparing and keeping. What a step reads is said where it is called; it is given that and nothing else (`only`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from threading import Lock
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.model import Frames
from recon_platform.tables.splice import Keyed, Places, keys_that_differ, places, rows_of, splice_of

P = ParamSpec("P")
T = TypeVar("T")

KEPT_PER_STEP = 3
"""Results kept of one step: the first, which is that of the plan all others are compared with, and the last ones."""


@dataclass(frozen=True, slots=True)
class Differing:
    """Keys (ascending) whose rows differ from those of the tables `base`, from which a plan was made before."""

    base: Keyed
    keys: pl.Series
    _places: dict[int, tuple[pl.DataFrame, Places]]  # of tables made of `base`, once for all that differs from it
    _parts: dict[int, tuple[pl.DataFrame, pl.DataFrame]] = field(default_factory=dict)

    def and_also(self, keys: pl.Series) -> Differing:
        """The same with `keys` taken for differing as well."""
        return Differing(self.base, pl.concat([self.keys, keys]).unique().sort(), self._places) if keys.len() else self

    def rows(self, frame: pl.DataFrame, key: str) -> pl.DataFrame:
        """The rows of `keys`, in the order they have in `frame`."""
        if id(frame) not in self._parts:
            self._parts[id(frame)] = frame, rows_of(frame, key, self.keys)
        return self._parts[id(frame)][1]

    def of(self, keyed: Keyed) -> Keyed:
        """The rows of `keys` of each table."""
        return {name: (self.rows(frame, key), key) for name, (frame, key) in keyed.items()}

    def spliced(self, before: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
        """`before`, a table by key in its first column, with `part` in the place of the rows of `keys`."""
        if id(before) not in self._places:
            self._places[id(before)] = before, places(before.to_series(0))
        made = splice_of(self._places[id(before)][1], places(part.to_series(0)), self.keys).frame(before, part)
        self._parts[id(made)] = made, part
        return made


class Reuse:
    """Results of steps by their inputs. Never change in place what a step was given or has made.

    Any number of threads may ask at once: two that ask for the same thing may both make it, and both get it right.
    """

    def __init__(self) -> None:
        self._made: dict[Callable[..., Any], list[tuple[tuple[Any, ...], Any]]] = {}
        self._base: Keyed | None = None
        self._first = Lock()
        self._places: dict[int, tuple[pl.DataFrame, Places]] = {}
        self._by_key: dict[Callable[..., Any], list[tuple[tuple[Any, ...], Any]]] = {}

    def of(self, step: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """`step(*given)`: made now, or made before from equal inputs."""
        asked = (*given, *sorted(named.items()))
        known = self._made.get(step, [])
        for inputs, result in known:
            if same(inputs, asked):
                return result
        made = step(*given, **named)
        for _, result in known:
            made = _as_known(made, result)
        self._made[step] = [*known[:1], *known[1:][-(KEPT_PER_STEP - 2) :], (asked, made)]
        return made

    def differing(self, keyed: Keyed) -> Differing | None:
        """What differs between `keyed` and the tables this was asked of first; None where it is too much to tell."""
        with self._first:  # two threads that ask first must not each compare with tables of their own
            if self._base is None:
                self._base = dict(keyed)
        keys = keys_that_differ(self._base, keyed)
        return None if keys is None else Differing(self._base, keys, self._places)

    def of_base(
        self, step: Callable[..., T], shared: tuple[Any, ...], make: Callable[[], T], differing: Differing
    ) -> T | None:
        """What `step` made of the tables first asked about and of what all keys share; None where that is not known.

        Where nothing differs from those tables it is made now, and kept.
        """
        known = self._by_key.setdefault(step, [])
        for inputs, result in known:
            if same(inputs, shared):
                return cast("T", result)
        if differing.keys.len():
            return None
        made = make()
        known[:] = [*known[:1], *known[1:][-(KEPT_PER_STEP - 2) :], (shared, made)]
        return made

    def by_key(
        self,
        step: Callable[..., tuple[pl.DataFrame, ...]],
        keyed: Keyed,
        *shared: Any,
        differing: Differing | None,
        besides: tuple[Any, ...] = (),
        made: tuple[pl.DataFrame, ...] | None = None,
    ) -> tuple[pl.DataFrame, ...]:
        """`step(tables, *shared, *besides)`, of which only the rows of keys that differ are made now, or were `made`.

        `step` promises that rows of a key come from rows of that key in `keyed`, and from `shared` and `besides`, and from nothing
        else; and that each table it makes has the key as its first column, ascending. Keys whose rows depend on `besides` being
        another than at first are among those that differ.
        """
        if differing is None:
            return step(_tables(keyed), *shared, *besides)

        def whole() -> tuple[pl.DataFrame, ...]:
            return tuple(table.rechunk() for table in step(_tables(keyed), *shared, *besides))

        base = self.of_base(step, shared, whole, differing)
        if base is None:
            return step(_tables(keyed), *shared, *besides)
        if differing.keys.is_empty():
            return base
        if made is None:
            made = step(_tables(differing.of(keyed)), *shared, *besides)
        return tuple(differing.spliced(before, part) for before, part in zip(base, made, strict=True))


def _tables(keyed: Keyed) -> dict[str, pl.DataFrame]:
    return {name: frame for name, (frame, _) in keyed.items()}


def only(frames: Frames, *names: str) -> dict[str, pl.DataFrame]:
    """The tables called `names` out of `frames`, those that are there: what a step is given, and nothing besides."""
    return {name: frames[name] for name in names if name in frames}


def same(one: Any, other: Any) -> bool:
    """Whether two inputs are the same by content."""
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, pl.DataFrame):
        equal = one.schema == other.schema and one.equals(other)
    elif isinstance(one, np.ndarray):
        equal = one.dtype == other.dtype and one.shape == other.shape and _equal(one, other)
    elif isinstance(one, Mapping):
        equal = one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    elif isinstance(one, (tuple, list)):
        equal = len(one) == len(other) and all(map(same, one, other))
    elif is_dataclass(one):
        equal = all(same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    else:
        equal = one == other
    return bool(equal)


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays of one shape are the same; of few long rows, row by row, as the first that differs says it."""
    if one.ndim > 1 and one.shape[0] < one.shape[-1]:
        return all(map(np.array_equal, one, other))
    return np.array_equal(one, other)


def _as_known(made: Any, known: Any) -> Any:
    """`made`, and in place of it (or of its parts, where it is a tuple) what is known and equal."""
    if type(made) is tuple and type(known) is tuple and len(made) == len(known):
        return tuple(map(_as_known, made, known))
    return known if same(made, known) else made
