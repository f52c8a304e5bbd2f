"""Raw tables: what a source sent, as text, the same before and after the lake, whatever it sends tomorrow."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.lake import Lake
from recon_platform.lake.raw import packed, raw_text, unpacked

DAY = date(2026, 1, 5)
cell = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
row = st.fixed_dictionaries({
    "item": cell, "qty": cell, "uom": cell, "status": cell, "lot": cell, "Farbe, neu": cell, "a{b}=c": cell,
})  # fmt: skip


def kept(lake: Lake, name: str, text: pl.DataFrame, day: date = DAY) -> pl.DataFrame:
    """`text` written to the lake and read again."""
    table, frame = packed(name, text)
    written = lake.write("raw", table, frame, plant="P1", planning_date=day, sequence=0, run_id="r")
    return unpacked(name, lake.read("raw", name, version=written.version, plant="P1", planning_date=day))


@settings(max_examples=25, deadline=None)
@given(st.lists(row, max_size=6))
def test_text_survives_the_lake(tmp_path_factory: object, rows: list[dict[str, str | None]]) -> None:
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(("item", "qty", "uom", "status", "lot", "Farbe, neu", "a{b}=c"), pl.String)
    )
    frame = frame.with_columns(_source=pl.lit("erp"), _file=pl.lit("inventory.csv"), _row=pl.int_range(1, pl.len() + 1))
    text = raw_text("inventory", frame)
    lake = Lake(tmp_path_factory.mktemp("raw"))  # type: ignore[attr-defined]
    again = kept(lake, "inventory", text)
    assert again.equals(text)
    assert again.columns == text.columns


def test_typed_cells_become_their_iso_text() -> None:
    frame = pl.DataFrame({
        "item": [17], "qty": [0.1], "uom": [None], "status": ["available"], "expiry": [DAY], "grade": [Decimal("1.50")],
        "counted_on": [datetime(2026, 1, 5, 23, 30)],  # noqa: DTZ001 - a source without a zone
        "seen": [datetime(2026, 1, 5, 12, tzinfo=UTC)], "at": [time(6, 30)], "flag": [True], "blob": [b"\x00\xff"],
    }).with_columns(pl.col("seen").dt.convert_time_zone("Europe/Berlin"))  # fmt: skip
    assert raw_text("inventory", frame).row(0, named=True) == {
        "item": "17", "qty": "0.1", "status": "available", "grade": "1.50", "expiry": "2026-01-05",
        "counted_on": "2026-01-05T23:30:00.000000", "at": "06:30:00.000000", "blob": "00ff", "flag": "true",
        "seen": "2026-01-05T12:00:00.000000+00:00",
    }  # fmt: skip


def test_absent_and_empty_are_the_same_where_a_column_may_be_absent() -> None:
    full = pl.DataFrame({"item": ["a"], "qty": ["1"], "uom": [None], "status": [None], "lot": [None], "_row": [1]})
    text = raw_text("inventory", full)
    assert text.columns == ["item", "qty", "status", "_row"]  # `status` must be there, so its emptiness counts
    assert raw_text("inventory", full.drop("uom", "lot")).equals(text)


def test_other_columns_another_night_leave_the_table_as_it_is(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    base = pl.DataFrame({"item": ["a"], "qty": ["1"], "status": ["hold"], "_file": ["f"], "_row": [1]})
    one = raw_text("inventory", base.with_columns(new=pl.lit("x")))
    other = raw_text("inventory", base.with_columns(lot=pl.lit("L1"), newer=pl.lit("y")))
    assert kept(lake, "inventory", one).equals(one)
    assert kept(lake, "inventory", other, date(2026, 1, 6)).equals(other)
    assert lake.delta("raw", "inventory").version() == 1


def test_rows_come_back_in_the_order_of_file_and_row(tmp_path: Path) -> None:
    frame = pl.DataFrame({
        "item": ["c", "a", "b"], "qty": ["1", "2", "3"], "status": ["hold"] * 3,
        "_file": ["inventory/2.csv", "inventory/1.csv", "inventory/1.csv"], "_row": [1, 2, 1],
    })  # fmt: skip
    assert kept(Lake(tmp_path), "inventory", raw_text("inventory", frame))["item"].to_list() == ["b", "a", "c"]
