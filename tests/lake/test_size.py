"""The lake at the size of a plant: an 800,000-operation schedule is written and read in a few CPU seconds."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from recon_platform.lake import Lake
from recon_platform.tables.registry import table

WRITE_SECONDS_PER_MILLION = 6.0  # CPU; measured 1.6 on two idle cores
READ_SECONDS_PER_MILLION = 2.0  # CPU; measured 0.3


def schedule(operations: int) -> pl.DataFrame:
    """A schedule with eight operations per order, explanations included."""
    number = pl.int_range(operations, eager=True)
    start = pl.lit(datetime(2026, 1, 5, tzinfo=UTC)) + pl.duration(minutes=number)
    frame = pl.DataFrame({"work_order": "WO" + (number // 8).cast(pl.String).str.zfill(7), "op_seq": number % 8 * 10})
    return table("schedule").frame(
        frame.with_columns(
            work_center="WC" + (number % 60).cast(pl.String), machine="WC" + (number % 180).cast(pl.String),
            setup_start=start, start=start, end=start, qty=number * 1.5, frozen=number % 9 == 0, forced=pl.lit(False),
            bound_by=pl.lit("machine"),
            terms='{"weight": 1.0, "slack": ' + number.cast(pl.String) + ', "setup": 12.5, "next": "WO0001234"}',
        )
    )  # fmt: skip


@pytest.mark.parametrize("operations", [40_000, pytest.param(800_000, marks=pytest.mark.long)])
def test_a_large_schedule_is_written_and_read_quickly(tmp_path: Path, operations: int) -> None:
    lake, frame = Lake(tmp_path), schedule(operations)
    started = time.process_time()
    lake.write("capacity", "schedule", frame, plant="P1", planning_date=date(2026, 1, 5), sequence=0, run_id="r")
    written = time.process_time()
    again = lake.read("capacity", "schedule", plant="P1", planning_date=date(2026, 1, 5))
    read = time.process_time()
    assert again.equals(frame)
    assert written - started < 0.5 + WRITE_SECONDS_PER_MILLION * operations / 1e6
    assert read - written < 0.5 + READ_SECONDS_PER_MILLION * operations / 1e6
