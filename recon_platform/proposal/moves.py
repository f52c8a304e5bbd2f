"""`exception_moves`: candidates tried out one by one, ranked by what they win for how much they disturb.

The base plan stands without any of them. A digest binds all that is shown of a move; approving approves exactly that.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.proposal.candidates import RULE_VERSION, Candidate, candidates, canonical_json
from recon_platform.proposal.evaluate import Effect, compare, plan_again
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import EXCEPTION_MOVES

SHOWN = tuple(name for name in EXCEPTION_MOVES.column_names if name not in ("digest", "rank", "state"))


def exception_moves(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `exception_moves` for this plan. Moves that people rejected do not return while the rejection holds."""
    decided = _decided(frames)
    rows = []
    for candidate in candidates(frames, context):
        identity = move_identity(candidate)
        if identity in decided:
            continue
        effect = compare(frames, plan_again(frames, context, candidate.changes), context)
        rows.append(_row(identity, candidate, effect, context))
    rows.sort(key=lambda row: (-_usefulness(row), row["move"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
        row["digest"] = move_digest(row)
    return EXCEPTION_MOVES.frame(rows).sort("move")


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


def _row(identity: str, candidate: Candidate, effect: Effect, context: PlanContext) -> dict[str, Any]:
    cost = candidate.direct_cost + effect.labour_hours * context.policy.cost.labour_hour - effect.late_cost_saved
    return {
        "move": identity,
        "kind": candidate.kind,
        "subject": candidate.subject,
        "from": candidate.before,
        "to": candidate.after,
        "change": canonical_json(candidate.changes),
        "reason": candidate.reason,
        "evidence": canonical_json(candidate.evidence),
        "lines_won": len(effect.won),
        "lines_lost": len(effect.lost),
        "lines": canonical_json({"won": effect.won, "lost": effect.lost}),
        "late_days_saved": effect.late_days_saved,
        "labour_hours": effect.labour_hours,
        "overtime_hours": candidate.overtime_hours,
        "cost": round(cost, 2),
        "operations_moved": effect.operations_moved,
        "approval_needed": candidate.approval,
        "signature": candidate.signature,
        "valid_until": context.as_of + timedelta(hours=context.policy.proposal.move_valid_hours),
        "rule": f"remedy.{candidate.kind}",
        "rule_version": RULE_VERSION,
        "state": "proposed",
    }


def _usefulness(row: dict[str, Any]) -> float:
    """Money won (cost is negative where the move pays) and a line's worth per operation disturbed."""
    return float(-row["cost"]) / (1.0 + float(row["operations_moved"]))
