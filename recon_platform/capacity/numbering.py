"""Numbers for rows that are alike: equal rows of some columns have one number, in the order in which the columns sort.

Belongs here: numbering all rows, and numbering again where the rows of a few orders have changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.capacity.problem import Array
from recon_platform.tables.reuse import Differing, Reuse
from recon_platform.tables.splice import Places, places, splice_of


@dataclass(frozen=True, slots=True)
class Numbered:
    """`alike`: what each number stands for, by number; `number` of each row; `orders`: where each stands."""

    alike: pl.DataFrame
    number: Array
    orders: Places


def numbered(rows: pl.DataFrame) -> Numbered:
    """Number the rows of a table by all columns but the first, which names their order."""
    columns = rows.columns[1:]
    alike = rows.lazy().select(columns).unique().sort(columns, nulls_last=False).collect()
    return Numbered(alike, _numbers(rows, alike), places(rows.to_series(0)))


def _numbers(rows: pl.DataFrame, alike: pl.DataFrame) -> Array:
    """The row of `alike` that each of `rows` is; -1 where there is none."""
    found = rows.lazy().join(
        alike.lazy().with_row_index("number"), on=alike.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return found.select(pl.col("number").cast(pl.Int32).fill_null(-1)).collect().to_series().to_numpy()


def numbered_again(
    table: pl.DataFrame, columns: Sequence[str], reuse: Reuse, differing: Differing | None, after: tuple[object, ...]
) -> tuple[pl.DataFrame, Array]:
    """`alike` and `number` as `numbered` gives them, by `columns` of a table by work order.

    Rows of other orders than those `differing` are not looked at again where they were numbered before.
    `after`: what the table was made of besides, the same for all orders.
    """
    name = table.columns[0]

    def whole() -> Numbered:
        return numbered(table.select(name, *columns).rechunk())

    if differing is None:
        made = whole()
        return made.alike, made.number
    before = reuse.of_base(numbered, (columns, after), whole, differing)
    if before is None or differing.keys.is_empty():
        made = before or whole()
        return made.alike, made.number
    part = differing.rows(table, name).select(name, *columns)
    splice = splice_of(before.orders, places(part.get_column(name)), differing.keys)
    number = splice.array(before.number, _numbers(part, before.alike))
    unknown = np.flatnonzero(number < 0)
    there = np.bincount(number[number >= 0], minlength=before.alike.height) > 0
    if not unknown.size and there.all():
        return before.alike, number
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
    return alike, number
