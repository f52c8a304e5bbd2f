"""Cells to values: every column of a landing table read as its kind says, or its row refused with the reason.

Belongs here: what a single cell may hold. Does not belong here: keys that refer to other tables, units, duplicates.
"""

from __future__ import annotations

import polars as pl

from recon_platform.conform.sheet import ID, Sheet, needed
from recon_platform.conform.times import DAMAGED, EPOCH_YEARS, INSTANT, clocks, days, instants
from recon_platform.tables.model import Column, Kind

LONGEST_CELL = 4000
_NUMBER = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$"
LARGEST_WHOLE = 2.0**53
LARGEST_NUMBER = 1e12  # no quantity, price or time of a plant
_TRUE = ("true", "t", "1", "yes", "y", "x")
_FALSE = ("false", "f", "0", "no", "n", "")
_EXPECTED = {
    Kind.NUMBER: "a number with '.' as decimal mark",
    Kind.WHOLE: "a whole number",
    Kind.FLAG: "true or false",
    Kind.DAY: "a date such as 2026-03-02",
    Kind.INSTANT: "an instant such as 2026-03-02T06:00:00+01:00",
    Kind.CLOCK: "a time of day such as 06:00",
}


def read_cells(sheet: Sheet, timezone: str) -> pl.DataFrame:
    """Type every column of `sheet`; refuse rows whose cells cannot be read or lie outside their limits.

    Returns the doubtful times that were read all the same: `_id`, `column`, `doubt`.
    """
    raw = sheet.frame
    schema = {ID: raw[ID].dtype, "column": pl.String(), "doubt": pl.String()}
    if raw.is_empty():
        sheet.frame = pl.DataFrame(schema={ID: raw[ID].dtype} | sheet.table.schema)
        return pl.DataFrame(schema=schema)
    typed: list[pl.Series] = [raw[ID]]
    refused: list[pl.DataFrame] = []
    if raw["_problem"].null_count() < raw.height:
        malformed = pl.col("_problem").is_not_null()
        refused.append(sheet.reasons(malformed, None, pl.col("_problem"), "critical", "row_malformed"))
    doubts: list[pl.DataFrame] = []
    for column in sheet.table.columns:
        text = _clean(raw[column.name], keep_blanks=column.kind is Kind.KEY)
        if text.null_count() == text.len() and not needed(column):
            typed.append(pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, text.len()))
            continue
        value, doubt = _value(text, column, timezone)
        typed.append(value.alias(column.name))
        if doubt is not None and doubt.null_count() < doubt.len():
            named = pl.DataFrame([raw[ID], doubt.alias("doubt")]).filter(pl.col("doubt").is_not_null())
            doubts.append(named.select(ID, pl.lit(column.name).alias("column"), "doubt"))
        refused += _reasons(sheet, raw[ID], text, value, column)
    sheet.frame = pl.DataFrame(typed)
    kept = [reasons for reasons in refused if not reasons.is_empty()]
    if kept:
        sheet.note(pl.concat(kept))
    return pl.concat(doubts) if doubts else pl.DataFrame(schema=schema)


def _clean(series: pl.Series, *, keep_blanks: bool) -> pl.Series:
    """Text with empty as null, outer blanks off unless a key is kept as written; other types as they came."""
    if series.dtype.base_type() in (pl.Categorical, pl.Enum, pl.Null):
        series = series.cast(pl.String, strict=False)
    if series.dtype != pl.String:
        return series
    text = series.str.strip_chars(" \t\r\n\u00a0\ufeff")
    blank = (text == "").fill_null(value=False)
    text = series if keep_blanks else text
    return text.set(blank, None) if blank.any() else text


def _value(  # noqa: PLR0911 - one return per kind
    text: pl.Series, column: Column, timezone: str
) -> tuple[pl.Series, pl.Series | None]:
    """`text` as the kind of `column`, null where it cannot be read."""
    kind = column.kind
    if kind in (Kind.KEY, Kind.TEXT):
        value = text if text.dtype == pl.String else _number_text(text)
        return (_allowed(value, column.allowed) if column.allowed else value), None
    if kind is Kind.INSTANT:
        value, doubt = instants(text, timezone)
        return _sane_years(value.cast(INSTANT)), doubt
    if kind is Kind.DAY:
        return _sane_years(days(text)), None
    if kind is Kind.CLOCK:
        return clocks(text), None
    if kind is Kind.FLAG:
        return _flag(text), None
    number = _number(text)
    if kind is Kind.WHOLE:
        whole = (number == number.floor()) & (number.abs() <= LARGEST_WHOLE)
        return number.set(~whole.fill_null(value=False), None).cast(pl.Int64), None
    return number, None


def _number_text(series: pl.Series) -> pl.Series:
    """A key that came as a number, as the text a person would write: 10.0 is `10`."""
    if series.dtype.is_float():
        whole = (series == series.floor()) & (series.abs() <= LARGEST_WHOLE)
        as_whole = series.set(~whole.fill_null(value=False), None).cast(pl.Int64).cast(pl.String)
        return pl.select(pl.coalesce(as_whole, series.cast(pl.String))).to_series()
    return series.cast(pl.String)


