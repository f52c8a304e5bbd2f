"""Where the operations of one table stand in another, both by work order and sequence.

Belongs here: finding them by number. A join looks at the names of orders for every operation; tables in the order of
their keys need a look per order.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.order import increasing
from recon_platform.tables.splice import stretches

KEY = ("work_order", "op_seq")
SEQUENCE_BITS = 32


def rows_in(other: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """For each row of `table` the row of `other` with its work order and sequence, null where there is none.

    Each table has an operation once; where either is not in the order of its keys the rows are joined.
    """
    if not (increasing(other, KEY) and increasing(table, KEY)):
        found = table.select(KEY).join(
            other.select(KEY).with_row_index("there"), on=KEY, how="left", maintain_order="left"
        )
        return found.get_column("there").cast(pl.Int64)
    first, begin = (stretches(one.get_column("work_order")) for one in (other, table))
    names, asked = (one.get_column("work_order")[at].to_frame() for one, at in ((other, first), (table, begin)))
    number = asked.join(names.with_row_index("number"), on="work_order", how="left", maintain_order="left")
    of_order = number.get_column("number").cast(pl.Int64).fill_null(-1).to_numpy()
    known = _numbered(np.arange(first.size), first, other)
    wanted = _numbered(of_order, begin, table)
    at = np.searchsorted(known, wanted)
    there = known[np.minimum(at, known.size - 1)] == wanted if known.size else np.zeros(wanted.size, np.bool_)
    return pl.Series(at, dtype=pl.Int64).set(pl.Series(~there), None)


def _numbered(order: NDArray[np.int64], first: NDArray[np.int64], rows: pl.DataFrame) -> NDArray[np.int64]:
    """One number for each operation, by the number of its order and its sequence."""
    lengths = np.diff(first, append=rows.height)
    numbered: NDArray[np.int64] = (np.repeat(order, lengths) << SEQUENCE_BITS) + rows.get_column("op_seq").to_numpy()
    return numbered
