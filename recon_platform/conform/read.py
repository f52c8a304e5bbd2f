"""Cells to values: every column of a landing table read as its kind says, or its row refused with the reason.

Belongs here: what a single cell may hold. Does not belong here: keys that refer to other tables, units, duplicates.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import polars as pl

from recon_platform.conform.sheet import ID, Sheet, needed, null_of
from recon_platform.conform.times import (
    DAMAGED,
    EPOCH_YEARS,
    INSTANT,
    clocks,
    days,
    instants,
    plain_days,
    plain_instants,
)
from recon_platform.tables.model import Column, Kind

Check = tuple[pl.Expr, str, str, str]  # mask, reason, severity, gate
NO_DOUBT = pl.DataFrame(schema={ID: pl.UInt32, "column": pl.String, "doubt": pl.String})
TIMED = (Kind.INSTANT, Kind.DAY, Kind.CLOCK)
PLAINLY = "plainly."  # before a column's name: whether all its times are written plainly
END_OF_YEARS = 2200
LONGEST_CELL = 4000
_SHARED = pl.QueryOptFlags.none(comm_subexpr_elim=True)
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
    if raw.is_empty():
        sheet.frame = pl.DataFrame(schema={ID: raw[ID].dtype} | sheet.table.schema)
        return NO_DOUBT
    refused: list[pl.DataFrame] = []
    if raw["_problem"].null_count() < raw.height:
        malformed = pl.col("_problem").is_not_null()
        refused.append(sheet.reasons(malformed, None, pl.col("_problem"), "critical", "row_malformed"))
    # All columns of a step at once: a night has a few hundred of them, and a call costs more than their cells. What two
    # expressions share is worked out once, and nothing else is there to optimise.
    columns = {column.name: column for column in sheet.table.columns}
    came = raw.schema
    filled = {name: c for name, c in columns.items() if raw[name].null_count() < raw.height}
    cells = raw.lazy().select(ID, *(_clean(came[name], c) for name, c in filled.items())).collect(optimizations=_SHARED)
    texts = {series.name: series for series in cells.get_columns()}
    texts |= {name: _nothing(name, pl.String(), raw.height) for name in columns if name not in filled}
    read = {name: c for name, c in columns.items() if texts[name].null_count() < raw.height or needed(c)}
    expressions = [e for name, c in read.items() if name in filled for e in _values(texts[name].dtype, c)]
    values = cells.lazy().select(ID, *expressions).collect(optimizations=_SHARED)
    typed = {name: _nothing(name, c.dtype, raw.height) for name, c in columns.items() if name not in read}
    typed |= {name: texts[name] if name in filled else _nothing(name, c.dtype, raw.height) for name, c in read.items()}
    typed |= {series.name: series for series in values.get_columns()}
    doubts: list[pl.DataFrame] = []
    for name, column in read.items():
        if column.kind in TIMED and name in filled and not (PLAINLY + name in typed and typed[PLAINLY + name][0]):
            typed[name], doubt = _time(texts[name], column, timezone)
            if doubt is not None and doubt.null_count() < doubt.len():
                named = pl.DataFrame([raw[ID], doubt.alias("doubt")]).filter(pl.col("doubt").is_not_null())
                doubts.append(named.select(ID, pl.lit(name).alias("column"), "doubt"))
    refused += _reasons(sheet, raw[ID], texts, typed, read)
    sheet.frame = pl.DataFrame([raw[ID], *(typed[name] for name in columns)])
    kept = [reasons for reasons in refused if not reasons.is_empty()]
    if kept:
        sheet.note(pl.concat(kept))
    return pl.concat(doubts) if doubts else NO_DOUBT


def _nothing(name: str, dtype: pl.DataType, height: int) -> pl.Series:
    return null_of(dtype).new_from_index(0, height).alias(name)


# The expressions of a column are the same every night: made once, because making them takes as long as they take.
@cache
def _clean(dtype: pl.DataType, column: Column) -> pl.Expr:
    """Text with empty as null, outer blanks off unless a key is kept as written; other types as they came."""
    cell = pl.col(column.name)
    if dtype.base_type() in (pl.Categorical, pl.Enum, pl.Null):
        cell = cell.cast(pl.String, strict=False)
    elif dtype != pl.String:
        return cell
    text = cell.str.strip_chars(" \t\r\n\u00a0\ufeff")
    return pl.when(text != "").then(cell if column.kind is Kind.KEY else text).alias(column.name)


@cache
def _values(dtype: pl.DataType, column: Column) -> tuple[pl.Expr, ...]:
    """What `column`, whose text is a `dtype`, is read with: null where it cannot be read; nothing where text stays text.

    A time is read here where all of them are written plainly, and `PLAINLY` says so; else it takes `_time`.
    """
    cell, kind = pl.col(column.name), column.kind
    if kind in (Kind.KEY, Kind.TEXT):
        if dtype == pl.String and not column.allowed:
            return ()
        text = _text(cell, dtype)
        return ((_allowed(text, column.allowed) if column.allowed else text).alias(column.name),)
    if kind is Kind.FLAG:
        return (_flag(cell, dtype).alias(column.name),)
    if kind in TIMED:
        if dtype != pl.String or kind is Kind.CLOCK:
            return ()
        time = plain_instants(cell) if kind is Kind.INSTANT else plain_days(cell)
        year = time.dt.year()
        sane = (year.min() > EPOCH_YEARS[1]) & (year.max() < END_OF_YEARS)
        plainly = (time.null_count() == cell.null_count()) & sane
        return time.alias(column.name), plainly.alias(PLAINLY + column.name)
    number = _number(cell, dtype)
    if kind is Kind.WHOLE:
        number = pl.when((number == number.floor()) & (number.abs() <= LARGEST_WHOLE)).then(number).cast(pl.Int64)
    return (number.alias(column.name),)


def _time(text: pl.Series, column: Column, timezone: str) -> tuple[pl.Series, pl.Series | None]:
    """A column of times as its kind, null where it cannot be read, and what is doubtful about each."""
    if column.kind is Kind.INSTANT:
        value, doubt = instants(text, timezone)
        return _sane_years(value.cast(INSTANT)).alias(column.name), doubt
    if column.kind is Kind.DAY:
        return _sane_years(days(text)).alias(column.name), None
    return clocks(text).alias(column.name), None


def _text(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A key that came as a number, as the text a person would write: 10.0 is `10`."""
    if dtype == pl.String:
        return cell
    if dtype.is_float():
        whole = (cell == cell.floor()) & (cell.abs() <= LARGEST_WHOLE)
        return pl.coalesce(pl.when(whole).then(cell).cast(pl.Int64).cast(pl.String), cell.cast(pl.String))
    return cell.cast(pl.String)


