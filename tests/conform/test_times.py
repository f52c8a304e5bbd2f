# ruff: noqa: DTZ001 - naive local times are what this is about
"""Written times become instants in UTC; what the clock does to them is said, what a spreadsheet did is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_platform.conform.times import clocks, days, instants, plain_days, plain_instants

BERLIN = "Europe/Berlin"


def _instant(text: str, timezone: str = BERLIN) -> tuple[datetime | None, str | None]:
    value, doubt = instants(pl.Series("t", [text]), timezone)
    return value[0], doubt[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T06:00:00+01:00", datetime(2026, 3, 2, 5)),
        ("2026-03-02T06:00:00Z", datetime(2026, 3, 2, 6)),
        ("2026-03-02T06:00:00", datetime(2026, 3, 2, 5)),
        ("2026-03-02 06:00", datetime(2026, 3, 2, 5)),
        ("2026-07-02T06:00:00.250", datetime(2026, 7, 2, 4, 0, 0, 250_000)),
        ("2026-03-02", datetime(2026, 3, 1, 23)),
        ("2026-03-02T06:00:00-0500", datetime(2026, 3, 2, 11)),
    ],
)
def test_an_offset_is_taken_as_written_and_local_time_is_the_plant_s(text: str, expected: datetime) -> None:
    assert _instant(text) == (expected.replace(tzinfo=UTC), None)


def test_local_times_of_the_two_odd_days() -> None:
    assert _instant("2026-03-29T02:30:00") == (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "nonexistent")
    assert _instant("2026-10-25T02:30:00") == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "ambiguous")
    assert _instant("2026-10-25T02:30:00+01:00") == (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), None)


@pytest.mark.parametrize(
    "text", ["24:00.0", "10:15", "2026-13-01T00:00:00", "yesterday", "2026-03-02T25:00:00", "45000"]
)
def test_what_is_no_instant_is_null(text: str) -> None:
    assert _instant(text)[0] is None


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda t: t.replace(microsecond=0)))
def test_local_times_agree_with_the_standard_library(local: datetime) -> None:
    value, doubt = _instant(local.isoformat())
    zone = ZoneInfo(BERLIN)
    first = local.replace(tzinfo=zone).astimezone(UTC)
    assert value == first  # fold=0: the first of two; of a missing hour the instant an hour later on the clock
    back = first.astimezone(zone).replace(tzinfo=None)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    expected = "nonexistent" if back != local else ("ambiguous" if second != first else None)
    assert doubt == expected


def test_dates() -> None:
    values = pl.Series("d", ["2026-03-02", "2026-03-02T22:00:00", "2.3.2026", "24:00.0", None])
    assert days(values).to_list() == [date(2026, 3, 2), date(2026, 3, 2), None, None, None]
    assert days(pl.Series([datetime(2026, 3, 2, 22)])).to_list() == [date(2026, 3, 2)]


def test_times_of_day() -> None:
    values = pl.Series("c", ["06:00", "6:00", "22:30:15", "24:00", "25:00", None])
    assert clocks(values).to_list() == [time(6), time(6), time(22, 30, 15), time(0), None, None]


@given(st.lists(st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1)), max_size=5), st.integers(-12, 14))
def test_offsets_and_parquet_times_agree_with_text(moments: list[datetime], hours: int) -> None:
    sign = "+" if hours >= 0 else "-"
    text = pl.Series(
        "t", [f"{m.replace(microsecond=0).isoformat()}{sign}{abs(hours):02d}:00" for m in moments], dtype=pl.String
    )
    expected = [(m.replace(microsecond=0) - timedelta(hours=hours)).replace(tzinfo=UTC) for m in moments]
    assert instants(text, BERLIN)[0].to_list() == expected
    typed = pl.Series("t", expected, dtype=pl.Datetime("ms", "UTC"))
    assert instants(typed, BERLIN)[0].to_list() == expected


WRITTEN = (
    "2026-03-02T06:00:00+01:00", "2026-03-02T06:00:00+0100", "2026-03-02T06:00:00Z", "2026-03-02T06:00:00z",
    "2026-03-02T06:00:00", "2026-03-02 06:00:00Z", "2026-03-02T06:00+01:00", "2026-03-02T06:00:00.5Z", "2026-13-02T06:00:00Z",
    "2026-03-02T25:00:00Z", "2026-03-02", "2026-3-2", "24:00.0", "soon",
)  # fmt: skip


def test_what_is_read_plainly_is_read_as_any_other() -> None:
    text = pl.DataFrame({"t": WRITTEN})
    plain = text.select(instant=plain_instants(pl.col("t")), day=plain_days(pl.col("t")))
    slowly, doubts = instants(text["t"], BERLIN)
    for name, read in (("instant", slowly), ("day", days(text["t"]))):
        known = plain[name].is_not_null()
        assert known.any()
        assert plain[name].filter(known).equals(read.filter(known))
    assert doubts.filter(plain["instant"].is_not_null()).null_count() == plain["instant"].count()
