"""Numbers for rows that are alike: equal rows of some columns have one number, in the order in which the columns sort.

Belongs here: numbering all rows, and numbering again where the rows of a few orders have changed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.capacity.problem import Array
from recon_platform.tables.reuse import Differing, Reuse
from recon_platform.tables.splice import rows_of, splice_of


@dataclass(frozen=True, slots=True)
class Numbered:
    """`alike`: what each number stands for, by number; `number` of each row; `orders`: the order of each row."""

    alike: pl.DataFrame
    number: Array
    orders: pl.Series


def numbered(rows: pl.DataFrame) -> Numbered:
    """Number the rows of a table by all columns but the first, which names their order."""
    columns = rows.columns[1:]
    alike = rows.lazy().select(columns).unique().sort(columns, nulls_last=False).collect()
    return Numbered(alike, _numbers(rows, alike), rows.to_series(0))


def _numbers(rows: pl.DataFrame, alike: pl.DataFrame) -> Array:
    """The row of `alike` that each of `rows` is; -1 where there is none."""
    found = rows.lazy().join(
        alike.lazy().with_row_index("number"), on=alike.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return found.select(pl.col("number").cast(pl.Int32).fill_null(-1)).collect().to_series().to_numpy()


def numbered_again(
    rows: pl.DataFrame, reuse: Reuse, differing: Differing | None, after: tuple[object, ...]
) -> Numbered:
    """As `numbered`; where rows of other orders than those `differing` were numbered before, they are not looked at again.

    `after`: what the rows were made of besides, the same for all orders.
    """
    if differing is None:
        return numbered(rows)
    before = reuse.of_base(numbered, (rows.columns, after), lambda: numbered(rows), differing)
    if before is None or differing.keys.is_empty():
        return before or numbered(rows)
    name = rows.columns[0]
    part = rows_of(rows, name, differing.keys)
    splice = splice_of(before.orders, part.get_column(name), differing.keys)
    number = splice.array(before.number, _numbers(part, before.alike))
    unknown = np.flatnonzero(number < 0)
    there = np.bincount(number[number >= 0], minlength=before.alike.height) > 0
    if not unknown.size and there.all():
        return Numbered(before.alike, number, rows.to_series(0))
    columns = before.alike.columns
    new = part.lazy().select(columns).join(before.alike.lazy(), on=columns, how="anti", nulls_equal=True).unique()
    alike = (
        pl.concat([before.alike.lazy().with_row_index("before").filter(pl.Series(there)), new], how="diagonal")
        .sort(columns, nulls_last=False).with_row_index("number").collect()
    )  # fmt: skip
    known = alike.drop_nulls("before")
    to = np.full(before.alike.height, -1, np.int32)
    to[known["before"].to_numpy()] = known["number"].to_numpy()
    number = np.where(number < 0, -1, to[number])
    alike = alike.select(columns)
    number[unknown] = _numbers(part, alike)[_numbers(part, before.alike) < 0]
    return Numbered(alike, number, rows.to_series(0))
