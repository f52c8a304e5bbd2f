"""Processes beside this one measure trials as it would itself, and what one of them leaves undone is done all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_platform.proposal import beside, sets
from recon_platform.proposal.candidate import Candidate
from recon_platform.proposal.candidates import candidates
from recon_platform.proposal.evaluate import Effect
from recon_platform.proposal.sets import Evaluator
from tests.processes import alive, until
from tests.proposal.conftest import Proposed


@pytest.fixture(scope="module")
def moves(proposed: Proposed) -> list[list[Candidate]]:
    """The plan as it stands, and every kind of move against it."""
    return [[], *([move] for move in candidates(proposed.frames, proposed.context))]


@pytest.fixture(scope="module")
def alone(proposed: Proposed, moves: list[list[Candidate]]) -> list[Effect]:
    return Evaluator(proposed.frames, proposed.context).effects(moves, processes=1)


def test_processes_measure_what_one_measures(
    proposed: Proposed, moves: list[list[Candidate]], alone: list[Effect]
) -> None:
    assert Evaluator(proposed.frames, proposed.context).effects(moves, processes=2) == alone
    assert any(effect.operations_moved for effect in alone)


@pytest.mark.parametrize("lost", [1, 2])
def test_what_a_lost_process_was_to_measure_is_measured_all_the_same(
    proposed: Proposed,
    moves: list[list[Candidate]],
    alone: list[Effect],
    monkeypatch: pytest.MonkeyPatch,
    lost: int,
) -> None:
    answer: Callable[..., list[Effect]] = beside.Process.effects
    killed: list[int] = []

    def killed_on_the_way(process: beside.Process, trials: beside.Trials) -> list[Effect]:
        if len(killed) < lost:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return answer(process, trials)

    monkeypatch.setattr(beside.Process, "effects", killed_on_the_way)
    assert Evaluator(proposed.frames, proposed.context).effects(moves, processes=2) == alone
    assert len(killed) == lost


def test_a_process_ends_with_the_one_that_started_it() -> None:
    mother = subprocess.Popen(
        [sys.executable, "-c", "import time; from recon_platform.proposal.beside import Process; "
         "print(Process().pid, flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert mother.stdout is not None
    started = int(mother.stdout.readline())
    assert alive(started)
    mother.kill()
    mother.wait()
    mother.stdout.close()
    assert until(lambda: not alive(started), 60)


def test_a_large_plan_with_many_moves_is_shared_out_and_a_small_one_is_not(
    proposed: Proposed, moves: list[list[Candidate]], alone: list[Effect], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    def counted(*given: object) -> list[Effect]:
        started.append(given[-1])  # type: ignore[arg-type]
        return alone

    monkeypatch.setattr(sets, "effects_beside", counted)
    evaluator = Evaluator(proposed.frames, proposed.context)
    assert evaluator.effects(moves) == alone
    assert not started
    monkeypatch.setattr(sets, "WORTH_SHARING", len(moves) * proposed.frames["schedule"].height)
    assert evaluator.effects(moves) == alone
    assert started == [2]


@given(st.integers(0, 400), st.integers(1, 8), st.integers(1, 16))
def test_every_trial_is_handed_out_once(count: int, processes: int, most: int) -> None:
    parts = list(beside.shares(count, processes, most))
    assert list(chain.from_iterable(parts)) == list(range(count))
    assert all(1 <= len(part) <= most for part in parts)
