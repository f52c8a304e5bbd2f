"""The registry of the platform's own agents: what each may do by itself, within which limits, and who answers for it.

A row is the default of the table below, changed by what people approved (kind `agent`, subject `agent:NAME`) and switched by
`switch` requests (`agent:NAME`, or `agent:*` for all). Both are decisions in force, so a night reads its registry from its own
snapshot, and a replay finds the same. What a row does not allow is withheld inside the transaction that would write it.
Rising is always a change request with evidence; falling may also be done by the platform itself (see `nights.agents`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from recon_platform.governance import schema
from recon_platform.governance.errors import GovernanceError

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.governance.requests import Draft
    from recon_platform.governance.transaction import Transaction

SUBJECT = "agent:"
EVERY = "agent:*"
KIND = "agent"


class Level(StrEnum):
    """How far an agent may go with one kind of action, from least to most."""

    OBSERVE = "observe"  # what it finds stands in the night's tables, nobody is asked anything
    PROPOSE = "propose"  # it asks people
    APPLY = "apply"  # within its limits it acts alone

    def reaches(self, other: Level) -> bool:
        """Whether this level allows what takes `other`."""
        order = list(Level)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Limits:
    """Within these an agent that may apply acts alone; beyond them it asks.

    `orders_share`: of the open orders, a night. `value`: plant currency, a night. `customers`: codes of customers whose orders it
    never touches alone. `hours`: plant-local hours from, to (exclusive) in which it may act alone; null: always.
    """

    orders_share: float = 1.0
    value: float | None = None
    customers: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Agent:
    """One row. `actions`: kind of action → level. `ceiling`: the highest level that may ever be approved.

    `quota` is how many requests it may open in 24 hours; null: as many as the night has.
    """

    name: str
    meaning: str
    owner: str
    actions: Mapping[str, Level]
    ceiling: Mapping[str, Level]
    limits: Limits = field(default_factory=Limits)
    quota: int | None = None
    on: bool = True

    def may(self, action: str, level: Level) -> bool:
        """Whether it may go as far as `level` with `action`."""
        return self.on and action in self.actions and self.actions[action].reaches(level)


BASE, MOVE, CORRECTION, SHORTAGE, PARAMETER = "base_plan", "move", "correction", "shortage", "parameter"

DEFAULTS: dict[str, Agent] = {
    agent.name: agent
    for agent in (
        Agent(
            "reconciler", "makes ERP and MES agree, and corrects the ERP", "supervisor",
            {CORRECTION: Level.APPLY}, {CORRECTION: Level.APPLY},
        ),
        Agent(
            "shortage_finder", "says where material is missing, when, and what covers it", "planner",
            {SHORTAGE: Level.PROPOSE}, {SHORTAGE: Level.PROPOSE},
        ),
        Agent(
            "scheduler", "makes the night's base plan", "supervisor", {BASE: Level.APPLY}, {BASE: Level.APPLY},
        ),
        Agent(
            "parameter_learner", "learns lead times, run and set-up times and yields from what was measured", "planner",
            {PARAMETER: Level.OBSERVE}, {PARAMETER: Level.PROPOSE}, quota=20,
        ),
        Agent(
            "replanner", "tries exceptions out and proposes those worth their disturbance", "supervisor",
            {MOVE: Level.PROPOSE}, {MOVE: Level.PROPOSE},
        ),
    )
}  # fmt: skip
"""`scheduler` may apply: where the policy says `publish_base = "auto"` its base plan is released without a person."""

ACTION_OF = {"base": ("scheduler", BASE), "move": ("replanner", MOVE), "correction": ("reconciler", CORRECTION),
             "sample": ("reconciler", CORRECTION), "parameter": ("parameter_learner", PARAMETER)}  # fmt: skip
"""Kind of request → the agent that makes it in a night, and as which action."""


def registry(decisions: Iterable[tuple[str, str, str]]) -> dict[str, Agent]:
    """The rows after `decisions` (kind, subject, value as JSON; oldest first)."""
    rows, off, all_off = dict(DEFAULTS), {}, False
    for kind, subject, value in decisions:
        if not subject.startswith(SUBJECT):
            continue
        said, name = json.loads(value), subject.removeprefix(SUBJECT)
        if kind == "switch" and subject == EVERY:
            all_off = _off(said)
        elif kind == "switch":
            off[name] = _off(said)
        elif kind == "parameter" and name in rows:
            rows[name] = changed(rows[name], said["agent"])
    return {name: replace(row, on=row.on and not all_off and not off.get(name, False)) for name, row in rows.items()}


def switch(plant: str, name: str, reason: str, *, on: bool) -> Draft:
    """The draft that switches an agent, ours or from outside, or `all` of them."""
    from recon_platform.governance.requests import Draft  # noqa: PLC0415 - requests check this registry

    subject = EVERY if name == "all" else SUBJECT + name
    return Draft("switch", plant, subject, f"{name}: {'on' if on else 'off'}", reason, {"on": on})


def registry_of(decisions: pl.DataFrame) -> dict[str, Agent]:
    """The rows as a night's snapshot `decisions_in_force` has them."""
    return registry(decisions.sort("decision").select("kind", "subject", "value").iter_rows())


