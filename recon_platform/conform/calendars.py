"""Calendars compiled once: shifts, exceptions, planned downtime to UTC intervals, and the plant's working days.

A shift belongs to the date on which it starts; one whose end is not after its start ends on the next date. Its local
times become instants, so a night shift has seven or nine hours when the clocks change. Where shifts overlap the time
counts once, and regular time goes before overtime. Touching intervals of one kind are one interval.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from recon_platform.conform.times import INSTANT, localise
from recon_platform.tables.conformed import PLANT_DAYS, WORKING_TIME

BEFORE_DAYS = 14
AFTER_DAYS = 30
PLANT_DAYS_BEFORE = 400
PLANT_DAYS_AFTER = 60
INTERVALS = {
    "calendar": pl.String,
    "day": pl.Date,
    "shift": pl.String,
    "kind": pl.String,
    "start": INSTANT,
    "end": INSTANT,
}
KINDS = ("regular", "overtime")


def shift_intervals(
    calendars: pl.DataFrame, exceptions: pl.DataFrame, first: date, last: date, timezone: str
) -> pl.DataFrame:
    """Every shift that starts on a date from `first` to `last`: calendar, day, shift, kind, start, end (UTC).

    Whole-day closures take the shifts of their date away; extra time is added as regular; partial closures are not
    applied here (`closures`).
    """
    dates = pl.DataFrame({"day": pl.date_range(first, last, "1d", eager=True)}).with_columns(
        pl.col("day").dt.weekday().cast(pl.Int64).alias("weekday")
    )
    closed = exceptions.filter((pl.col("kind") == "closed") & pl.col("start").is_null()).select(
        "calendar", pl.col("date").alias("day")
    )
    weekly = dates.join(calendars, on="weekday").join(closed, on=["calendar", "day"], how="anti")
    extra = exceptions.filter((pl.col("kind") == "extra") & pl.col("start").is_not_null()).filter(
        pl.col("date").is_between(first, last)
    )
    columns = ["calendar", "day", "shift", "kind", "start", "end"]
    local = pl.concat(
        [
            weekly.select(columns),
            extra.select(
                "calendar",
                pl.col("date").alias("day"),
                pl.lit("extra").alias("shift"),
                pl.lit("regular").alias("kind"),
                "start",
                "end",
            ),
        ]
    )
    return _to_utc(local, timezone).unique(columns).sort("calendar", "start", "end", "kind", "shift")


def closures(exceptions: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Closures of part of a day: calendar, start, end (UTC)."""
    partial = exceptions.filter(
        (pl.col("kind") == "closed") & pl.col("start").is_not_null() & pl.col("end").is_not_null()
    )
    local = partial.select(
        "calendar",
        pl.col("date").alias("day"),
        pl.lit("").alias("shift"),
        pl.lit("regular").alias("kind"),
        "start",
        "end",
    )
    return _to_utc(local, timezone).select("calendar", "start", "end")


def _to_utc(local: pl.DataFrame, timezone: str) -> pl.DataFrame:
    over_midnight = pl.when(pl.col("end") <= pl.col("start")).then(1).otherwise(0)
    naive = local.with_columns(
        pl.col("day").dt.combine(pl.col("start")).alias("start"),
        (pl.col("day") + pl.duration(days=over_midnight)).dt.combine(pl.col("end")).alias("end"),
    )
    start, _ = localise(naive["start"].cast(pl.Datetime("us")), timezone)
    end, _ = localise(naive["end"].cast(pl.Datetime("us")), timezone)
    return naive.with_columns(start.alias("start"), end.alias("end")).select(list(INTERVALS)).cast(pl.Schema(INTERVALS))  # type: ignore[arg-type]


def sweep(work: pl.DataFrame, blocks: pl.DataFrame, key: str) -> pl.DataFrame:
    """Disjoint intervals per `key`: time in `work` (start, end, kind) not in `blocks` (start, end), regular first."""
    deltas = {"regular": 0, "overtime": 0, "blocked": 0}

    def events(frame: pl.DataFrame, mark: str) -> list[pl.DataFrame]:
        return [
            frame.select(
                key, pl.col(edge).alias("at"), *(pl.lit(sign if name == mark else 0).alias(name) for name in deltas)
            )
            for edge, sign in (("start", 1), ("end", -1))
        ]

    parts = [part for kind in KINDS for part in events(work.filter(pl.col("kind") == kind), kind)]
    parts += events(blocks.filter(pl.col("end") > pl.col("start")), "blocked")
    line = (
        pl.concat(parts)
        .group_by(key, "at")
        .agg(pl.col(name).sum() for name in deltas)
        .sort(key, "at")
        .with_columns(
            *(pl.col(name).cum_sum().over(key) for name in deltas), pl.col("at").shift(-1).over(key).alias("end")
        )
        .filter((pl.col("blocked") == 0) & pl.col("end").is_not_null())
        .with_columns(
            pl.when(pl.col("regular") > 0)
            .then(pl.lit("regular"))
            .when(pl.col("overtime") > 0)
            .then(pl.lit("overtime"))
            .alias("kind")
        )
        .filter(pl.col("kind").is_not_null())
    )
    fresh = (
        (pl.col(key) != pl.col(key).shift(1))
        | (pl.col("kind") != pl.col("kind").shift(1))
        | (pl.col("at") != pl.col("end").shift(1))
    ).fill_null(value=True)
    return (
        line.with_columns(fresh.cum_sum().alias("_run"))
        .group_by("_run", maintain_order=True)
        .agg(pl.col(key).first(), pl.col("at").first().alias("start"), pl.col("end").last(), pl.col("kind").first())
        .drop("_run")
    )


