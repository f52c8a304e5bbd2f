"""Every table stays readable for Spark, Databricks and DuckDB: oldest protocol, no table features, plain types.

DuckDB reads here what a replay of `_delta_log` names as live, by a replay written for this test from the protocol text.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path

import duckdb
import polars as pl
import pytest

from recon_platform.lake import Lake
from recon_platform.lake.raw import packed, raw_text
from recon_platform.tables.registry import CONFORMED, TABLES, output_table

DAY, NEXT = date(2026, 1, 5), date(2026, 1, 6)
PLAIN_TYPES = {"string", "long", "double", "boolean", "date", "timestamp"}
OWN_FORM = {"audit"}  # a log of the installation: no plant and night in front


def live_files(table: Path) -> tuple[dict[str, dict[str, str]], dict[str, object], dict[str, object]]:
    """Path → partition values of the live files, the protocol and the metadata, from the JSON commits alone."""
    files: dict[str, dict[str, str]] = {}
    protocol: dict[str, object] = {}
    metadata: dict[str, object] = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for line in commit.read_text().rstrip("\n").split("\n"):
            action = json.loads(line)
            if "add" in action:
                files[action["add"]["path"]] = action["add"]["partitionValues"]
            elif "remove" in action:
                files.pop(action["remove"]["path"], None)
            elif "protocol" in action:
                protocol = action["protocol"]
            elif "metaData" in action:
                metadata = action["metaData"]
    return files, protocol, metadata


def sample(name: str) -> pl.DataFrame:
    """One row with a value in every column of a table."""
    values: dict[pl.DataType, object] = {
        pl.String(): "Ä x/1", pl.Float64(): 0.5, pl.Int64(): 1, pl.Boolean(): True, pl.Date(): DAY,
        pl.Datetime("us", "UTC"): datetime(2026, 3, 29, 1, 0, tzinfo=UTC), pl.Time(): time(22, 30),
    }  # fmt: skip
    table = output_table(name)
    return table.frame([{c.name: c.allowed[0] if c.allowed else values[c.dtype] for c in table.columns}])


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for name in TABLES:
        if name not in OWN_FORM:
            lake.write(
                output_table(name).layer, name, sample(name), plant="P-1", planning_date=DAY, sequence=0, run_id="r"
            )
    return lake


def test_no_table_needs_a_feature(lake: Lake) -> None:
    tables = lake.tables()
    assert len(tables) == len(TABLES) - len(OWN_FORM)
    for layer, name in tables:
        _, protocol, metadata = live_files(Path(lake.path(layer, name)))
        assert protocol == {"minReaderVersion": 1, "minWriterVersion": 2}, name
        fields = json.loads(str(metadata["schemaString"]))["fields"]
        assert {field["type"] for field in fields} <= PLAIN_TYPES, name
        assert metadata["partitionColumns"] == ["plant", "planning_date"], name
        configuration = metadata["configuration"]
        assert isinstance(configuration, dict)
        assert not any("columnMapping" in key or "deletionVectors" in key for key in configuration), name


def test_what_is_read_is_what_was_written(lake: Lake) -> None:
    for name in TABLES:
        if name not in OWN_FORM:
            assert lake.read(output_table(name).layer, name).equals(sample(name)), name


def test_duckdb_reads_the_live_rows_of_a_night(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    frame = pl.concat([sample("schedule").with_columns(work_order=pl.lit(f"W{i}")) for i in range(4)])
    for day, rows in ((DAY, frame), (NEXT, frame.head(1)), (DAY, frame.head(3))):
        lake.write("capacity", "schedule", rows, plant="P1", planning_date=day, sequence=0, run_id="r")
    root = Path(lake.path("capacity", "schedule"))
    files, _, _ = live_files(root)
    assert sorted(values["planning_date"] for values in files.values()) == ["2026-01-05", "2026-01-06"]
    paths = [str(root / path) for path in files]
    rows = duckdb.sql(
        "select plant, planning_date, work_order, epoch_us(start) from read_parquet($files, hive_partitioning = true) "
        "order by planning_date, work_order",
        params={"files": paths},
    ).fetchall()
    instant = int(datetime(2026, 3, 29, 1, 0, tzinfo=UTC).timestamp() * 1_000_000)
    assert rows == [("P1", DAY, f"W{i}", instant) for i in range(3)] + [("P1", NEXT, "W0", instant)]


def test_raw_tables_keep_one_plain_schema_whatever_a_source_sends(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    typed = pl.DataFrame({
        "item": [17, 18], "qty": [0.1, None], "uom": ["KG", None], "status": ["available", None],
        "expiry": [DAY, None], "seen at": ["1.5.26 1:00", None], "_file": ["a", "a"], "_row": [1, 2],
    })  # fmt: skip
    plain = typed.select("item", "qty", "status", "_file", "_row").cast({"item": pl.String, "qty": pl.String})
    for day, frame in ((DAY, typed), (NEXT, plain)):
        table, stored = packed("inventory", raw_text("inventory", frame))
        lake.write("raw", table, stored, plant="P1", planning_date=day, sequence=0, run_id="r")
    _, protocol, metadata = live_files(Path(lake.path("raw", "inventory")))
    assert protocol == {"minReaderVersion": 1, "minWriterVersion": 2}
    names = [field["name"] for field in json.loads(str(metadata["schemaString"]))["fields"]]
    assert "seen at" not in names and "_unknown" in names
    assert set(CONFORMED["inventory"].column_names) - {"source_file", "source_row"} <= set(names)
