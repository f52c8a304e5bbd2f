"""Working time equals a count of minutes on the wall clock, through midnight, overlaps, closures and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.conform.calendars import plant_days, working_time
from recon_platform.tables.registry import conformed_table

BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"
Shift = tuple[int, time, time, str]


def _calendar(shifts: list[Shift]) -> pl.DataFrame:
    rows = [
        {"calendar": "C", "weekday": day, "shift": f"S{i}", "kind": kind, "start": start, "end": end}
        for i, (day, start, end, kind) in enumerate(shifts)
    ]
    return conformed_table("calendars").frame(pl.DataFrame(rows)) if rows else conformed_table("calendars").empty()


def _table(name: str, *rows: dict[str, object]) -> pl.DataFrame:
    return conformed_table(name).frame(list(rows)) if rows else conformed_table(name).empty()


CENTER = {"work_center": "W", "calendar": "C", "machines": 1}
MACHINE = {"machine": "W-01", "work_center": "W"}


def _working(
    shifts: list[Shift], timezone: str, as_of: datetime, *, exceptions: pl.DataFrame | None = None,
    downtime: pl.DataFrame | None = None, center: dict[str, object] | None = None,
) -> pl.DataFrame:  # fmt: skip
    return working_time(
        _table("machines", MACHINE), _table("work_centers", CENTER | (center or {})), _calendar(shifts),
        _table("calendar_exceptions") if exceptions is None else exceptions,
        _table("planned_downtime") if downtime is None else downtime,
        as_of=as_of, horizon_days=1, timezone=timezone,
    )  # fmt: skip


def _minutes(frame: pl.DataFrame, begin: datetime, finish: datetime, kind: str) -> int:
    total = 0
    for row in frame.filter(pl.col("kind") == kind).iter_rows(named=True):
        overlap = min(row["end"], finish) - max(row["start"], begin)
        total += max(0, int(overlap.total_seconds() // 60))
    return total


def _brute(shifts: list[Shift], timezone: str, begin: datetime, finish: datetime) -> dict[str, int]:
    """Minute by minute: is this instant inside a shift that started on some date, its ends taken as instants?"""
    zone = ZoneInfo(timezone)
    spans: list[tuple[datetime, datetime, str]] = []
    day = begin.date() - timedelta(days=3)
    while day <= finish.date() + timedelta(days=3):
        for weekday, start, end, kind in shifts:
            if weekday == day.isoweekday():
                first = datetime.combine(day, start, zone).astimezone(UTC)
                last_day = day + timedelta(days=1 if end <= start else 0)
                spans.append((first, datetime.combine(last_day, end, zone).astimezone(UTC), kind))
        day += timedelta(days=1)
    counts = {"regular": 0, "overtime": 0}
    moment = begin
    while moment < finish:
        kinds = {kind for first, last, kind in spans if first <= moment < last}
        if kinds:
            counts["regular" if "regular" in kinds else "overtime"] += 1
        moment += timedelta(minutes=1)
    return counts


CLOCK = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
SHIFTS = st.lists(
    st.tuples(st.integers(1, 7), CLOCK, CLOCK, st.sampled_from(["regular", "overtime"])), min_size=1, max_size=6
)
AROUND = st.sampled_from([
    (BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC)), (BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC)),
    (CHICAGO, datetime(2026, 3, 7, 18, tzinfo=UTC)), (CHICAGO, datetime(2026, 10, 31, 18, tzinfo=UTC)),
    (BERLIN, datetime(2026, 6, 3, 0, tzinfo=UTC)),
])  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(SHIFTS, AROUND)
def test_working_minutes_equal_a_brute_force_count(shifts: list[Shift], around: tuple[str, datetime]) -> None:
    timezone, begin = around
    finish = begin + timedelta(hours=40)
    found = _working(shifts, timezone, begin)
    expected = _brute(shifts, timezone, begin, finish)
    assert {kind: _minutes(found, begin, finish, kind) for kind in expected} == expected


@settings(max_examples=15, deadline=None)
@given(SHIFTS)
def test_intervals_are_disjoint_sorted_and_do_not_touch_within_a_kind(shifts: list[Shift]) -> None:
    frame = _working(shifts, BERLIN, datetime(2026, 3, 28, tzinfo=UTC))
    rows = frame.rows(named=True)
    for before, after in pairwise(rows):
        assert before["end"] <= after["start"]
        assert before["end"] < after["start"] or before["kind"] != after["kind"]


def test_a_night_shift_is_shorter_or_longer_when_the_clocks_change() -> None:
    night: list[Shift] = [(day, time(22), time(6), "regular") for day in range(1, 8)]
    spring = _working(night, BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC))
    autumn = _working(night, BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC))
    at = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert _minutes(spring, at, at + timedelta(days=1), "regular") == 7 * 60
    at = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert _minutes(autumn, at, at + timedelta(hours=25), "regular") == 9 * 60


WEEK: list[Shift] = [(day, time(6), time(14), "regular") for day in range(1, 8)]
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def test_closures_extra_time_and_planned_downtime() -> None:
    exceptions = _table(
        "calendar_exceptions",
        {"calendar": "C", "date": date(2026, 3, 2), "kind": "closed"},
        {"calendar": "C", "date": date(2026, 3, 3), "kind": "closed", "start": time(6), "end": time(8)},
        {"calendar": "C", "date": date(2026, 3, 4), "kind": "extra", "start": time(14), "end": time(18)},
    )
    downtime = _table(
        "planned_downtime",
        {
            "machine": "W-01",
            "start": datetime(2026, 3, 5, 5, tzinfo=UTC),
            "end": datetime(2026, 3, 5, 6, tzinfo=UTC),
            "kind": "maintenance",
        },
        {
            "work_center": "W",
            "start": datetime(2026, 3, 6, 5, tzinfo=UTC),
            "end": datetime(2026, 3, 6, 7, tzinfo=UTC),
            "kind": "maintenance",
        },
    )
    found = _working(WEEK, BERLIN, MONDAY, exceptions=exceptions, downtime=downtime)
    by_day = [_minutes(found, MONDAY + timedelta(days=i), MONDAY + timedelta(days=i + 1), "regular") for i in range(5)]
    assert by_day == [0, 6 * 60, 12 * 60, 7 * 60, 6 * 60]


def test_a_vendor_works_round_the_clock() -> None:
    found = _working(WEEK, BERLIN, MONDAY, center={"external": True})
    assert found.height == 1
    assert found["start"][0] == MONDAY - timedelta(days=14)
    assert found["end"][0] == MONDAY + timedelta(days=31)


def test_plant_days_count_working_days_from_the_planning_date() -> None:
    calendar = _calendar([(day, time(22), time(6), "regular") for day in range(1, 6)])
    closed = _table("calendar_exceptions", {"calendar": "C", "date": date(2026, 3, 3), "kind": "closed"})
    days = plant_days(
        calendar, closed, as_of=MONDAY, planning_date=date(2026, 3, 1), horizon_days=1, timezone=BERLIN
    )  # fmt: skip
    near = days.filter(pl.col("ordinal").is_between(-1, 2)).select("day", "ordinal").rows()
    assert near == [(date(2026, 2, 27), -1), (date(2026, 3, 2), 0), (date(2026, 3, 4), 1), (date(2026, 3, 5), 2)]
    monday = days.row(by_predicate=pl.col("ordinal") == 0, named=True)
    assert monday["last_end"] == datetime(2026, 3, 3, 5, tzinfo=UTC)
    assert (days["ordinal"].diff().drop_nulls() == 1).all()


@pytest.mark.parametrize("kind", ["regular", "overtime"])
def test_a_shift_without_end_before_start_lasts_a_day(kind: str) -> None:
    found = _working([(1, time(0), time(0), kind)], BERLIN, MONDAY)
    assert _minutes(found, MONDAY, MONDAY + timedelta(days=1), kind) == 23 * 60  # Tuesday 00:00 local is 23:00 UTC
