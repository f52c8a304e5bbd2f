"""Write finite dates into a database: one transaction per order, the row's version checked, what was stored read again.

A staging table in the ERP's own database keeps every write by its key, in the transaction that has the effect: so a write
sent twice is known, whatever was killed in between. The plant says in SQL how an order's version is read (and its row
locked), how a write is applied, and how it is read back; without `apply` the ERP's own job takes rows from staging.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, Text, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.write_back import Write, WriteAnswer, WriteBackError

INSTANTS = ("planned_start", "planned_end")


class _RefusedError(Exception):
    """One write that must not be made, and why."""


@dataclass(frozen=True, slots=True)
class Statements:
    """SQL of one kind of write; parameters are the write's content, `subject` and `expected_version`.

    `version` gives the version of the row (it should lock it: FOR UPDATE), `apply` changes exactly one row, `read_back`
    gives columns named as in the content.
    """

    version: str
    apply: str | None = None
    read_back: str | None = None


class SqlErp:
    """A database that finite dates and order changes are written to."""

    def __init__(
        self, name: str, database: Engine, kinds: Mapping[str, Statements], secrets: Secrets, *, staging: str
    ) -> None:
        self.name = name
        self._engine, self._kinds, self._secrets = database, dict(kinds), secrets
        schema, _, table = staging.rpartition(".")
        self._staging = Table(
            table, MetaData(schema=schema or None),
            Column("idempotency_key", String(200), primary_key=True), Column("kind", String(40), nullable=False),
            Column("subject", String(200), nullable=False, index=True), Column("content", Text, nullable=False),
            Column("expected_version", String(200)), Column("version_after", String(200)),
            Column("written_at", String(40), nullable=False),
        )  # fmt: skip

    def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One answer per write. All writes of one order stand or fall by its version, and each by itself beyond that."""
        answers: dict[str, WriteAnswer] = {}
        try:
            self._staging.create(self._engine, checkfirst=True)
            for subject, group in groupby(sorted(writes, key=_by_subject), key=lambda write: write.subject):
                with self._engine.begin() as connection:
                    answers.update(self._order(connection, subject, list(group)))
        except IntegrityError as error:  # another relay wrote the same key first: the next round finds it known
            raise WriteBackError(f"{self.name}: written by somebody else meanwhile ({self._line(error)})") from None
        except SQLAlchemyError as error:
            raise WriteBackError(f"{self.name}: the database says: {self._line(error)}") from None
        return [answers[write.key] for write in writes]

    def _order(self, connection: Connection, subject: str, writes: Sequence[Write]) -> dict[str, WriteAnswer]:
        answers: dict[str, WriteAnswer] = {}
        kinds = {write.kind: write for write in writes}
        now: dict[str, str | None] = {}
        for kind, write in kinds.items():  # the row is locked before anything is looked up
            if kind in self._kinds:
                now[kind] = self._version(connection, kind, write)
        known = {row.idempotency_key for row in self._written(connection, subject)}
        ours = {(row.expected_version, row.version_after) for row in self._written(connection, subject)}
        done: list[str] = []
        for write in writes:
            if write.key in known:
                answers[write.key] = WriteAnswer(True, "known")
                continue
            try:
                self._check(write, now, ours)
                with connection.begin_nested():
                    self._apply(connection, write)
            except _RefusedError as error:
                answers[write.key] = WriteAnswer(False, str(error))
                continue
            done.append(write.key)
            answers[write.key] = WriteAnswer(True, "written")
        if done:
            after = self._version(connection, writes[0].kind, writes[0])
            table = self._staging
            connection.execute(table.update().where(table.c.idempotency_key.in_(done)).values(version_after=after))
        return answers

    def _check(self, write: Write, now: Mapping[str, str | None], ours: set[tuple[str | None, str | None]]) -> None:
        if write.kind not in self._kinds:
            raise _RefusedError(f"refused: {self.name} has no statements for {write.kind}")
        found = now[write.kind]
        if found is None:
            raise _RefusedError(f"refused: {write.subject} is not in {self.name}")
        expected = write.expected_version
        if expected is not None and found != expected and (expected, found) not in ours:
            raise _RefusedError(f"changed: {write.subject} is at version {found}, the plan read {expected}")

    def _apply(self, connection: Connection, write: Write) -> None:
        statements, values = self._kinds[write.kind], _parameters(write)
        if statements.apply is not None:
            changed = _run(connection, statements.apply, values).rowcount
            if changed != 1:
                raise _RefusedError(f"refused: the write changes {changed} rows of {self.name}, expected 1")
        if statements.read_back is not None:
            row = _run(connection, statements.read_back, values).mappings().one_or_none()
            if row is None:
                raise _RefusedError(f"refused: {write.subject} cannot be read back from {self.name}")
            for name, stored in row.items():
                if _comparable(stored) != _comparable(values.get(name)):
                    raise _RefusedError(f"altered: {self.name} stored {name} {stored}, asked was {values.get(name)}")
        connection.execute(
            self._staging.insert().values(
                idempotency_key=write.key, kind=write.kind, subject=write.subject,
                content=json.dumps(dict(write.content), sort_keys=True, default=str),
                expected_version=write.expected_version, written_at=datetime.now(UTC).isoformat(),
            )
        )  # fmt: skip

    def _version(self, connection: Connection, kind: str, write: Write) -> str | None:
        found = _run(connection, self._kinds[kind].version, _parameters(write)).scalar()
        return None if found is None else str(found)

    def _written(self, connection: Connection, subject: str) -> Sequence[Any]:
        return connection.execute(select(self._staging).where(self._staging.c.subject == subject)).all()

    def _line(self, error: SQLAlchemyError) -> str:
        return self._secrets.hide(" ".join(str(getattr(error, "orig", None) or error).split())[:300])


def _by_subject(write: Write) -> str:
    return write.subject


def _parameters(write: Write) -> dict[str, Any]:
    values = {**write.content, "subject": write.subject, "expected_version": write.expected_version}
    return {
        name: datetime.fromisoformat(value) if name in INSTANTS and isinstance(value, str) else value
        for name, value in values.items()
    }


def _run(connection: Connection, statement: str, values: Mapping[str, Any]) -> Any:
    """Execute with those of `values` that the statement names."""
    prepared = text(statement)
    named = set(prepared.compile().params)
    return connection.execute(prepared, {name: value for name, value in values.items() if name in named})


def _comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    return None if value is None else str(value)
