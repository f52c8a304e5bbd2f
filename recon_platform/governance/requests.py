"""Requests: what somebody asks a different person to decide, exactly as it is shown, with a digest of it.

Belongs here: making, reading and retiring requests. Deciding them is in `decisions`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Row, Select, func, or_, select

from recon_platform.governance import agents, allowed, notices, outbox, schema
from recon_platform.governance.actors import Actor, ActorKind
from recon_platform.governance.chain import canonical, digest_of
from recon_platform.governance.clock import from_text, to_text
from recon_platform.governance.corrections import CORRECTION, SAMPLE, key_of
from recon_platform.governance.errors import GovernanceError, PermissionDeniedError, StaleError, UnknownRecordError
from recon_platform.governance.permissions import Permission
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

LOCK_LIFE = timedelta(days=7)  # how long a rejection keeps the same advice away
FENCE_SETTINGS = frozenset({
    "capacity.frozen_hours", "capacity.frozen_hours_by_work_center", "material.master_schedule_frozen_days",
    "material.fence_near_days", "material.fence_far_days", "publish.publish_base",
})  # fmt: skip
"""Policy on fences and on releasing plans by themselves: changed by the higher authority only."""
PROPOSED = "run.proposed"
OVERRIDE_LIFE = timedelta(days=3)  # a manual override without a stated end


@dataclass(frozen=True, slots=True)
class RequestKind:
    """What a kind of request is, who may make it, who decides it, and what its approval puts in force."""

    name: str
    meaning: str
    proposes: Permission
    needs: Permission
    in_force: str | None = None  # kind of decision in force once approved
    nightly: bool = False  # belongs to one run and is retired by the next


KINDS: dict[str, RequestKind] = {
    kind.name: kind
    for kind in (
        RequestKind(
            "base", "The night's plan, which needs no exception.", Permission.PROPOSE, Permission.APPROVE, nightly=True
        ),
        RequestKind(
            "move", "An exception that the night found worth its disturbance.", Permission.PROPOSE, Permission.APPROVE,
            "approved_move", nightly=True,
        ),
        RequestKind(
            CORRECTION, "A correction of the ERP that a person has to release.", Permission.PROPOSE, Permission.APPROVE,
            "approved_move", nightly=True,
        ),
        RequestKind(
            SAMPLE, "A correction that a rule sent by itself, drawn by chance to be judged.", Permission.PROPOSE,
            Permission.APPROVE, "approved_move", nightly=True,
        ),
        RequestKind("pin", "An operation kept where or when it is.", Permission.PROPOSE, Permission.APPROVE, "pin"),
        RequestKind("lock", "Advice that is not wanted for a while.", Permission.PROPOSE, Permission.APPROVE, "lock"),
        RequestKind(
            "override", "A value set by hand; expires by itself.", Permission.PROPOSE, Permission.APPROVE, "override"
        ),
        RequestKind(
            "parameter", "A lot size, lead time, safety stock or other planning parameter.", Permission.PROPOSE_CHANGE,
            Permission.APPROVE_CHANGE, "parameter",
        ),
        RequestKind(
            "switch", "An agent switched on or off, or a line between shadow, pilot and on.", Permission.PROPOSE_CHANGE,
            Permission.APPROVE_CHANGE, "switch",
        ),
        RequestKind(
            "policy", "A new version of policy or rules.", Permission.PROPOSE_CHANGE, Permission.APPROVE_CHANGE,
            "parameter",
        ),
        RequestKind(
            "agent", "More or less autonomy for one of the platform's agents: levels, limits, quota, owner.",
            Permission.PROPOSE_CHANGE, Permission.APPROVE_CHANGE, "parameter",
        ),
        RequestKind("rollback", "An earlier schedule, published again.", Permission.PROPOSE, Permission.APPROVE),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants decided. `content` is exactly what the person who decides is shown."""

    kind: str
    plant: str
    subject: str
    title: str
    reason: str
    content: Mapping[str, Any]
    valid_until: datetime | None = None
    effect_until: datetime | None = None
    signature: bool = False
    high: bool = False  # takes the higher authority
    planning_date: str | None = None
    sequence: int | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it stands."""

    request: int
    kind: str
    plant: str
    subject: str
    title: str
    reason: str
    content: dict[str, Any]
    digest: str
    needs: str
    signature: bool
    proposer: str
    proposer_version: str | None
    created_at: datetime
    valid_until: datetime | None
    effect_until: datetime | None
    state: str
    planning_date: str | None = None
    sequence: int | None = None
    run_id: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    signed: str | None = None  # name, time with zone and meaning of its signature


def spoken(full_name: str, signer: str, signed_at: str, meaning: str) -> str:
    """A signature in words: name, time with zone, and meaning, as they must be visible wherever it is shown."""
    return f"signed by {full_name} ({signer}) on {signed_at[:19].replace('T', ' ')} UTC: {meaning}"


class Requests:
    """Make, find and retire requests."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def propose(self, actor: Actor, draft: Draft) -> Request:
        """Write a request. Raises PermissionDeniedError, and GovernanceError where the draft is not complete."""
        return self.propose_all(actor, [draft])[0]

    def propose_all(self, actor: Actor, drafts: Sequence[Draft]) -> list[Request]:
        """Write several requests, all of them or none; raises as `propose`."""
        for draft in drafts:
            if draft.kind not in KINDS:
                raise GovernanceError(f"no kind of request {draft.kind!r}; the kinds are {', '.join(KINDS)}")
            if not draft.reason.strip():
                raise GovernanceError("a request needs a reason")
        with self._store.writing() as tx:
            made = []
            for draft in drafts:
                tx.allow(actor, KINDS[draft.kind].proposes, draft.plant)
                allowed.check(tx, actor, draft.kind, draft.plant)
                if draft.kind == agents.KIND:
                    allowed.check_change(tx, draft.plant, draft.subject, draft.content)
                self._quota(tx, actor)
                made.append(load(tx, insert(tx, actor, draft)))
            return made

    def open_run(
        self,
        actor: Actor,
        *,
        plant: str,
        planning_date: str,
        sequence: int,
        run_id: str,
        base: Mapping[str, Any],
        moves: pl.DataFrame,
        corrections: Sequence[Draft] = (),
        automatic: Sequence[outbox.Message] = (),
        parameters: Sequence[Draft] = (),
        versions: Mapping[str, str] | None = None,
    ) -> list[Request]:
        """The requests of a finished run: its base plan, each proposed move (rows of `exception_moves`) and `corrections`.

        Each is proposed by the agent that makes it, under its version in `versions`; what an agent's row does not allow at this
        moment is withheld, and the trail names it. What rules tell the ERP by themselves (`automatic`) is queued with them; a correction that was queued before, with
        the same values, is not asked for again. Open requests of earlier runs of the plant are retired. A second call for the same run changes nothing.
        """
        with self._store.writing() as tx:
            tx.allow(actor, Permission.RUN, plant)
            table = schema.requests
            if tx.has_event(PROPOSED, run_id):
                known = tx.connection.execute(
                    select(table.c.request)
                    .where(table.c.run_id == run_id)
                    .order_by(table.c.kind != "base", table.c.request)
                ).scalars().all()  # fmt: skip
                return [load(tx, number) for number in known]
            newer = tx.connection.execute(
                select(table.c.run_id)
                .where(table.c.plant == plant, table.c.kind == "base", table.c.planning_date == planning_date)
                .where(table.c.sequence > sequence)
            ).scalar()
            if newer is not None:
                raise StaleError(f"run {run_id} is older than {newer}, whose proposal stands already")
            retired = tx.connection.execute(
                table.update()
                .where(table.c.plant == plant, table.c.state == "open", table.c.run_id != run_id)
                .where(table.c.kind.in_([kind.name for kind in KINDS.values() if kind.nightly]))
                .values(state="superseded")
            ).rowcount
            where = {"plant": plant, "planning_date": planning_date, "sequence": sequence, "run_id": run_id}
            asked = [base_draft(base, where), *(move_draft(row, where) for row in moves.iter_rows(named=True))]
            asked += [draft for draft in corrections if not _sent(tx, draft)]
            asked += [draft for draft in parameters if not _asked(tx, draft)]
            kept = allowed.sift(tx, plant, asked, automatic)
            numbers = [
                insert(tx, allowed.agent_of(draft.kind, actor, versions or {}), draft, audited=False)
                for draft in kept.drafts
            ]
            sent = outbox.put(tx, plant, None, kept.messages)
            opened = Counter(draft.kind for draft in kept.drafts)
            exceptions, fixes = opened["move"], opened[CORRECTION] + opened[SAMPLE]
            tx.audit(
                actor, PROPOSED, run_id,
                {
                    "base": numbers[0] if opened["base"] else None, "moves": exceptions, "corrections": fixes,
                    "parameters": opened["parameter"], "sent_by_rules": sent, "superseded": retired,
                    "digest": digest_of(dict(base)), "withheld": kept.withheld, "off": kept.off, "agents": dict(versions or {}),
                },
                plant,
            )  # fmt: skip
            missing = "".join(f" {line}." for line in kept.missing)
            notices.tell(
                tx, "proposed", run_id, plant=plant,
                title=f"{plant}: the plan of {planning_date} waits for decisions" if opened["base"] else
                f"{plant}: no plan of {planning_date} is proposed; the schedule in force stays",
                text=f"{opened['base']} base plan, {exceptions} exceptions and {fixes} corrections of run {run_id} "
                f"wait. See `recon exceptions`.{missing}",
            )  # fmt: skip
            return [load(tx, number) for number in numbers]

    def withdraw(self, actor: Actor, number: int, reason: str) -> Request:
        """The proposer takes a request back while it is open."""
        with self._store.writing() as tx:
            request = load(tx, number)
            tx.allow(actor, KINDS[request.kind].proposes, request.plant)
            if request.proposer != actor.name:
                raise PermissionDeniedError(f"request {number} was made by {request.proposer}; only they withdraw it")
            if request.state != "open":
                raise StaleError(f"request {number} is {request.state} already")
            set_state(tx, number, "withdrawn")
            tx.audit(actor, "request.withdrawn", str(number), {"reason": reason}, request.plant)
            return load(tx, number)

    def get(self, actor: Actor, number: int) -> Request:
        """One request; UnknownRecordError where there is none."""
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ)
            request = load(tx, number)
            tx.allow(actor, Permission.READ, request.plant)
            return request

    def find(
        self, actor: Actor, *, plant: str | None = None, state: str | None = "open", kind: str | None = None
    ) -> list[Request]:
        """Requests of plants that the actor works for, oldest first."""
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ)
            query = _query().order_by(schema.requests.c.request)
            limits = tx.plants_of(actor)
            if limits is not None:
                query = query.where(schema.requests.c.plant.in_(limits))
            for column, value in (("plant", plant), ("state", state), ("kind", kind)):
                if value is not None:
                    query = query.where(schema.requests.c[column] == value)
            return [_request(row) for row in tx.connection.execute(query)]

    @staticmethod
    def _quota(tx: Transaction, actor: Actor) -> None:
        if actor.kind is not ActorKind.AGENT:
            return
        quota = tx.connection.execute(
            select(schema.users.c.daily_quota).where(schema.users.c.name == actor.name)
        ).scalar()
        since = to_text(tx.now - timedelta(days=1))
        used = tx.connection.execute(
            select(func.count()).select_from(schema.requests)
            .where(schema.requests.c.proposer == actor.name, schema.requests.c.created_at > since)
        ).scalar_one()  # fmt: skip
        if used >= (quota or 0):
            raise PermissionDeniedError(f"agent {actor.name} has used its quota of {quota or 0} proposals in 24 hours")


