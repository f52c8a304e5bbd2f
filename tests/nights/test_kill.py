"""SIGKILL at random moments of a night: no half night is ever visible, and a second start finishes it."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.night import run_night
from recon_platform.nights.replay import replay
from tests.nights.killed_night import run_and_be_killed
from tests.nights.small import STAGES, landing

ROWS = 50


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_a_killed_night_is_invisible_and_a_second_start_finishes_it(tmp_path: Path, kills: int) -> None:
    # A server that has imported everything and opened no table forks the victims: the Delta library must not be forked.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.nights.killed_night"])
    chance = random.Random(20260105)
    started = time.perf_counter()
    expected = run_night(Lake(tmp_path / "undisturbed"), landing(ROWS), stages=STAGES).manifest.digest
    night_seconds = time.perf_counter() - started
    interrupted = 0
    for number in range(kills):
        root = tmp_path / f"lake{number}"
        lake = Lake(root)
        for _ in range(2):  # killed, started again, killed again
            victim = processes.Process(
                target=run_and_be_killed, args=(str(root), ROWS, chance.uniform(0, night_seconds))
            )
            victim.start()
            victim.join()
            assert victim.exitcode in (0, -signal.SIGKILL)
            interrupted += victim.exitcode != 0
            visible = records.latest(lake, "P1")
            if visible is not None:  # the manifest was written: then everything it names is there
                assert replay(lake, visible.run_id, stages=STAGES).identical
        if records.latest(lake, "P1") is None:
            run_night(lake, landing(ROWS), stages=STAGES)
        first = records.manifests(lake, "P1", date(2026, 1, 5))[0]
        assert (first.digest, first.pins.sequence) == (expected, 0)
        assert replay(lake, first.run_id, stages=STAGES).identical
    assert interrupted >= kills // 2
