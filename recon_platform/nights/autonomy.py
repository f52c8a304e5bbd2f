"""The platform's agents in a night: their versions, what stays within their limits, and autonomy that falls by itself.

Belongs here: what needs the night's tables. Who may go how far is in `governance.agents`, and is checked once more where it is
written. Autonomy rises only by a change request with evidence (`draft`); here it only falls (`fall`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.governance.agents import (
    BASE,
    CORRECTION,
    DEFAULTS,
    KIND,
    MOVE,
    PARAMETER,
    SUBJECT,
    Agent,
    Level,
    changed,
)
from recon_platform.governance.requests import Draft
from recon_platform.governance.scoreboard import judged
from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import CUSTOMER_LINE
from recon_platform.tables.model import Frames

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.actors import Actor
    from recon_platform.governance.decisions import Decision

LIMITED_BY = ("reconciled_orders", "pegging", "sales_orders")
OPEN = ("firm", "released", "in_process")
JUDGED = 20  # judgements before a breaker counts them


@dataclass(frozen=True, slots=True)
class Breaker:
    """An agent whose `action` people find right less often than `least` falls to the level `falls_to`."""

    action: str
    least: float
    falls_to: Level


BREAKERS: dict[str, Breaker] = {
    "reconciler": Breaker(CORRECTION, 0.8, Level.PROPOSE), "scheduler": Breaker(BASE, 0.8, Level.PROPOSE),
    "replanner": Breaker(MOVE, 0.2, Level.OBSERVE), "parameter_learner": Breaker(PARAMETER, 0.2, Level.OBSERVE),
}  # fmt: skip
"""What acts alone has to be right; what only asks has to be worth the asking. Shortages are asked of nobody."""


def within_limits(alone: pl.DataFrame, frames: Frames, context: PlanContext, agent: Agent) -> pl.Series:
    """Keys (`idempotency_key`) of the corrections `alone` that `agent` may send by itself tonight, cheapest first."""
    limits = agent.limits
    none = pl.Series("idempotency_key", [], dtype=pl.String)
    if not agent.may(CORRECTION, Level.APPLY):
        return none
    hour = context.as_of.astimezone(context.plant.zone).hour
    if limits.hours is not None and not _between(hour, *limits.hours):
        return none
    rows = alone.sort("value_at_stake", "work_order", "idempotency_key", nulls_last=True)
    if limits.customers:
        rows = rows.filter(~pl.col("work_order").is_in(orders_of(frames, limits.customers).implode()))
    if limits.value is not None:
        rows = rows.filter(pl.col("value_at_stake").fill_null(0.0).cum_sum() <= limits.value)
    if limits.orders_share < 1:
        backlog = frames["reconciled_orders"].filter(pl.col("status").is_in(OPEN)).height
        nth = pl.col("work_order").is_first_distinct().cum_sum()
        rows = rows.filter(nth <= int(limits.orders_share * backlog))
    return rows["idempotency_key"]


def orders_of(frames: Frames, customers: tuple[str, ...]) -> pl.Series:
    """Work orders that supply these customers' lines, through all levels of the pegging."""
    pegging = frames["pegging"].select("supply", "demand")
    lines = frames["sales_orders"].filter(pl.col("customer").is_in(customers))
    reached = lines.select(demand=CUSTOMER_LINE).unique()
    known = reached
    while reached.height:
        below = pegging.join(reached, on="demand", how="semi").select(demand="supply").unique()
        reached = below.join(known, on="demand", how="anti")
        known = pl.concat([known, reached])
    return known["demand"]


def draft(row: Agent, plant: str, change: Mapping[str, Any], reason: str, evidence: Mapping[str, Any]) -> Draft:
    """The change request that gives `row` other levels, limits, quota or owner; whoever decides is shown the whole row."""
    new = changed(row, change)
    said = ", ".join(f"{name}: {_shown(row, name)} → {_shown(new, name)}" for name in change)
    content = {"agent": whole(new), "before": whole(row), "evidence": dict(evidence)}
    return Draft(KIND, plant, SUBJECT + row.name, f"{row.name}: {said}", reason, content)


def whole(row: Agent) -> dict[str, Any]:
    """Everything of a row that a change request sets."""
    return {
        "actions": {action: str(level) for action, level in row.actions.items()},
        "limits": {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row.limits).items()},
        "quota": row.quota, "owner": row.owner,
    }  # fmt: skip


def fall(store: Store, actor: Actor, plant: str, precision: pl.DataFrame | None = None) -> list[Decision]:
    """Lower every agent that people find wrong too often, each to the level its breaker names; gives what was lowered.

    Counted are judgements since its row was last approved, so that what people gave back is not taken again for the old
    ones. `precision` is the night's table: of the reconciler it tells findings where the store tells requests, and counts
    while its row was never changed. Single rules lose their autonomy in `reconcile.precision`.
    """
    rows = store.agents(actor, plant)
    since = _last_approved(store.decisions_in_force(plant, store.clock()))
    made = []
    for name, breaker in BREAKERS.items():
        row = rows[name]
        if not row.on or breaker.falls_to.reaches(row.actions[breaker.action]):
            continue
        if name == "reconciler" and precision is not None and name not in since:
            right, wrong = int(precision["right"].sum()), int(precision["wrong"].sum())
        else:
            right, wrong = judged(store, actor, plant, name, since.get(name))
        if right + wrong < JUDGED or right / (right + wrong) >= breaker.least:
            continue
        reason = f"circuit breaker: people found {right} of {right + wrong} right, {breaker.least:.0%} are needed"
        change = {"actions": {breaker.action: breaker.falls_to}}
        lowered = draft(row, plant, change, reason, {"right": right, "wrong": wrong})
        made.append(store.decisions.lower(actor, lowered))
    return made


def _last_approved(decisions: pl.DataFrame) -> dict[str, datetime]:
    """When each agent's row was last changed by a decision; nothing of one whose row is still its default."""
    rows = decisions.filter(pl.col("kind") == "parameter", pl.col("subject").str.starts_with(SUBJECT))
    last = rows.group_by("subject").agg(pl.col("valid_from").max())
    return {subject.removeprefix(SUBJECT): at for subject, at in last.iter_rows()}


def row_of(rows: Mapping[str, Agent], name: str) -> Agent:
    """The agent called `name`; ValueError lists them."""
    if name not in rows:
        raise ValueError(f"expected an agent of {', '.join(DEFAULTS)}, found {name!r}")
    return rows[name]


def _between(hour: int, first: int, last: int) -> bool:
    return first <= hour < last if first <= last else hour >= first or hour < last


def _shown(row: Agent, name: str) -> str:
    value = whole(row)[name]
    return ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else str(value)
