"""The one order in which the rows of a table stand, defined by their content alone.

A stage reads its tables in this order whether they were just made or come from the lake, so that a sum over floating
point numbers, or the first of several equal choices, is the same in a night, in its replay and in a plan without lake.
"""

from __future__ import annotations

from functools import cache

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
    missing = [name for name in table.column_names if name not in frame.columns]
    if missing:
        raise ValueError(f"table {table.name}: columns {missing} are missing; it has {frame.columns}")
    others = [name for name in frame.columns if name not in table.column_names]
    return canonical_order(frame[[*table.column_names, *others]], table.key)


def increasing(frame: pl.DataFrame, columns: tuple[str, ...]) -> bool:
    """Whether the rows stand in strictly ascending order of `columns`, nulls first: then they are also unique."""
    if frame.height < 2 or not columns:
        return frame.height < 2
    return bool(frame.select(_ascending(columns)).item())


@cache
def _ascending(columns: tuple[str, ...]) -> pl.Expr:
    ahead, equal = pl.lit(False), pl.lit(True)
    for name in columns:
        this, before = pl.col(name), pl.col(name).shift(1)
        ahead = ahead | (equal & ((this > before).fill_null(False) | (this.is_not_null() & before.is_null())))
        equal = equal & this.eq_missing(before)
    return ahead.slice(1).all()
