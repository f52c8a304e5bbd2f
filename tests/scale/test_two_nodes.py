"""Replay of many nights on two Ray nodes, one of them killed at work: every run is replayed, and identical."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from recon_platform.plantsim import generate

PROJECT = Path(__file__).resolve().parents[2]
NIGHTS, RUNS_PER_TASK, ORDERS = 4, 2, 40


@pytest.mark.timeout(900)
def test_a_node_killed_at_work_changes_no_digest_and_loses_no_run(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for landing in generate(tmp_path / "landing", orders=ORDERS, nights=NIGHTS, seed=1).nights:
        with (landing / "plant.toml").open("a", encoding="utf-8") as file:
            file.write("\n[policy.proposal]\nmax_moves = 0\n")
        run_night(lake, read_landing(landing))
    done = subprocess.run(
        ["unshare", "-r", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-m",
         "tests.scale.two_nodes", lake.root, str(RUNS_PER_TASK), "kill"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["success"], done.stderr[-3000:]
    assert found["said"] == {"runs": NIGHTS, "tasks": NIGHTS // RUNS_PER_TASK, "runs that differ": 0}
    assert (found["killed"], found["alive"]) == (True, 1)
