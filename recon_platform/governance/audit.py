"""The audit trail: reading it, copying it to the lake in order and once, verifying it, exporting its signed head.

The chain in the store is written with what it records (`transaction.audit`). The lake holds a copy that outlives the
store; both are checked against each other and against heads that were signed and taken off the host, because a chain
alone notices neither a cut tail nor a full rewrite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl
from sqlalchemy import select

from recon_platform.governance import schema, settings
from recon_platform.governance.actors import Actor, service
from recon_platform.governance.chain import FIELDS, Verdict, canonical, row_hash, seal, sealed, verify_rows
from recon_platform.governance.errors import AuditError, SignatureError
from recon_platform.governance.permissions import Permission
from recon_platform.tables.governance import AUDIT

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

COLUMNS = (*FIELDS, "hash")
ROWS_AT_ONCE = 10_000
HELD = "audit_copy_rows"  # setting: rows that the copy in the lake held when it was last brought up to date
COPIER = service("audit", "1")


class AuditCopy(Protocol):
    """Where the trail is copied to: an append-only table in the lake."""

    def last_sequence(self) -> int:
        """Sequence of the last row it holds, 0 where it holds none."""

    def append(self, frame: pl.DataFrame, after: int) -> None:
        """Append rows in one commit; must fail if its last sequence is no longer `after`."""

    def rows(self) -> pl.DataFrame:
        """All its rows, by sequence."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the trail at one moment, sealed, to be kept where the host cannot reach it."""

    sequence: int
    hash: str
    at: str
    seal: str

    def to_json(self) -> str:
        return json.dumps({"sequence": self.sequence, "hash": self.hash, "at": self.at, "seal": self.seal}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Head:
        """Raises AuditError where the text is no head."""
        try:
            values = json.loads(text)
            return cls(int(values["sequence"]), str(values["hash"]), str(values["at"]), str(values["seal"]))
        except (ValueError, KeyError, TypeError) as error:
            raise AuditError(f"this is no exported audit head: {text[:60]!r}") from error


class Audit:
    """Read, copy, verify, export."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(
        self, actor: Actor, *, subject: str | None = None, action: str | None = None, who: str | None = None,
        after: int = 0, limit: int | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Rows of the trail, oldest first (the newest `limit` of them); takes the right to read the audit."""
        table = schema.audit_events
        query = select(*(table.c[name] for name in COLUMNS)).where(table.c.sequence > after)
        for column, value in (("subject", subject), ("action", action), ("actor", who)):
            if value is not None:
                query = query.where(table.c[column] == value)
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ_AUDIT)
            limits = tx.plants_of(actor)
            if limits is not None:
                query = query.where(table.c.plant.is_(None) | table.c.plant.in_(limits))
            rows = tx.connection.execute(query.order_by(table.c.sequence.desc()).limit(limit)).mappings().all()
        return _frame([dict(row) for row in rows[::-1]])

    def copy_to(self, copy: AuditCopy) -> int:
        """Bring `copy` up to the store's trail; gives how many rows were added. Safe to repeat and to interrupt.

        A copy that holds fewer rows than it held before was cut: that becomes a row of the trail before it is mended.
        """
        held = self._held()  # before the copy is looked at: another copier may be at it
        last = copy.last_sequence()
        if last < held:
            with self._store.writing() as tx:
                tx.audit(COPIER, "trail.copy_cut", AUDIT.name, {"held": held, "found": last})
        added = 0
        while part := list(self._stored(after=last, limit=ROWS_AT_ONCE)):
            copy.append(_frame(part), last)
            last += len(part)
            added += len(part)
        if last > held:
            with self._store.writing() as tx:
                if int(settings.read(tx.connection, HELD) or 0) < last:  # another copier may have come further
                    settings.write(tx.connection, HELD, str(last))
        return added

    def verify(self, actor: Actor, *, copy: AuditCopy | None = None, heads: Sequence[Head] = ()) -> Verdict:
        """Check the store's trail, its copy in the lake, and both against exported heads; names the first bad row."""
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ_AUDIT)
            head = tx.connection.execute(select(schema.audit_head)).one()
            stored = [dict(row) for row in _select(tx.connection, 0, None)]
        verdict = verify_rows(stored)
        if verdict.holds and (verdict.head_sequence, verdict.head_hash) != (head.sequence, head.hash):
            missing = verdict.head_sequence + 1
            verdict = _bad(
                verdict, missing, f"row {missing} is missing: the trail was cut, it went to row {head.sequence}"
            )
        if verdict.holds and copy is not None:
            held = self._held()
            verdict = _compare(verdict, stored, copy.rows(), held)
        for exported in sorted(heads, key=lambda h: h.sequence):
            if verdict.holds:
                verdict = self._against(verdict, stored, exported)
        return verdict

    def _held(self) -> int:
        """How many rows the copy in the lake held when it was last brought up to date."""
        with self._store.reading() as tx:
            return int(settings.read(tx.connection, HELD) or 0)

    def head(self, actor: Actor) -> Head:
        """The present end of the trail, sealed with the store's key."""
        if self._store.key is None:
            raise SignatureError("this store was opened without its sealing key; heads cannot be signed")
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ_AUDIT)
            row = tx.connection.execute(select(schema.audit_head)).one()
            at = tx.at
        return Head(row.sequence, row.hash, at, seal(self._store.key, ["head", row.sequence, row.hash, at]))

    def export(self, actor: Actor, folder: Path) -> tuple[Path, Path]:
        """Write the trail and its sealed head to `folder`; gives both files. What is there is not overwritten.

        Of who is limited to plants it is the rows of these and of no plant, under a name that says so.
        """
        head = self.head(actor)
        rows = self.rows(actor).filter(pl.col("sequence") <= head.sequence)
        folder.mkdir(parents=True, exist_ok=True)
        with self._store.reading() as tx:
            limits = tx.plants_of(actor)
        name = f"audit-{head.sequence:09d}" + ("" if limits is None else f".{'.'.join(sorted(limits))}")
        trail, sealed_head = folder / f"{name}.csv", folder / f"{name}.head.json"
        if not trail.exists():
            rows.write_csv(trail)
        if not sealed_head.exists():
            sealed_head.write_text(head.to_json() + "\n", encoding="utf-8")
        return trail, sealed_head

    def _against(self, verdict: Verdict, stored: list[dict[str, Any]], head: Head) -> Verdict:
        if self._store.key is None:
            raise SignatureError("this store was opened without its sealing key; exported heads cannot be checked")
        if not sealed(self._store.key, ["head", head.sequence, head.hash, head.at], head.seal):
            return _bad(
                verdict, head.sequence, f"the exported head of row {head.sequence} is forged: its seal does not hold"
            )
        if head.sequence > len(stored):
            missing = len(stored) + 1
            return _bad(verdict, missing, f"row {missing} is missing: an exported head proves {head.sequence} rows")
        if head.sequence and stored[head.sequence - 1]["hash"] != head.hash:
            return _bad(
                verdict,
                head.sequence,
                f"row {head.sequence} or one before it was rewritten: an exported head proves another",
            )
        return verdict

    def _stored(self, after: int, limit: int) -> Iterator[Mapping[str, Any]]:
        with self._store.reading() as tx:
            yield from _select(tx.connection, after, limit)


