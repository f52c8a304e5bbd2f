"""People as capacity: how many of each skill are there at every minute.

Belongs here: labour by shift, absences and granted overtime turned into hundredths of people per minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.capacity.clock import minute_up, origin_of
from recon_platform.capacity.problem import STAFF, Array
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

PER_PERSON = 100
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


def people_by_minute(frames: Frames, context: PlanContext, minutes: int, *, granted: bool) -> tuple[list[str], Array]:
    """(skills, [skill, minute] hundredths of people). A skill without a row in `labour` is not limited and not listed.

    Overtime shifts count their overtime people only where overtime has been `granted` somewhere.
    """
    labour = frames.get("labour")
    if labour is None or labour.is_empty():
        return [], np.zeros((1, 1), np.int32)
    skills: list[str] = labour["skill"].unique().sort().to_list()
    people = np.zeros((len(skills), minutes), np.int32)
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
    rows = present.sort("skill", "start", "end", "shift").select(
        pl.col("skill").replace_strict(number, return_dtype=pl.Int32),
        pl.col("start").clip(0, minutes), pl.col("end").clip(0, minutes),
        (pl.col("people") * PER_PERSON).round().cast(pl.Int32),
    ).collect()  # fmt: skip
    edges = np.zeros((len(skills), minutes + 1), np.int32)
    np.add.at(edges, (rows["skill"].to_numpy(), rows["start"].to_numpy()), rows["people"].to_numpy())
    np.add.at(edges, (rows["skill"].to_numpy(), rows["end"].to_numpy()), -rows["people"].to_numpy())
    np.cumsum(edges[:, :-1], axis=1, out=people)
    return skills, people


def in_small_numbers(people: Array, kinds: Array) -> Array:
    """`people` of every pool in numbers of 16 bits, as a pass counts them; what `kinds` need is put in the same shares.

    Up to 327 people of a skill, and as many as wanted where all work takes whole or half people, nothing changes but the
    unit. Beyond, needs are rounded up and people down: a plan then uses a little less than there is, never more.
    """
    most = people.max(axis=1, initial=0)
    unit = np.ones(people.shape[0], np.int32)
    for pool in np.flatnonzero(most > MOST):
        needs = [kinds[need][kinds[which] == pool] for which, need in NEEDS]
        unit[pool] = max(int(np.gcd.reduce(np.concatenate(needs))), -(-int(most[pool]) // MOST))
    for which, need in NEEDS:
        mine = kinds[which] >= 0
        kinds[need][mine] = -(-kinds[need][mine] // unit[kinds[which][mine]])
    counted: Array = people // unit[:, None]
    return counted


def staffed(pools: Iterable[Array]) -> tuple[Array, Array]:
    """(pool_ptr, staff) of a problem from the people of each pool by minute: stretches with as many people throughout."""
    pieces, counts, minutes = [np.zeros(0, STAFF)], [0], 0
    for people in pools:
        starts = np.concatenate([[0], np.flatnonzero(people[1:] != people[:-1]) + 1])
        ends = np.append(starts[1:], people.shape[0])
        there = people[starts] > 0
        piece = np.zeros(int(there.sum()), STAFF)
        piece["start"], piece["end"], piece["people"] = starts[there], ends[there], people[starts[there]]
        length = ends[there] - starts[there]
        piece["at"] = minutes + np.cumsum(length) - length - starts[there]
        minutes += int(length.sum())
        pieces.append(piece)
        counts.append(counts[-1] + piece.shape[0])
    return np.array(counts, np.int32), np.concatenate(pieces)
