"""The sidecar: a table beside an ERP that keeps days only, with the times of day of every operation that was planned.

One row per operation, the newest schedule that was written. It is a table of any database, in the ERP's own or another;
whoever runs the shop floor reads it, and the next extraction does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, select
from sqlalchemy.exc import SQLAlchemyError

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError

COLUMNS = (
    "work_order", "op_seq", "work_center", "planned_start", "planned_end", "schedule_version", "idempotency_key",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OperationTime:
    """When one operation of an order is planned: instants with zone, ISO 8601."""

    work_order: str
    op_seq: int
    work_center: str | None
    planned_start: str
    planned_end: str
    schedule_version: int
    idempotency_key: str


class Sidecar:
    """The table `table` (SCHEMA.TABLE or TABLE) of `database`; made where it is not there."""

    def __init__(self, name: str, database: Engine, table: str, secrets: Secrets) -> None:
        self.name, self.table_name = name, table
        self._engine, self._secrets = database, secrets
        schema, _, name = table.rpartition(".")
        text = String(200)
        self._table = Table(
            name, MetaData(schema=schema or None),
            Column("work_order", text, primary_key=True), Column("op_seq", Integer, primary_key=True),
            Column("work_center", text), Column("planned_start", String(40), nullable=False),
            Column("planned_end", String(40), nullable=False), Column("schedule_version", Integer, nullable=False),
            Column("idempotency_key", text, nullable=False),
        )  # fmt: skip

    def of(self, work_order: str) -> dict[int, OperationTime]:
        """The operations of an order, by number. Raises DoorError."""
        with self._open() as connection:
            rows = connection.execute(select(self._table).where(self._table.c.work_order == work_order)).mappings()
            return {row["op_seq"]: OperationTime(**row) for row in rows}

    def put(self, times: Sequence[OperationTime]) -> None:
        """Replace the rows of these operations, all or none. Raises DoorError."""
        table = self._table
        with self._open() as connection:
            for time in times:
                mine = (table.c.work_order == time.work_order) & (table.c.op_seq == time.op_seq)
                connection.execute(table.delete().where(mine))
                connection.execute(table.insert().values(**_row(time)))

    def frame(self) -> pl.DataFrame:
        """All rows as text. Raises DoorError."""
        with self._open() as connection:
            rows = [tuple(row) for row in connection.execute(select(*(self._table.c[name] for name in COLUMNS)))]
        texts = [[None if row[at] is None else str(row[at]) for row in rows] for at in range(len(COLUMNS))]
        return pl.DataFrame(
            {name: pl.Series(cells, dtype=pl.String) for name, cells in zip(COLUMNS, texts, strict=True)}
        )

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        try:
            self._table.create(self._engine, checkfirst=True)
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            said = self._secrets.hide(" ".join(str(getattr(error, "orig", None) or error).split())[:300])
            raise DoorError(f"{self.name}: the sidecar {self.table_name} says: {said}") from None


def nothing_beside() -> pl.DataFrame:
    """The rows of a sidecar that there is none of."""
    return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))


def _row(time: OperationTime) -> Mapping[str, Any]:
    return {name: getattr(time, name) for name in COLUMNS}
