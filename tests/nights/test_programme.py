"""`recon programme` on a lake: every missed line is counted once, and what its nights said of it is found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.metrics.otif import otif_lines
from recon_platform.metrics.programme import judged
from recon_platform.nights.night import run_night
from recon_platform.nights.programme import AT_THE_END
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim import generate


def test_missed_lines_are_all_told_and_each_night_counts_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = generate(tmp_path / "landing", orders=60, drift=0.05)
    lake = Lake(str(tmp_path / "lake"))
    upto = next(i for i, stage in enumerate(STAGES) if stage.name == "promises")
    manifest = run_night(lake, read_landing(made.nights[0]), stages=STAGES[: upto + 1]).manifest
    assert execute(["programme", "--lake", str(tmp_path / "lake"), "--weeks", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    context = manifest.pins.context
    frames = {name: manifest.read(lake, name) for name in AT_THE_END}
    lines = otif_lines(
        frames["sales_orders"], frames["shipments"], frames["customers"], basis="first_promised_date",
        period=judged(context.planning_date, 4), today=context.planning_date,
    )  # fmt: skip
    lost = lines.filter(~lines["kept"])
    assert lost.height > 0
    assert sum(row["lines"] for row in told["causes"]) == lost.height
    in_part = lost.filter((lost["shipped"] > 0) & ~lost["in_full"]).height
    by_cause = {row["cause"]: row["lines"] for row in told["causes"]}
    assert by_cause.get("scrap", 0) == in_part  # no night before them tells of these lines
    assert set(by_cause) <= {"scrap", "unforeseen"}
    assert told["nights"] == 1
    assert execute(["programme", "--lake", str(tmp_path / "lake")]) == 0
    assert "missed their first promise" in capsys.readouterr().out
