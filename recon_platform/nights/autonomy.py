"""The platform's agents in a night: their versions, what stays within their limits, and autonomy that falls by itself.

Belongs here: what needs the night's tables. Who may go how far is in `governance.agents`, and is checked once more where it is
written. Autonomy rises only by a change request with evidence (`draft`); here it only falls (`fall`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.governance.agents import (
    CORRECTION,
    DEFAULTS,
    KIND,
    SUBJECT,
    Agent,
    Level,
    changed,
    registry_of,
)
from recon_platform.governance.requests import Draft
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.actors import Actor
    from recon_platform.governance.decisions import Decision

LIMITED_BY = ("reconciled_orders", "pegging", "sales_orders")
OPEN = ("firm", "released", "in_process")
WORST = 0.8  # all its rules together: an agent that people find right less often than this acts alone no more
JUDGED = 20  # judgements before that counts


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
    reached = lines.select(demand=pl.concat_str("sales_order", "line", separator="/")).unique()
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


def fall(store: Store, actor: Actor, plant: str, decisions: pl.DataFrame, precision: pl.DataFrame) -> Decision | None:
    """Take the right to act alone from the reconciler where all its rules together are wrong too often (circuit breaker).

    Single rules lose theirs in `reconcile.precision`. `decisions` and `precision` are the night's tables.
    """
    row = registry_of(decisions)["reconciler"]
    right, wrong = int(precision["right"].sum()), int(precision["wrong"].sum())
    judged = right + wrong
    if judged < JUDGED or right / judged >= WORST or not row.may(CORRECTION, Level.APPLY):
        return None
    reason = f"circuit breaker: people found {right} of {judged} of its corrections right, {WORST:.0%} are needed"
    lowered = draft(row, plant, {"actions": {CORRECTION: Level.PROPOSE}}, reason, {"right": right, "wrong": wrong})
    return store.decisions.lower(actor, lowered)


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