def _sent(tx: Transaction, draft: Draft) -> bool:
    """Whether every change of a correction was queued before."""
    keys = {key_of(draft.plant, change) for change in draft.content.get("changes", [])}
    if not keys:
        return False
    table = schema.outbox
    return keys <= set(tx.connection.execute(select(table.c.key).where(table.c.key.in_(keys))).scalars())


def _asked(tx: Transaction, draft: Draft) -> bool:
    """Whether the same is waiting already, or was decided not long ago."""
    table, since = schema.requests, to_text(tx.now - LOCK_LIFE)
    query = select(table.c.request).where(
        table.c.plant == draft.plant, table.c.kind == draft.kind, table.c.subject == draft.subject,
        or_(table.c.state == "open", table.c.created_at > since),
    )  # fmt: skip
    return tx.connection.execute(query.limit(1)).first() is not None


def base_draft(base: Mapping[str, Any], where: Mapping[str, Any]) -> Draft:
    """The request to release a run's base plan."""
    return Draft(
        kind="base", subject=f"plan {where['planning_date']}/{where['sequence']}",
        title=f"Release the plan of {where['planning_date']}, run {where['sequence']}",
        reason="the night's plan: it keeps every fence and takes no exception", content=base, **where,
    )  # fmt: skip


def move_draft(row: Mapping[str, Any], where: Mapping[str, Any]) -> Draft:
    """The request for one row of `exception_moves`."""
    until = row.get("valid_until")
    return Draft(
        kind="move", subject=str(row["subject"]),
        title=f"{row['kind']} {row['subject']}: {row.get('from') or '–'} → {row.get('to') or '–'}",
        reason=str(row["reason"]), content=dict(row), valid_until=until, signature=bool(row.get("signature")),
        high=row.get("approval_needed") == "manager", **where,
    )  # fmt: skip


