"""Learned parameters inside a value study: proposed by the night, backtested on what came after, approved, planned with.

Belongs here: the scripted planner who decides about `parameter_proposals`. Does not belong here: what is learned
(`conform.learning`), how a value becomes a change (`nights.learned`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recon_platform.conform.learning import measured
from recon_platform.conform.stops import Days
from recon_platform.nights.learned import askable, value_of

if TYPE_CHECKING:
    from recon_platform.planning.decisions import Change
    from recon_platform.tables.context import PlanContext
    from recon_platform.tables.model import Frames

LEVEL: dict[str, float | None] = {"lead_time": 0.8, "run_time": 0.5, "setup_time": 0.5, "downtime": None}
"""The percentile a planned value stands for, by kind, None: the mean; what is not here is left to people."""
PATIENCE = timedelta(days=28)  # a proposal that nothing was measured about for so long goes back
SAME = 0.1  # a value approved already is asked for again once it is off by so much of itself
MOST_A_WEEK = 20


class Learner:
    """Decides once a week. A proposal of one week is judged by what was measured afterwards: approved where it foretold
    that better than the value in force, else given back. The ERP keeps its values; approved ones are planned with.
    """

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str], tuple[dict[str, Any], list[Change], PlanContext]] = {}
        self.values: dict[tuple[str, str], float] = {}
        self.decisions: dict[tuple[str, str], dict[str, object]] = {}

    def weekly(self, frames: Frames, context: PlanContext) -> None:
        """Judge what waits, then put tonight's proposals before the planner. `frames`: a night's conformed tables."""
        seen = measured(frames, Days.before(context.planning_date, context.plant.timezone))
        for key, (row, change, asked) in list(self.waiting.items()):
            kind, subject = key
            since = seen.filter(kind=kind, subject=subject).filter(pl.col("day") >= asked.planning_date)["value"]
            in_force = self.values.get(key, row["current"])
            if since.is_empty() and context.planning_date - asked.planning_date < PATIENCE:
                continue
            del self.waiting[key]
            better = in_force is None or loss(since, value_of(row), LEVEL[kind]) < loss(since, in_force, LEVEL[kind])
            if better and not since.is_empty():
                self.values[key] = value_of(row)
                self.decisions[key] = _decision(key, value_of(row), change, context)
        learned = frames["parameter_proposals"].filter(pl.col("kind").is_in(list(LEVEL)))
        for row, change in askable(learned, frames, MOST_A_WEEK):
            key = (row["kind"], row["subject"])
            held = self.values.get(key)
            if key not in self.waiting and (held is None or abs(value_of(row) / held - 1) > SAME):
                self.waiting[key] = (row, change, context)


def loss(values: pl.Series, planned: float, level: float | None) -> float:
    """Mean check loss of a planned value as the percentile `level` (Koenker & Bassett 1978); at 0.5 half the absolute error.
    Without a level the mean square, which has its least at the mean."""
    off = values.cast(pl.Float64).to_numpy() - planned
    if level is None:
        return float((off**2).sum()) / max(1, len(off))
    return float(np.maximum(level * off, (level - 1) * off).sum()) / max(1, len(off))


def _decision(key: tuple[str, str], value: float, change: list[Change], context: PlanContext) -> dict[str, object]:
    return {
        "decision": f"parameter:{key[0]}/{key[1]}", "kind": "parameter", "subject": f"{key[0]}/{key[1]}",
        "value": json.dumps({"change": change, "value": value}), "valid_from": context.as_of, "valid_until": None,
        "approved_by": "scripted planner", "reason": "foretold what was measured since better than the value in force",
    }  # fmt: skip
