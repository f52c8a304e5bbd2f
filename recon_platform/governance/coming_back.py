"""Moves that come back: approved or open, and overtaken by the floor before they were published, or of another effect together
than was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor, ActorKind, Door
from recon_platform.governance.errors import StaleError
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Draft, Request, insert, load, set_state
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store


@dataclass(frozen=True, slots=True)
class Together:
    """What moves bring together, to be decided on as a whole: `brings` figure by figure, and in `words`."""

    moves: Sequence[str]
    brings: Mapping[str, Any]
    words: str


def come_back(
    store: Store, actor: Actor, begun: Mapping[int, Sequence[str]], together: Together | None = None
) -> list[Request]:
    """Let moves wait for a new decision because work that they move has begun, or because of what they bring `together`; gives
    the new requests.

    `begun` names the operations (`order/op`, none where that is not why) by request. A new request shows what the old one showed and what has begun,
    by the same proposer, so that it is still not theirs to decide; the old one is superseded and what its approval put in
    force ends, all in one transaction. Raises StaleError for a request that is neither open nor approved.
    """
    with store.writing() as tx:
        return [_again(tx, actor, number, operations, together) for number, operations in sorted(begun.items())]


def _again(tx: Transaction, actor: Actor, number: int, begun: Sequence[str], together: Together | None) -> Request:
    request = load(tx, number)
    tx.allow(actor, Permission.PUBLISH, request.plant)
    if request.state not in {"open", "approved"}:
        raise StaleError(f"request {number} is {request.state} already; nothing is published")
    set_state(tx, number, "superseded")
    _end(tx, number)
    content = {**request.content, "begun": sorted({*request.content.get("begun", ()), *begun})}
    reason = request.reason
    if together is not None:
        content["together"] = {"moves": sorted(together.moves), "brings": dict(together.brings)}
        reason = f"{content['reason']}; {together.words}"
    draft = Draft(
        request.kind, request.plant, request.subject, request.title, reason, content,
        valid_until=request.valid_until, effect_until=request.effect_until, signature=request.signature,
        high=request.needs == Permission.APPROVE_HIGH.value, planning_date=request.planning_date,
        sequence=request.sequence, run_id=request.run_id,
    )  # fmt: skip
    again = insert(tx, _proposer(tx, request), draft, audited=False)
    said = {"again": again, "begun": list(begun), "move": request.content.get("move")}
    tx.audit(actor, "request.returned", str(number), said, request.plant)
    return load(tx, again)


def _proposer(tx: Transaction, request: Request) -> Actor:
    kind = tx.connection.execute(
        select(schema.requests.c.proposer_kind).where(schema.requests.c.request == request.request)
    ).scalar_one()
    return Actor(request.proposer, ActorKind(kind), Door.SERVICE, version=request.proposer_version)


def _end(tx: Transaction, number: int) -> None:
    """End what the approval of a request put in force."""
    table, decided = schema.in_force, schema.decisions
    mine = select(decided.c.decision).where(decided.c.request == number)
    running = or_(table.c.valid_until.is_(None), table.c.valid_until > tx.at)
    tx.connection.execute(table.update().where(table.c.decision.in_(mine), running).values(valid_until=tx.at))
