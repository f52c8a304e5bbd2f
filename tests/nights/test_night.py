"""A run: pinned when opened, visible only when closed, resumed where it stood, numbered in order."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.lake import ConflictError, Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.night import close, open_night, resume, run_night, run_stage
from recon_platform.nights.replay import replay
from recon_platform.planning import Stage
from recon_platform.tables.registry import table
from recon_platform.tables.validation import TableError
from tests.nights.small import STAGES, landing

DAY = date(2026, 1, 5)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_a_night_writes_every_table_and_the_manifest_names_them(lake: Lake) -> None:
    result = run_night(lake, landing(), stages=STAGES)
    manifest = records.manifest(lake, result.run_id)
    assert set(manifest.outputs) == {"items", "unscheduled", "row_counts"}
    assert set(manifest.pins.inputs) == {"raw.items", "decisions_in_force"}
    assert manifest.pins.context.planning_date == DAY
    assert manifest.read(lake, "unscheduled").equals(result.frames["unscheduled"])
    assert result.frames["unscheduled"]["work_order"].to_list() == ["I0000", "I0001", "I0002"]
    assert manifest.digest == result.manifest.digest


def test_the_second_night_reads_the_first(lake: Lake) -> None:
    first = run_night(lake, landing(), stages=STAGES)
    second = run_night(lake, landing(4, as_of=datetime(2026, 1, 6, 4, tzinfo=UTC)), stages=STAGES)
    assert second.manifest.pins.previous_run == first.run_id
    assert second.frames["unscheduled"]["reason"][0] == "3 before, sequence 0"
    assert records.manifest(lake, first.run_id).read(lake, "unscheduled").height == 3


def test_runs_of_one_date_are_numbered_and_the_earlier_stays_readable(lake: Lake) -> None:
    first = run_night(lake, landing(), stages=STAGES)
    second = run_night(lake, landing(5), stages=STAGES)
    assert (first.manifest.pins.sequence, second.manifest.pins.sequence) == (0, 1)
    assert second.manifest.pins.previous_run == first.run_id
    assert records.manifest(lake, first.run_id).read(lake, "unscheduled").height == 3
    newest = records.latest(lake, "P1", DAY)
    assert newest is not None and newest.run_id == second.run_id
    with pytest.raises(LakeError, match=r"sequence 1 is taken.*next is 2"):
        open_night(lake, landing(6), sequence=1)


def test_a_run_that_was_not_closed_is_invisible_and_goes_on_where_it_stood(lake: Lake) -> None:
    run = open_night(lake, landing())
    run_stage(run, STAGES[0])
    assert records.latest(lake, "P1") is None
    with pytest.raises(LakeError, match="did open, conform and never finished"):
        records.manifest(lake, run.run_id)
    with pytest.raises(LakeError, match="schedule, metrics did not run"):
        close(run, STAGES)
    version = lake.version("conformed", "items")
    result = run_night(lake, landing(), stages=STAGES)
    assert result.run_id == run.run_id
    assert result.seconds["conform"] == 0.0
    assert lake.version("conformed", "items") == version


def test_steps_may_run_in_other_processes(lake: Lake) -> None:
    run = open_night(lake, landing())
    for stage in STAGES:
        again = resume(lake, run.run_id)
        assert again is not None
        run_stage(again, stage)
    last = resume(lake, run.run_id)
    assert last is not None
    assert close(last, STAGES).digest == run_night(Lake(f"{lake.root}2"), landing(), stages=STAGES).manifest.digest
    assert resume(lake, "P1.2026-01-05.0.000000000000") is None


def test_other_inputs_are_another_run(lake: Lake) -> None:
    assert open_night(lake, landing(3)).run_id == open_night(lake, landing(3)).run_id
    assert open_night(lake, landing(3)).run_id != open_night(lake, landing(4)).run_id


def test_two_runs_cannot_finish_as_the_same_sequence(lake: Lake) -> None:
    one, other = open_night(lake, landing(3)), open_night(lake, landing(4))
    for stage in STAGES:
        run_stage(one, stage)
        run_stage(other, stage)
    close(one, STAGES)
    close(one, STAGES)  # closing again changes nothing
    with pytest.raises(ConflictError, match="another run of P1 on 2026-01-05 finished as sequence 0"):
        close(other, STAGES)
    assert [m.run_id for m in records.manifests(lake)] == [one.run_id]
    assert replay(lake, one.run_id, stages=STAGES).identical


def test_a_table_that_does_not_fit_is_refused_before_anything_is_written(lake: Lake) -> None:
    def broken(frames: object, context: object) -> dict[str, pl.DataFrame]:
        good = table("row_counts").frame([{"table": "a", "rows_in": 1, "rows_out": 1, "rows_quarantined": 0}])
        bad = table("unscheduled").frame([{"work_order": "W", "reason": "x"}, {"work_order": "W", "reason": "y"}])
        return {"row_counts": good, "unscheduled": bad}

    run = open_night(lake, landing())
    stage = Stage("schedule", "b", "Broken.", reads=(), writes=("row_counts", "unscheduled"), run=broken)
    with pytest.raises(TableError, match="unscheduled: the key work_order must be unique; 2 rows"):
        run_stage(run, stage)
    assert not lake.exists("conformed", "row_counts")
    assert "schedule" not in records.steps(lake, run.run_id)


def test_replay_reproduces_every_digest_and_names_what_differs(lake: Lake) -> None:
    run_night(lake, landing(), stages=STAGES)
    result = run_night(lake, landing(5, as_of=datetime(2026, 1, 6, 4, tzinfo=UTC)), stages=STAGES)
    report = replay(lake, result.run_id, stages=STAGES)
    assert report.identical and report.tables == 3 and report.changed == ()

    def other(frames: dict[str, pl.DataFrame], context: object) -> dict[str, pl.DataFrame]:
        made = STAGES[1].run(frames, run_context)["unscheduled"]
        return {"unscheduled": made.with_columns(reason=pl.when(pl.col("work_order") == "I0003").then(
            pl.lit("other")).otherwise("reason"))}  # fmt: skip

    run_context = result.manifest.pins.context
    changed = (STAGES[0], dataclasses.replace(STAGES[1], run=other), STAGES[2])
    report = replay(lake, result.run_id, stages=changed)
    assert [d.table for d in report.differences] == ["unscheduled"]
    assert str(report.differences[0]) == (
        "unscheduled: row 3, column reason: recorded reason='3 before, sequence 0', now reason='other'"
    )


def test_replay_refuses_an_input_that_was_tampered_with(lake: Lake, tmp_path: Path) -> None:
    result = run_night(lake, landing(), stages=STAGES)
    raw = next((tmp_path / "lake" / "raw" / "items").rglob("*.parquet"))
    frame = pl.read_parquet(raw)
    frame.with_columns(lead_time_days=pl.lit("9")).write_parquet(raw)
    with pytest.raises(LakeError, match=r"raw\.items version 0 of P1 2026-01-05 does not hold the rows"):
        replay(lake, result.run_id, stages=STAGES)


def test_the_decisions_are_those_of_the_moment_the_run_was_opened(lake: Lake) -> None:
    asked: list[tuple[str, datetime]] = []

    class Store:
        def decisions_in_force(self, plant: str, as_of: datetime) -> pl.DataFrame:
            asked.append((plant, as_of))
            return table("decisions_in_force").frame([{
                "decision": "D1", "kind": "lock", "subject": "W1", "value": "{}", "valid_from": as_of - timedelta(1),
                "approved_by": "eva", "reason": "why",
            }])  # fmt: skip

    now = datetime(2026, 1, 5, 5, tzinfo=UTC)
    run = open_night(lake, landing(), store=Store(), clock=lambda: now)
    assert asked == [("P1", now)]
    again = resume(lake, run.run_id)
    assert again is not None and again.read("decisions_in_force")["subject"].to_list() == ["W1"]
    assert run.run_id != open_night(lake, landing()).run_id


def test_raw_tables_are_read_again_as_they_were_first_read(lake: Lake) -> None:
    run = open_night(lake, landing())
    first = run.read("raw.items")
    assert first.columns[:2] == ["item", "make_buy"] and "colour (new)" in first.columns
    again = resume(lake, run.run_id)
    assert again is not None
    assert again.read("raw.items").equals(first)


def test_a_lake_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LakeError, match=r"table raw\.items .*file"):
        run_night(Lake(tmp_path / "file"), landing(), stages=STAGES)
