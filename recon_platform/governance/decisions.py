"""Decisions: one verdict per request, by somebody who did not propose it, on exactly what they were shown.

Every condition is checked inside the transaction that writes the decision, so that neither a second decider, nor a
newer run, nor a role lost in between can slip through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from recon_platform.governance import allowed, corrections, in_force, outbox, schema, signatures
from recon_platform.governance.actors import Actor, ActorKind
from recon_platform.governance.clock import to_text
from recon_platform.governance.errors import (
    AlreadyDecidedError,
    GovernanceError,
    PermissionDeniedError,
    SignatureError,
    StaleError,
)
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Draft, Request, insert, load, set_state
from recon_platform.governance.signatures import Signing
from recon_platform.governance.transaction import Transaction
from recon_platform.tables.governance import MESSAGE_SUBJECT

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

APPROVED = "approved"
REJECTED = "rejected"
ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Decision:
    """An acknowledged decision: it is on the disk."""

    decision: int
    request: Request
    verdict: str
    signature: str | None


def puts_a_message_aside(draft: Draft) -> bool:
    """Whether `draft` changes no plan: it only keeps one message (`message:…`) out of the planner's list, for a time."""
    about_one = draft.subject.startswith(MESSAGE_SUBJECT) and draft.effect_until is not None
    return draft.kind == "lock" and about_one and set(draft.content) == {"to_date"}


def names_machines_only(content: Mapping[str, Any]) -> bool:
    """Whether every change in `content` does nothing but set the machine of operations."""
    changes = content.get("change")
    return (
        isinstance(changes, list)
        and bool(changes)
        and all(
            isinstance(change, dict)
            and set(change) == {"verb", "table", "where", "values"}
            and (change["verb"], change["table"]) == ("set", "work_order_operations")
            and set(change["where"]) == {"work_order", "op_seq"}
            and set(change["values"]) == {"machine"}
            for change in changes
        )
    )


