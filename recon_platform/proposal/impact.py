"""`expected_impact`: the proposal beside the schedule in force, measure by measure, and beside its own set of moves."""

from __future__ import annotations

import polars as pl

from recon_platform.proposal.ends import lines_in_force
from recon_platform.proposal.evaluate import labour_hours, lateness, overtime_hours
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import EXPECTED_IMPACT
from recon_platform.tables.reuse import Reuse

MEASURES = {
    "expected_otif": "% of lines",
    "late_lines": "lines",
    "lines_without_date": "lines",
    "weighted_late_days": "weighted days",
    "lateness_cost": "plant currency",
    "labour_hours": "hours",
    "overtime_hours": "hours",
}


def expected_impact(
    frames: Frames, with_set: Frames | None, context: PlanContext, reuse: Reuse | None = None
) -> pl.DataFrame:
    """Table `expected_impact`. `with_set` is the plan with the proposed set of moves; None where no move is proposed. `reuse`: what
    the stage made before."""
    proposed = measures(frames["order_promises"], frames, context)
    in_force: dict[str, float | None] = {}
    published = frames.get("published.schedule")
    if published is not None and not published.is_empty():
        in_force = measures(lines_in_force(frames, context, reuse), None, context)
    with_moves = dict(proposed)
    if with_set is not None:
        with_moves = measures(with_set["order_promises"], with_set, context)
    return EXPECTED_IMPACT.frame(
        [
            {
                "measure": name,
                "unit": unit,
                "in_force": in_force.get(name),
                "proposed": proposed[name],
                "with_moves": with_moves[name],
            }
            for name, unit in MEASURES.items()
        ]
    ).sort("measure")


def measures(lines: pl.DataFrame, frames: Frames | None, context: PlanContext) -> dict[str, float | None]:
    """What a plan is worth. Expected OTIF: open lines that ship whole and on time ÷ open lines.

    Without `frames` of its own (the schedule in force) the hours of a plan are unknown.
    """
    days = lateness(lines, context)
    late = int(days.select((pl.col("late_days") > 0).sum()).item())
    return {
        "expected_otif": 100.0 * (1 - late / lines.height) if lines.height else None,
        "late_lines": float(late),
        "lines_without_date": float(lines.get_column("projected_ship").null_count()),
        "weighted_late_days": float(days.get_column("weighted").sum()),
        "lateness_cost": float(days.get_column("late_cost").sum()),
        "labour_hours": labour_hours(frames) if frames is not None else None,
        "overtime_hours": overtime_hours(frames) if frames is not None else None,
    }
