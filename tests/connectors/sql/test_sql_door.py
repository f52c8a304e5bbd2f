"""PostgreSQL as ERP and MES: what is read, incrementally and whole, what a changed source says, killed at any point."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import LandingError, read_landing
from recon_platform.connectors.connect_file import connections, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.extraction import Extraction, extract_night
from recon_platform.lake import Lake
from recon_platform.lake.raw import packed, raw_text
from tests.connectors.sql.conftest import Plant

KILLED = Path(__file__).with_name("killed_door.py")


def extract(plant: Plant, out: Path, state: Path, *, full: bool = False) -> Extraction:
    door = source("erp", connections(plant.plant_file)["erp"], Secrets(), plant.plant_file)
    assert door is not None
    return extract_night([door], plant.plant_file, out, state, full=full)


def tables(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def assert_same(one: Path, two: Path) -> None:
    first, second = tables(one), tables(two)
    assert first.keys() == second.keys()
    for name, frame in first.items():
        assert frame.equals(second[name]), name


def test_a_landing_comes_out_whole_and_says_what_it_is(plant: Plant, tmp_path: Path) -> None:
    made = extract(plant, tmp_path / "out", tmp_path / "state")
    landing = read_landing(tmp_path / "out")
    assert {t.table: t.rows for t in made.tables} == {
        name: frame.height for name, frame in landing.frames.items() if name != "feeds"
    }
    assert landing.frames["work_orders"]["row_version"].unique().to_list() == ["1"]
    assert "row_version" not in landing.unknown_columns.get("work_orders", ())
    count = plant.rows("select count(*), count(distinct work_order) from erp.work_orders")[0]
    assert landing.frames["work_orders"].height == count[0] > 20
    assert "connect" not in (tmp_path / "out" / "plant.toml").read_text()


def test_incremental_and_whole_give_the_same_tables(plant: Plant, tmp_path: Path) -> None:
    extract(plant, tmp_path / "first", tmp_path / "state")
    keys = [row[0] for row in plant.rows("select work_order from erp.work_orders order by 1 limit 3")]
    plant.run("update erp.work_orders set due_date = due_date + 1 where work_order = :key", key=keys[0])
    plant.run("delete from erp.work_orders where work_order = :key", key=keys[1])
    plant.run("insert into erp.work_orders select 'NEW1', item, routing, qty, completed_qty, scrapped_qty, uom, status, "
              "start_date, due_date, sales_order, line, lot, clock_timestamp(), 1 from erp.work_orders where work_order = :key",
              key=keys[2])  # fmt: skip
    quick = tmp_path / "plant.toml"
    quick.write_text(quick.read_text().replace('kind = "sql"', 'kind = "sql"\noverlap = 0'))
    made = extract(plant, tmp_path / "second", tmp_path / "state")
    orders = next(t for t in made.tables if t.table == "work_orders")
    assert (orders.how, orders.read) == ("incremental", 2)
    extract(plant, tmp_path / "whole", tmp_path / "other", full=True)
    assert_same(tmp_path / "second", tmp_path / "whole")
    found = pl.read_parquet(tmp_path / "second" / "work_orders.parquet")["work_order"]
    assert "NEW1" in found
    assert keys[1] not in found


def test_the_overlap_catches_what_was_stamped_before_and_committed_after(plant: Plant, tmp_path: Path) -> None:
    key = plant.rows("select work_order from erp.work_orders order by 1 limit 1")[0][0]
    extract(plant, tmp_path / "first", tmp_path / "state")
    plant.run("alter table erp.work_orders disable trigger touch")
    plant.run("update erp.work_orders set due_date = due_date + 5, changed_at = changed_at - interval '30 minutes' "
              "where work_order = :key", key=key)  # fmt: skip
    extract(plant, tmp_path / "second", tmp_path / "state")
    extract(plant, tmp_path / "whole", tmp_path / "other", full=True)
    assert_same(tmp_path / "second", tmp_path / "whole")


def test_a_column_that_came_or_went_is_named_and_stays_with_the_night(plant: Plant, tmp_path: Path) -> None:
    extract(plant, tmp_path / "first", tmp_path / "state")
    plant.run("alter table erp.work_orders add column colour text default 'red'")
    plant.run("alter table erp.items drop column safety_stock")
    made = extract(plant, tmp_path / "second", tmp_path / "state")
    said = {(c.table, c.column, c.change) for c in made.changes}
    assert said == {("work_orders", "colour", "added"), ("items", "safety_stock", "gone")}
    landing = read_landing(tmp_path / "second")
    assert sorted(landing.assumptions.values()) == sorted(str(change) for change in made.changes)
    assert landing.frames["work_orders"]["colour"].unique().to_list() == ["red"]


def test_a_needed_column_that_is_gone_stops_before_anything_is_there(plant: Plant, tmp_path: Path) -> None:
    plant.run("alter table erp.work_orders drop column due_date")
    with pytest.raises(LandingError, match="column due_date of work_orders does not come from erp"):
        extract(plant, tmp_path / "out", tmp_path / "state")
    assert not (tmp_path / "out").exists()
    assert execute(["connect", "test", "erp", "--plant-file", str(plant.plant_file)]) == 1


def test_the_test_of_a_door_says_what_it_can_read(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    plant.run("alter table mes.lots rename to lots_old")
    assert execute(["connect", "test", "erp", "--plant-file", str(plant.plant_file), "--json"]) == 1
    said = {row["table"]: row for row in json.loads(capsys.readouterr().out)["erp"]}
    assert said["work_orders"]["readable"]
    assert "incremental" in said["work_orders"]["text"]
    assert not said["lots"]["readable"]
    assert "mes.lots" in said["lots"]["text"]


@pytest.mark.parametrize("point", ["first", "landed"])
def test_an_extraction_killed_anywhere_is_done_again_without_loss(plant: Plant, tmp_path: Path, point: str) -> None:
    extract(plant, tmp_path / "first", tmp_path / "state")
    plant.run("update erp.work_orders set due_date = due_date + 1")
    arguments = [
        sys.executable,
        str(KILLED),
        "extract",
        str(plant.plant_file),
        str(tmp_path / "out"),
        str(tmp_path / "state"),
    ]
    assert subprocess.run([*arguments, point], check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "out").exists() == (point == "landed")
    again = tmp_path / ("again" if point == "landed" else "out")
    extract(plant, again, tmp_path / "state")
    extract(plant, tmp_path / "whole", tmp_path / "other", full=True)
    assert_same(again, tmp_path / "whole")
    assert len(list((tmp_path / "state").glob("mirror-*"))) == 1


def test_a_database_that_is_not_there_is_one_line(
    plant: Plant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = plant.plant_file.read_text().replace(plant.url, "postgresql://nobody@127.0.0.1:1/nothing")
    plant.plant_file.write_text(text)
    with pytest.raises(DoorError, match=r"erp: the database says: .*refused"):
        extract(plant, tmp_path / "out", tmp_path / "state")


@pytest.mark.parametrize(
    ("rows", "limit_cpu_seconds"), [(100_000, 5.0), pytest.param(1_000_000, 15.0, marks=pytest.mark.long)]
)
def test_many_rows_reach_the_lake_fast(plant: Plant, tmp_path: Path, rows: int, limit_cpu_seconds: float) -> None:
    plant.run("create table mes.many as select 'WO' || (n / 5) as \"order\", (n % 5) * 10 as op_seq, 'M' || n % 40 as machine, "
              "(n % 900)::float8 as qty, 1.5 + n % 7 as run_min, timestamptz '2026-01-01' + n * interval '3 seconds' as at "
              "from generate_series(1, :rows) n", rows=rows
    )  # fmt: skip
    section = {
        "kind": "sql", "url": plant.url,
        "tables": {"cycle_times": {"view": "mes.many", "key": ["order", "op_seq", "at"], "watermark": "at"}},
    }  # fmt: skip
    door = source("mes", section, Secrets(), tmp_path)
    assert door is not None
    started = time.process_time(), time.perf_counter()
    made = extract_night([door], plant.plant_file, tmp_path / "out", tmp_path / "state")
    text = raw_text("cycle_times", pl.read_parquet(tmp_path / "out" / "cycle_times.parquet"))
    table, frame = packed("cycle_times", text)
    written = Lake(str(tmp_path / "lake")).write(
        "raw", table, frame, plant="P", planning_date=date(2026, 3, 2), sequence=0, run_id="r"
    )
    seconds = time.process_time() - started[0], time.perf_counter() - started[1]
    assert made.tables[0].rows == written.rows == rows
    print(f"{rows:,} rows to the lake: {seconds[0]:.1f} CPU s, {seconds[1]:.1f} s")
    assert seconds[0] < limit_cpu_seconds
