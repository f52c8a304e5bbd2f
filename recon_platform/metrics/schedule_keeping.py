"""Whether the floor keeps the plan (adherence) and whether the plan keeps still (stability)."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from recon_platform.metrics.definitions import share, total

KEY = ["work_order", "op_seq"]


def plan_adherence(
    baseline: pl.DataFrame, finished: pl.DataFrame, work_centers: pl.DataFrame, *, window_start: datetime,
    window_end: datetime, tolerance: timedelta,
) -> pl.DataFrame:  # fmt: skip
    """Adherence per line and for the plant, and break-ins, over [window_start, window_end).

    `baseline` is the schedule version approved when the window opened (columns of `schedule`); `finished` holds
    work_order, op_seq, work_center, ended_at of operations that ended. An operation counts when the baseline ends it in
    the window; it is kept when it ended on its work center within `tolerance` of that end.
    """
    lines = work_centers.select("work_center", "line")
    within = pl.col("end").is_between(window_start, window_end, closed="left")
    planned = baseline.filter(within).select(*KEY, "work_center", "end").join(lines, on="work_center", how="left")
    done = finished.select(*KEY, done_center="work_center", ended_at="ended_at").unique(KEY, keep="first")
    kept = (pl.col("work_center") == pl.col("done_center")) & (
        (pl.col("ended_at") - pl.col("end")).dt.total_microseconds().abs() <= tolerance / timedelta(microseconds=1)
    )
    judged = planned.join(done, on=KEY, how="left").with_columns(kept=kept.fill_null(False))
    counted = (pl.col("kept").sum().alias("numerator"), pl.len().alias("denominator"))
    by_line = judged.filter(pl.col("line").is_not_null()).group_by(subject="line").agg(*counted).sort("subject")
    broke_in = (
        finished.filter(pl.col("ended_at").is_between(window_start, window_end, closed="left"))
        .join(baseline.select(KEY), on=KEY, how="anti")
        .select(numerator=pl.len())
    )
    return pl.concat(
        [
            share("plan_adherence", judged.select(*counted)),
            share("plan_adherence", by_line, scope="line"),
            total("break_ins", broke_in),
        ]
    )


def schedule_stability(
    before: pl.DataFrame, after: pl.DataFrame, work_centers: pl.DataFrame, *, as_of: datetime, fence: timedelta,
    tolerance: timedelta,
) -> pl.DataFrame:  # fmt: skip
    """Stability per line and for the plant inside the fence, additions and removals apart.

    `before` and `after` are two versions of `schedule`. Inside the fence are operations the old version starts before
    as_of + `fence` (for additions: the new version). Moved: start shifted by more than `tolerance`, or another work
    center. Operations that started before `as_of` in the old version are history and left out.
    """
    until = as_of + fence
    lines = work_centers.select("work_center", "line")
    old = before.filter(pl.col("start").is_between(as_of, until, closed="left")).select(
        *KEY, old_center="work_center", old_start="start"
    )
    new = after.select(*KEY, "work_center", "start")
    both = old.join(new, on=KEY, how="inner").join(lines, left_on="old_center", right_on="work_center", how="left")
    shift = (pl.col("start") - pl.col("old_start")).dt.total_microseconds().abs()
    moved = (shift > tolerance / timedelta(microseconds=1)) | (pl.col("work_center") != pl.col("old_center"))
    stays = (pl.len() - moved.sum()).cast(pl.Int64).alias("numerator")
    counted = (stays, pl.len().alias("denominator"))
    by_line = both.filter(pl.col("line").is_not_null()).group_by(subject="line").agg(*counted).sort("subject")
    added = new.filter(pl.col("start").is_between(as_of, until, closed="left")).join(
        before.select(KEY), on=KEY, how="anti"
    )
    removed = old.join(new, on=KEY, how="anti")
    return pl.concat(
        [
            share("schedule_stability", both.select(*counted)),
            share("schedule_stability", by_line, scope="line"),
            total("schedule_additions", added.select(numerator=pl.len())),
            total("schedule_removals", removed.select(numerator=pl.len())),
        ]
    )