def registry_now(tx: Transaction, plant: str) -> dict[str, Agent]:
    """The rows of `plant` at this moment."""
    table = schema.in_force
    found = tx.connection.execute(
        select(table.c.kind, table.c.subject, table.c.value)
        .where(table.c.plant == plant, table.c.subject.like(f"{SUBJECT}%"), table.c.valid_from <= tx.at)
        .where(or_(table.c.valid_until.is_(None), table.c.valid_until > tx.at))
        .order_by(table.c.decision)
    )
    return registry((row.kind, row.subject, row.value) for row in found)


def changed(agent: Agent, change: Mapping[str, Any]) -> Agent:
    """The row with `change` made (`actions`, `limits`, `quota`, `owner`). Raises GovernanceError naming what does not fit."""
    strange = sorted(set(change) - {"actions", "limits", "quota", "owner"})
    if strange or not change:
        raise GovernanceError(
            f"{agent.name}: expected actions, limits, quota or owner, found {', '.join(strange) or 'nothing'}"
        )
    actions = dict(agent.actions)
    for action, named in change.get("actions", {}).items():
        if action not in agent.ceiling:
            raise GovernanceError(f"{agent.name} does {', '.join(agent.ceiling)}; it has no action {action!r}")
        if named not in list(Level):
            raise GovernanceError(f"{agent.name}.{action}: expected {', '.join(Level)}, found {named!r}")
        if not agent.ceiling[action].reaches(Level(named)):
            raise GovernanceError(f"{agent.name} may at most {agent.ceiling[action]} a {action}, never {named}")
        actions[action] = Level(named)
    return replace(
        agent, actions=actions, limits=_limits(agent, change.get("limits", {})), quota=change.get("quota", agent.quota),
        owner=str(change.get("owner", agent.owner)),
    )  # fmt: skip


def rises(agent: Agent, change: Mapping[str, Any]) -> bool:
    """Whether `change` gives the agent more than it has, so that evidence has to come with it."""
    new = changed(agent, change)
    level = any(not agent.actions[action].reaches(new.actions[action]) for action in new.actions)
    old, now = agent.limits, new.limits
    return (
        level
        or now.orders_share > old.orders_share
        or (old.value is not None and (now.value is None or now.value > old.value))
        or not set(old.customers) <= set(now.customers)
        or (old.hours is not None and now.hours != old.hours)
        or (agent.quota is not None and (new.quota is None or new.quota > agent.quota))
    )


def _limits(agent: Agent, change: Mapping[str, Any]) -> Limits:
    strange = sorted(set(change) - {"orders_share", "value", "customers", "hours"})
    if strange:
        raise GovernanceError(
            f"{agent.name}.limits: expected orders_share, value, customers or hours, found {', '.join(strange)}"
        )
    old, hours = agent.limits, change.get("hours", agent.limits.hours)
    made = Limits(
        float(change.get("orders_share", old.orders_share)), change.get("value", old.value),
        tuple(change.get("customers", old.customers)), None if hours is None else (int(hours[0]), int(hours[-1])),
    )  # fmt: skip
    if not 0 <= made.orders_share <= 1:
        raise GovernanceError(f"{agent.name}.limits.orders_share: expected 0 to 1, found {made.orders_share}")
    if hours is not None and not (len(hours) == 2 and all(0 <= hour <= 24 for hour in hours)):
        raise GovernanceError(f"{agent.name}.limits.hours: expected [from, to] of 0 to 24, found {list(hours)}")
    return made


def _off(said: Any) -> bool:
    return isinstance(said, Mapping) and said.get("on") is False