def _number(text: pl.Series) -> pl.Series:
    if text.dtype == pl.String:
        plain = text.set(~text.str.contains(_NUMBER).fill_null(value=False), None)
        number = plain.cast(pl.Float64, strict=False)
    elif text.dtype.is_numeric() or text.dtype == pl.Boolean:
        number = text.cast(pl.Float64, strict=False)
    else:
        number = pl.Series(text.name, [None] * text.len(), dtype=pl.Float64)
    return number.set(~number.is_finite().fill_null(value=False), None)


def _flag(text: pl.Series) -> pl.Series:
    if text.dtype == pl.Boolean:
        return text
    lower = (text if text.dtype == pl.String else _number_text(text)).str.to_lowercase()
    return pl.select(
        pl.when(lower.is_in(list(_TRUE))).then(True).when(lower.is_in(list(_FALSE))).then(False).otherwise(None)
    ).to_series().cast(pl.Boolean)  # fmt: skip


def _allowed(value: pl.Series, allowed: tuple[str, ...]) -> pl.Series:
    """The allowed word that `value` spells, whatever its capitals and separators; null for any other."""
    spelled = {word.lower(): word for word in allowed}
    lower = value.str.to_lowercase().str.replace_all(r"[\s-]+", "_")
    return lower.replace_strict(spelled, default=None, return_dtype=pl.String)


def _sane_years(value: pl.Series) -> pl.Series:
    """`value` without dates outside 1901–2199: a spreadsheet's day zero is no date of a plant."""
    year = value.dt.year()
    wild = ((year <= EPOCH_YEARS[1]) | (year >= 2200)).fill_null(value=False)
    return value.set(wild, None) if wild.any() else value


def _reasons(sheet: Sheet, ids: pl.Series, text: pl.Series, value: pl.Series, column: Column) -> list[pl.DataFrame]:
    frame = pl.DataFrame([ids, text.alias("text"), value.alias("value")])
    given, read = pl.col("text").is_not_null(), pl.col("value").is_not_null()
    checks: list[tuple[pl.Expr, str, str, str]] = []
    if text.null_count() and needed(column):
        checks.append((~given, f"{column.name} is empty, expected {_expected(column)}", "high", "value_missing"))
    if value.null_count() > text.null_count():
        unread = given & ~read
        if text.dtype == pl.String:
            checks += [(unread & mask, reason, severity, gate) for mask, reason, severity, gate in _unreadable(column)]
        else:
            checks.append((unread, f"{column.name} is not {_expected(column)}", "high", "value_unreadable"))
    if text.dtype == pl.String and column.kind in (Kind.KEY, Kind.TEXT):
        checks += _unfit_text(column)
    checks += [(mask, reason, "high", "value_impossible") for mask, reason in _limits(column)]
    if not checks:
        return []
    hits = frame.select(mask.any().alias(str(i)) for i, (mask, *_) in enumerate(checks)).row(0)
    return [
        sheet.reasons(mask, column.name, reason, severity, gate, frame=frame)
        for hit, (mask, reason, severity, gate) in zip(hits, checks, strict=True)
        if hit
    ]


def _unfit_text(column: Column) -> list[tuple[pl.Expr, str, str, str]]:
    """What no text of this contract is: longer than a page, a formula where a key should be, control characters."""
    text = pl.col("text")
    too_long = (
        text.str.len_bytes() > LONGEST_CELL,
        f"{column.name} is longer than {LONGEST_CELL} bytes",
        "high",
        "value_unreadable",
    )
    if column.kind is not Kind.KEY:
        return [too_long]
    unfit = text.str.contains(r"^\s*[=@]|[\x00-\x08\x0b-\x1f]")
    return [
        too_long,
        (unfit, f"{column.name} is a formula or holds control characters, expected a key", "high", "key_unreadable"),
    ]


def _unreadable(column: Column) -> list[tuple[pl.Expr, str, str, str]]:
    """Why text could not be read, the most telling reason first; each mask excludes those before it."""
    timed = column.kind in (Kind.INSTANT, Kind.DAY)
    text = pl.col("text")
    damaged = text.str.contains(DAMAGED) if timed else pl.lit(value=False)
    epoch = text.str.contains(r"^(?:1899|1900)-") if timed else pl.lit(value=False)
    return [
        (
            damaged,
            f"{column.name} has a time without its date (spreadsheet damage), expected {_expected(column)}",
            "high",
            "time_damaged",
        ),
        (
            epoch & ~damaged,
            f"{column.name} stands on a spreadsheet's day zero, expected {_expected(column)}",
            "high",
            "time_damaged",
        ),
        (~epoch & ~damaged, f"{column.name} is not {_expected(column)}", "high", "value_unreadable"),
    ]


def _expected(column: Column) -> str:
    if column.allowed:
        return "one of " + ", ".join(column.allowed)
    return _EXPECTED.get(column.kind, "a key" if column.kind is Kind.KEY else "text")


def _limits(column: Column) -> list[tuple[pl.Expr, str]]:
    value = pl.col("value")
    made: list[tuple[pl.Expr, str]] = []
    if column.kind is Kind.NUMBER:
        made.append((value.abs() > LARGEST_NUMBER, f"{column.name} is beyond {LARGEST_NUMBER:g}"))
    if column.minimum is not None:
        made.append((value < column.minimum, f"{column.name} is below {column.minimum:g}"))
    if column.maximum is not None:
        made.append((value > column.maximum, f"{column.name} is above {column.maximum:g}"))
    if column.above is not None:
        made.append((value <= column.above, f"{column.name} must be greater than {column.above:g}"))
    return made
