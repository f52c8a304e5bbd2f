"""Planted cases, each solved as a planner would; `docs/remedies.md` lists exactly these."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import trial_stages
from recon_platform.proposal.evaluate import compare
from recon_platform.proposal.moves import propose_moves
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from tests.proposal.planted import CASES

PAGE = Path(__file__).parents[2] / "docs" / "remedies.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("name", CASES)
def test_the_remedy_is_the_planners(name: str) -> None:
    case = CASES[name]
    plant = case.plant()
    frames = plant.frames()
    late = frames["order_promises"].filter(pl.col("projected_ship").is_null() | (pl.col("late_days") > 0))
    assert (late.height > 0) == (name != "nothing-late"), "a case where nothing is late shows nothing"
    proposed = propose_moves(frames, plant.context)
    moves = proposed.table.sort("rank")
    kinds = moves["kind"].to_list()
    assert not set(case.never) & set(kinds)
    assert moves.filter(pl.col("kind").is_in(case.useless) & (pl.col("lines_won") > 0)).is_empty()
    if case.best is None:
        return
    best = moves.row(0, named=True)
    assert best["kind"] == case.best, kinds
    assert case.to in best["to"]
    assert best["lines_won"] >= 1
    assert best["in_set"]
    # what was shown of the best move is what approving it brings
    approved = DECISIONS_IN_FORCE.frame([{
        "decision": "D1", "kind": "approved_move", "subject": best["move"], "valid_from": plant.context.as_of,
        "value": json.dumps({"change": json.loads(best["change"])}), "approved_by": "supervisor", "reason": "test",
    }])  # fmt: skip
    after = run_stages(trial_stages(), {**plant.inputs(), "decisions_in_force": approved}, plant.context)
    effect = compare(frames, after, plant.context)
    assert json.loads(best["lines"]) == {"won": list(effect.won), "lost": list(effect.lost)}
    assert (best["late_days_saved"], best["labour_hours"], best["overtime_hours"], best["operations_moved"]) == (
        effect.late_days_saved, effect.labour_hours, effect.overtime_hours, effect.operations_moved,
    )  # fmt: skip


def test_the_page_lists_the_cases_that_are_tested() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Planted cases")[2]
    listed = {name: (story, remedy) for name, story, remedy in ROW.findall(section)}
    assert listed == {name: (case.story, case.remedy) for name, case in CASES.items()}
    assert len(listed) >= 40