def _number(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        number = pl.when(cell.str.contains(_NUMBER)).then(cell).cast(pl.Float64, strict=False)
    elif dtype.is_numeric() or dtype == pl.Boolean:
        number = cell.cast(pl.Float64, strict=False)
    else:
        return pl.lit(None, pl.Float64)
    return pl.when(number.is_finite()).then(number)


def _flag(cell: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return cell
    lower = _text(cell, dtype).str.to_lowercase()
    return pl.when(lower.is_in(list(_TRUE))).then(pl.lit(True)).when(lower.is_in(list(_FALSE))).then(pl.lit(False))


def _allowed(text: pl.Expr, allowed: tuple[str, ...]) -> pl.Expr:
    """The allowed word that `text` spells, whatever its capitals and separators; null for any other."""
    spelled = {word.lower(): word for word in allowed}
    lower = text.str.to_lowercase().str.replace_all(r"[\s-]+", "_")
    return lower.replace_strict(spelled, default=None, return_dtype=pl.String)


def _sane_years(value: pl.Series) -> pl.Series:
    """`value` without dates outside 1901–2199: a spreadsheet's day zero is no date of a plant."""
    year = value.dt.year()
    wild = ((year <= EPOCH_YEARS[1]) | (year >= END_OF_YEARS)).fill_null(value=False)
    return value.set(wild, None) if wild.any() else value


def _reasons(
    sheet: Sheet,
    ids: pl.Series,
    texts: Mapping[str, pl.Series],
    values: Mapping[str, pl.Series],
    columns: Mapping[str, Column],
) -> list[pl.DataFrame]:
    """Reasons to refuse rows, column by column: what could not be read, and what no plant has."""
    checks = [
        (name, check)
        for name, column in columns.items()
        for check in _checks(
            column, texts[name].dtype, missing=texts[name].null_count() > 0,
            unread=values[name].null_count() > texts[name].null_count(),
        )
    ]  # fmt: skip
    if not checks:
        return []
    named = dict.fromkeys(name for name, _ in checks)
    frame = pl.DataFrame(
        [ids, *(texts[name].alias(f"text.{name}") for name in named),
         *(values[name].alias(f"value.{name}") for name in named)]
    )  # fmt: skip
    hits = frame.select(hit for _, (hit, _) in checks).row(0)
    return [
        sheet.reasons(mask, name, reason, severity, gate, frame=frame)
        for hit, (name, (_, (mask, reason, severity, gate))) in zip(hits, checks, strict=True)
        if hit
    ]


@cache
def _checks(column: Column, dtype: pl.DataType, *, missing: bool, unread: bool) -> tuple[tuple[pl.Expr, Check], ...]:
    """What may be wrong with the cells of a column that came as `dtype`, each check behind whether it hits anywhere;
    `missing`, `unread`: some are empty, or could not be read."""
    text, value = pl.col(f"text.{column.name}"), pl.col(f"value.{column.name}")
    checks: list[Check] = []
    if missing and needed(column):
        reason = f"{column.name} is empty, expected {_expected(column)}"
        checks.append((text.is_null(), reason, "high", "value_missing"))
    if unread:
        lost = text.is_not_null() & value.is_null()
        if dtype == pl.String:
            checks += [
                (lost & mask, reason, severity, gate) for mask, reason, severity, gate in _unreadable(column, text)
            ]
        else:
            checks.append((lost, f"{column.name} is not {_expected(column)}", "high", "value_unreadable"))
    if dtype == pl.String and column.kind in (Kind.KEY, Kind.TEXT):
        checks += _unfit_text(column, text)
    checks += [(mask, reason, "high", "value_impossible") for mask, reason in _limits(column, value)]
    return tuple((check[0].any().alias(f"{column.name}.{i}"), check) for i, check in enumerate(checks))


def _unfit_text(column: Column, text: pl.Expr) -> list[Check]:
    """What no text of this contract is: longer than a page, a formula where a key should be, control characters."""
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


def _unreadable(column: Column, text: pl.Expr) -> list[Check]:
    """Why text could not be read, the most telling reason first; each mask excludes those before it."""
    timed = column.kind in (Kind.INSTANT, Kind.DAY)
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


def _limits(column: Column, value: pl.Expr) -> list[tuple[pl.Expr, str]]:
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
