"""The one order in which the rows of a table stand, defined by their content alone.

A stage reads its tables in this order whether they were just made or come from the lake, so that a sum over floating
point numbers, or the first of several equal choices, is the same in a night, in its replay and in a plan without lake.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.model import Table


def canonical_order(frame: pl.DataFrame, key: tuple[str, ...] = ()) -> pl.DataFrame:
    """`frame` in ascending order of `key`, ties (or no key) by the other columns by name; nulls first."""
    if frame.height < 2 or not frame.width or (key and increasing(frame, key)):
        return frame
    rest = sorted(name for name in frame.columns if name not in key)
    return frame.sort([*key, *rest], nulls_last=False)


def settled(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of `table` in their order, rows in canonical order; unknown columns are kept behind."""
    names, known = table.column_names, frame.columns
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"table {table.name}: columns {missing} are missing; it has {known}")
    others = [name for name in known if name not in names]
    return canonical_order(frame[[*names, *others]], table.key)


def increasing(frame: pl.DataFrame, columns: tuple[str, ...]) -> bool:
    """Whether the rows stand in strictly ascending order of `columns`, nulls first: then they are also unique."""
    if frame.height < 2 or not columns:
        return frame.height < 2
    decided: pl.Series | None = None  # rows ahead of the one before by the columns looked at so far; none: none is
    for name in columns:
        this, before = frame[name].slice(1), frame[name].slice(0, frame.height - 1)
        ahead, equal = this > before, this == before
        if frame[name].null_count():
            none, none_before = this.is_null(), before.is_null()
            ahead = ahead.fill_null(value=False) | (none_before & ~none)
            equal = equal.fill_null(value=False) | (none_before & none)
        if decided is not None:
            ahead = ahead | decided
        if ahead.all():
            return True
        if not (ahead | equal).all():
            return False
        decided = ahead
    return False
