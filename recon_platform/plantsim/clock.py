"""Time in the simulated plant: minutes on one UTC axis, shifts over midnight, public holidays, working intervals.

Belongs here: turning calendars of the plant's zone into intervals of UTC minutes, and reading minutes back as instants.
Does not belong here: who works when (`parameters`), or which machine is down (`trouble`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

Minutes = npt.NDArray[np.int64]
DAY_MIN = 1440


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of a calendar: weekday (1 = Monday), name, kind (`regular`/`overtime`), local start and end in minutes.

    An end at or before the start falls on the next day.
    """

    weekday: int
    name: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The plant's zone and the origin of its minute axis (midnight UTC of `origin`)."""

    zone: ZoneInfo
    origin: date

    def minute(self, day: date, minute_of_day: int) -> int:
        """Minutes since the origin of a local clock time; a minute of 1440 or more falls on the following days."""
        at = day + timedelta(days=minute_of_day // DAY_MIN)
        local = datetime.combine(at, time(minute_of_day % DAY_MIN // 60, minute_of_day % 60), tzinfo=self.zone)
        start = datetime.combine(self.origin, time(), tzinfo=UTC)
        return int((local.astimezone(UTC) - start).total_seconds() // 60)

    def minutes_of_days(self, days: npt.NDArray[np.int64], minute_of_day: int) -> Minutes:
        """`minute` for an array of day numbers since the origin."""
        if len(days) == 0:
            return np.zeros(0, np.int64)
        first, last = int(days.min()), int(days.max())
        span = range(first, last + 1)
        table = np.array([self.minute(self.origin + timedelta(days=d), minute_of_day) for d in span], np.int64)
        return table[days - first]

    def instant(self, minute: int) -> datetime:
        return datetime.combine(self.origin, time(), tzinfo=UTC) + timedelta(minutes=int(minute))

    def instants(self, minutes: Minutes) -> pl.Series:
        """Minutes as UTC instants; negative minutes (never happened) become null."""
        base = np.datetime64(datetime.combine(self.origin, time()), "us")
        values = base + minutes.astype("timedelta64[m]")
        series = pl.Series(values).dt.replace_time_zone("UTC")
        return series.zip_with(
            pl.Series(minutes >= 0), pl.Series([None], dtype=series.dtype).new_from_index(0, len(minutes))
        )

    def day_number(self, day: date) -> int:
        return (day - self.origin).days

    def dates(self, days: npt.NDArray[np.int64]) -> pl.Series:
        """Day numbers since the origin as dates."""
        return pl.Series(np.datetime64(self.origin, "D") + days.astype("timedelta64[D]")).cast(pl.Date)

    def local_days(self, minutes: Minutes) -> npt.NDArray[np.int64]:
        """The local day number of each minute."""
        local = self.instants(np.maximum(minutes, 0)).dt.convert_time_zone(str(self.zone)).dt.date()
        return (local.to_numpy().astype("datetime64[D]") - np.datetime64(self.origin, "D")).astype(np.int64)


def easter(year: int) -> date:
    """Easter Sunday (anonymous Gregorian computus, Meeus 1991, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * (c // 4) - c % 4 - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)


def holidays(first: date, last: date) -> list[tuple[date, str]]:
    """Days on which the works is closed, in order."""
    days: list[tuple[date, str]] = []
    for year in range(first.year, last.year + 1):
        sunday = easter(year)
        days += [
            (date(year, 1, 1), "New Year"),
            (sunday - timedelta(days=2), "Good Friday"),
            (sunday + timedelta(days=1), "Easter Monday"),
            (date(year, 5, 1), "Labour Day"),
            (sunday + timedelta(days=39), "Ascension"),
            (sunday + timedelta(days=50), "Whit Monday"),
            (date(year, 12, 25), "Christmas"),
            (date(year, 12, 26), "Boxing Day"),
        ]
    return sorted(day for day in days if first <= day[0] <= last)


def shift_intervals(
    clock: Clock, shifts: Sequence[Shift], closed: frozenset[date], days: int, kinds: tuple[str, ...] = ("regular",)
) -> tuple[Minutes, Minutes]:
    """Working intervals [start, end) of a calendar over `days` days from the origin, touching shifts merged."""
    raw: list[tuple[int, int]] = []
    for number in range(days):
        day = clock.origin + timedelta(days=number)
        if day in closed:
            continue
        for shift in shifts:
            if shift.weekday == day.isoweekday() and shift.kind in kinds:
                end = shift.end if shift.end > shift.start else shift.end + DAY_MIN
                raw.append((clock.minute(day, shift.start), clock.minute(day, end)))
    raw.sort()
    merged: list[list[int]] = []
    for start, end in raw:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    pairs = np.array(merged, np.int64).reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def subtract(starts: Minutes, ends: Minutes, gap_starts: Minutes, gap_ends: Minutes) -> tuple[Minutes, Minutes]:
    """Disjoint sorted intervals less other intervals (any order, may overlap)."""
    if len(gap_starts) == 0:
        return starts, ends
    points = np.concatenate([starts, ends, gap_starts, gap_ends])
    open_change = np.concatenate([np.ones(len(starts)), -np.ones(len(ends)), np.zeros(2 * len(gap_starts))])
    gap_change = np.concatenate([np.zeros(2 * len(starts)), np.ones(len(gap_starts)), -np.ones(len(gap_ends))])
    order = np.argsort(points, kind="stable")
    at = points[order]
    working = (np.cumsum(open_change[order]) > 0) & (np.cumsum(gap_change[order]) == 0)
    keep = working[:-1] & (at[1:] > at[:-1])
    left, right = at[:-1][keep], at[1:][keep]
    return left, right


@dataclass(frozen=True, slots=True)
class Intervals:
    """Working intervals of many machines, one after another: machine m owns rows `ptr[m]` to `ptr[m + 1]`.

    `before` is the working time of that machine before the interval.
    """

    ptr: Minutes
    start: Minutes
    end: Minutes
    before: Minutes

    @classmethod
    def stack(cls, parts: Sequence[tuple[Minutes, Minutes]]) -> Intervals:
        ptr = np.concatenate([[0], np.cumsum([len(p[0]) for p in parts])]).astype(np.int64)
        start = np.concatenate([p[0] for p in parts]) if parts else np.zeros(0, np.int64)
        end = np.concatenate([p[1] for p in parts]) if parts else np.zeros(0, np.int64)
        before = np.concatenate([np.cumsum(p[1] - p[0]) - (p[1] - p[0]) for p in parts]) if parts else start
        return cls(ptr, start.astype(np.int64), end.astype(np.int64), before.astype(np.int64))

    def worked(self, machine: Minutes, at: Minutes) -> Minutes:
        """Working minutes of each machine from the origin to each instant."""
        span = int(max(self.end.max(), at.max(initial=0))) + 2
        owner = np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))
        row = np.searchsorted(owner * span + self.start, machine * span + at, side="right") - 1
        mine = (row >= 0) & (row >= self.ptr[machine])
        row = np.maximum(row, 0)
        inside = np.minimum(at, self.end[row]) - self.start[row]
        return np.where(mine, self.before[row] + inside, 0)
