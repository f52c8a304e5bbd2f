"""What the registry's rows allow at the moment of writing, for every way by which an agent could write.

Belongs here: the check in the transaction, and sifting a night's proposals by it. The rows themselves are in `agents`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor, ActorKind, service
from recon_platform.governance.agents import (
    ACTION_OF,
    BASE,
    CORRECTION,
    DEFAULTS,
    EVERY,
    KIND,
    SUBJECT,
    Agent,
    Level,
    changed,
    registry_now,
    rises,
)
from recon_platform.governance.clock import to_text
from recon_platform.governance.errors import GovernanceError, PermissionDeniedError

if TYPE_CHECKING:
    from recon_platform.governance.outbox import Message
    from recon_platform.governance.requests import Draft
    from recon_platform.governance.transaction import Transaction

DAY = timedelta(days=1)
APPLIES = "apply correction"
OUTSIDE = frozenset({"pin", "lock", "override", "parameter", "policy", "rollback"})
"""Kinds of requests an agent from outside may make: no night's own, and nothing that speaks of agents or their switches."""
OFF = {
    "reconciler": "the reconciler is off: nothing is corrected by rules, no corrections are asked for",
    "shortage_finder": "the shortage finder is off: no shortages",
    "scheduler": "the scheduler is off: no base plan, the schedule in force stays",
    "parameter_learner": "the parameter learner is off: nothing is learned",
    "replanner": "the replanner is off: no exceptions",
}
"""By agent, what a night lacks without it, whether or not it would have had something."""
MISSING = {
    "base": "the scheduler may not propose: no base plan, the schedule in force stays",
    "move": "the replanner may not propose: no exceptions, or not all",
    "correction": "the reconciler may not propose: no corrections, or not all",
    "sample": "the reconciler may not propose: no samples to judge, or not all",
    "parameter": "the parameter learner may not propose: no parameters, or not all",
    APPLIES: "the reconciler may not apply: no corrections by rules",
}
"""By kind of request, what was withheld because its agent only observes or has used its quota up."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a night's proposals goes out, and how much was withheld, by kind."""

    drafts: list[Draft]
    messages: list[Message]
    withheld: dict[str, int]
    off: list[str]

    @property
    def missing(self) -> list[str]:
        """What people have to know is not there."""
        said = [MISSING[kind] for kind in MISSING if kind in self.withheld and _maker(kind) not in self.off]
        return without(self.off) + said


def without(off: Iterable[str]) -> list[str]:
    """What a night lacks that is made while the agents in `off` are switched off."""
    named = frozenset(off)
    return [said for name, said in OFF.items() if name in named]


def check(tx: Transaction, actor: Actor, kind: str, plant: str) -> None:
    """Raise PermissionDeniedError where `actor` is an agent, ours or from outside, that may not propose a `kind` now."""
    if actor.kind is ActorKind.AGENT:
        if _switched_off(tx, plant, actor.name):
            raise PermissionDeniedError(f"agent {actor.name} is switched off in {plant}")
        if kind not in OUTSIDE:
            raise PermissionDeniedError(f"agent {actor.name} may propose {', '.join(sorted(OUTSIDE))}, never a {kind}")
        return
    if actor.kind is ActorKind.PERSON or actor.name not in DEFAULTS:
        return
    row = registry_now(tx, plant)[actor.name]
    name, action = ACTION_OF.get(kind, ("", ""))
    if name != actor.name:
        raise PermissionDeniedError(f"agent {actor.name} {row.meaning}; it may not propose a {kind}")
    if not row.may(action, Level.PROPOSE):
        said = f"may only {row.actions[action]} a {action}" if row.on else "is switched off"
        raise PermissionDeniedError(f"agent {actor.name} {said} in {plant}")
    if _left(tx, row) == 0:
        raise PermissionDeniedError(f"agent {actor.name} has used its quota of {row.quota} requests in 24 hours")


