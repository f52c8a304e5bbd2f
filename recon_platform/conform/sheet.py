"""A landing table while it is being conformed: its rows, and which of them were refused and why.

Belongs here: bookkeeping, so that rows in = rows out + rows quarantined holds by construction. Does not belong here:
any reason to refuse a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import polars as pl

from recon_platform.tables.conformed import SEVERITIES
from recon_platform.tables.model import Column, Kind, Table
from recon_platform.tables.order import increasing

ID = "_id"
LONGEST_VALUE = 200
READABLE = (pl.String, pl.Boolean, pl.Date, pl.Datetime, pl.Time, pl.Categorical, pl.Enum, pl.Null)
_RANK = {severity: rank for rank, severity in enumerate(reversed(SEVERITIES))}  # critical 0


@dataclass(slots=True)
class Sheet:
    """`raw` is the frame as it came with `_id` (0-based); `frame` the typed rows, `_id` among its columns.

    Refusing a row takes it out of `frame` at once and keeps its reason; a row refused twice keeps its worst reason.
    """

    table: Table
    raw: pl.DataFrame
    frame: pl.DataFrame
    present: bool
    refused: list[pl.DataFrame] = field(default_factory=list)

    def reasons(
        self,
        mask: pl.Expr,
        column: str | None,
        reason: str | pl.Expr,
        severity: str,
        gate: str,
        *,
        frame: pl.DataFrame | None = None,
        value: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """One reason row per row of `frame` (default: the live rows) where `mask` is true.

        `value` is what to show instead of what stands in `column`.
        """
        rows = (self.frame if frame is None else frame).filter(mask)
        text = pl.lit(reason) if isinstance(reason, str) else reason
        return rows.select(
            pl.col(ID),
            pl.lit(column, pl.String).alias("column"),
            text.cast(pl.String).alias("reason"),
            pl.lit(severity).alias("severity"),
            pl.lit(gate).alias("gate"),
            (pl.lit(None, pl.String) if value is None else value.cast(pl.String)).alias("_shown"),
        )

    def note(self, reasons: pl.DataFrame) -> None:
        """Keep `reasons` and take their rows out of the live rows."""
        if reasons.is_empty():
            return
        self.refused.append(reasons)
        self.frame = self.frame.join(reasons.select(ID).unique(), on=ID, how="anti", maintain_order="left")

    def refuse(self, mask: pl.Expr, column: str | None, reason: str | pl.Expr, severity: str, gate: str) -> None:
        """Quarantine every live row where `mask` is true."""
        self.note(self.reasons(mask, column, reason, severity, gate))

    def quarantine(self) -> pl.DataFrame:
        """The refused rows, each once, its worst reason first, in the columns of table `quarantine`."""
        if not self.refused:
            return pl.DataFrame()
        reasons = pl.concat(self.refused).with_row_index("_order")
        worst = (
            reasons.with_columns(pl.col("severity").replace_strict(_RANK, return_dtype=pl.Int8).alias("_rank"))
            .sort(ID, "_rank", "_order")
            .group_by(ID, maintain_order=True)
            .agg(
                pl.col("column", "reason", "severity", "gate", "_shown").first(),
                pl.len().cast(pl.Int64).alias("reasons"),
            )
        )
        raw = self.raw.join(worst, on=ID, how="inner", maintain_order="left")
        return raw.select(
            pl.lit(self.table.name).alias("table"),
            pl.col("_source").alias("source"),
            pl.col("_file").alias("file"),
            pl.col("_row").alias("row"),
            "column",
            pl.coalesce("_shown", _value_of(raw)).alias("value"),
            "reason",
            "severity",
            "gate",
            "reasons",
        )

    def result(self) -> pl.DataFrame:
        """The live rows as the conformed table: contract columns, `source_file`, `source_row`; sorted by key."""
        at = self.frame[ID]  # the rows of `raw` stand in the order of their `_id`
        whole = at.len() == self.raw.height and at.is_sorted()
        where = (self.raw[name] if whole else self.raw[name].gather(at) for name in ("_file", "_row"))
        named = zip(where, ("source_file", "source_row"), strict=True)
        made = self.frame[list(self.table.column_names)].hstack([series.alias(name) for series, name in named])
        if self.table.key and increasing(made, self.table.key):
            return made
        rest = [name for name in self.table.column_names if name not in self.table.key]
        return made.sort([*self.table.key, *rest, "source_file", "source_row"], nulls_last=False, maintain_order=True)


def _value_of(raw: pl.DataFrame) -> pl.Expr:
    """What stands in the column that the reason names, as text."""
    value = pl.lit(None, pl.String)
    for name in raw.columns:
        if not name.startswith("_") and name not in ("column", "reason", "severity", "gate", "reasons"):
            value = pl.when(pl.col("column") == name).then(pl.col(name).cast(pl.String, strict=False)).otherwise(value)
    return value.str.slice(0, LONGEST_VALUE)


def start_sheet(table: Table, raw: pl.DataFrame | None) -> Sheet:
    """A sheet of `raw` (None: not delivered) with every contract column, missing ones null, all rows live."""
    present = raw is not None
    _require_values(table, raw)
    frame = raw if raw is not None else pl.DataFrame({column.name: [] for column in table.columns})
    text = {"_source": table.source or "erp", "_file": f"{table.name}", "_problem": None, "_extracted_at": None}
    frame = _with_constants(frame, text)
    if "_row" not in frame.columns:
        frame = frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("_row"))
    # Files and rows may arrive in any order; which of two equal rows is the first must not depend on it.
    if not (frame["_file"].is_sorted() and frame["_row"].is_sorted()):
        frame = frame.sort("_file", "_row", maintain_order=True)
    frame = (frame.drop(ID) if ID in frame.columns else frame).with_row_index(ID)
    frame = _with_constants(frame, dict.fromkeys(table.column_names))
    return Sheet(table, frame, frame, present)


def _with_constants(frame: pl.DataFrame, text: Mapping[str, str | None]) -> pl.DataFrame:
    """`frame` with a column of text for every name of `text` that it lacks."""
    known = set(frame.columns)
    constants = [
        (null_of(pl.String()) if value is None else pl.Series([value])).new_from_index(0, frame.height).alias(name)
        for name, value in text.items()
        if name not in known
    ]
    return frame.hstack(constants) if constants else frame


@cache
def null_of(dtype: pl.DataType) -> pl.Series:
    """One null, to lay a column of nothing from."""
    return pl.Series([None], dtype=dtype)


def _require_values(table: Table, raw: pl.DataFrame | None) -> None:
    schema = {} if raw is None else raw.schema
    for column in table.columns:
        dtype = schema.get(column.name)
        if not (dtype is None or dtype.is_numeric() or dtype.base_type() in READABLE):
            raise TypeError(f"table {table.name}, column {column.name}: expected text, numbers or dates, found {dtype}")


def needed(column: Column) -> bool:
    """Whether a row without a value in `column` is refused. A quantity without unit is in the item's own."""
    return not column.nullable and not (column.name == "uom" and column.kind is Kind.TEXT)
