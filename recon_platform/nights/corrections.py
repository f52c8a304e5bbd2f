"""Corrections of a night put before people: one request per case, and what rules send by themselves inside their limits.

A case is a group of findings with one cause, or an order. Nothing of a line in shadow leaves. A sample of what rules
sent by themselves is put before a person too: approving it says the rule was right, rejecting it that it was wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from recon_platform.governance.agents import DEFAULTS, Agent, Limits
from recon_platform.governance.corrections import CORRECTION, SAMPLE, messages
from recon_platform.governance.outbox import Message
from recon_platform.governance.requests import LOCK_LIFE, Draft
from recon_platform.lake import Lake
from recon_platform.nights.autonomy import LIMITED_BY, within_limits
from recon_platform.nights.records import Manifest
from recon_platform.reconcile.said import STOOD
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reconciled import FINDING_SAMPLE

RULE = "rule "  # how `approved_by` names a rule that acts within its limits
SHADOW = "rollout shadow"
READ = ("order_changes", "findings", "finding_groups", "finding_sample")


def corrections(
    lake: Lake, manifest: Manifest, agent: Agent = DEFAULTS["reconciler"]
) -> tuple[list[Draft], list[Message]]:
    """The requests a run puts before people, weightiest first, and what its rules tell the ERP by themselves."""
    if not set(READ) <= set(manifest.outputs):
        return [], []
    frames = {name: manifest.read(lake, name) for name in (*READ, *(LIMITED_BY if agent.limits != Limits() else ()))}
    return of_tables(frames, manifest.pins.context, manifest.run_id, agent)


def of_tables(
    frames: Frames, context: PlanContext, run_id: str, agent: Agent = DEFAULTS["reconciler"]
) -> tuple[list[Draft], list[Message]]:
    """The same from the tables of `READ` and `LIMITED_BY`. What goes beyond the limits of `agent` waits for a person."""
    changes = frames["order_changes"]
    about = frames["findings"].select(
        "finding", "group", "rank", "held_by", "value_at_stake", "orders_behind", as_stood=pl.concat_list(STOOD)
    )
    live = changes.join(about, on="finding", how="left").filter(
        ~pl.col("held_by").fill_null("").str.contains(SHADOW, literal=True)
    )
    alone = pl.col("approved_by").str.starts_with(RULE).fill_null(value=False)
    alone &= pl.col("idempotency_key").is_in(within_limits(live.filter(alone), frames, context, agent).implode())
    automatic = live.filter(alone).select(changes.columns).sort("idempotency_key")
    # An accepted finding was sent with its approval: asking again under the same keys opens no second request.
    waiting = live.filter(~alone & (pl.col("rank").is_not_null() | pl.col("approved_by").is_not_null()))
    where = {
        "plant": context.plant.code, "planning_date": context.planning_date.isoformat(),
        "sequence": context.sequence, "run_id": run_id, "effect_until": context.as_of + LOCK_LIFE,
    }  # fmt: skip
    limit = context.policy.reconciliation.breaker_value
    cases = _cases(where, waiting, frames["finding_groups"], changes.columns, limit)
    drafts = [*cases, *_samples(where, frames["finding_sample"].join(about, on="finding", how="left"))]
    return drafts, messages(context.plant.code, automatic.iter_rows(named=True))


def _cases(
    where: dict[str, Any], waiting: pl.DataFrame, groups: pl.DataFrame, columns: list[str], limit: float
) -> Iterator[Draft]:
    proposals = dict(groups.select("group", "proposal").iter_rows())
    cases = waiting.with_columns(case=pl.coalesce("group", "work_order", "finding")).sort(
        "rank", "finding", nulls_last=True
    )
    for (case,), rows in cases.group_by("case", maintain_order=True):
        value = float(rows["value_at_stake"].sum())
        orders = rows["work_order"].n_unique()
        title = (
            f"{proposals[case]}: {rows.height} changes of {orders} orders" if case in proposals
            else f"correct {case}: {'; '.join(rows['change'].unique(maintain_order=True))}"
        )  # fmt: skip
        content = {
            "case": case, "findings": rows["finding"].to_list(), "changes": rows.select(columns).to_dicts(),
            "as_stood": dict(rows.select("finding", "as_stood").iter_rows()), "value_at_stake": round(value, 2), "orders_behind": rows["orders_behind"].max(),
            "held_by": sorted(set(rows["held_by"].drop_nulls())),
        }  # fmt: skip
        reason = "; ".join(rows["reason"].unique(maintain_order=True).head(3))
        yield Draft(
            CORRECTION, subject=str(case)[:200], title=title, reason=reason, content=content, high=value > limit,
            **where,
        )  # fmt: skip


def _samples(where: dict[str, Any], sample: pl.DataFrame) -> Iterator[Draft]:
    for row in sample.sort("rule", "finding").iter_rows(named=True):
        yield Draft(
            SAMPLE, subject=str(row["finding"])[:200], title=f"was {row['rule']} right? {row['correction'] or ''}",
            reason=f"drawn by chance from what {row['rule']} version {row['rule_version']} sent by itself",
            content={name: row[name] for name in FINDING_SAMPLE.column_names}
            | {"findings": [row["finding"]], "as_stood": {row["finding"]: row["as_stood"]}},
            **where,
        )  # fmt: skip