def insert(tx: Transaction, actor: Actor, draft: Draft, *, audited: bool = True) -> int:
    """Write a request in a running transaction; gives its number."""
    kind = KINDS[draft.kind]
    content = canonical(dict(draft.content))
    digest = digest_of(json.loads(content))
    number = tx.connection.execute(
        schema.requests.insert().returning(schema.requests.c.request).values(
            kind=draft.kind, plant=draft.plant, planning_date=draft.planning_date, sequence=draft.sequence,
            run_id=draft.run_id, subject=draft.subject, title=draft.title, reason=draft.reason, content=content,
            digest=digest, needs=(Permission.APPROVE_HIGH if draft.high or _touches_fence(draft) else kind.needs).value,
            signature=draft.signature, proposer=actor.name, proposer_kind=actor.kind.value,
            proposer_version=actor.version, created_at=tx.at, valid_until=_text(draft.valid_until),
            effect_until=_text(draft.effect_until), state="open",
        )
    ).scalar_one()  # fmt: skip
    if audited:
        tx.audit(
            actor, "request.proposed", str(number),
            {"kind": draft.kind, "subject": draft.subject, "digest": digest, "reason": draft.reason}, draft.plant,
        )  # fmt: skip
    return int(number)


def _touches_fence(draft: Draft) -> bool:
    """Whether a policy draft changes what takes the higher authority, whatever its proposer says of it."""
    changes = draft.content.get("policy") if draft.kind == "policy" else None
    if not isinstance(changes, Mapping):
        return False
    return any(
        f"{section}.{name}" in FENCE_SETTINGS
        for section, settings in changes.items()
        if isinstance(settings, Mapping)
        for name in settings
    )


