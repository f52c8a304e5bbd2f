"""Rows of a few keys in the place of those that stood there: a table made before, with what differs made anew.

Belongs here: which keys differ between two tables, and putting new rows among old ones. Tables made by key are sorted by it;
stretches that stay are not copied.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST, FEW = 0.2, 200
"""Share of rows that may differ, and rows that always may: beyond it all is made anew, which costs less than looking for what is not."""

NUMBER = 6
"""Digits before a key that tell whose it is, where those of many are made together."""

Keyed = Mapping[str, tuple[pl.DataFrame, str]]
"""Tables by name, each with the column that holds its key."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Where rows come from, in order: (whether from the part made anew, first row, row after the last)."""

    stretches: tuple[tuple[bool, int, int], ...]

    def frame(self, before: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
        """Rows of `before` and `part` in order."""
        pieces = [(part if anew else before).slice(first, end - first) for anew, first, end in self.stretches]
        return pl.concat(pieces) if pieces else before.clear()

    def array(self, before: NDArray[Any], part: NDArray[Any]) -> NDArray[Any]:
        """The same for an array with an entry per row."""
        pieces = [(part if anew else before)[first:end] for anew, first, end in self.stretches]
        return np.concatenate(pieces) if pieces else before[:0]


@dataclass(frozen=True, slots=True)
class Places:
    """Keys of an ascending column, each once, and the first row of each; one entry more, the number of rows."""

    keys: list[str]
    first: list[int]

    def of(self, key: str) -> tuple[int, int]:
        """First row of `key` and the row after its last; the same twice where it would stand but is not."""
        at = bisect_left(self.keys, key)
        return self.first[at], self.first[at + 1 if at < len(self.keys) and self.keys[at] == key else at]


def places(column: pl.Series) -> Places:
    """Where the keys of an ascending column stand."""
    starts = stretches(column)
    return Places(column[starts].to_list(), [*starts.tolist(), column.len()])


def stretches(column: pl.Series) -> NDArray[np.int64]:
    """The first row of each stretch of equal values in a column without nulls."""
    if column.is_empty():
        return np.zeros(0, np.int64)
    # An operator on columns needs no query, which is most of a small column's time.
    anew = (column[1:] != column[:-1]).to_numpy()
    return np.concatenate([[0], np.flatnonzero(anew) + 1]).astype(np.int64)


def splice_of(before: Places, part: Places, keys: pl.Series) -> Splice:
    """Rows of `keys` from `part`, all others from `before`; `keys` ascending, `part` holds no others."""
    stretches: list[tuple[bool, int, int]] = []
    reached = 0
    for key in keys:
        (old, after_old), (new, after_new) = before.of(key), part.of(key)
        if old > reached:
            stretches.append((False, reached, old))
        if after_new > new:
            stretches.append((True, new, after_new))
        reached = after_old
    if before.first[-1] > reached:
        stretches.append((False, reached, before.first[-1]))
    return Splice(tuple(stretches))


def rows_of(frame: pl.DataFrame, key: str, keys: pl.Series) -> pl.DataFrame:
    """The rows of `keys` (ascending), in the order they have in `frame`."""
    return frame.filter(pl.col(key).is_in(keys.implode()))


def rows_of_many(
    step: Callable[..., tuple[pl.DataFrame, ...]], many: Sequence[Keyed], *shared: Any
) -> list[tuple[pl.DataFrame, ...]]:
    """`step(tables, *shared)` of each of `many`, made in one go: the keys of each are told apart by its number before them.

    `step` promises that rows of a key come from rows of that key and from `shared`, and that each table it makes has the key as
    its first column, ascending.
    """
    numbers = pl.Series([f"{k:0{NUMBER}d}" for k in range(len(many))], dtype=pl.String)
    together: dict[str, pl.DataFrame] = {}
    for name, (_, key) in many[0].items():
        parts = [tables[name][0] for tables in many]
        rows = pl.concat(parts)
        place = np.repeat(np.arange(len(many)), [part.height for part in parts])
        together[name] = rows.with_columns((numbers.gather(place) + rows.get_column(key)).alias(key))
    apart = [_by_number(table, len(many)) for table in step(together, *shared)]
    return list(zip(*apart, strict=True))


def _by_number(table: pl.DataFrame, many: int) -> list[pl.DataFrame]:
    key = table.columns[0]
    of_row = table.get_column(key).str.head(NUMBER).cast(pl.Int64).to_numpy()
    begin = np.searchsorted(of_row, np.arange(many + 1)).tolist()
    plain = table.with_columns(pl.col(key).str.slice(NUMBER))
    return [plain.slice(first, end - first) for first, end in pairwise(begin)]


def keys_that_differ(before: Keyed, now: Keyed) -> pl.Series | None:
    """Keys whose rows are not the same in both, ascending; None where a table came or went, or where too much differs."""
    if before.keys() != now.keys():
        return None
    found: list[pl.Series] = []
    for name, (frame, key) in now.items():
        differing = _differing(before[name][0], frame, key)
        if differing is None:
            return None
        if not differing.is_empty():
            found.append(differing)
    return pl.concat(found).unique().sort() if found else pl.Series([], dtype=pl.String)


def _differing(before: pl.DataFrame, now: pl.DataFrame, key: str) -> pl.Series | None:
    """Keys (with repeats) of rows that are not the same in both; None where the tables have little in common."""
    if before is now:
        return now.get_column(key).head(0)
    if before.schema != now.schema:
        return None
    most = max(MOST * before.height, FEW)
    aligned = min(before.height, now.height)
    found = _rows_apart(before.head(aligned), now.head(aligned), key)
    if found.len() > most and before.get_column(key).is_unique().all() and now.get_column(key).is_unique().all():
        both = now.lazy().select(pl.col(key), pl.int_range(pl.len()).alias("there"))
        places = before.lazy().select(pl.col(key), pl.int_range(pl.len()).alias("here")).join(both, on=key).collect()
        found = pl.concat(
            [
                _rows_apart(before[places["here"]], now[places["there"]], key),
                *(one.filter(~one.is_in(places.get_column(key).implode())) for one in _keys(before, now, key)),
            ]
        )
    else:
        found = pl.concat([found, *(one.slice(aligned) for one in _keys(before, now, key))])
    return found if found.len() <= most else None


def _keys(before: pl.DataFrame, now: pl.DataFrame, key: str) -> tuple[pl.Series, pl.Series]:
    return before.get_column(key), now.get_column(key)


def _rows_apart(before: pl.DataFrame, now: pl.DataFrame, key: str) -> pl.Series:
    """Keys of the rows that differ between two tables as long as each other."""
    apart = pl.select(
        pl.any_horizontal(
            pl.lit(before.get_column(name)).ne_missing(pl.lit(now.get_column(name))) for name in now.columns
        )
    ).to_series()
    return pl.concat([frame.get_column(key).filter(apart) for frame in (before, now)])
