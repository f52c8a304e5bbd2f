"""Faults of the storage: a full disk, a cut-off commit, a lost file. Each a readable error, and nothing half visible."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recon_platform.lake import Lake, LakeError, MissingTableError
from recon_platform.tables.registry import table

DAY = date(2026, 1, 5)
ROOT = Path(__file__).resolve().parents[2]

FULL_DISK = """
import resource, signal, sys
from datetime import date
import polars as pl
from recon_platform.lake import Lake, LakeError
from recon_platform.tables.registry import table

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = pl.DataFrame({"work_order": [f"W{i * 7919 % 100003:06d}" for i in range(60_000)], "reason": "x"}).unique()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    Lake(sys.argv[1]).write("capacity", "unscheduled", table("unscheduled").frame(rows), plant="P1",
                            planning_date=date(2026, 1, 5), sequence=0, run_id="r")
except LakeError as error:
    print(error)
"""


def put(lake: Lake, *names: str) -> int:
    frame = table("unscheduled").frame([{"work_order": name, "reason": "x"} for name in names])
    return lake.write("capacity", "unscheduled", frame, plant="P1", planning_date=DAY, sequence=0, run_id="r").version


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def log(lake: Lake) -> Path:
    return Path(lake.path("capacity", "unscheduled")) / "_delta_log"


def test_a_full_disk_is_said_and_the_old_rows_stay(lake: Lake) -> None:
    put(lake, "A")
    made = subprocess.run(
        [sys.executable, "-c", FULL_DISK, lake.root], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"table capacity.unscheduled at {lake.root}/capacity/unscheduled was not written: ")
    assert "File too large" in made.stdout
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["A"]
    put(lake, "B")
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["B"]


def test_a_data_file_without_a_commit_is_invisible(lake: Lake, log: Path) -> None:
    put(lake, "A")
    version = put(lake, "A", "B")
    (log / f"{version:020}.json").unlink()  # killed after the data file, before the commit
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["A"]
    assert put(lake, "C") == version
    assert lake.read("capacity", "unscheduled")["work_order"].to_list() == ["C"]


def test_a_cut_off_commit_is_said_and_older_versions_stay_readable(lake: Lake, log: Path) -> None:
    first = put(lake, "A")
    second = put(lake, "B")
    commit = log / f"{second:020}.json"
    commit.write_bytes(commit.read_bytes()[:200])
    with pytest.raises(LakeError, match=r"table capacity\.unscheduled at .* cannot be opened"):
        lake.read("capacity", "unscheduled")
    assert lake.read("capacity", "unscheduled", version=first)["work_order"].to_list() == ["A"]


def test_a_lost_data_file_is_named(lake: Lake, tmp_path: Path) -> None:
    put(lake, "A")
    for path in (tmp_path / "lake").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(MissingTableError, match=r"version 0 of P1 2026-01-05 in .*unscheduled/ lacks the file part-"):
        lake.read("capacity", "unscheduled")


def test_a_damaged_data_file_is_said(lake: Lake, tmp_path: Path) -> None:
    put(lake, "A")
    for path in (tmp_path / "lake").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LakeError, match=r"version 0 of P1 2026-01-05 in .*unscheduled/: the file part-.* is damaged"):
        lake.read("capacity", "unscheduled")


def test_old_commits_folded_into_checkpoints_stay_readable(lake: Lake, log: Path) -> None:
    versions = [put(lake, f"W{number}") for number in range(45)]
    assert list(log.glob("*.checkpoint.parquet"))
    for number, version in enumerate(versions):
        assert lake.read("capacity", "unscheduled", version=version)["work_order"].to_list() == [f"W{number}"]
    assert pl.Series(versions).is_sorted()
