"""A landing folder is read as it is, or refused in one line that names file, column and row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from recon_platform.connectors import LandingError, landing_of, read_landing
from tests.conform.plant import landing

PLANT = 'plant = "TEST"\ntimezone = "Europe/Berlin"\ncalendar = "DAY"\n'


def write(folder: Path, plant: str = PLANT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in landing().items():
        frame.write_csv(folder / f"{name}.csv")
    (folder / "plant.toml").write_text(plant, encoding="utf-8")
    return folder


def test_rows_come_as_text_with_their_place(tmp_path: Path) -> None:
    found = read_landing(write(tmp_path / "in"))
    orders = found.frames["work_orders"]
    assert orders["qty"].to_list() == ["5", "1000"]
    assert orders.select("_source", "_file", "_row").rows() == [
        ("erp", "work_orders.csv", 1),
        ("erp", "work_orders.csv", 2),
    ]
    assert orders["_extracted_at"].to_list() == ["2026-03-02T05:00:00Z"] * 2
    assert found.frames["items"]["_extracted_at"].to_list() == [None] * 3
    assert found.frames["operation_status"]["_source"].to_list() == ["mes"]
    assert found.as_of == datetime(2026, 3, 2, 5, tzinfo=UTC)
    assert found.plant.code == "TEST"


def test_parts_and_parquet_make_the_same_rows(tmp_path: Path) -> None:
    whole = read_landing(write(tmp_path / "whole"))
    parts = write(tmp_path / "parts")
    orders = landing()["work_orders"]
    (parts / "work_orders.csv").unlink()
    (parts / "work_orders").mkdir()
    orders.head(1).write_parquet(parts / "work_orders" / "b.parquet")
    orders.tail(1).write_csv(parts / "work_orders" / "a.csv")
    again = read_landing(parts)
    columns = orders.columns
    assert (
        again.frames["work_orders"]
        .select(columns)
        .sort("work_order")
        .equals(whole.frames["work_orders"].select(columns).sort("work_order"))
    )
    assert again.frames["work_orders"]["_file"].to_list() == ["work_orders/a.csv", "work_orders/b.parquet"]


def test_tables_handed_over_without_a_folder_are_those_of_their_parquet_files(tmp_path: Path) -> None:
    tables = {name: frame for name, frame in landing().items() if name != "customers"}
    settings = (PLANT + 'absent = ["customers"]\n').encode()
    (tmp_path / "plant.toml").write_bytes(settings)
    for name, frame in tables.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    read, taken = read_landing(tmp_path), landing_of(tables, settings)
    assert list(taken.frames) == list(read.frames)
    for name, frame in read.frames.items():
        assert taken.frames[name].equals(frame), name
        assert taken.frames[name].schema == frame.schema
    assert (taken.plant, taken.as_of, taken.absent) == (read.plant, read.as_of, read.absent)
    assert landing_of(tables, settings).digest == taken.digest != landing_of(tables, settings + b"# x\n").digest
    with pytest.raises(LandingError, match="customers is missing"):
        landing_of(tables, PLANT.encode())
    with pytest.raises(LandingError, match="required table items has no rows"):
        landing_of(tables | {"items": tables["items"].clear()}, settings)


def test_unknown_tables_and_columns_are_kept_and_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    (folder / "wishes.csv").write_text("a\n1\n")
    landing()["items"].with_columns(colour=pl.lit("red")).write_csv(folder / "items.csv")
    found = read_landing(folder)
    assert found.unknown_tables == ("wishes.csv",)
    assert found.unknown_columns == {"items": ("colour",)}
    assert found.frames["items"]["colour"].to_list() == ["red"] * 3


def test_the_digest_is_of_names_and_bytes(tmp_path: Path) -> None:
    one, two = read_landing(write(tmp_path / "a")), read_landing(write(tmp_path / "b"))
    assert one.digest == two.digest
    (tmp_path / "b" / "items.csv").write_text((tmp_path / "b" / "items.csv").read_text().replace("BOLT", "BOLD"))
    assert read_landing(tmp_path / "b").digest != one.digest


def test_ragged_rows_are_kept_with_their_problem(tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    (folder / "customers.csv").write_text("customer,class\nC1,A\nC2\nC3,B,1\nC4,B\n")
    rows = read_landing(folder).frames["customers"].select("customer", "class", "_row", "_problem").rows()
    assert rows == [
        ("C1", "A", 1, None), ("C2", None, 2, "the row has 1 fields, the header 2"),
        ("C3", "B", 3, "the row has 3 fields, the header 2"), ("C4", "B", 4, None),
    ]  # fmt: skip


def test_a_table_declared_absent_has_no_rows(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", 'absent = ["bom_lines"]\n' + PLANT)
    (folder / "bom_lines.csv").unlink()
    found = read_landing(folder)
    assert found.absent == ("bom_lines",)
    assert found.frames["bom_lines"].height == 0


def _replace(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: ((folder / name).write_bytes(data) and None) or None


def _missing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _zero_byte_parquet(folder: Path) -> None:
    (folder / "items.csv").unlink()
    (folder / "items.parquet").write_bytes(b"")


def _twice(folder: Path) -> None:
    landing()["items"].write_parquet(folder / "items.parquet")


HEADER = b"item,make_buy,uom,lead_time_days,lot_rule\n"
BROKEN: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "missing file": (_missing("items.csv"), ("items", "missing", "file items.csv")),
    "missing plant.toml": (_missing("plant.toml"), ("missing", "file plant.toml")),
    "wrong header": (
        _replace("items.csv", b"itm,make_buy,uom,lead_time_days,lot_rule\n1,2,3,4,5\n"),
        ("column item", "row 0", "file items.csv"),
    ),
    "semicolons": (_replace("items.csv", HEADER.replace(b",", b";")), ("commas", "file items.csv", "row 0")),
    "header twice": (_replace("items.csv", b"item," + HEADER), ("'item' appears twice", "file items.csv")),
    "bad encoding": (
        _replace("items.csv", HEADER + b"BOLT,make,PCE,5,lot_for_lot\nM\xfctter,make,PCE,5,x\n"),
        ("file items.csv", "column item", "row 2", "UTF-8"),
    ),
    "utf-16": (_replace("items.csv", "item".encode("utf-16")), ("UTF-16", "file items.csv")),
    "empty table": (_replace("items.csv", HEADER), ("items", "no rows", "file items.csv")),
    "0 bytes": (_replace("items.csv", b""), ("empty", "file items.csv")),
    "0-byte Parquet": (_zero_byte_parquet, ("0 bytes", "file items.parquet")),
    "open quote": (
        _replace("items.csv", HEADER + b'BOLT,make,"PCE,5,x\nB,make,PCE,5,x\n'),
        ("quoted", "file items.csv", "row 1"),
    ),
    "delivered twice": (_twice, ("items", "twice")),
    "bad toml": (_replace("plant.toml", b"plant = \n"), ("TOML", "file plant.toml", "line 1")),
    "bad time zone": (
        _replace("plant.toml", b'plant = "T"\ntimezone = "Mars/Olympus"\n'),
        ("timezone", "Mars/Olympus"),
    ),
    "bad setting": (
        _replace("plant.toml", b'plant = "T"\n[policy.capacity]\nfrozen_hours = "x"\n'),
        ("capacity.frozen_hours", "float"),
    ),
    "unknown setting": (_replace("plant.toml", b'plant = "T"\ncolour = 1\n'), ("colour",)),
    "no code": (_replace("plant.toml", b'timezone = "UTC"\n'), ("plant", "missing")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_landing_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "in")
    spoil, expected = BROKEN[name]
    spoil(folder)
    with pytest.raises(LandingError) as caught:
        read_landing(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in expected:
        assert part in message


def test_a_path_that_does_not_exist_or_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="does not exist"):
        read_landing(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(LandingError, match="expected a landing folder"):
        read_landing(tmp_path / "file")


def test_as_of_comes_from_the_newest_readable_watermark(tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    (folder / "feeds.csv").write_text(
        "table,source,extracted_at,watermark,rows\nitems,erp,2026-03-02T04:00:00,2026-03-02T04:30:00,1\nx,erp,?,24:00.0,1\n"
    )
    assert read_landing(folder).as_of == datetime(2026, 3, 2, 3, 30, tzinfo=UTC)
    (folder / "feeds.csv").write_text("table,source,extracted_at,watermark,rows\nitems,erp,?,?,1\n")
    with pytest.raises(LandingError, match="as_of is unknown"):
        read_landing(folder)
