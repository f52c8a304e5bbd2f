"""Nights keep history: in the lake, by plant, part of the manifest, and asked in one call."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import Landing, read_landing
from recon_platform.lake import Lake, LakeError
from recon_platform.nights.gates import GateError, check_inputs
from recon_platform.nights.history import changed_on, history_of, valid_on
from recon_platform.nights.night import run_night
from recon_platform.nights.replay import replay
from recon_platform.planning import STAGES
from recon_platform.planning.stages import HISTORY_STAGE
from recon_platform.plantsim import generate
from recon_platform.tables.context import PlanContext
from recon_platform.tables.history import RECORDED
from recon_platform.tables.model import Frames

READ_BY_HISTORY = (*RECORDED, "row_counts", "data_findings")
FIRST = date(2026, 3, 2)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


def _conform(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    made = STAGES[0].run(frames, context)
    return {name: made[name] for name in READ_BY_HISTORY}


KEEPING = (replace(STAGES[0], writes=READ_BY_HISTORY, run=_conform), HISTORY_STAGE)
"""Conforming, of which only what history reads is written, and the history."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return generate(tmp_path_factory.mktemp("plant"), orders=60, nights=3, seed=5, drift=0.0).nights


@pytest.fixture
def landings(folders: tuple[Path, ...]) -> list[Landing]:
    return [read_landing(folder) for folder in folders]


def changed(landing: Landing, table: str, digest: str, *edits: pl.Expr) -> Landing:
    return replace(landing, frames={**landing.frames, table: landing.frames[table].with_columns(*edits)}, digest=digest)


def lead_time(landing: Landing, item: str, days: str, digest: str) -> Landing:
    value = pl.when(pl.col("item") == item).then(pl.lit(days)).otherwise("lead_time_days").alias("lead_time_days")
    return changed(landing, "items", digest, value)


def test_nights_extend_history_and_answer_what_a_replay_of_all_snapshots_answers(
    tmp_path: Path, landings: list[Landing]
) -> None:
    lake = Lake(tmp_path)
    item = landings[0].frames["items"]["item"][0]
    delivered = [landings[0], lead_time(landings[1], item, "77", "a"), lead_time(landings[2], item, "78", "b")]
    runs = [run_night(lake, landing, stages=KEEPING) for landing in delivered]
    for table, known in RECORDED.items():
        for night, run in zip((FIRST, SECOND, THIRD), runs, strict=True):
            asked = valid_on(lake, table, night, known_on=night)
            snapshot = run.frames[table].select(known.column_names)
            if "valid_from" in snapshot.columns:
                begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= night)
                snapshot = snapshot.filter(begun & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= night)))
            assert set(asked.rows()) == set(snapshot.rows()), (table, night)
    states = history_of(lake, "items").filter(pl.col("item") == item).select("lead_time_days", "known_from", "known_to")
    assert states.sort("known_from").rows()[1:] == [(77, SECOND, SECOND), (78, THIRD, None)]
    assert changed_on(lake, "items", THIRD).rows() == [(item, "changed", False)]
    for run in runs:
        report = replay(lake, run.run_id, stages=KEEPING)
        assert report.identical
        assert report.differences == ()


def test_a_night_delivered_again_changes_nothing_and_a_corrected_one_replaces_it(
    tmp_path: Path, landings: list[Landing]
) -> None:
    lake = Lake(tmp_path)
    item = landings[0].frames["items"]["item"][0]
    run_night(lake, landings[0], stages=KEEPING)
    wrong = run_night(lake, lead_time(landings[1], item, "99", "wrong"), stages=KEEPING)
    again = run_night(lake, lead_time(landings[1], item, "99", "wrong"), stages=KEEPING)
    assert again.run_id != wrong.run_id
    assert again.manifest.outputs["items_history"].digest == wrong.manifest.outputs["items_history"].digest
    assert again.manifest.outputs["deliveries"].digest == wrong.manifest.outputs["deliveries"].digest
    run_night(lake, landings[1], stages=KEEPING)
    assert 99 not in history_of(lake, "items")["lead_time_days"].to_list()
    undisturbed = Lake(tmp_path / "undisturbed")
    for landing in landings[:2]:
        run_night(undisturbed, landing, stages=KEEPING)
    assert history_of(lake, "items").equals(history_of(undisturbed, "items"))


