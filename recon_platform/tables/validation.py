"""Whether a frame is what its table says: columns, types, nulls, limits, allowed values, unique key.

The same rules as `Table.pandera()`, as one pass of column expressions: fast enough to run before every commit, and able
to name the first rows that fail. Whoever wants a check history uses the Pandera schema instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.tables.model import Column, Table
from recon_platform.tables.order import increasing

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of a table that a frame breaks: how often, and the first rows (0-based) and values that do."""

    table: str
    column: str | None
    rule: str
    count: int
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"table {self.table}" + (f", column {self.column}" if self.column else "")
        shown = ", ".join(f"row {row}: {value}" for row, value in zip(self.rows, self.values, strict=True))
        return f"{place}: {self.rule}; {self.count} rows" + (f" ({shown})" if shown else "")


class TableError(ValueError):
    """A frame does not fit its table. The message lists every rule it breaks."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(str(violation) for violation in violations))
        self.violations = violations


def check(table: Table, frame: pl.DataFrame) -> None:
    """Raise TableError where `frame` does not fit `table`."""
    found = violations(table, frame)
    if found:
        raise TableError(found)


def violations(table: Table, frame: pl.DataFrame) -> list[Violation]:
    """Every rule of `table` that `frame` breaks; an empty list when it fits."""
    found = _shape(table, frame)
    if found:
        return found
    rules = [(column, text, expression) for column in table.columns for text, expression in _rules(column)]
    if rules and frame.height:
        counts = frame.select(expression.sum().alias(str(i)) for i, (_, _, expression) in enumerate(rules)).row(0)
        for count, (column, text, expression) in zip(counts, rules, strict=True):
            if count:
                found.append(_violation(table, frame, column.name, text, expression))
    if table.key and frame.height and not increasing(frame, table.key):
        repeated = frame.select(table.key).is_duplicated()
        if repeated.any():
            found.append(
                _violation(table, frame, None, f"the key {', '.join(table.key)} must be unique", pl.lit(repeated))
            )
    return found


def _shape(table: Table, frame: pl.DataFrame) -> list[Violation]:
    found = [
        Violation(table.name, name, "the table has no such column", frame.height)
        for name in frame.columns
        if name not in table.column_names
    ]
    for column in table.columns:
        if column.name not in frame.columns:
            found.append(Violation(table.name, column.name, f"the column ({column.kind}) is missing", frame.height))
        elif frame.schema[column.name] != column.dtype:
            rule = f"expected type {column.dtype}, found {frame.schema[column.name]}; cast it"
            found.append(Violation(table.name, column.name, rule, frame.height))
    return found


def _rules(column: Column) -> list[tuple[str, pl.Expr]]:
    this = pl.col(column.name)
    rules: list[tuple[str, pl.Expr]] = []
    if not column.nullable:
        rules.append(("may not be null", this.is_null()))
    if column.allowed is not None:
        rules.append((f"must be one of {', '.join(column.allowed)}", ~this.is_in(list(column.allowed))))
    if column.minimum is not None:
        rules.append((f"must be at least {column.minimum:g}", this < column.minimum))
    if column.maximum is not None:
        rules.append(
            (
                f"must be at most {column.maximum:g}",
                this.is_finite() & (this > column.maximum) if column.dtype.is_float() else this > column.maximum,
            )
        )
    if column.above is not None:
        rules.append((f"must be more than {column.above:g}", this <= column.above))
    if column.dtype.is_float():
        rules.append(("must be a finite number", ~this.is_finite()))
    return [(text, expression.fill_null(False)) for text, expression in rules]


def _violation(table: Table, frame: pl.DataFrame, column: str | None, rule: str, wrong: pl.Expr) -> Violation:
    value = pl.col(column) if column is not None else pl.struct(table.key)
    bad = frame.select(wrong.alias("w"), value.alias("v")).with_row_index("r").filter("w")
    first = bad.head(SHOWN)
    return Violation(table.name, column, rule, bad.height, tuple(first["r"]), tuple(map(repr, first["v"].to_list())))
