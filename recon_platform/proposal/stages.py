"""The night's stages: those of a single plan, and the proposal, which compares plans."""

from __future__ import annotations

import polars as pl

from recon_platform.planning.stages import HISTORY_STAGE, STAGES, Stage, stage
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse


def _propose(frames: Frames, context: PlanContext, reuse: Reuse) -> dict[str, pl.DataFrame]:
    from recon_platform.planning.decisions import apply_changes, changes_in_force  # noqa: PLC0415
    from recon_platform.proposal.delta import proposal_changes  # noqa: PLC0415
    from recon_platform.proposal.impact import expected_impact  # noqa: PLC0415
    from recon_platform.proposal.moves import propose_moves  # noqa: PLC0415

    proposed = propose_moves(frames, context)
    seen = apply_changes(frames, changes_in_force(frames.get("decisions_in_force")))
    return {
        "proposal_changes": proposal_changes(seen, context, reuse),
        "exception_moves": proposed.table,
        "expected_impact": expected_impact(frames, proposed.chosen.plan, context, reuse),
    }


_ALREADY_MADE = tuple(dict.fromkeys(name for made in STAGES for name in made.writes))
_FROM_OUTSIDE = tuple(
    dict.fromkeys(
        name
        for step in STAGES
        for name in step.reads
        if name.startswith(("previous.", "published.")) or name == "decisions_in_force"
    )
)

PROPOSAL_STAGE = Stage(
    "proposal",
    "schedule_proposal",
    "What changes against the schedule in force, and the exceptions worth a decision.",
    reads=(*(name for name in _ALREADY_MADE if name != "metrics"), *_FROM_OUTSIDE),
    writes=("proposal_changes", "exception_moves", "expected_impact"),
    run=_propose,
    shares=True,
)

NIGHT_STAGES: tuple[Stage, ...] = (STAGES[0], HISTORY_STAGE, *STAGES[1:-1], PROPOSAL_STAGE, stage("metrics"))
"""All stages of a night in order: history is kept behind the conformed tables, the measures come last."""
