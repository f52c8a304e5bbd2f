"""How a frame lies in the lake: which Delta types stand for which kinds, and the three columns in front.

Delta has no time of day: such columns are stored as text `HH:MM:SS.ffffff`. Instants carry UTC, so that no table needs
the `timestampNtz` feature. Every column may be null in storage; the table schema is enforced before the commit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import polars as pl

from recon_platform.lake.errors import LakeError, SchemaChangedError
from recon_platform.tables.model import Table

PARTITION = ("plant", "planning_date")
FRONT: dict[str, pl.DataType] = {"plant": pl.String(), "planning_date": pl.Date(), "sequence": pl.Int64()}
PLANT_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
CLOCK_FORMAT = "%H:%M:%S%.6f"

STORED: dict[str, pl.DataType] = {
    "string": pl.String(), "long": pl.Int64(), "integer": pl.Int32(), "short": pl.Int16(), "byte": pl.Int8(),
    "double": pl.Float64(), "float": pl.Float32(), "boolean": pl.Boolean(), "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
}  # fmt: skip
"""Polars type by Delta type name: the only ones this lake writes."""


def check_plant(plant: str) -> str:
    """`plant`, when it can stand in a path as it is; else LakeError: percent-encoded partitions break overwrites."""
    if not PLANT_CODE.fullmatch(plant):
        raise LakeError(
            f"plant code {plant!r}: expected letters, digits, '_' and '-', 1 to 64 of them; rename the plant"
        )
    return plant


def stored_form(frame: pl.DataFrame, plant: str, planning_date: date, sequence: int) -> pl.DataFrame:
    """`frame` as it is written: plant, planning_date and sequence in front, times of day as text.

    Raises LakeError where a column has one of these names, or a type that readers elsewhere would not know.
    """
    taken = set(FRONT) & set(frame.columns)
    if taken:
        raise LakeError(f"columns {sorted(taken)} are added by the lake; the frame must not have them")
    front = [
        pl.lit(plant).alias("plant"),
        pl.lit(planning_date, pl.Date).alias("planning_date"),
        pl.lit(sequence, pl.Int64).alias("sequence"),
    ]
    return check_types(frame).select(*front, pl.all())


def check_types(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with times of day as text; LakeError where a column has a type that readers elsewhere would not know."""
    columns = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Time:
            columns.append(pl.col(name).dt.to_string(CLOCK_FORMAT))
        elif dtype in STORED.values():
            columns.append(pl.col(name))
        else:
            raise LakeError(
                f"column {name} is {dtype}; the lake stores text, numbers, flags, dates, UTC instants and times"
            )
    return frame.select(columns)


def original_form(frame: pl.DataFrame, table: Table | None) -> pl.DataFrame:
    """What was written, from what is stored: `table`'s columns first and typed, columns it does not know behind them.

    A column the table has and storage has not (it was added later) is null; one the table has not and that holds
    nothing is left out.
    """
    if table is None:
        return frame
    expressions = []
    for column in table.columns:
        if column.name not in frame.columns:
            expressions.append(pl.lit(None, dtype=column.dtype).alias(column.name))
        elif column.dtype == pl.Time and frame.schema[column.name] == pl.String:
            expressions.append(pl.col(column.name).str.to_time(CLOCK_FORMAT))
        else:
            expressions.append(pl.col(column.name))
    others = [
        name for name in frame.columns if name not in table.column_names and frame[name].null_count() < frame.height
    ]
    return frame.select(*expressions, *others)


def aligned(frame: pl.DataFrame, stored: Mapping[str, pl.DataType], table: str) -> tuple[pl.DataFrame, bool]:
    """`frame` with the columns of a stored table, and whether it has some that the stored table lacks.

    Raises SchemaChangedError where a column is stored with another type: Delta would cast it without a word.
    """
    for name, dtype in frame.schema.items():
        if name in stored and stored[name] != dtype:
            raise SchemaChangedError(
                f"table {table}, column {name}: stored as {stored[name]}, now {dtype}; "
                "move the table aside, or give the column a new name"
            )
    absent = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in stored.items() if name not in frame.columns]
    new = [name for name in frame.columns if name not in stored]
    return frame.with_columns(absent).select(*stored, *new), bool(new)