class Decisions:
    """Approve, reject, revoke."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def approve(
        self, actor: Actor, request: int, *, digest: str, reason: str, signing: Signing | None = None
    ) -> Decision:
        """Approve `request` as shown with `digest`. Raises what `_decide` says."""
        return self._decide(actor, request, APPROVED, digest=digest, reason=reason, signing=signing)

    def enter(self, actor: Actor, draft: Draft) -> Decision:
        """A planner's own change that is no exception: in force at once, logged, approved by nobody.

        Only a pin that names machines of operations, or a message put aside until a stated day, nothing else. Whether a
        pin is an exception (inside the frozen horizon) is judged by whoever calls, and again when a schedule is
        published. Raises GovernanceError otherwise.
        """
        pinned = draft.kind == "pin" and names_machines_only(draft.content)
        if not pinned and not puts_a_message_aside(draft):
            raise GovernanceError(
                "only a pin that names machines of operations, or a message put aside for a while, takes effect without approval"
            )
        content = {**draft.content, "entered": True}
        with self._store.writing() as tx:
            tx.allow(actor, Permission.PROPOSE, draft.plant)
            if actor.kind is not ActorKind.PERSON:
                raise PermissionDeniedError(f"{actor.name} is no person; what it proposes waits for one")
            return _entered(tx, actor, replace(draft, content=content))

    def lower(self, actor: Actor, draft: Draft) -> Decision:
        """Less autonomy, or off, for an agent: in force at once. The platform does it by itself, or an approver.

        Raises GovernanceError for a draft that gives an agent anything it has not; rising takes a request (`propose`).
        """
        with self._store.writing() as tx:
            needs = Permission.RUN if actor.kind is ActorKind.MACHINE else Permission.APPROVE_CHANGE
            tx.allow(actor, needs, draft.plant)
            if actor.kind is ActorKind.PERSON:
                tx.confirmed(actor)
            allowed.check_lower(tx, draft.plant, draft.kind, draft.subject, draft.content)
            return _entered(tx, actor, draft)

    def reject(
        self, actor: Actor, request: int, *, digest: str, reason: str, lock: timedelta | None = None
    ) -> Decision:
        """Reject `request`; a rejected move or correction becomes a lock that the next plans respect for `lock` (7 days)."""
        return self._decide(actor, request, REJECTED, digest=digest, reason=reason, lock=lock)

    def _decide(
        self,
        actor: Actor,
        number: int,
        verdict: str,
        *,
        digest: str,
        reason: str,
        signing: Signing | None = None,
        lock: timedelta | None = None,
    ) -> Decision:
        """Write the verdict.

        Raises PermissionDeniedError (role, own proposal, agent, credentials not confirmed), StaleError (digest, run or
        validity), AlreadyDecidedError, SignatureError, SignInError where the secret given to sign is wrong.
        """
        if not reason.strip():
            raise GovernanceError("a decision needs a reason")
        fresh = None
        if signing is not None:
            fresh = self._store.sessions.check_secret(actor.name, signing.secret, door=actor.door, purpose="signature")
        with self._store.writing() as tx:
            request = load(tx, number)
            roles = tx.allow(actor, Permission(request.needs), request.plant)
            self._check(tx, actor, request, digest)
            signature = signed = None
            if verdict == APPROVED and request.signature:
                if signing is None or fresh is None:
                    raise SignatureError(f"request {number} has to be signed: give your secret and the meaning")
                present = tx.connection.execute(
                    select(schema.users.c.secret_hash).where(schema.users.c.name == actor.name)
                ).scalar_one()
                if present != fresh:
                    raise SignatureError("your secret was changed while you were signing; sign again")
                signature, signed = signatures.write(tx, self._store.key, actor, request, signing.meaning)
            decision = tx.connection.execute(
                schema.decisions.insert().returning(schema.decisions.c.decision).values(
                    request=number, verdict=verdict, decided_by=actor.name, roles=",".join(sorted(roles)),
                    decided_at=tx.at, reason=reason, digest=digest, door=actor.door.value, signature=signature,
                )
            ).scalar_one()  # fmt: skip
            set_state(tx, number, verdict)
            in_force.enter(tx, actor, decision, request, verdict=verdict, reason=reason, lock=lock)
            if verdict == APPROVED and request.kind == corrections.CORRECTION:
                outbox.put(
                    tx, request.plant, None, corrections.messages(request.plant, request.content["changes"], actor.name)
                )
            tx.audit(
                actor, f"request.{verdict}", str(number),
                {
                    "decision": decision, "kind": request.kind, "subject": request.subject, "digest": digest,
                    "proposer": request.proposer, "reason": reason, "signature": signature, "signed": signed,
                    "roles": sorted(roles),
                },
                request.plant,
            )  # fmt: skip
            return Decision(decision, load(tx, number), verdict, signature)

    @staticmethod
    def _check(tx: Transaction, actor: Actor, request: Request, digest: str) -> None:
        if actor.kind is not ActorKind.PERSON:
            raise PermissionDeniedError(f"{actor.name} is no person; only people decide")
        if request.proposer == actor.name:
            raise PermissionDeniedError(
                f"{actor.name} proposed request {request.request}; a different person decides it"
            )
        tx.confirmed(actor)
        if request.state in {APPROVED, REJECTED, ENTERED}:
            raise AlreadyDecidedError(f"request {request.request} was {request.state} by {request.decided_by} already")
        if request.state != "open":
            raise StaleError(f"request {request.request} is {request.state}: a newer run or its proposer replaced it")
        if request.digest != digest:
            raise StaleError(
                f"request {request.request} is not what you were shown: its digest is {request.digest[:12]}…, "
                f"yours {digest[:12]}…; look at it again"
            )
        if request.valid_until is not None and request.valid_until <= tx.now:
            raise StaleError(f"request {request.request} was valid until {to_text(request.valid_until)[:16]} UTC")

    def revoke(self, actor: Actor, decision: int, reason: str) -> None:
        """End something in force before its time (a lock, pin, override). Takes the right to approve."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.APPROVE)
            tx.confirmed(actor)
            plant, subject = in_force.end(tx, decision)  # undone with the rest where the plant is not the actor's
            tx.allow(actor, Permission.APPROVE, plant)
            tx.audit(actor, "decision.revoked", str(decision), {"subject": subject, "reason": reason}, plant)


def _entered(tx: Transaction, actor: Actor, draft: Draft) -> Decision:
    """What takes effect without approval: its request and decision are written as `entered`."""
    number = insert(tx, actor, draft)
    request = load(tx, number)
    decision = tx.connection.execute(
        schema.decisions.insert()
        .returning(schema.decisions.c.decision)
        .values(
            request=number, verdict=ENTERED, decided_by=actor.name, roles="", decided_at=tx.at,
            reason=draft.reason, digest=request.digest, door=actor.door.value,
        )
    ).scalar_one()  # fmt: skip
    set_state(tx, number, ENTERED)
    in_force.enter(tx, actor, decision, request, verdict=ENTERED, reason=draft.reason)
    tx.audit(actor, "request.entered", str(number), {"decision": decision, "subject": draft.subject}, draft.plant)
    return Decision(decision, load(tx, number), ENTERED, None)
