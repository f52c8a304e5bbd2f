"""Whether a run's process is still there: what is said when its code server is gone, silent, or has forgotten it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from resources import launcher
from resources.launcher import CodeServerRunLauncher


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run_on(instance: dg.DagsterInstance, path: Path) -> dg.DagsterRun:
    """A run that the code server at the socket `path` was told to start."""
    told = {"host": "localhost", "socket": str(path)}
    run = dg.DagsterRun(job_name="night", tags={".dagster/grpc_info": json.dumps(told)})
    instance.add_run(run)
    return run


def asked(instance: dg.DagsterInstance, run: dg.DagsterRun, quiet_seconds: int = 0) -> WorkerStatus:
    asking = CodeServerRunLauncher(quiet_seconds=quiet_seconds)
    asking.register_instance(instance)
    return asking.check_run_worker_health(run).status


def test_runs_of_a_code_server_that_is_gone_are_gone(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    never_there = tmp_path / "a"
    assert asked(instance, run_on(instance, never_there)) == WorkerStatus.NOT_FOUND
    dead = tmp_path / "b"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(dead))
    assert asked(instance, run_on(instance, dead)) == WorkerStatus.NOT_FOUND


def test_a_run_that_was_heard_of_lately_is_given_time(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = run_on(instance, tmp_path / "a")
    assert asked(instance, run, quiet_seconds=900) == WorkerStatus.NOT_FOUND  # it never said anything
    instance.report_engine_event("a stage is done", run)
    assert asked(instance, run, quiet_seconds=900) == WorkerStatus.RUNNING
    assert asked(instance, run) == WorkerStatus.NOT_FOUND


def test_a_code_server_that_does_not_answer_says_nothing_about_its_runs(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "ANSWER_SECONDS", 1)
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(tmp_path / "a"))
        busy.listen()
        assert asked(instance, run_on(instance, tmp_path / "a")) == WorkerStatus.RUNNING