def read_heads(folder: Path) -> list[Head]:
    """Every exported head in `folder`; AuditError where there is none."""
    files = sorted(folder.glob("*.head.json"))
    if not files:
        raise AuditError(f"no exported heads (*.head.json) in {folder}")
    return [Head.from_json(path.read_text(encoding="utf-8")) for path in files]


def _select(connection: Any, after: int, limit: int | None) -> Iterable[Mapping[str, Any]]:
    table = schema.audit_events
    query = select(*(table.c[name] for name in COLUMNS)).where(table.c.sequence > after).order_by(table.c.sequence)
    return list(connection.execute(query.limit(limit)).mappings())


def _compare(verdict: Verdict, stored: list[dict[str, Any]], copied: pl.DataFrame, held: int) -> Verdict:
    rows = copied.select(COLUMNS).to_dicts()
    for position, row in enumerate(rows):
        sequence = position + 1
        if position >= len(stored):
            return _bad(verdict, sequence, f"row {sequence} stands in the lake's copy but not in the store")
        if row != stored[position]:
            what = "was altered" if row["hash"] != row_hash(row) else "was replaced, or one before it is missing,"
            return _bad(verdict, sequence, f"row {sequence} {what} in the lake's copy")
    if len(rows) < held:
        missing = len(rows) + 1
        return _bad(verdict, missing, f"row {missing} is missing in the lake's copy: it was cut, it held {held} rows")
    return verdict


def _bad(verdict: Verdict, sequence: int, problem: str) -> Verdict:
    return Verdict(verdict.rows, verdict.head_sequence, verdict.head_hash, sequence, problem, verdict.clock_set_back)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return AUDIT.frame([dict(row) for row in rows])


def detail(row: Mapping[str, Any]) -> str:
    """The detail of an audit row as people read it: `key: value` pairs."""
    return ", ".join(
        f"{key}: {value if isinstance(value, str) else canonical(value)}"
        for key, value in json.loads(row["detail"]).items()
    )
