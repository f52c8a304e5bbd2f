"""Stops as finished operations show them, logged or not: working time that was neither run nor set-up.

Belongs here: over which days, and how much of which operation. What is made of it is in `learning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

STOP_DAYS = 12
"""Before the planning date: of so many days the working time is known, whenever of that date a plan is made."""
REPORTED_LATE = 5.0
"""An operation that took so many times its run and set-up was reported late; it tells nothing of stops."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days whose stops are learned from: instants from `since` on and before `until`, whole days of the plant."""

    since: datetime
    until: datetime

    @staticmethod
    def before(planning_date: date, timezone: str) -> Days:
        """The `STOP_DAYS` days before the planning date, so that every plan of that date learns the same."""
        until = datetime.combine(planning_date, time(), ZoneInfo(timezone)).astimezone(UTC)
        return Days(until - timedelta(days=STOP_DAYS), until)


def stops(made: Mapping[str, pl.DataFrame], days: Days) -> pl.DataFrame:
    """What finished operations took of their machine's working time, and the part that was neither run nor set-up: stops,
    logged or not. work_center, day (of the end), worked and lost (whole microseconds, so that sums have no order)."""
    micro = (60_000_000 * (pl.col("run_min") + pl.col("setup_min").fill_null(0.0))).round().cast(pl.Int64)
    key = ["order", "op_seq", "machine"]
    cycles = made["cycle_times"].filter(pl.col("run_min") > 0).group_by(key).agg(micro.sum().alias("used"))
    done = (
        made["operation_status"]
        .filter(
            (pl.col("status") == "complete") & (pl.col("started_at") >= days.since) & (pl.col("ended_at") < days.until)
        )
        .sort(*key, "reported_at")
        .unique(key, keep="last", maintain_order=True)
        .join(cycles, on=key)
        .join(made["machines"].select("machine", "work_center"), on="machine")
    )
    open_time = _open_time(made["working_time"])
    done = _worked_until(_worked_until(done, open_time, "started_at"), open_time, "ended_at")
    worked = pl.col("worked_until_ended_at") - pl.col("worked_until_started_at")
    return (
        done.with_columns(worked=worked)
        .filter((pl.col("worked") > 0) & (pl.col("worked") < REPORTED_LATE * pl.col("used")))
        .select(
            "work_center", pl.col("ended_at").dt.date().alias("day"), "worked",
            (pl.col("worked") - pl.col("used")).clip(lower_bound=0).alias("lost"),
        )
    )  # fmt: skip


def _open_time(working_time: pl.DataFrame) -> pl.DataFrame:
    """Regular working time: machine, start, length, and what the machine worked before from the first that is known
    (microseconds), by start."""
    length = (pl.col("end") - pl.col("start")).dt.total_microseconds()
    return (
        working_time.filter(pl.col("kind") == "regular")
        .sort("machine", "start")
        .select("machine", "start", length.alias("length"), (length.cum_sum().over("machine") - length).alias("before"))
        .sort("start")
    )


def _worked_until(rows: pl.DataFrame, open_time: pl.DataFrame, column: str) -> pl.DataFrame:
    """`rows` with the working time of their machine (`_open_time`) up to the instant in `column`; null before its first."""
    joined = rows.sort(column).join_asof(
        open_time, left_on=column, right_on="start", by="machine", strategy="backward", check_sortedness=False
    )
    since = (pl.col(column) - pl.col("start")).dt.total_microseconds()
    until = pl.col("before") + pl.min_horizontal(since, "length")
    return joined.with_columns(until.alias(f"worked_until_{column}")).drop("start", "length", "before")