def test_histories_of_two_plants_in_one_lake_stay_apart(tmp_path: Path, landings: list[Landing]) -> None:
    lake = Lake(tmp_path)
    item = landings[0].frames["items"]["item"][0]
    other = replace(landings[0], plant=replace(landings[0].plant, code="OTHER"))
    run_night(lake, landings[0], stages=KEEPING)
    run_night(lake, lead_time(other, item, "55", "other"), stages=KEEPING)
    assert 55 not in history_of(lake, "items", plant=landings[0].plant.code)["lead_time_days"].to_list()
    assert 55 in history_of(lake, "items", plant="OTHER")["lead_time_days"].to_list()
    with pytest.raises(LakeError, match="several plants"):
        history_of(lake, "items")


def test_parameters_say_what_was_set_on_a_date(tmp_path: Path, landings: list[Landing]) -> None:
    lake = Lake(tmp_path)
    policy = landings[1].policy
    tighter = replace(policy, capacity=replace(policy.capacity, frozen_hours=12))
    run_night(lake, landings[0], stages=KEEPING)
    run_night(lake, replace(landings[1], policy=tighter), stages=KEEPING)
    asked = [dict(valid_on(lake, "parameters", night).rows())["capacity.frozen_hours"] for night in (FIRST, SECOND)]
    assert [float(json.loads(value)) for value in asked] == [policy.capacity.frozen_hours, 12.0]


def test_a_feed_that_shrank_against_the_nights_before_is_found(tmp_path: Path, landings: list[Landing]) -> None:
    lake = Lake(tmp_path)
    run_night(lake, landings[0], stages=KEEPING)
    half = landings[1].frames["sales_orders"].head(landings[1].frames["sales_orders"].height // 2)
    shrunk = replace(landings[1], frames={**landings[1].frames, "sales_orders": half}, digest="half")
    run = run_night(lake, shrunk, stages=KEEPING)
    findings = run.frames["data_findings"].filter(pl.col("rule") == "feed_shrunk")
    assert findings["entity"].to_list() == ["sales_orders"]
    with pytest.raises(
        GateError, match=rf"sales_orders has {half.height} rows where .* are usual; nothing is published"
    ):
        check_inputs(lake, run.manifest)
    check_inputs(lake, run.manifest, frozenset({"feed_shrunk/sales_orders"}))
    whole = run_night(lake, landings[1], stages=KEEPING)
    check_inputs(lake, whole.manifest)


def test_publishing_judges_by_the_counts_that_the_lake_has_now(tmp_path: Path, landings: list[Landing]) -> None:
    lake = Lake(tmp_path)
    short = {**landings[0].frames, "sales_orders": landings[0].frames["sales_orders"].head(30)}
    run_night(lake, replace(landings[0], frames=short, digest="short"), stages=KEEPING)
    half = {**landings[1].frames, "sales_orders": landings[1].frames["sales_orders"].head(35)}
    run = run_night(lake, replace(landings[1], frames=half, digest="half"), stages=KEEPING)
    check_inputs(lake, run.manifest)
    run_night(lake, landings[0], planning_date=FIRST, stages=KEEPING)  # the night before is delivered again, whole
    with pytest.raises(GateError, match="sales_orders has 35 rows"):
        check_inputs(lake, run.manifest)


def test_the_command_tells_what_was_valid(
    tmp_path: Path, landings: list[Landing], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(tmp_path)
    item = landings[0].frames["items"]["item"][0]
    before = int(landings[0].frames["items"]["lead_time_days"][0])
    run_night(lake, landings[0], stages=KEEPING)
    run_night(lake, lead_time(landings[1], item, "77", "a"), stages=KEEPING)
    where = ["--lake", str(tmp_path), "--key", item, "--json"]
    for day, days in ((FIRST, before), (SECOND, 77)):
        assert execute(["history", "items", "--on", day.isoformat(), *where]) == 0
        assert [row["lead_time_days"] for row in json.loads(capsys.readouterr().out)["rows"]] == [days]
    assert execute(["history", "items", "--changes", SECOND.isoformat(), *where]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == [{"item": item, "change": "changed", "backdated": False}]
    assert execute(["history", "items", *where]) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2
    assert execute(["history", "stock", *where]) == 2
    assert "no history of 'stock' is kept" in capsys.readouterr().err