def working_time(
    machines: pl.DataFrame,
    work_centers: pl.DataFrame,
    calendars: pl.DataFrame,
    exceptions: pl.DataFrame,
    planned_downtime: pl.DataFrame,
    *,
    as_of: datetime,
    horizon_days: int,
    timezone: str,
) -> pl.DataFrame:
    """Table `working_time`, from 14 days before `as_of` to 30 days after the horizon."""
    begin = as_of.astimezone(UTC) - timedelta(days=BEFORE_DAYS)
    finish = as_of.astimezone(UTC) + timedelta(days=horizon_days + AFTER_DAYS)
    shifts = shift_intervals(
        calendars, exceptions, (begin - timedelta(days=2)).date(), (finish + timedelta(days=2)).date(), timezone
    )
    by_calendar = sweep(shifts, closures(exceptions, timezone), "calendar")
    by_calendar = _clip(by_calendar, begin, finish)
    center = work_centers.select("work_center", "calendar", pl.col("external").fill_null(value=False))
    owned = machines.select("machine", "work_center").join(center, on="work_center", how="inner")
    inside = owned.filter(~pl.col("external")).join(by_calendar, on="calendar", how="inner")
    vendors = owned.filter("external").select(
        "machine", "work_center", pl.lit(begin).cast(INSTANT).alias("start"), pl.lit(finish).cast(INSTANT).alias("end"),
        pl.lit("regular").alias("kind"),
    )  # fmt: skip
    columns = ["machine", "work_center", "start", "end", "kind"]
    open_time = pl.concat([inside.select(columns), vendors])
    blocks = machine_downtime(planned_downtime, machines)
    blocked = open_time.join(blocks.select("machine").unique(), on="machine", how="semi")
    free = open_time.join(blocks.select("machine").unique(), on="machine", how="anti")
    cut = sweep(blocked, blocks, "machine").join(machines.select("machine", "work_center"), on="machine", how="left")
    return WORKING_TIME.frame(pl.concat([free, cut.select(columns)])).sort("machine", "start")


def machine_downtime(planned_downtime: pl.DataFrame, machines: pl.DataFrame) -> pl.DataFrame:
    """Planned downtime per machine (that of a work center holds for all its machines): machine, start, end."""
    columns = ["machine", "start", "end"]
    direct = planned_downtime.filter(pl.col("machine").is_not_null()).select(columns)
    of_center = planned_downtime.filter(pl.col("machine").is_null()).select("work_center", "start", "end")
    return pl.concat(
        [direct, of_center.join(machines.select("machine", "work_center"), on="work_center").select(columns)]
    )


def _clip(intervals: pl.DataFrame, begin: datetime, finish: datetime) -> pl.DataFrame:
    low, high = pl.lit(begin).cast(INSTANT), pl.lit(finish).cast(INSTANT)
    return intervals.with_columns(
        pl.max_horizontal("start", low).alias("start"), pl.min_horizontal("end", high).alias("end")
    ).filter(pl.col("start") < pl.col("end"))


def plant_days(
    calendars: pl.DataFrame,
    exceptions: pl.DataFrame,
    *,
    as_of: datetime,
    planning_date: date,
    horizon_days: int,
    timezone: str,
) -> pl.DataFrame:
    """Table `plant_days` of one calendar: dates with a regular shift, from 400 days back to 60 past the horizon."""
    first = as_of.astimezone(UTC).date() - timedelta(days=PLANT_DAYS_BEFORE)
    last = as_of.astimezone(UTC).date() + timedelta(days=horizon_days + PLANT_DAYS_AFTER)
    shifts = shift_intervals(calendars, exceptions, first, last, timezone).filter(pl.col("kind") == "regular")
    days = (
        shifts.group_by("day")
        .agg(pl.col("start").min().alias("first_start"), pl.col("end").max().alias("last_end"))
        .sort("day")
    )
    before = days.filter(pl.col("day") < planning_date).height
    return PLANT_DAYS.frame(days.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) - before).alias("ordinal")))
