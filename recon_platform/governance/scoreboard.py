"""The score of each agent, by what people said to what it proposed.

Columns of `SCORES`; a `base` request released is an acceptance, a sample judged wrong a rejection. `precision` counts only what people
judged for being right (corrections and samples), `acceptance` everything decided. `promised_lines` are the customer lines that approved
moves were signed for; what came of them is measured by the nights that follow (`nights.effects`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import func, select

from recon_platform.governance import schema
from recon_platform.governance.agents import DEFAULTS, registry_now
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.actors import Actor
    from recon_platform.governance.store import Store

MINUTES_PER_CASE = 6.0
"""What a person needs to find, check and enter one case by hand; an assumption, named wherever hours are shown."""
JUDGED = frozenset({"correction", "sample"})
SCORES: dict[str, pl.DataType] = {
    "agent": pl.String(), "on": pl.Boolean(), "levels": pl.String(), "proposed": pl.Int64(), "accepted": pl.Int64(),
    "rejected": pl.Int64(), "acceptance": pl.Float64(), "precision": pl.Float64(), "sent_alone": pl.Int64(),
    "promised_lines": pl.Int64(), "hours_saved": pl.Float64(),
}  # fmt: skip


def scores(store: Store, actor: Actor, plant: str) -> pl.DataFrame:
    """One row per agent of the registry. Takes the right to read."""
    asked, decided = schema.requests, schema.decisions
    query = (
        select(
            asked.c.proposer, asked.c.kind, decided.c.verdict, func.count().label("n"),
        )
        .outerjoin(decided, decided.c.request == asked.c.request)
        .where(asked.c.plant == plant, asked.c.proposer.in_(list(DEFAULTS)))
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


def _share(good: int, bad: int) -> float | None:
    return good / (good + bad) if good + bad else None
