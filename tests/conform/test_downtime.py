"""Conforming again after downtime was reported gives what conforming the whole night with those reports gives."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recon_platform.conform import conform
from recon_platform.conform.downtime import conform_downtime
from recon_platform.tables.context import PlanContext
from recon_platform.tables.registry import output_table
from tests.conform.plant import context, landing, table

EVENTS = "event machine work_center started_at ended_at expected_end planned reason reported_at"
PLANNED = "machine work_center start end kind reason"
NIGHT = landing(
    machines=table("machine work_center mes_machine", "HD-01 HD PRESS1", "HD-02 HD PRESS2", "PK-01 PK -"),
    work_center_xref=table("source source_key key", "mes HEADERS HD"),
    planned_downtime=table(PLANNED, "PK-01 - 2026-03-03T06:00:00Z 2026-03-03T09:00:00Z maintenance -"),
    downtime_events=table(
        EVENTS, "E1 PRESS1 - 2026-03-02T03:00:00Z - 2026-03-02T09:00:00Z false spindle 2026-03-02T03:05:00Z"
    ),
    feeds=table(
        "table source extracted_at watermark rows",
        "downtime_events mes 2026-03-02T04:00:00Z 2026-03-02T04:00:00Z 1",
        "planned_downtime erp 2026-02-20T04:00:00Z 2026-02-20T04:00:00Z 1",
    ),
)
REPORTS = {
    "a stop by the name of the MES": "E2 press-2 - 2026-03-02T06:00:00Z - 2026-03-02T12:00:00Z false - 2026-03-02T06:00:00Z",
    "a work center by its cross-reference": "E2 - HEADERS 2026-03-02T06:00:00 2026-03-02T07:00:00 - false - 2026-03-02T07:00:00",
    "a report from the future": "E2 HD-01 - 2026-03-04T06:00:00Z - - false - 2026-03-09T06:00:00Z",
    "a local time that came twice": "E2 HD-01 - 2025-10-26T02:30:00 - - false - 2025-10-26T02:30:00",
}
WITHOUT_ANSWER = {
    "a machine nobody knows": "E2 PRESS9 - 2026-03-02T06:00:00Z - - false - 2026-03-02T06:00:00Z",
    "a start that is no time": "E2 HD-01 - soon - - false - 2026-03-02T06:00:00Z",
}
CLOSED_ALL_YEAR = "- HD 2026-03-02T00:00:00Z 2028-01-01T00:00:00Z breakdown E2"


def with_reports(event: str, blocks: str | None = None) -> dict[str, pl.DataFrame]:
    """The night's landing with one more event and, where given, one more stretch of planned downtime."""
    more = {"downtime_events": table(EVENTS, event)} | ({"planned_downtime": table(PLANNED, blocks)} if blocks else {})
    return {name: pl.concat([NIGHT[name], more[name]]) if name in more else NIGHT[name] for name in NIGHT}


def settled(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(output_table(name).column_names[: frame.width]).sort(output_table(name).key)


def again(landed: dict[str, pl.DataFrame], at: PlanContext) -> dict[str, pl.DataFrame] | None:
    raw = {name: landed[name] for name in ("planned_downtime", "downtime_events")}
    return conform_downtime(raw, conform(NIGHT, at), at)


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("blocks", [None, CLOSED_ALL_YEAR], ids=["", "and its work center closed all year"])
def test_what_downtime_changes_is_as_in_a_whole_night(report: str, blocks: str | None) -> None:
    at = context()
    landed = with_reports(REPORTS[report], blocks)
    made = again(landed, at)
    assert made is not None
    whole = conform(landed, at)
    for name, frame in made.items():
        assert_frame_equal(settled(name, frame), settled(name, whole[name]))
    night = conform(NIGHT, at)
    for name in set(whole) - set(made):  # and nothing else changes
        assert_frame_equal(settled(name, whole[name]), settled(name, night[name]))
    assert not made["downtime_events"].equals(night["downtime_events"])


@pytest.mark.parametrize("report", WITHOUT_ANSWER)
def test_a_report_that_cannot_be_taken_as_it_is_leaves_the_whole_night_to_be_conformed(report: str) -> None:
    assert again(with_reports(WITHOUT_ANSWER[report]), context()) is None


def test_so_does_working_time_of_days_that_are_over_as_the_night_learned_from_it() -> None:
    report = REPORTS["a stop by the name of the MES"]
    closed = "- HD 2026-02-23T00:00:00Z 2026-02-24T00:00:00Z breakdown E2"
    assert again(with_reports(report, closed), context()) is None
    before = "- HD 2026-02-10T00:00:00Z 2026-02-11T00:00:00Z breakdown E2"
    assert again(with_reports(report, before), context()) is not None


@pytest.mark.parametrize("report", WITHOUT_ANSWER)
def test_so_does_one_that_the_night_already_had(report: str) -> None:
    raw = with_reports(REPORTS["a stop by the name of the MES"])
    assert conform_downtime(raw, conform(with_reports(WITHOUT_ANSWER[report]), context()), context()) is None
