"""The planner's workbook through Dagster: typed frames between the ops, wrong cells in the run's metadata."""

from __future__ import annotations

import io
import json
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from openpyxl import load_workbook

from assets.workbook_jobs import MOVES
from recon_platform.cli.app import REFUSED, execute
from recon_platform.nights import records
from recon_platform.nights.workbook import LINES_SHEET
from resources.partitions import night_key
from tests.dagster.plant import CODE, FIRST, SECRETS, Installation


def run(night: Installation, job: str, op: str, path: Path) -> dg.ExecuteInProcessResult:
    return (
        night.definitions()
        .resolve_job_def(job)
        .execute_in_process(
            instance=night.instance, partition_key=night_key(CODE, FIRST), raise_on_error=False,
            run_config={"ops": {op: {"config": {"path": str(path)}}}},
        )
    )  # fmt: skip


def test_a_workbook_goes_out_and_proposals_come_back_measured(night: Installation, tmp_path: Path) -> None:
    file = tmp_path / "night.xlsx"
    made = run(night, "workbook_export", "export_workbook", file)
    assert made.success
    moves = made.output_for_node("export_workbook")
    assert isinstance(moves, pd.DataFrame) and len(moves) > 0
    with dg.DagsterInstance.ephemeral() as instance, dg.build_op_context(instance=instance):
        assert not MOVES.type_check(None, moves.drop(columns=["digest"])).success  # type: ignore[arg-type]
    manifest = records.latest(night.lake, CODE, FIRST)
    assert manifest is not None
    order = manifest.read(night.lake, "supply_orders").sort("order").item(0, "order")
    book = load_workbook(file)
    book[LINES_SHEET].append(("rush", order, None, "the customer called"))
    book[LINES_SHEET].append(("rush", "NO-SUCH-ORDER", None, None))
    book.save(file)
    refused = run(night, "workbook_check", "read_proposals", file)
    assert not refused.success
    (failure,) = [e.step_failure_data for e in refused.all_events if e.event_type_value == "STEP_FAILURE"]
    assert failure.user_failure_data is not None
    cells = failure.user_failure_data.metadata["cells"]
    assert [(cell.data["row"], cell.data["column"]) for cell in cells.records] == [(3, "reason"), (3, "subject")]
    book[LINES_SHEET].delete_rows(3)
    book.save(file)
    done = run(night, "workbook_check", "read_proposals", file)
    assert done.success
    found = done.output_for_node("measure_proposals")
    assert found[["row", "kind", "subject"]].values.tolist() == [[2, "rush", order]]
    assert len(found.loc[0, "digest"]) == 64


def test_the_command_line_measures_a_workbook_and_asks_for_all_of_it_or_nothing(
    night: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, session = str(night.home / "lake"), str(tmp_path / "planner")
    file, here = str(tmp_path / "mine.csv"), ["--lake", lake, "--home", session]
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRETS["planner"] + "\n"))
    assert execute(["login", "--user", "planner", "--secret-stdin", *here]) == 0
    assert execute(["workbook", "export", str(tmp_path / "night.xlsx"), *here]) == 0
    manifest = records.latest(night.lake, CODE, FIRST)
    assert manifest is not None
    order = manifest.read(night.lake, "supply_orders").sort("order").item(0, "order")
    Path(file).write_text(
        f"kind,subject,value,reason\nrush,{order},,customer called\nrush,NOWHERE,,x\n", encoding="utf-8"
    )
    capsys.readouterr()
    assert execute(["workbook", "propose", file, *here]) == REFUSED
    assert "row 3, subject: expected an order of the plan, found 'NOWHERE'" in capsys.readouterr().err
    Path(file).write_text(f"kind,subject,value,reason\nrush,{order},,customer called\n", encoding="utf-8")
    assert execute(["workbook", "check", file, *here, "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["proposals"]
    assert execute(["workbook", "propose", file, *here, "--json"]) == 0
    (asked,) = json.loads(capsys.readouterr().out)
    assert asked["kind"] == "move" and asked["proposer"] == "planner" and asked["content"]["digest"] == shown["digest"]
