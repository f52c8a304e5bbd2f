"""The registry and the landing contract: every table described once, completely, in the contract's own words."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest

from recon_platform.tables.model import Column, Kind, Layer, Table
from recon_platform.tables.registry import CONFORMED, TABLES, conformed_table, output_table, table

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "design" / "data-contract.md"
LANDING = {name: found for name, found in TABLES.items() if found.layer is Layer.LANDING}
EACH = [pytest.param(found, id=name) for name, found in TABLES.items()]


@pytest.mark.parametrize("found", EACH)
def test_a_table_is_described_completely(found: Table) -> None:
    assert found.meaning.endswith(".") and found.owner
    for column in found.columns:
        assert column.meaning.endswith((".", "…")), f"{found.name}.{column.name}: {column.meaning!r} is no sentence"
        if column.kind not in {Kind.NUMBER, Kind.WHOLE}:
            assert (column.minimum, column.maximum, column.above) == (None, None, None)
        if column.allowed is not None:
            assert column.kind in {Kind.TEXT, Kind.KEY}
            assert len(set(column.allowed)) == len(column.allowed)
        if column.refers_to is not None:
            assert column.refers_to in TABLES, f"{found.name}.{column.name} refers to {column.refers_to}"
    assert output_table(found.name).pandera().name == found.name
    assert found.empty().schema == pl.Schema(found.schema)


def test_conformed_tables_say_where_each_row_came_from() -> None:
    assert set(CONFORMED) == set(LANDING)
    for name, found in LANDING.items():
        conformed = conformed_table(name)
        assert conformed.layer is Layer.CONFORMED
        assert conformed.column_names == (*found.column_names, "source_file", "source_row")


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no table 'orders'; the tables are .*work_orders"):
        table("orders")
    with pytest.raises(KeyError, match="no landing table 'schedule'"):
        conformed_table("schedule")
    assert output_table("items").layer is Layer.CONFORMED
    assert output_table("schedule") is table("schedule")


def contract_rows() -> dict[str, dict[str, bool]]:
    """Table → column → nullable, read from the contract's own Markdown."""
    text = CONTRACT.read_text(encoding="utf-8")
    landing = text.split("## From the ERP")[1].split("## What comes out")[0]
    found: dict[str, dict[str, bool]] = {}
    for line in landing.splitlines():
        if not line.startswith("| `"):
            continue
        names, columns = line.strip("|").split("|")[:2]
        tables = re.findall(r"`(\w+)`", names)
        groups = columns.split(";") if len(tables) > 1 and ";" in columns else [columns] * len(tables)
        for name, group in zip(tables, groups, strict=True):
            plain = re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", group)).split(". ")[0]
            found[name] = {}
            for part in re.split(r",|\bor\b", plain):
                column = part.strip()
                if re.fullmatch(r"\w+\??", column):
                    found[name][column.rstrip("?")] = column.endswith("?")
    return found


if CONTRACT.exists():  # beside a checkout of the project only

    def test_the_landing_tables_are_those_of_the_contract() -> None:
        rows = contract_rows()
        assert set(rows) == set(LANDING)
        either = {
            (name, column)
            for name, pair in {
                "planned_downtime": ("work_center", "machine"),
                "labour_hours": ("work_center", "skill"),
                "downtime_events": ("machine", "work_center"),
            }.items()
            for column in pair
        }  # one of two columns that stand for each other
        for name, columns in rows.items():
            described = {column.name: column.nullable for column in LANDING[name].columns}
            assert described == {c: nullable or (name, c) in either for c, nullable in columns.items()}, name


def test_a_table_refuses_what_makes_no_sense() -> None:
    column = Column("a", Kind.KEY, "A.")
    with pytest.raises(ValueError, match="a column is described twice"):
        Table("t", Layer.LANDING, "T.", (column, column))
    with pytest.raises(ValueError, match=r"key columns \['b'\] are not among its columns"):
        Table("t", Layer.LANDING, "T.", (column,), key=("b",))
    made = Table("t", Layer.LANDING, "T.", (column, Column("b", Kind.NUMBER, "B.", nullable=True)))
    assert made.frame([{"a": "x"}]).rows() == [("x", None)]
    assert made.frame([]).schema == made.empty().schema
    with pytest.raises(ValueError, match=r"unknown columns \['c'\]"):
        made.frame([{"a": "x", "c": 1}])
    with pytest.raises(ValueError, match=r"columns \['a'\] are missing and may not be null"):
        made.frame([{"b": 1.0}])
    with pytest.raises(KeyError, match="table t has no column 'z'; it has a, b"):
        made.column("z")
    assert dataclasses.replace(made, name="u").name == "u"
