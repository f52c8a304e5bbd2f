"""Downtime events between nights: newest report wins, and only a change of machine time matters."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_platform.nights.downtime import (
    DowntimeEvent,
    blocked,
    coalesced_key,
    fingerprint,
    judge,
    known_events,
    laid_over,
    read_events,
)
from recon_platform.nights.stakes import Stakes
from recon_platform.tables.policy import CapacityPolicy

BERLIN = ZoneInfo("Europe/Berlin")
AS_OF = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = CapacityPolicy(major_downtime_minutes=60, major_constraint_minutes=20, major_frozen_minutes=30)
HEADER = "event,machine,work_center,started_at,ended_at,expected_end,planned,reason,reported_at"


def event(
    name: str = "E1", start: float = 8, end: float | None = 12, *, reported: float = 8.1,
    machine: str | None = "HDR-01", ended: bool = False, planned: bool = False, reason: str = "",
) -> DowntimeEvent:  # fmt: skip
    """An event on the planning day; times are hours UTC."""
    at = datetime(2026, 3, 2, tzinfo=UTC)
    stop = None if end is None else at + timedelta(hours=end)
    fields = {"event": name, "end": str(stop), "reported": str(reported), "reason": reason, "ended": str(ended)}
    return DowntimeEvent(
        name, machine, None, at + timedelta(hours=start), stop if ended else None, None if ended else stop, planned,
        at + timedelta(hours=reported), fields,
    )  # fmt: skip


def verdict(new: DowntimeEvent, known: DowntimeEvent | None = None) -> tuple[bool, float]:
    found = judge(new, known, as_of=AS_OF, now=NOW, policy=POLICY)
    return found.major, found.minutes


def test_a_long_stop_is_major_and_a_short_one_is_not() -> None:
    assert verdict(event(end=12)) == (True, 240)
    assert verdict(event(end=8 + 2 / 60)) == (False, pytest.approx(2))


def test_the_limit_itself_is_major() -> None:
    assert verdict(event(end=9)) == (True, 60)


def test_a_second_delivery_changes_nothing() -> None:
    assert verdict(event(), known=event()) == (False, 0)


def test_a_correction_of_the_reason_changes_nothing() -> None:
    assert verdict(event(reason="spindle", reported=9), known=event()) == (False, 0)


def test_a_late_end_and_an_early_end_both_count_by_their_change() -> None:
    assert verdict(event(end=15, reported=11), known=event(end=12)) == (True, 180)
    assert verdict(event(end=8.5, ended=True, reported=8.6), known=event(end=12)) == (True, 210)
    assert verdict(event(end=12.5, reported=11), known=event(end=12)) == (False, 30)


def test_an_older_report_that_arrives_late_is_ignored() -> None:
    assert verdict(event(end=20, reported=8), known=event(end=12, reported=9)) == (False, 0)


def test_a_stop_that_was_over_before_the_plan_is_no_reason_to_plan_again() -> None:
    assert verdict(event(start=-10, end=0, reported=2)) == (False, 0)


def test_only_what_lies_after_the_plan_counts() -> None:
    assert verdict(event(start=-2, end=1.5)) == (False, 30)


def test_a_stop_without_an_end_lasts_until_now() -> None:
    assert verdict(event(start=8, end=None)) == (True, 60)
    assert verdict(event(start=8.5, end=None, reported=8.6)) == (False, 30)


def test_the_wrong_machine_corrected_counts_both_machines() -> None:
    assert verdict(event(machine="HDR-02", reported=9), known=event()) == (True, 480)


def at(hours: float) -> datetime:
    return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hours)


def test_less_is_major_at_a_constraint() -> None:
    half_an_hour = event(end=8.5)
    for load, major in ((0.95, True), (0.5, False)):
        stakes = Stakes(centers={"HDR-01": "HDR"}, load_share={"HDR": load})
        found = judge(half_an_hour, None, as_of=AS_OF, now=NOW, policy=POLICY, stakes=stakes)
        assert found.major is major
    stakes = Stakes(centers={"HDR-01": "HDR"}, load_share={"HDR": 0.95})
    assert not judge(event(end=8.2), None, as_of=AS_OF, now=NOW, policy=POLICY, stakes=stakes).major


def test_frozen_work_in_the_time_newly_lost_is_major_and_none_that_the_plan_moved_already() -> None:
    frozen = pl.DataFrame(
        {"work_center": ["HDR"], "machine": ["H1"], "start": [at(8)], "end": [at(8.6)]}, schema=Stakes().frozen.schema
    )
    stakes = Stakes(centers={"HDR-01": "HDR"}, machines={"HDR-01": "H1"}, frozen=frozen)
    found = judge(event(end=8.75), None, as_of=AS_OF, now=NOW, policy=POLICY, stakes=stakes)
    assert (found.major, found.minutes) == (True, pytest.approx(45))
    assert "36 min of frozen work" in found.reason
    later = judge(event(end=9, reported=8.7), event(end=8.75), as_of=AS_OF, now=NOW, policy=POLICY, stakes=stakes)
    assert not later.major  # what is newly lost, from 8.75 on, holds no frozen work
    elsewhere = judge(event(end=8.75, machine="X"), None, as_of=AS_OF, now=NOW, policy=POLICY, stakes=stakes)
    assert not elsewhere.major


def test_planned_downtime_and_an_event_without_a_place_are_no_reason() -> None:
    assert not verdict(event(planned=True))[0]
    assert not verdict(event(machine=None))[0]


@given(
    st.floats(-20, 40), st.floats(0, 30), st.floats(0, 30),
)  # fmt: skip
def test_change_is_symmetric_and_never_more_than_both_stops(start: float, first: float, second: float) -> None:
    one, two = event(start=start, end=start + first), event(start=start, end=start + second)
    forth = judge(two, one, as_of=AS_OF, now=NOW, policy=POLICY).minutes
    back = judge(one, two, as_of=AS_OF, now=NOW, policy=POLICY).minutes
    assert forth == pytest.approx(back, abs=1e-6)
    assert -1e-6 <= forth <= (first + second) * 60 + 1e-6


def drop(folder: Path, name: str, *rows: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def test_no_folder_means_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events", BERLIN).events == ()


def test_local_times_are_read_in_the_plants_zone(tmp_path: Path) -> None:
    drop(
        tmp_path,
        "downtime_events.csv",
        "E1,HDR-01,,2026-03-02T09:00:00,,2026-03-02T13:00:00Z,false,,2026-03-02T09:05:00",
    )
    (found,) = read_events(tmp_path, BERLIN).events
    assert found.started_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert found.end == datetime(2026, 3, 2, 13, 0, tzinfo=UTC)


def test_the_newest_report_wins_whatever_the_order_of_files(tmp_path: Path) -> None:
    early = "E1,HDR-01,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,,,2026-03-02T08:05:00Z"
    late = "E1,HDR-01,,2026-03-02T08:00:00Z,2026-03-02T10:00:00Z,,,,2026-03-02T10:05:00Z"
    drop(tmp_path / "a", "downtime_events-1.csv", early)
    drop(tmp_path / "a", "downtime_events-2.csv", late, late)
    drop(tmp_path / "b", "downtime_events-1.csv", late)
    drop(tmp_path / "b", "downtime_events-2.csv", early)
    first, second = read_events(tmp_path / "a", BERLIN), read_events(tmp_path / "b", BERLIN)
    assert first.events == second.events
    assert first.events[0].end == datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("E1,HDR-01,,yesterday,,,,,2026-03-02T08:05:00Z", "row 1: column started_at is 'yesterday'"),
        (",HDR-01,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z", "row 1: column event is empty"),
        ("E1,HDR-01,,2026-03-02T08:00:00Z,2026-03-02T07:00:00Z,,,,2026-03-02T08:05:00Z", "before started_at"),
    ],
)
def test_a_broken_row_is_named_and_the_others_count(tmp_path: Path, row: str, says: str) -> None:
    drop(tmp_path, "downtime_events.csv", row, "E2,HDR-02,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z")
    found = read_events(tmp_path, BERLIN)
    assert [e.event for e in found.events] == ["E2"]
    assert len(found.problems) == 1
    assert says in found.problems[0]
    assert "downtime_events.csv" in found.problems[0]


def test_a_wrong_header_and_a_wrong_encoding_are_named(tmp_path: Path) -> None:
    (tmp_path / "downtime_events-1.csv").write_text("id,start\n1,2\n", encoding="utf-8")
    (tmp_path / "downtime_events-2.csv").write_bytes(b"event,started_at,reported_at\n\xff\xfe,1,2\n")
    problems = read_events(tmp_path, BERLIN).problems
    assert "event, started_at, reported_at missing" in problems[0]
    assert "UTF-8" in problems[1]


def test_a_file_still_being_written_is_left_alone(tmp_path: Path) -> None:
    path = drop(tmp_path, "downtime_events.csv", "E1,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z")
    path.rename(tmp_path / ".downtime_events.csv")
    assert read_events(tmp_path, BERLIN).events == ()


def test_the_fingerprint_changes_when_a_file_grows(tmp_path: Path) -> None:
    path = drop(tmp_path, "downtime_events.csv", "E1,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z")
    before = fingerprint(tmp_path)
    assert before == fingerprint(tmp_path)
    with path.open("a") as file:
        file.write("E2,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z\n")
    os.utime(path)
    assert fingerprint(tmp_path) != before


def test_events_laid_over_what_came_replace_by_event_and_add_what_is_new(tmp_path: Path) -> None:
    came = pl.DataFrame({
        "event": ["E2", "E0"], "started_at": ["2026-03-01T08:00:00Z"] * 2, "reported_at": ["2026-03-01T08:00:00Z"] * 2,
        "_source": "mes", "_file": "downtime_events.csv", "_row": [1, 2], "_extracted_at": None, "_problem": None,
    })  # fmt: skip
    drop(
        tmp_path, "downtime_events.csv", "E2,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z",
        "E1,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z",
    )  # fmt: skip
    events = read_events(tmp_path, BERLIN).events
    laid = laid_over(came, events)
    assert laid is not None
    rows = laid.sort("event")
    assert rows["event"].to_list() == ["E0", "E1", "E2"]
    assert rows["_file"].to_list() == ["downtime_events.csv", *["events/downtime_events.csv"] * 2]
    assert rows["_row"].to_list() == [2, 2, 1]
    assert laid_over(came, []) is came
    assert known_events(rows, BERLIN)["E1"] == events[0]


def test_a_plant_without_the_table_takes_events_too(tmp_path: Path) -> None:
    drop(tmp_path, "downtime_events.csv", "E1,M,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z")
    laid = laid_over(None, read_events(tmp_path, BERLIN).events)
    assert laid is not None
    assert laid.height == 1
    assert laid_over(None, []) is None


def test_a_stop_after_the_night_is_time_known_to_be_lost(tmp_path: Path) -> None:
    drop(
        tmp_path, "downtime_events.csv",
        "E1,M1,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,,,2026-03-02T08:05:00Z",
        "E2,,WC,2026-03-02T08:00:00Z,,,,,2026-03-02T08:05:00Z",
        "E3,M3,,2026-03-02T00:30:00Z,,2026-03-02T12:00:00Z,,,2026-03-02T00:35:00Z",
        "E4,M4,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,true,,2026-03-02T08:05:00Z",
    )  # fmt: skip
    rows = blocked(None, read_events(tmp_path, BERLIN).events, as_of=AS_OF, assumed_minutes=240)
    assert rows is not None
    assert rows.select("machine", "work_center", "start", "end", "kind").rows() == [
        ("M1", None, "2026-03-02T08:00:00+00:00", "2026-03-02T12:00:00+00:00", "breakdown"),
        (None, "WC", "2026-03-02T08:00:00+00:00", "2026-03-02T12:00:00+00:00", "breakdown"),
    ]  # under way at the night's instant: the scheduler's own; planned: nobody's event


def test_a_second_rerun_replaces_what_the_first_knew_of_an_event(tmp_path: Path) -> None:
    first = "E1,M1,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,,,2026-03-02T08:05:00Z"
    drop(tmp_path, "downtime_events.csv", first)
    once = blocked(None, read_events(tmp_path, BERLIN).events, as_of=AS_OF, assumed_minutes=240)
    drop(tmp_path, "downtime_events-2.csv", first.replace("T12:00", "T15:00").replace("T08:05", "T11:55"))
    twice = blocked(once, read_events(tmp_path, BERLIN).events, as_of=AS_OF, assumed_minutes=240)
    assert twice is not None
    assert twice["end"].to_list() == ["2026-03-02T15:00:00+00:00"]
    assert twice.select("_file", "_row").is_unique().all()


def test_the_run_key_names_the_set_of_reports_not_their_order() -> None:
    one, two = (judge(event(name), None, as_of=AS_OF, now=NOW, policy=POLICY) for name in ("E1", "E2"))
    assert coalesced_key("P", [one, two]) == coalesced_key("P", [two, one])
    assert coalesced_key("P", [one]) != coalesced_key("P", [one, two])
    assert coalesced_key("P", [one]) != coalesced_key("Q", [one])
