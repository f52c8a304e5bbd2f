"""Paired differences: two policies in the same worlds, world by world, with Student's interval; limits of a run chart.

Formulas: paired t on common random numbers (Law 2015, Simulation Modeling and Analysis, chapter 10); limits of
individuals from the mean moving range (Wheeler 2000, Understanding Variation; Montgomery 2012, 6.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""97.5 % points of Student's t for 1, 2, … 30 degrees of freedom; beyond, the last is kept, which is on the safe side."""
MOVING_RANGE_FACTOR = 2.66  # 3 ÷ d2 of two observations


@dataclass(frozen=True, slots=True)
class Interval:
    """Mean of `count` values with half the 95 % interval; `half` is None with fewer than two."""

    count: int
    mean: float
    half: float | None

    @property
    def low(self) -> float | None:
        return None if self.half is None else self.mean - self.half

    @property
    def high(self) -> float | None:
        return None if self.half is None else self.mean + self.half


def interval(values: Sequence[float]) -> Interval:
    """The 95 % interval of a mean. Raises ValueError where there is no value."""
    if not values:
        raise ValueError("an interval needs at least one value, found none")
    data = np.asarray(values, np.float64)
    if len(data) < 2:
        return Interval(1, float(data[0]), None)
    t = T_975[min(len(data) - 2, len(T_975) - 1)]
    return Interval(len(data), float(data.mean()), float(t * data.std(ddof=1) / np.sqrt(len(data))))


def control_limits(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Centre, lower and upper limit of a chart of individuals over a baseline; None with fewer than two values."""
    if len(values) < 2:
        return None
    data = np.asarray(values, np.float64)
    spread = MOVING_RANGE_FACTOR * float(np.abs(np.diff(data)).mean())
    return float(data.mean()), float(data.mean()) - spread, float(data.mean()) + spread
