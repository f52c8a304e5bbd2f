"""What programs read of a planned night: moves, the delta view and a what-if as JSON with the columns of their tables."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from recon_platform.cli.app import execute
from recon_platform.nights import records
from recon_platform.tables.proposal import EXCEPTION_MOVES, PROPOSAL_CHANGES
from tests.dagster.plant import CODE, FIRST, SECRETS, Installation

OF_THE_NIGHT = {"agent", "agent_version"}  # a trial is a person's


def test_what_programs_read_of_exceptions_the_delta_view_and_a_what_if(
    night: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ["--lake", str(night.home / "lake"), "--home", str(tmp_path / "reader"), "--json"]
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRETS["planner"] + "\n"))
    assert execute(["login", "--user", "planner", "--secret-stdin", *here[:-1]]) == 0

    def told(*command: str) -> Any:
        capsys.readouterr()
        assert execute([*command, *here]) == 0
        return json.loads(capsys.readouterr().out)

    manifest = records.latest(night.lake, CODE, FIRST)
    assert manifest is not None
    moves = told("exceptions")
    assert moves and all(set(move) >= {"request", "kind", "state", "digest", "content"} for move in moves)
    by_name = {row["move"]: row for row in manifest.read(night.lake, "exception_moves").to_dicts()}
    measured = [move for move in moves if move["content"].get("move") in by_name]
    assert len(measured) == len(by_name) > 0
    for move in measured:
        content = move["content"]
        assert set(EXCEPTION_MOVES.column_names) - {"state"} - OF_THE_NIGHT <= set(content)
        assert content["lines_won"] == by_name[content["move"]]["lines_won"]
    view = told("delta", "--by", "work_center")
    assert set(view) == {"run", "by", "roll_up", "changes"}
    assert (view["run"], view["by"]) == (manifest.run_id, "work_center")
    assert len(view["changes"]) == manifest.outputs["proposal_changes"].rows
    assert all(set(change) == set(PROPOSAL_CHANGES.column_names) for change in view["changes"])
    order = manifest.read(night.lake, "supply_orders").sort("order").item(0, "order")
    tried = told("whatif", "--kind", "rush", "--subject", order)
    assert set(tried) == {"run", *EXCEPTION_MOVES.column_names} - OF_THE_NIGHT
    assert set(tried["lines"]) == {"won", "lost"} and tried["kind"] == "rush"