def load(tx: Transaction, number: int) -> Request:
    """The request `number` as it stands in this transaction."""
    row = tx.connection.execute(_query().where(schema.requests.c.request == number)).one_or_none()
    if row is None:
        raise UnknownRecordError(f"there is no request {number}; `recon exceptions` lists the open ones")
    return _request(row)


def set_state(tx: Transaction, number: int, state: str) -> None:
    """Move a request on."""
    tx.connection.execute(schema.requests.update().where(schema.requests.c.request == number).values(state=state))


def _query() -> Select[Any]:
    table, decided, signed = schema.requests, schema.decisions, schema.signatures
    return (
        select(
            table, decided.c.decided_by, decided.c.decided_at, decided.c.reason.label("decision_reason"),
            signed.c.full_name, signed.c.signer, signed.c.signed_at, signed.c.meaning,
        )
        .outerjoin(decided, decided.c.request == table.c.request)
        .outerjoin(signed, signed.c.request == table.c.request)
    )  # fmt: skip


def _request(row: Row[Any]) -> Request:
    return Request(
        request=row.request, kind=row.kind, plant=row.plant, subject=row.subject, title=row.title, reason=row.reason,
        content=json.loads(row.content), digest=row.digest, needs=row.needs, signature=row.signature,
        proposer=row.proposer, proposer_version=row.proposer_version, created_at=from_text(row.created_at),
        valid_until=_instant(row.valid_until), effect_until=_instant(row.effect_until), state=row.state,
        planning_date=row.planning_date, sequence=row.sequence, run_id=row.run_id, decided_by=row.decided_by,
        decided_at=_instant(row.decided_at), decision_reason=row.decision_reason,
        signed=None if row.signer is None else spoken(row.full_name, row.signer, row.signed_at, row.meaning),
    )  # fmt: skip


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else to_text(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else from_text(text)
