"""Working days as numbers: what netting counts in.

A day is its number since 1970-01-01. Lead times of made items count working days, those of bought items calendar
days; both end on a working day. Belongs here: the mapping and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

BACK_DAYS = 4_000  # how far before and after the known calendar its weekly pattern is repeated
AHEAD_DAYS = 4_000
PATTERN_DAYS = 28

Days = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WorkDays:
    """`days`: day numbers of all working days, ascending. `floor[d - first]`: index of the last working day ≤ d.

    `today` is the first working day on or after the planning date.
    """

    first: int
    floor: Days
    days: Days
    today: int

    def back(self, day: Days) -> Days:
        """The working day on or before each day: when a demand of that day must be ready."""
        return self.days[self.floor[self._inside(day) - self.first]]

    def ahead(self, day: Days) -> Days:
        """The working day on or after each day: when a receipt of that day can be used."""
        inside = self._inside(day)
        index = self.floor[inside - self.first]
        index = np.where(self.days[index] < inside, index + 1, index)
        return self.days[np.minimum(index, len(self.days) - 1)]

    def minus(self, day: Days, working_days: Days) -> Days:
        """`day` less so many working days."""
        index = self.floor[self._inside(day) - self.first] - working_days
        return self.days[np.clip(index, 0, len(self.days) - 1)]

    def _inside(self, day: Days) -> Days:
        return np.clip(np.asarray(day, dtype=np.int64), self.days[0], self.first + len(self.floor) - 1)


def work_days(plant_days: pl.DataFrame) -> WorkDays:
    """The axis from table `plant_days`, continued on both sides by the weekdays its last four weeks work.

    Raises ValueError where the calendar has no working day at ordinal 0 or later: nothing could be planned.
    """
    known = plant_days.select(pl.col("day").cast(pl.Int32).cast(pl.Int64), "ordinal").sort("day")
    future = known.filter(pl.col("ordinal") >= 0)
    if future.is_empty():
        raise ValueError(
            "plant_days: expected a working day on or after the planning date, found none; "
            "check the plant calendar in `calendars` and `calendar_exceptions`"
        )
    inner = known.get_column("day").to_numpy()
    recent = inner[inner > inner[-1] - PATTERN_DAYS]
    weekdays = np.unique(recent % 7)
    before = np.arange(inner[0] - BACK_DAYS, inner[0])
    after = np.arange(inner[-1] + 1, inner[-1] + 1 + AHEAD_DAYS)
    days = np.concatenate([before[np.isin(before % 7, weekdays)], inner, after[np.isin(after % 7, weekdays)]])
    days = days.astype(np.int64)
    first = int(days[0])
    every = np.arange(first, int(days[-1]) + 1)
    floor = np.searchsorted(days, every, side="right") - 1
    return WorkDays(first, floor.astype(np.int64), days, int(future.item(0, "day")))


def to_date(values: Days) -> pl.Series:
    """Day numbers as dates."""
    return pl.Series(values.astype(np.int32)).cast(pl.Date)
