"""`exception_moves`: candidates tried out one by one, ranked by what they win for how much they disturb.

The base plan stands without any of them. A digest binds all that is shown of a move; approving approves exactly that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.planning.decisions import in_frozen_schedule, switched_off
from recon_platform.proposal.candidate import Candidate, canonical_json
from recon_platform.proposal.candidates import RULE_VERSION, candidates, late_orders
from recon_platform.proposal.evaluate import Effect
from recon_platform.proposal.sets import Evaluator, MoveSet, Tried, excludes, good_set, pairs_worth_trying
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import SIGNED, Frames
from recon_platform.tables.proposal import EXCEPTION_MOVES

NOT_SHOWN = ("digest", "rank", "state", "in_set", *(column.name for column in SIGNED))
SHOWN = tuple(name for name in EXCEPTION_MOVES.column_names if name not in NOT_SHOWN)


@dataclass(frozen=True, slots=True)
class Proposed:
    """Table `exception_moves`, and the set of them that is worth taking, planned as a whole."""

    table: pl.DataFrame
    chosen: MoveSet


def exception_moves(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `exception_moves` for this plan. Moves that people rejected do not return while the rejection holds."""
    return propose_moves(frames, context).table


def propose_moves(frames: Frames, context: PlanContext) -> Proposed:
    """Try every candidate, bundle what only helps together, and search a good set."""
    effort = context.policy.proposal.of_run(context.sequence, frames["schedule"].height)
    context = replace(context, policy=replace(context.policy, proposal=effort))
    decided = _decided(frames)
    off = switched_off(frames.get("decisions_in_force"), "replanner")
    found = [] if off else candidates(frames, context)
    worth_trying = [one for one in found if move_identity(one) not in decided]
    if not worth_trying:
        return Proposed(EXCEPTION_MOVES.empty(), MoveSet((), 0.0, None, None, 0))
    evaluator = Evaluator(frames, context)
    tried = measured(worth_trying, evaluator)
    lines_of = dict(late_orders(frames).select("order", "line_names").iter_rows())
    pairs = pairs_worth_trying(tried, lines_of, effort.max_bundles)
    for together in measured([pair for pair in pairs if move_identity(pair) not in decided], evaluator):
        apart = {line for one in tried if one.move in together.candidate.parts for line in one.effect.won}
        if set(together.effect.won) - apart:
            tried.append(together)
    chosen = good_set(tried, evaluator, effort.max_set_trials)
    parts = {part for one in tried for part in one.candidate.parts}
    shown = [one for one in tried if one.changes_something or one.move in parts]
    rows = [move_row(one, evaluator, shown, one.move in chosen.moves) for one in shown]
    rows.sort(key=lambda row: (-_usefulness(row), row["move"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
        row["digest"] = move_digest(row)
    return Proposed(EXCEPTION_MOVES.frame(rows).sort("move"), chosen)


def measured(found: Sequence[Candidate], evaluator: Evaluator) -> list[Tried]:
    """Plan again with each of `found` alone and compare."""
    tried = []
    for one, effect in zip(found, evaluator.effects([[one] for one in found]), strict=True):
        value = effect.worth(evaluator.context) - one.direct_cost
        tried.append(Tried(move_identity(one), one, effect, value))
    return tried


def move_identity(candidate: Candidate) -> str:
    """Kind, subject and a hash of the change: the same advice keeps its identity from night to night."""
    content = hashlib.sha256(canonical_json(candidate.changes).encode()).hexdigest()[:8]
    return f"{candidate.kind}:{candidate.subject}:{content}"


def move_digest(row: dict[str, Any]) -> str:
    """SHA-256 over everything a decider is shown, so that a signature cannot be moved to anything else."""
    return hashlib.sha256(canonical_json({name: row[name] for name in SHOWN}).encode()).hexdigest()


def _decided(frames: Frames) -> set[str]:
    decisions = frames.get("decisions_in_force")
    if decisions is None:
        return set()
    kinds = decisions.filter(pl.col("kind").is_in(["lock", "approved_move"]))
    return set(kinds.get_column("subject"))


def move_row(one: Tried, evaluator: Evaluator, others: Sequence[Tried], in_set: bool) -> dict[str, Any]:
    """One row of `exception_moves`, without rank and digest."""
    candidate, context = one.candidate, evaluator.context
    clashing = [t.move for t in others if t.move != one.move and excludes(candidate, t.candidate)]
    return {
        "move": one.move,
        "kind": candidate.kind,
        "subject": candidate.subject,
        "from": candidate.before,
        "to": candidate.after,
        "change": canonical_json([*evaluator.setting, *candidate.changes]),
        "reason": candidate.reason,
        "evidence": canonical_json(candidate.evidence),
        **shown_effect(one.effect, context, candidate.direct_cost),
        "needs": canonical_json(candidate.parts),
        "excludes": canonical_json(sorted(clashing)),
        "in_set": in_set,
        "approval_needed": "manager" if in_frozen_schedule(candidate.changes, context) else candidate.approval,
        "signature": candidate.signature,
        "valid_until": context.as_of + timedelta(hours=context.policy.proposal.move_valid_hours),
        "rule": f"remedy.{candidate.kind}",
        "rule_version": RULE_VERSION,
        "state": "proposed",
    }  # fmt: skip


def shown_effect(effect: Effect, context: PlanContext, direct_cost: float) -> dict[str, Any]:
    """What `exception_moves` shows of an effect: an approval is for exactly these values."""
    return {
        "lines_won": len(effect.won),
        "lines_lost": len(effect.lost),
        "lines": canonical_json({"won": effect.won, "lost": effect.lost}),
        "late_days_saved": effect.late_days_saved,
        "labour_hours": effect.labour_hours,
        "overtime_hours": effect.overtime_hours,
        "cost": round(direct_cost - effect.worth(context), 2) + 0.0,  # never −0.0
        "operations_moved": effect.operations_moved,
        "effect": canonical_json({
            name: getattr(effect, name)
            for name in (
                "late_days_by_class", "late_cost_saved", "changeovers", "setup_hours", "orders_touched", "orders_by_level",
                "work_centers_touched", "frozen_moved", "messages_made", "messages_cleared",
            )
        } | {"direct_cost": round(direct_cost, 2)}),
    }  # fmt: skip


def _usefulness(row: dict[str, Any]) -> float:
    """Money won (cost is negative where the move pays) and a line's worth per operation disturbed."""
    return float(-row["cost"]) / (1.0 + float(row["operations_moved"]))
