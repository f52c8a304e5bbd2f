"""The score of each agent, by what people said to what it proposed.

Columns of table `agent_scores` but `MEASURED`; a `base` request released is an acceptance, a sample judged wrong a rejection. `precision` counts only what people
judged for being right (corrections and samples), `acceptance` everything decided. `promised_lines` are the customer lines that approved
moves were signed for; what came of them is measured by the nights that follow (`nights.effects`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import func, select

from recon_platform.governance import schema
from recon_platform.governance.actors import ActorKind
from recon_platform.governance.agents import DEFAULTS, registry_now
from recon_platform.governance.clock import to_text
from recon_platform.governance.permissions import Permission
from recon_platform.tables.governance import AGENT_SCORES

if TYPE_CHECKING:
    from datetime import datetime

    from recon_platform.governance.actors import Actor
    from recon_platform.governance.store import Store

MINUTES_PER_CASE = 6.0
"""What a person needs to find, check and enter one case by hand; an assumption, named wherever hours are shown."""
JUDGED = frozenset({"correction", "sample"})
MEASURED = ("measured_lines", "kept_lines")
SCORES = {name: dtype for name, dtype in AGENT_SCORES.schema.items() if name not in MEASURED}


def scores(store: Store, actor: Actor, plant: str) -> pl.DataFrame:
    """One row per agent of the registry. Takes the right to read."""
    asked, decided = schema.requests, schema.decisions
    query = (
        select(
            asked.c.proposer, asked.c.kind, decided.c.verdict, func.count().label("n"),
        )
        .outerjoin(decided, decided.c.request == asked.c.request)
        .where(asked.c.plant == plant, asked.c.proposer.in_(list(DEFAULTS)))
        .where(asked.c.proposer_kind == ActorKind.MACHINE.value)
        .group_by(asked.c.proposer, asked.c.kind, decided.c.verdict)
    )  # fmt: skip
    moves = (
        select(asked.c.content)
        .join(decided, decided.c.request == asked.c.request)
        .where(asked.c.plant == plant, asked.c.kind == "move", decided.c.verdict == "approved")
    )
    with store.reading() as tx:
        tx.allow(actor, Permission.READ, plant)
        rows = registry_now(tx, plant)
        counts = [row._mapping for row in tx.connection.execute(query)]
        promised = sum(int(json.loads(content)["lines_won"]) for content in tx.connection.execute(moves).scalars())
        sent = tx.connection.execute(
            select(func.count()).select_from(schema.outbox)
            .where(schema.outbox.c.plant == plant, schema.outbox.c.kind == "order_changes")
            .where(schema.outbox.c.content.like('%"approved_by":"rule %'))
        ).scalar_one()  # fmt: skip
    made: list[dict[str, Any]] = []
    for name, row in rows.items():
        mine = [count for count in counts if count["proposer"] == name]
        accepted, rejected = (sum(c["n"] for c in mine if c["verdict"] == v) for v in ("approved", "rejected"))
        right, wrong = (
            sum(c["n"] for c in mine if c["verdict"] == v and c["kind"] in JUDGED) for v in ("approved", "rejected")
        )
        alone = int(sent) if name == "reconciler" else 0
        made.append({
            "agent": name, "on": row.on, "levels": ", ".join(f"{a} {level}" for a, level in row.actions.items()),
            "proposed": sum(c["n"] for c in mine), "accepted": accepted, "rejected": rejected,
            "acceptance": _share(accepted, rejected), "precision": _share(right, wrong), "sent_alone": alone,
            "promised_lines": promised if name == "replanner" else 0,
            "hours_saved": round((accepted + alone) * MINUTES_PER_CASE / 60, 2),
        })  # fmt: skip
    return pl.DataFrame(made, schema=SCORES)


def judged(store: Store, actor: Actor, plant: str, agent: str, since: datetime | None) -> tuple[int, int]:
    """How many requests of `agent` people approved and how many they rejected after `since`; all there are where it is None."""
    asked, decided = schema.requests, schema.decisions
    query = (
        select(decided.c.verdict, func.count())
        .join(asked, asked.c.request == decided.c.request)
        .where(asked.c.plant == plant, asked.c.proposer == agent, asked.c.proposer_kind == ActorKind.MACHINE.value)
        .where(decided.c.decided_at > ("" if since is None else to_text(since)))
        .group_by(decided.c.verdict)
    )
    with store.reading() as tx:
        tx.allow(actor, Permission.READ, plant)
        counts = {verdict: int(found) for verdict, found in tx.connection.execute(query)}
    return counts.get("approved", 0), counts.get("rejected", 0)


def _share(good: int, bad: int) -> float | None:
    return good / (good + bad) if good + bad else None
