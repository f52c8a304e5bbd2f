"""The outbox: what has to reach the ERP or a person, written with the decision that causes it, delivered afterwards.

Belongs here: the queue and its answers. Sending is in `relay`. A key makes a second delivery harmless: the same key is
queued once, and every receiver is given it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, true

from recon_platform.governance import schema
from recon_platform.governance.chain import canonical
from recon_platform.governance.clock import from_text, to_text
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

ROWS_AT_ONCE = 5_000
WRITTEN = (
    "key", "kind", "target", "plant", "schedule_version", "subject", "content", "expected_version", "created_at",
    "state", "attempts", "next_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to deliver. `key` names its effect: whoever gets it twice acts once."""

    key: str
    kind: str  # finite_dates | order_changes | notice
    target: str
    subject: str
    content: Mapping[str, Any]
    expected_version: str | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A message as it stands in the queue."""

    position: int
    key: str
    kind: str
    target: str
    plant: str
    schedule_version: int | None
    subject: str
    content: dict[str, Any]
    expected_version: str | None
    created_at: datetime
    state: str
    attempts: int
    answer: str | None


def put(tx: Transaction, plant: str, schedule_version: int | None, messages: Iterable[Message]) -> int:
    """Queue `messages` in a running transaction; keys queued before stay as they are. Gives how many are new."""
    at = tx.at
    rows: list[tuple[Any, ...]] = [
        (
            message.key, message.kind, message.target, plant, schedule_version, message.subject,
            canonical(message.content), message.expected_version, at, "waiting", 0,
            at if message.not_before is None else to_text(message.not_before),
        )
        for message in messages
    ]  # fmt: skip
    return sum(
        _insert(tx.connection, rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE)
    )


def _insert(connection: Connection, rows: list[tuple[Any, ...]]) -> int:
    """Insert rows whose key is new, by the driver's own bulk statement: a night's write-back is 100,000 of them."""
    columns = ", ".join(WRITTEN)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(WRITTEN))
        statement = f"INSERT INTO outbox ({columns}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING"
        return int(connection.exec_driver_sql(statement, rows).rowcount)
    from psycopg2.extras import execute_values  # type: ignore[import-untyped]  # noqa: PLC0415 - PostgreSQL only

    cursor: Any = connection.connection.cursor()
    statement = f"INSERT INTO outbox ({columns}) VALUES %s ON CONFLICT (key) DO NOTHING"
    execute_values(cursor, statement, rows, page_size=len(rows))
    return int(cursor.rowcount)


class Outbox:
    """Read the queue, and keep each answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, limit: int = 500, targets: Iterable[str] | None = None) -> list[Queued]:
        """Messages whose time has come (for one of `targets`), oldest first."""
        table = schema.outbox
        meant = true() if targets is None else table.c.target.in_(sorted(targets))
        with self._store.reading() as tx:
            rows = tx.connection.execute(
                select(table)
                .where(table.c.state == "waiting", table.c.next_at <= tx.at, meant)
                .order_by(table.c.position)
                .limit(limit)
            ).all()
        return [queued(row) for row in rows]

    def find(
        self, *, plant: str | None = None, state: str | None = None, limit: int = 1_000, newest: bool = False
    ) -> list[Queued]:
        """The oldest `limit` messages of the queue, oldest first; or the newest, newest first."""
        position = schema.outbox.c.position
        query = select(schema.outbox).order_by(position.desc() if newest else position).limit(limit)
        for column, value in (("plant", plant), ("state", state)):
            if value is not None:
                query = query.where(schema.outbox.c[column] == value)
        with self._store.reading() as tx:
            return [queued(row) for row in tx.connection.execute(query)]

    def counts(self, plant: str | None = None) -> dict[str, int]:
        """How many messages are waiting, delivered, refused, dead."""
        table = schema.outbox
        query = select(table.c.state, func.count()).group_by(table.c.state).order_by(table.c.state)
        if plant is not None:
            query = query.where(table.c.plant == plant)
        with self._store.reading() as tx:
            return {row[0]: row[1] for row in tx.connection.execute(query)}


def queued(row: Any) -> Queued:
    """A row of the outbox as a message."""
    return Queued(
        position=row.position, key=row.key, kind=row.kind, target=row.target, plant=row.plant,
        schedule_version=row.schedule_version, subject=row.subject, content=json.loads(row.content),
        expected_version=row.expected_version, created_at=from_text(row.created_at), state=row.state,
        attempts=row.attempts, answer=row.answer,
    )  # fmt: skip
