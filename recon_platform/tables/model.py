"""What a table is: columns with a kind, a unit and a meaning, from which schemas, docs and checks are derived.

Belongs here: the description of one table and the Polars and Pandera schemas made from it.
Does not belong here: the tables themselves (one module per layer), or any rule over more than one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandera.polars as pa

Frames = Mapping[str, pl.DataFrame]
"""Tables by name. A stage takes one and returns a dict of the tables it makes."""


class Kind(StrEnum):
    """What a column holds; decides its Polars type and how text from a landing file is read."""

    KEY = "key"  # text that names something; never a number
    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    DAY = "day"  # a date in the plant's calendar
    INSTANT = "instant"  # a point in time, stored in UTC
    CLOCK = "clock"  # a time of day in the plant's time zone


POLARS_TYPE: dict[Kind, pl.DataType] = {
    Kind.KEY: pl.String(),
    Kind.TEXT: pl.String(),
    Kind.NUMBER: pl.Float64(),
    Kind.WHOLE: pl.Int64(),
    Kind.FLAG: pl.Boolean(),
    Kind.DAY: pl.Date(),
    Kind.INSTANT: pl.Datetime("us", "UTC"),
    Kind.CLOCK: pl.Time(),
}


class Layer(StrEnum):
    """Where a table stands in the order of the night."""

    LANDING = "landing"
    CONFORMED = "conformed"
    HISTORY = "history"
    RECONCILED = "reconciled"
    MATERIAL = "material"
    CAPACITY = "capacity"
    PROPOSAL = "proposal"
    PUBLISHED = "published"
    METRICS = "metrics"
    GOVERNANCE = "governance"
    TRUTH = "truth"
    RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind, unit and meaning, and the limits a value must keep.

    `minimum` is inclusive unless `above` is set (then the value must be greater than it). `allowed` lists
    the only values a text column may hold. `refers_to` names the table whose key this column repeats.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    unit: str | None = None
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    refers_to: str | None = None

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type that holds this column once conformed."""
        return POLARS_TYPE[self.kind]


SIGNED: tuple[Column, ...] = (
    Column("agent", Kind.KEY, "Agent of the platform that made the row; null where no night made it.", nullable=True),
    Column(
        "agent_version", Kind.TEXT, "Its version that night: digest of its code, `+`, digest of its rules or policy.",
        nullable=True,
    ),
)  # fmt: skip
"""The last columns of a table with an `agent`. The runner of stages fills them in: no agent signs for itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, the key that makes a row unique, who answers for it, and what it means."""

    name: str
    layer: Layer
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    optional: bool = False
    source: str | None = None  # "erp" or "mes" for landing tables
    owner: str = "planning"
    agent: str | None = None  # agent of the platform that makes the rows; they end in `SIGNED`

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(names) != len(set(names)):
            raise ValueError(f"table {self.name}: a column is described twice in {names}")
        unknown = set(self.key) - set(names)
        if unknown:
            raise ValueError(f"table {self.name}: key columns {sorted(unknown)} are not among its columns")

    def signed(self, frame: pl.DataFrame, versions: Mapping[str, str]) -> pl.DataFrame:
        """`frame` with its agent and the version of it in `versions`; both stay null where that is not known."""
        if self.agent is None:
            return frame
        version = versions.get(self.agent)
        name = self.agent if version is not None else None
        return frame.with_columns(
            pl.lit(value, dtype=column.dtype).alias(column.name)
            for column, value in zip(SIGNED, (name, version), strict=True)
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError names the table and its columns."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}; it has {', '.join(self.column_names)}")

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name → Polars type, in the order of the contract."""
        return {column.name: column.dtype for column in self.columns}

    def empty(self) -> pl.DataFrame:
        """A frame of this table with no rows."""
        return pl.DataFrame(schema=self.schema)

    def frame(self, rows: list[dict[str, object]] | pl.DataFrame) -> pl.DataFrame:
        """`rows` as a frame of this table: missing nullable columns become null, types are cast, columns in order.

        Raises ValueError where a column that may not be null is missing, or a column is unknown.
        """
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
        if frame.width == 0:
            return self.empty()
        schema = frame.schema
        if list(schema.items()) == [(column.name, column.dtype) for column in self.columns]:
            return frame
        unknown = set(frame.columns) - set(self.column_names)
        if unknown:
            raise ValueError(
                f"table {self.name}: unknown columns {sorted(unknown)}; expected {list(self.column_names)}"
            )
        missing = [c.name for c in self.columns if c.name not in frame.columns and not c.nullable]
        if missing:
            raise ValueError(f"table {self.name}: columns {missing} are missing and may not be null")
        return frame.select(
            pl.lit(None, dtype=c.dtype).alias(c.name) if c.name not in schema
            else pl.col(c.name) if schema[c.name] == c.dtype else pl.col(c.name).cast(c.dtype)
            for c in self.columns
        )  # fmt: skip

    def pandera(self) -> pa.DataFrameSchema:
        """The Pandera schema of the conformed table: types, nullability, limits, allowed values, unique key."""
        import pandera.polars as pa  # noqa: PLC0415 - a second to import; only checks need it

        columns = {}
        for column in self.columns:
            checks = []
            if column.allowed is not None:
                checks.append(pa.Check.isin(list(column.allowed)))
            if column.minimum is not None:
                checks.append(pa.Check.ge(column.minimum))
            if column.maximum is not None:
                checks.append(pa.Check.le(column.maximum))
            if column.above is not None:
                checks.append(pa.Check.gt(column.above))
            columns[column.name] = pa.Column(
                column.dtype,
                checks=checks,
                nullable=column.nullable,
                required=True,
                title=column.unit,
                description=column.meaning,
            )
        return pa.DataFrameSchema(
            columns, name=self.name, unique=list(self.key) or None, strict=False, description=self.meaning
        )
