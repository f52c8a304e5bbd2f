"""People as capacity: how many of each skill are there at any minute.

Belongs here: labour by shift, absences and granted overtime turned into hundredths of people, by stretches of minutes.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.capacity.clock import minute_up, origin_of
from recon_platform.capacity.problem import STAFF, Array
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

PER_PERSON = 100
THERE = {"pool": pl.Int32, "start": pl.Int32, "end": pl.Int32, "people": pl.Int32}
_EXTRA = ("calendar", "date", "shift", "kind", "start", "end")
MOST = 32_767  # a pass counts people in 16 bits
NEEDS = (("setup_pool", "setup_people"), ("run_pool", "run_people"))


def shift_windows(frames: Frames, context: PlanContext, minutes: int) -> pl.LazyFrame:
    """calendar, shift, kind, date, start, end (minutes) of every shift from the day before the plan to its end."""
    origin = origin_of(context.as_of)
    first = context.planning_date - timedelta(days=3)
    days = pl.DataFrame({"date": pl.date_range(first, first + timedelta(days=minutes // 1440 + 6), eager=True)}).lazy()
    shifts = frames["calendars"].lazy().select("calendar", "weekday", "shift", "kind", "start", "end")
    zone = context.plant.timezone
    dated = days.with_columns(pl.col("date").dt.weekday().cast(pl.Int64).alias("weekday")).join(shifts, on="weekday")
    exceptions = frames.get("calendar_exceptions")
    if exceptions is not None and exceptions.height:
        closed = exceptions.lazy().filter(pl.col("kind") == "closed").select("calendar", "date").unique()
        extra = (
            exceptions.lazy()
            .filter((pl.col("kind") == "extra") & pl.col("start").is_not_null())
            .select("calendar", "date", pl.lit("extra").alias("shift"), pl.lit("regular").alias("kind"), "start", "end")
        )
        dated = pl.concat([dated.join(closed, on=["calendar", "date"], how="anti").select(_EXTRA), extra])

    def local(clock: str, shift: pl.Expr) -> pl.Expr:
        naive = (pl.col("date") + pl.duration(days=shift)).dt.combine(pl.col(clock))
        return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")

    over = pl.when(pl.col("end") <= pl.col("start")).then(1).otherwise(0)
    return (
        dated.with_columns(local("start", pl.lit(0)).alias("from"), local("end", over).alias("to"))
        .with_columns(minute_up("from", origin).alias("start"), minute_up("to", origin).alias("end"))
        .select("calendar", "shift", "kind", "date", "start", "end")
        .drop_nulls(["start", "end"])
        .filter((pl.col("end") > 0) & (pl.col("start") < minutes))
        .sort("calendar", "date", "start", "shift", "kind")
    )


def people_there(
    frames: Frames, context: PlanContext, minutes: int, *, granted: bool
) -> tuple[list[str], pl.DataFrame]:
    """Skills, and the stretches in which as many people of a skill are there throughout: `pool` (index of the skill), `start`,
    `end` (minutes), `people` (hundredths, at least one). A skill without a row in `labour` is not limited and not listed.

    Overtime shifts count their overtime people only where overtime has been `granted` somewhere.
    """
    labour = frames.get("labour")
    if labour is None or labour.is_empty():
        return [], pl.DataFrame(schema=THERE)
    skills: list[str] = labour["skill"].unique().sort().to_list()
    windows = shift_windows(frames, context, minutes)
    present = labour.lazy().join(windows, on=["calendar", "shift"]).with_columns(
        pl.when(pl.col("kind") == "regular").then("people").otherwise(
            pl.col("overtime_people").fill_null(0.0) if granted else pl.lit(0.0)
        ).alias("people")
    ).select("skill", "date", "shift", "people", "start", "end")  # fmt: skip
    extra = windows.filter(pl.col("shift") == "extra").drop("kind")
    most = labour.lazy().group_by("skill", "calendar").agg(pl.col("people").max())
    present = pl.concat(
        [present, extra.join(most, on="calendar").select("skill", "date", "shift", "people", "start", "end")]
    )
    absent = frames.get("labour_exceptions")
    if absent is not None and absent.height:
        present = present.join(
            absent.lazy().rename({"people": "instead"}), on=["skill", "date", "shift"], how="left"
        ).with_columns(pl.coalesce("instead", "people").alias("people"))
    number = {name: k for k, name in enumerate(skills)}
    pool = pl.col("skill").replace_strict(number, return_dtype=pl.Int32).alias("pool")
    people = (pl.col("people") * PER_PERSON).round().cast(pl.Int32)
    come, go = (
        present.select(pool, pl.col(edge).clip(0, minutes).cast(pl.Int32).alias("start"), people * sign)
        for edge, sign in (("start", 1), ("end", -1))
    )
    stretches = pl.concat([come, go]).group_by("pool", "start").agg(pl.col("people").sum()).sort("pool", "start")
    until = pl.col("start").shift(-1, fill_value=minutes).over("pool").alias("end")
    there = stretches.select("pool", "start", until, pl.col("people").cum_sum().over("pool"))
    return skills, there.filter((pl.col("people") > 0) & (pl.col("start") < pl.col("end"))).collect()


def in_small_numbers(there: pl.DataFrame, pools: int, kinds: Array) -> pl.DataFrame:
    """The people of every pool in numbers of 16 bits, as a pass counts them; what `kinds` need is put in the same shares.

    Up to 327 people of a skill, and as many as wanted where all work takes whole or half people, nothing changes but the
    unit. Beyond, needs are rounded up and people down: a plan then uses a little less than there is, never more.
    """
    pool, people = there["pool"].to_numpy(), there["people"].to_numpy()
    most = np.zeros(pools, np.int32)
    np.maximum.at(most, pool, people)
    unit = np.ones(pools, np.int32)
    for many in np.flatnonzero(most > MOST):
        needs = [kinds[need][kinds[which] == many] for which, need in NEEDS]
        unit[many] = max(int(np.gcd.reduce(np.concatenate(needs))), -(-int(most[many]) // MOST))
    for which, need in NEEDS:
        mine = kinds[which] >= 0
        kinds[need][mine] = -(-kinds[need][mine] // unit[kinds[which][mine]])
    return there.with_columns(pl.Series("people", people // unit[pool]))


def staffed(there: pl.DataFrame, pools: int) -> tuple[Array, Array]:
    """(pool_ptr, staff) of a problem from stretches as `people_there` gives them, by pool and start; equal neighbours are one."""
    pool, start, end, people = (there[name].to_numpy() for name in THERE)
    parts = (pool[1:] != pool[:-1]) | (people[1:] != people[:-1]) | (start[1:] != end[:-1])
    first = np.append(np.full(min(1, pool.size), fill_value=True), parts)
    last = np.append(parts, np.full(min(1, pool.size), fill_value=True))
    counted = people[first] > 0  # whole shares may be none
    staff = np.zeros(int(counted.sum()), STAFF)
    for name, values in (("start", start[first]), ("end", end[last]), ("people", people[first])):
        staff[name] = values[counted]
    length = staff["end"] - staff["start"]
    staff["at"] = np.cumsum(length) - length - staff["start"]
    pieces = np.bincount(pool[first][counted], minlength=pools)
    return np.concatenate([[0], np.cumsum(pieces)]).astype(np.int32), staff
