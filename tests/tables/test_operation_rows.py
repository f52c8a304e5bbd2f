"""Where the operations of one table stand in another."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.tables.operation_rows import KEY, rows_in

OPERATIONS = st.sets(st.tuples(st.sampled_from(["", "A", "B1", "B10", "B2", "樱"]), st.integers(0, 40)), max_size=14)


def table(rows: list[tuple[str, int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"work_order": pl.String, "op_seq": pl.Int64}, orient="row")


@settings(max_examples=60, deadline=None)
@given(OPERATIONS, OPERATIONS, st.booleans())
def test_each_operation_is_found_where_it_stands(
    one: set[tuple[str, int]], two: set[tuple[str, int]], in_order: bool
) -> None:
    other, asked = (table(sorted(rows, reverse=not in_order)) for rows in (one, two))
    found = rows_in(other, asked)
    known = list(other.iter_rows())
    assert found.to_list() == [known.index(key) if key in known else None for key in asked.iter_rows()]
    assert other.select(pl.col(KEY).gather(found)).filter(found.is_not_null()).equals(asked.filter(found.is_not_null()))
