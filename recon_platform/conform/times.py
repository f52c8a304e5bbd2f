"""Text to dates, times of day and instants; local time of the plant to UTC, daylight saving included.

Belongs here: what a written time means. An offset is taken as written; a naive time is local to the plant. A local time
that exists twice is read as the first; one that does not exist is read an hour later; both are reported.
Sources: ISO 8601; the spreadsheet epoch (serial day 0 is written 1899-12-30 or 1900-01-01).
"""

from __future__ import annotations

import polars as pl

INSTANT = pl.Datetime("us", "UTC")
NAIVE = pl.Datetime("us")
_FORMATS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f")
_OFFSET_FORMAT = "%Y-%m-%dT%H:%M:%S%:z"
_PLAIN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[Zz]|[+-]\d{2}:?\d{2})$"
_OFFSET = r"(?:[Zz]|[+-]\d{2}:?\d{2})$"
_STAMP = r"^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)?)?$"
DAMAGED = r"^\d{1,3}:\d{2}(?:\.\d+)?$"  # a stamp cut to minutes by a spreadsheet: 24:00.0
EPOCH_YEARS = (1899, 1900)


def plain_instants(text: pl.Expr) -> pl.Expr:
    """Instants written to the second with their offset, as nearly all are; null for any other text."""
    plain = pl.when(text.str.contains(_PLAIN)).then(text).str.replace(r"[Zz]$", "+00:00")
    return plain.str.to_datetime(_OFFSET_FORMAT, time_unit="us", strict=False).cast(INSTANT)


def plain_days(text: pl.Expr) -> pl.Expr:
    """Dates written as nothing but a date; null for any other text."""
    return pl.when(text.str.len_bytes() == 10).then(text.str.to_date("%Y-%m-%d", strict=False))


def days(values: pl.Series) -> pl.Series:
    """Dates from text (`2026-03-02`, or a stamp whose time of day is dropped), null where unreadable."""
    if values.dtype == pl.Date:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.date()
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * values.len(), dtype=pl.Date)
    plain = values.str.to_date("%Y-%m-%d", strict=False)
    plain = pl.select(pl.when(values.str.len_bytes() == 10).then(plain).otherwise(None).alias(values.name)).to_series()
    if plain.null_count() == values.null_count():
        return plain
    stamped = values.str.contains(_STAMP).fill_null(value=False)
    from_stamp = values.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return pl.select(
        pl.coalesce(plain, pl.when(stamped).then(from_stamp).otherwise(None)).cast(pl.Date).alias(values.name)
    ).to_series()


def clocks(values: pl.Series) -> pl.Series:
    """Times of day from text (`22:00`, `22:00:30`; `24:00` is midnight), null where unreadable."""
    if values.dtype == pl.Time:
        return values
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * values.len(), dtype=pl.Time)
    text = values.str.replace(r"^24:00(:00)?$", "00:00").str.replace(r"^(\d):", "0$1:")
    short = text.str.to_time("%H:%M", strict=False)
    long = text.str.to_time("%H:%M:%S", strict=False)
    with_fraction = text.str.to_time("%H:%M:%S%.f", strict=False)
    return pl.select(pl.coalesce(short, long, with_fraction).alias(values.name)).to_series()


def instants(  # noqa: PLR0911 - one return per form of the input
    values: pl.Series, timezone: str
) -> tuple[pl.Series, pl.Series]:
    """Instants in UTC and, for each, how it was read: null (plainly), `ambiguous` or `nonexistent` local time.

    Both series are null where the text is unreadable.
    """
    if isinstance(values.dtype, pl.Datetime):
        if values.dtype.time_zone is not None:
            return values.dt.convert_time_zone("UTC").cast(INSTANT), _no_doubt(values)
        return localise(values.cast(NAIVE), timezone)
    if values.dtype == pl.Date:
        return localise(values.cast(NAIVE), timezone)
    if values.dtype != pl.String:
        return pl.Series(values.name, [None] * values.len(), dtype=INSTANT), _no_doubt(values)
    text = (
        values.str.replace(r"^(\d{4}-\d{2}-\d{2})[ t]", "${1}T") if _any(values, r"^\d{4}-\d{2}-\d{2}[ t]") else values
    )
    with_offset = text.str.contains(_OFFSET) & text.str.contains("T", literal=True)
    if with_offset.all(ignore_nulls=True) and text.len() > text.null_count():
        return _offset_instants(text), _no_doubt(values)
    naive = _naive(text.set(with_offset.fill_null(value=False), None))
    local, doubt = localise(naive, timezone)
    if not with_offset.any():
        return local.alias(values.name), doubt
    absolute = _offset_instants(text.set(~with_offset.fill_null(value=False), None))
    return pl.select(pl.coalesce(absolute, local).alias(values.name)).to_series(), doubt


def localise(naive: pl.Series, timezone: str) -> tuple[pl.Series, pl.Series]:
    """Local plant times as UTC instants, and what is doubtful about each (null, `ambiguous`, `nonexistent`)."""
    if timezone == "UTC":
        return naive.dt.replace_time_zone("UTC").cast(INSTANT), _no_doubt(naive)
    first = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    last = naive.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    missing = first.is_null() & naive.is_not_null()
    ambiguous = (first != last).fill_null(value=False)
    doubt = _no_doubt(naive)
    if missing.any():
        later = naive.dt.offset_by("1h").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
        first = pl.select(pl.coalesce(first, later).alias(naive.name)).to_series()
        doubt = doubt.set(missing, "nonexistent")
    if ambiguous.any():
        doubt = doubt.set(ambiguous, "ambiguous")
    return first.dt.convert_time_zone("UTC").cast(INSTANT), doubt


def _naive(text: pl.Series) -> pl.Series:
    made = text.str.to_datetime(_FORMATS[0], time_unit="us", strict=False)
    wanted = text.null_count()
    for pattern in _FORMATS[1:]:
        if made.null_count() == wanted:
            return made
        more = text.str.to_datetime(pattern, time_unit="us", strict=False)
        made = pl.select(pl.coalesce(made, more).alias(text.name)).to_series()
    if made.null_count() > wanted:
        by_day = text.set((text.str.len_bytes() != 10).fill_null(value=True), None).str.to_date(
            "%Y-%m-%d", strict=False
        )
        made = pl.select(pl.coalesce(made, by_day.cast(NAIVE)).alias(text.name)).to_series()
    return made


def _offset_instants(text: pl.Series) -> pl.Series:
    plain = text.str.replace(r"[Zz]$", "+00:00")
    made = plain.str.to_datetime(_OFFSET_FORMAT, time_unit="us", strict=False)
    for pattern in ("%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M%:z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"):
        if made.null_count() == text.null_count():
            break
        more = plain.str.to_datetime(pattern, time_unit="us", strict=False)
        made = pl.select(pl.coalesce(made, more).alias(text.name)).to_series()
    return made.cast(INSTANT).alias(text.name)


def _no_doubt(values: pl.Series) -> pl.Series:
    return pl.Series("doubt", [None], dtype=pl.String).new_from_index(0, values.len())


def _any(values: pl.Series, pattern: str) -> bool:
    return bool(values.str.contains(pattern).any())
