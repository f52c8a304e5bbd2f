"""What decisions put in force, and the snapshot of it that a plan reads: the table `decisions_in_force`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import func, or_, select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.chain import canonical
from recon_platform.governance.clock import from_text, to_text
from recon_platform.governance.corrections import CORRECTION, LOCKING, SAMPLE
from recon_platform.governance.errors import UnknownRecordError
from recon_platform.governance.requests import KINDS, LOCK_LIFE, OVERRIDE_LIFE, Request
from recon_platform.governance.transaction import Transaction
from recon_platform.tables.governance import DECISIONS_IN_FORCE

if TYPE_CHECKING:
    from recon_platform.governance.store import Store


def enter(
    tx: Transaction,
    actor: Actor,
    decision: int,
    request: Request,
    *,
    verdict: str,
    reason: str,
    lock: timedelta | None = None,
) -> None:
    """Put in force what the verdict on `request` means: an approved one what it asked for, a rejected move or correction a lock."""
    until: str | None
    if verdict == "rejected":
        if request.kind not in LOCKING:
            return
        kind, until = "lock", to_text(tx.now + (LOCK_LIFE if lock is None else lock))
    else:
        asked = KINDS[request.kind].in_force
        if asked is None:
            return
        kind, until = asked, None if request.effect_until is None else to_text(request.effect_until)
        if kind == "override" and until is None:
            until = to_text(tx.now + OVERRIDE_LIFE)
    if request.kind in {"switch", "parameter", "agent"}:
        _replace(tx, request, kind)
    if request.kind == "policy":
        _number(tx, actor, request)
    tx.connection.execute(
        schema.in_force.insert().values(
            decision=decision, plant=request.plant, kind=kind, subject=_subject(request),
            value=canonical(_value(request)), valid_from=tx.at, valid_until=until, approved_by=actor.name,
            reason=reason,
        )
    )  # fmt: skip


def _subject(request: Request) -> str:
    """A move is known by its identity, so that the same advice is recognised the next night."""
    return str(request.content["move"]) if request.kind == "move" else request.subject


def _value(request: Request) -> dict[str, Any]:
    if request.kind == "move":
        return {
            "move": request.content.get("move"), "kind": request.content.get("kind"),
            "change": json.loads(request.content.get("change") or "[]"), "digest": request.digest,
        }  # fmt: skip
    if request.kind in {CORRECTION, SAMPLE}:
        stood = request.content.get("as_stood", {})  # a request of an earlier release does not tell
        return {"findings": request.content["findings"], "as_stood": stood, "digest": request.digest}
    return request.content


def _replace(tx: Transaction, request: Request, kind: str) -> None:
    table = schema.in_force
    tx.connection.execute(
        table.update()
        .where(table.c.plant == request.plant, table.c.kind == kind, table.c.subject == request.subject)
        .where(or_(table.c.valid_until.is_(None), table.c.valid_until > tx.at))
        .values(valid_until=tx.at)
    )


def _number(tx: Transaction, actor: Actor, request: Request) -> None:
    """Give an approved change of policy its version: name, number, content and hash, for good."""
    table = schema.versions
    last = tx.connection.execute(
        select(func.max(table.c.version)).where(table.c.name == request.subject, table.c.plant == request.plant)
    ).scalar()
    tx.connection.execute(
        table.insert().values(
            name=request.subject, plant=request.plant, version=(last or 0) + 1, digest=request.digest,
            content=canonical(request.content), request=request.request, in_force_from=tx.at, approved_by=actor.name,
        )
    )  # fmt: skip


def versions(store: Store, plant: str, name: str = "policy") -> list[dict[str, Any]]:
    """Every approved version of `name` in `plant`, oldest first."""
    table = schema.versions
    with store.reading() as tx:
        rows = tx.connection.execute(
            select(table).where(table.c.plant == plant, table.c.name == name).order_by(table.c.version)
        ).mappings()
        return [{**row, "content": json.loads(row["content"])} for row in rows]


def end(tx: Transaction, decision: int) -> tuple[str, str]:
    """End the effect of `decision` now; gives its plant and subject."""
    table = schema.in_force
    row = tx.connection.execute(
        select(table)
        .where(table.c.decision == decision)
        .where(or_(table.c.valid_until.is_(None), table.c.valid_until > tx.at))
    ).one_or_none()
    if row is None:
        raise UnknownRecordError(f"decision {decision} has nothing in force")
    tx.connection.execute(table.update().where(table.c.decision == decision).values(valid_until=tx.at))
    return row.plant, row.subject


def decisions_in_force(store: Store, plant: str, as_of: datetime) -> pl.DataFrame:
    """Table `decisions_in_force` of `plant` at `as_of`: valid_from ≤ as_of < valid_until, in the order decided."""
    at, table = to_text(as_of), schema.in_force
    with store.reading() as tx:
        rows = tx.connection.execute(
            select(table)
            .where(table.c.plant == plant, table.c.valid_from <= at)
            .where(or_(table.c.valid_until.is_(None), table.c.valid_until > at))
            .order_by(table.c.decision)
        ).all()
    return DECISIONS_IN_FORCE.frame([
        {
            "decision": f"D{row.decision:09d}", "kind": row.kind, "subject": row.subject, "value": row.value,
            "valid_from": from_text(row.valid_from),
            "valid_until": None if row.valid_until is None else from_text(row.valid_until),
            "approved_by": row.approved_by, "reason": row.reason,
        }
        for row in rows
    ])  # fmt: skip
