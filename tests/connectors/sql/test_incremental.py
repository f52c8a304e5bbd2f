"""Incremental and whole extraction give the same tables, whatever happened between two nights (property)."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import SourceTable
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.sql import SqlDoor, SqlTable

PLANT = 'plant = "P"\n'
TABLE = "lots (lot varchar(20), item varchar(20), heat varchar(20), changed_at timestamp)"
START = datetime(2026, 3, 2, 6, tzinfo=UTC).replace(tzinfo=None)
key = st.integers(0, 12).map(lambda n: f"L{n}")
change = st.tuples(st.sampled_from(["put", "put_late", "drop", "wait"]), key, st.integers(0, 3))
nights = st.lists(st.lists(change, max_size=8), min_size=2, max_size=5)


def apply(database: Engine, changes: list[tuple[str, str, int]], minute: int) -> int:
    """What people did between two nights. A late row was stamped up to half an hour ago and committed now."""
    with database.begin() as connection:
        for what, lot, value in changes:
            minute += 1
            if what == "wait":
                minute += 90
                continue
            connection.execute(text("DELETE FROM lots WHERE lot = :lot"), {"lot": lot})
            if what != "drop":
                at = START + timedelta(minutes=minute - (30 if what == "put_late" else 0))
                connection.execute(
                    text("INSERT INTO lots VALUES (:lot, :item, :heat, :at)"),
                    {"lot": lot, "item": f"I{value}", "heat": None if value == 3 else "", "at": at},
                )
    return minute


def check(database: Engine, told: list[list[tuple[str, str, int]]]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="incremental-"))
    query = "SELECT lot, item, heat, changed_at FROM lots"
    door = SqlDoor("mes", database, {"lots": SqlTable(SourceTable("lots", "mes", ("lot",), "changed_at"), query, 60.0)}, Secrets({}))  # fmt: skip
    (folder / "plant.toml").write_text(PLANT)
    minute, ways = 0, set()
    try:
        for number, changes in enumerate(told):
            minute = apply(database, changes, minute)
            made = extract_night([door], folder / "plant.toml", folder / f"n{number}", folder / "state")
            ways.add(made.tables[0].how)
            extract_night([door], folder / "plant.toml", folder / f"w{number}", folder / f"s{number}", full=True)
            one, two = (pl.read_parquet(folder / f"{kind}{number}" / "lots.parquet") for kind in "nw")
            assert one.equals(two)
    finally:
        shutil.rmtree(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nights)
def test_incremental_is_whole_on_sqlite(told: list[list[tuple[str, str, int]]]) -> None:
    database = create_engine("sqlite://", poolclass=None)
    with database.begin() as connection:
        connection.execute(text(f"CREATE TABLE {TABLE}"))
    check(database, told)
    database.dispose()


@pytest.fixture
def postgres(server: str) -> Engine:
    return create_engine(server.replace("postgresql://", "postgresql+psycopg2://", 1))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(nights)
def test_incremental_is_whole_on_postgresql(postgres: Engine, told: list[list[tuple[str, str, int]]]) -> None:
    with postgres.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS lots"))
        connection.execute(text(f"CREATE TABLE {TABLE}"))
    check(postgres, told)
