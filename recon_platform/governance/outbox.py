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

from sqlalchemy import func, select

from recon_platform.governance import schema
from recon_platform.governance.chain import canonical
from recon_platform.governance.clock import from_text, to_text
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

ROWS_AT_ONCE = 5_000
KEYS_AT_ONCE = 500


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
    table = schema.outbox
    first: dict[str, Message] = {}
    for message in messages:
        first.setdefault(message.key, message)
    keys = list(first)
    queued: set[str] = set()
    for start in range(0, len(keys), KEYS_AT_ONCE):
        part = keys[start : start + KEYS_AT_ONCE]
        queued.update(tx.connection.execute(select(table.c.key).where(table.c.key.in_(part))).scalars())
    rows = [
        {
            "key": message.key, "kind": message.kind, "target": message.target, "plant": plant,
            "schedule_version": schedule_version, "subject": message.subject, "content": canonical(message.content),
            "expected_version": message.expected_version, "created_at": tx.at, "state": "waiting", "attempts": 0,
            "next_at": tx.at if message.not_before is None else to_text(message.not_before),
        }
        for key, message in first.items()
        if key not in queued
    ]  # fmt: skip
    for start in range(0, len(rows), ROWS_AT_ONCE):
        tx.connection.execute(table.insert(), rows[start : start + ROWS_AT_ONCE])
    return len(rows)


class Outbox:
    """Read the queue, and keep each answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, limit: int = 500) -> list[Queued]:
        """Messages whose time has come, oldest first."""
        table = schema.outbox
        with self._store.reading() as tx:
            rows = tx.connection.execute(
                select(table)
                .where(table.c.state == "waiting", table.c.next_at <= tx.at)
                .order_by(table.c.position)
                .limit(limit)
            ).all()
        return [queued(row) for row in rows]

    def find(self, *, plant: str | None = None, state: str | None = None, limit: int = 1_000) -> list[Queued]:
        """Messages of the queue, oldest first."""
        query = select(schema.outbox).order_by(schema.outbox.c.position).limit(limit)
        for column, value in (("plant", plant), ("state", state)):
            if value is not None:
                query = query.where(schema.outbox.c[column] == value)
        with self._store.reading() as tx:
            return [queued(row) for row in tx.connection.execute(query)]

    def counts(self, plant: str | None = None) -> dict[str, int]:
        """How many messages are waiting, delivered, refused."""
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