def check_change(tx: Transaction, plant: str, subject: str, content: Mapping[str, Any]) -> None:
    """Raise GovernanceError unless `content` is a whole row of a known agent, with evidence where it gives more."""
    row = registry_now(tx, plant).get(subject.removeprefix(SUBJECT))
    if row is None or not subject.startswith(SUBJECT):
        raise GovernanceError(f"expected agent:NAME with one of {', '.join(DEFAULTS)}, found {subject!r}")
    asked = content.get("agent")
    if not isinstance(asked, Mapping):
        raise GovernanceError(f"{subject}: expected `agent` with actions, limits, quota and owner, found nothing")
    changed(row, asked)
    if rises(row, asked) and not content.get("evidence"):
        raise GovernanceError(f"{subject}: more autonomy needs evidence; give its score (`recon agents propose`)")


def check_lower(tx: Transaction, plant: str, kind: str, subject: str, content: Mapping[str, Any]) -> None:
    """Raise GovernanceError unless `content` only takes from an agent: a switch to off, or a row that gives no more."""
    name = subject.removeprefix(SUBJECT)
    if not subject.startswith(SUBJECT) or kind not in {"switch", KIND}:
        raise GovernanceError(f"only the autonomy of an agent is lowered at once, not {kind} {subject}")
    if kind == "switch":
        if content.get("on") is not False:
            raise GovernanceError(f"{subject}: only off takes effect at once; on is a request that somebody approves")
        return
    check_change(tx, plant, subject, {**content, "evidence": "lowering needs none"})
    if rises(registry_now(tx, plant)[name], content["agent"]):
        raise GovernanceError(f"{subject}: this gives more than it has; propose it with evidence")


def sift(tx: Transaction, plant: str, drafts: Sequence[Draft], automatic: Sequence[Message]) -> Kept:
    """Of a night's proposals, what the rows allow at this moment, within the quotas."""
    rows = registry_now(tx, plant)
    left = {name: _left(tx, row) for name, row in rows.items()}
    kept: list[Draft] = []
    withheld: Counter[str] = Counter()
    for draft in drafts:
        name, action = ACTION_OF[draft.kind]
        room = left[name]
        if not rows[name].may(action, Level.PROPOSE) or room == 0:
            withheld[draft.kind] += 1
            continue
        left[name] = None if room is None else room - 1
        kept.append(draft)
    applies = rows["reconciler"].may(CORRECTION, Level.APPLY)
    if automatic and not applies:
        withheld[APPLIES] = len(automatic)
    off = [name for name, row in rows.items() if not row.on]
    return Kept(kept, list(automatic) if applies else [], dict(withheld), off)


def may_release(tx: Transaction, plant: str) -> bool:
    """Whether the scheduler's base plan may come into force without a person, where the policy says so."""
    return registry_now(tx, plant)["scheduler"].may(BASE, Level.APPLY)


def agent_of(kind: str, otherwise: Actor, versions: Mapping[str, str]) -> Actor:
    """The agent that makes a nightly request of `kind`, under its version."""
    name = ACTION_OF[kind][0]
    return service(name, versions.get(name, otherwise.version or ""))


def _maker(kind: str) -> str:
    return "reconciler" if kind == APPLIES else ACTION_OF[kind][0]


def _left(tx: Transaction, row: Agent) -> int | None:
    """How many requests it may still open in these 24 hours; None where it has no quota."""
    if row.quota is None:
        return None
    table = schema.requests
    used = tx.connection.execute(
        select(func.count()).select_from(table)
        .where(table.c.proposer == row.name, table.c.proposer_kind == ActorKind.MACHINE.value)
        .where(table.c.created_at > to_text(tx.now - DAY))
    ).scalar_one()  # fmt: skip
    return max(0, row.quota - int(used))


def _switched_off(tx: Transaction, plant: str, name: str) -> bool:
    table = schema.in_force
    found = tx.connection.execute(
        select(table.c.value)
        .where(table.c.plant == plant, table.c.kind == "switch", table.c.subject.in_([SUBJECT + name, EVERY]))
        .where(table.c.valid_from <= tx.at, or_(table.c.valid_until.is_(None), table.c.valid_until > tx.at))
    ).scalars()
    return any('"on":false' in value for value in found)
