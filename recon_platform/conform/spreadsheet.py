"""What spreadsheets and careless clocks do to an end time, put right where there is only one way to read it.

Belongs here: an end without its date (spreadsheet day zero, or a bare time of day) gets the date of its start, and an
end before its start on the clock is on the next day. Every repair is reported. A time without any date to lean on
stays unreadable. Source: an end written 1900-01-01 01:05:00 is serial day 1 of a spreadsheet's calendar.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.conform.sheet import ID, Sheet

INTERVALS: dict[str, tuple[str, str]] = {
    "operation_status": ("started_at", "ended_at"),
    "machine_states": ("from_at", "to_at"),
    "downtime_events": ("started_at", "ended_at"),
    "planned_downtime": ("start", "end"),
    "work_order_operations": ("planned_start", "planned_end"),
}
REPAIR_SCHEMA = {ID: pl.UInt32, "column": pl.String, "written": pl.String, "read_as": pl.String}
_DAY_ZERO = r"^(?:1899|1900)-\d{2}-\d{2}[T ](\d{2}:\d{2}(?::\d{2})?)"
_BARE = r"^(\d{2}:\d{2}:\d{2})$"
_STAMP = r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?$"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def date_ends(sheet: Sheet) -> pl.DataFrame:
    """Give an end that has a time of day but no date the date of its start; returns the repairs (REPAIR_SCHEMA)."""
    nothing = pl.DataFrame(schema=REPAIR_SCHEMA)
    pair = INTERVALS.get(sheet.table.name)
    if pair is None or any(sheet.frame.schema[name] != pl.String for name in pair):
        return nothing
    start, end = (pl.col(name).str.strip_chars() for name in pair)
    clock = pl.coalesce(end.str.extract(_DAY_ZERO), end.str.extract(_BARE))
    undated = clock.is_not_null() & start.str.contains(_STAMP)
    if not sheet.frame.select(undated.any()).item():
        return nothing
    day = start.str.extract(_STAMP, 1).str.to_date("%Y-%m-%d", strict=False)
    began = start.str.extract(_STAMP, 2)
    day = pl.when(clock < began).then(day + DAY).otherwise(day)
    offset = start.str.extract(_STAMP, 3).fill_null("")
    mended = day.dt.strftime("%Y-%m-%d") + "T" + clock + offset
    repairs = sheet.frame.filter(undated).select(
        ID, pl.lit(pair[1]).alias("column"), pl.col(pair[1]).alias("written"), mended.alias("read_as")
    )
    sheet.frame = sheet.frame.with_columns(pl.when(undated).then(mended).otherwise(pl.col(pair[1])).alias(pair[1]))
    return repairs


def roll_over_midnight(sheet: Sheet, doubts: pl.DataFrame) -> pl.DataFrame:
    """Put an end that lies before its start, by less than a day, on the next day; refuse the row where it is more.

    An end in the hour that exists twice is the second of the two instead. Returns the repairs (REPAIR_SCHEMA).
    """
    nothing = pl.DataFrame(schema=REPAIR_SCHEMA)
    pair = INTERVALS.get(sheet.table.name)
    if pair is None or sheet.frame.is_empty():
        return nothing
    start, end = (pl.col(name) for name in pair)
    if not sheet.frame.select((end < start).any()).item():
        return nothing
    twice = doubts.filter((pl.col("column") == pair[1]) & (pl.col("doubt") == "ambiguous"))[ID]
    later = pl.when(pl.col(ID).is_in(twice.implode()) & (end + HOUR >= start)).then(end + HOUR).otherwise(end + DAY)
    sheet.refuse(
        (end < start) & (later < start),
        pair[1],
        f"{pair[1]} is a day or more before {pair[0]}",
        "high",
        "value_impossible",
    )
    wrong = end < start
    repairs = sheet.frame.filter(wrong).select(
        ID,
        pl.lit(pair[1]).alias("column"),
        end.cast(pl.String).alias("written"),
        later.cast(pl.String).alias("read_as"),
    )
    sheet.frame = sheet.frame.with_columns(pl.when(wrong).then(later).otherwise(end).alias(pair[1]))
    return repairs
