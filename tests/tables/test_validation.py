"""The check before a commit finds what the Pandera schema finds, and names the rows."""

from __future__ import annotations

import pandera.errors
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.tables.model import Column, Kind, Layer, Table
from recon_platform.tables.order import increasing
from recon_platform.tables.validation import TableError, check, violations

T = Table(
    "t", Layer.CAPACITY, "T.",
    (
        Column("k", Kind.KEY, "Key."),
        Column("state", Kind.TEXT, "State.", nullable=True, allowed=("on", "off")),
        Column("share", Kind.NUMBER, "Share.", nullable=True, above=0, maximum=1),
        Column("count", Kind.WHOLE, "Count.", nullable=True, minimum=0),
    ),
    key=("k",),
)  # fmt: skip

rows = st.lists(
    st.fixed_dictionaries({
        "k": st.sampled_from("abcdefghijkl"), "state": st.sampled_from(["on", "off", None, "broken"]),
        "share": st.sampled_from([0.5, 1.0, None, 0.0, 1.5]), "count": st.sampled_from([0, 3, None, -1]),
    }),
    max_size=5,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(rows)
def test_it_agrees_with_pandera(made: list[dict[str, object]]) -> None:
    frame = T.frame(made)
    try:
        T.pandera().validate(frame, lazy=True)
        fits = True
    except pandera.errors.SchemaErrors:
        fits = False
    assert (violations(T, frame) == []) == fits


def test_every_rule_is_named_with_its_first_rows() -> None:
    frame = T.frame([
        {"k": "a", "state": "on", "share": 1.0, "count": 0},
        {"k": "a", "state": "broken", "share": 0.0, "count": -1},
        {"k": "b", "share": 2.0},
    ])  # fmt: skip
    assert [str(v) for v in violations(T, frame)] == [
        "table t, column state: must be one of on, off; 1 rows (row 1: 'broken')",
        "table t, column share: must be at most 1; 1 rows (row 2: 2.0)",
        "table t, column share: must be more than 0; 1 rows (row 1: 0.0)",
        "table t, column count: must be at least 0; 1 rows (row 1: -1)",
        "table t: the key k must be unique; 2 rows (row 0: {'k': 'a'}, row 1: {'k': 'a'})",
    ]
    with pytest.raises(TableError, match="must be one of on, off") as raised:
        check(T, frame)
    assert len(raised.value.violations) == 5


def test_shape_is_looked_at_first() -> None:
    frame = pl.DataFrame({"k": ["a"], "state": ["no"], "share": ["x"], "extra": [1]})
    assert [str(v) for v in violations(T, frame)] == [
        "table t, column extra: the table has no such column; 1 rows",
        "table t, column share: expected type Float64, found String; cast it; 1 rows",
        "table t, column count: the column (whole) is missing; 1 rows",
    ]


def test_null_and_not_a_number_are_refused() -> None:
    frame = T.frame([{"k": None, "share": float("nan")}])
    assert [v.rule for v in violations(T, frame)] == [
        "may not be null",
        "must be a finite number",
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | st.integers(0, 2), st.none() | st.text("ab", max_size=2))))
def test_increasing_means_sorted_without_repetition(made: list[tuple[int | None, str | None]]) -> None:
    frame = pl.DataFrame(made, schema={"a": pl.Int64, "b": pl.String}, orient="row")
    expected = frame.sort("a", "b", nulls_last=False).equals(frame) and not frame.is_duplicated().any()
    assert increasing(frame, ("a", "b")) == expected
