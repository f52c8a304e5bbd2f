"""The digest: content and nothing else. Known answers keep it the same across versions of every library."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recon_platform.lake import Lake, canonical_order, frame_digest
from recon_platform.tables.model import Column, Kind, Layer, Table

EVERY = Table(
    "every", Layer.CAPACITY, "A column of every kind.",
    (
        Column("k", Kind.KEY, "Key."), Column("t", Kind.TEXT, "Text.", nullable=True),
        Column("n", Kind.NUMBER, "Number.", nullable=True), Column("w", Kind.WHOLE, "Whole.", nullable=True),
        Column("f", Kind.FLAG, "Flag.", nullable=True), Column("d", Kind.DAY, "Day.", nullable=True),
        Column("i", Kind.INSTANT, "Instant.", nullable=True), Column("c", Kind.CLOCK, "Clock.", nullable=True),
    ),
)  # fmt: skip
ROWS: list[dict[str, object]] = [
    {"k": "a", "t": "ä\n", "n": 0.1, "w": -1, "f": True, "d": date(2026, 3, 29), "c": time(22, 30, 0, 5),
     "i": datetime(2026, 3, 29, 1, 0, 0, 7, tzinfo=UTC)},
    {"k": "b"},
    {"k": "", "t": "", "n": 0.0, "w": 0, "f": False, "d": date(1970, 1, 1), "c": time(0),
     "i": datetime(1970, 1, 1, tzinfo=UTC)},
]  # fmt: skip
KNOWN = "ed9bc142fbd3c62c314285d42a48a4e723aba51f66c067b970da00e7424f83ab"

rows = st.lists(
    st.fixed_dictionaries({
        "k": st.text(max_size=4), "t": st.none() | st.text(max_size=6),
        "n": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "w": st.none() | st.integers(-(2**63), 2**63 - 1), "f": st.none() | st.booleans(),
        "d": st.none() | st.dates(), "c": st.none() | st.times(),
        "i": st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    }),
    max_size=12,
)  # fmt: skip


def test_known_answer() -> None:
    assert frame_digest(EVERY.frame(ROWS), ("k",)) == KNOWN


def test_another_process_gives_the_same() -> None:
    code = (
        "from tests.lake.test_digest import EVERY, ROWS; from recon_platform.lake import frame_digest;"
        "print(frame_digest(EVERY.frame(ROWS), ('k',)))"
    )
    root = Path(__file__).resolve().parents[2]
    made = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert made.stdout.strip() == KNOWN


@settings(max_examples=30, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_row_order_does_not_count(made: list[dict[str, object]], chance: object) -> None:
    frame = EVERY.frame(made)
    shuffled = made.copy()
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for key in ((), ("k",), ("k", "w")):
        assert frame_digest(EVERY.frame(shuffled), key) == frame_digest(frame, key)
        assert canonical_order(EVERY.frame(shuffled), key).equals(canonical_order(frame, key))


@settings(max_examples=50, deadline=None)
@given(rows, rows)
def test_other_content_is_another_digest(one: list[dict[str, object]], other: list[dict[str, object]]) -> None:
    left, right = canonical_order(EVERY.frame(one)), canonical_order(EVERY.frame(other))
    assert (frame_digest(left) == frame_digest(right)) == left.equals(right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": ["x", "yz"]}, {"a": ["xy", "z"]}),
        ({"a": [None, 0]}, {"a": [0, 0]}),
        ({"a": ["", None]}, {"a": ["", ""]}),
        ({"a": [1]}, {"b": [1]}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": [1]}, {"a": ["1"]}),
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
        ({"a": [1]}, {"a": [1, 1]}),
        ({"a": [True]}, {"a": [1]}),
    ],
)
def test_what_looks_alike_is_told_apart(one: dict[str, list[object]], other: dict[str, list[object]]) -> None:
    assert frame_digest(pl.DataFrame(one)) != frame_digest(pl.DataFrame(other))


def test_equal_numbers_are_equal_however_they_are_written() -> None:
    assert frame_digest(pl.DataFrame({"a": [0.0]})) == frame_digest(pl.DataFrame({"a": [-0.0]}))
    assert frame_digest(pl.DataFrame({"a": [1]}, schema={"a": pl.Int8})) == frame_digest(pl.DataFrame({"a": [1]}))
    sliced = pl.concat([pl.DataFrame({"a": ["x", "y"]}), pl.DataFrame({"a": ["z"]})], rechunk=False)[1:]
    assert frame_digest(sliced) == frame_digest(pl.DataFrame({"a": ["y", "z"]}))


def test_a_column_that_holds_nothing_does_not_count() -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    assert frame_digest(frame.with_columns(later=pl.lit(None, pl.String))) == frame_digest(frame)
    assert frame_digest(frame.with_columns(later=pl.lit("x"))) != frame_digest(frame)


def test_a_list_has_no_digest() -> None:
    with pytest.raises(TypeError, match="column a is List"):
        frame_digest(pl.DataFrame({"a": [[1]]}))


@settings(max_examples=25, deadline=None)
@given(rows)
@example([{"k": "\x85"}])  # ends a line for Python, not in a commit of the log
def test_what_is_read_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: list[dict[str, object]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    frame = EVERY.frame(made)
    written = lake.write("capacity", EVERY, frame, plant="P", planning_date=date(2026, 1, 5), sequence=0, run_id="r")
    again = lake.read("capacity", EVERY)
    assert again.equals(canonical_order(frame))
    assert again.schema == frame.schema
    assert lake.digest(again, EVERY) == written.digest
