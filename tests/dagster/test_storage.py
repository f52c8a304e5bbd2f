"""The instance's SQLite files stay open: what a killed process wrote is there, and Dagster's own classes read it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import dagster as dg
import pytest

from resources.storage import MOST_OPEN, OpenEventLog
from tests.e2e.platform import PROJECT

OURS = (PROJECT / "dagster_home" / "dagster.yaml").read_text(encoding="utf-8")
THEIRS = "storage:\n  sqlite:\n    base_dir:\n      env: DAGSTER_HOME\n"
MARK = "said just before the end"
A_PROCESS_THAT_IS_KILLED = f"""
import os, signal, sys
import dagster as dg
with dg.DagsterInstance.get() as instance:
    run = dg.DagsterRun(job_name="night", run_id=sys.argv[1])
    instance.add_run(run)
    for number in range(20):
        instance.report_engine_event(f"{MARK} {{number}}", run)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text(OURS, encoding="utf-8")
    return tmp_path


def test_what_a_killed_process_wrote_is_read_by_ours_and_by_dagsters_own_storage(home: Path) -> None:
    run_id = dg.DagsterRun(job_name="night").run_id
    done = subprocess.run([sys.executable, "-c", A_PROCESS_THAT_IS_KILLED, run_id], cwd=PROJECT, check=False)
    assert done.returncode == -signal.SIGKILL
    for settings in (OURS, THEIRS):
        (home / "dagster.yaml").write_text(settings, encoding="utf-8")
        with dg.DagsterInstance.get() as instance:
            assert isinstance(instance.event_log_storage, OpenEventLog) == (settings is OURS)
            assert len([line for line in instance.all_logs(run_id) if MARK in line.message]) == 20
            found = instance.get_run_by_id(run_id)
            assert found is not None
            instance.report_run_failed(found)


def test_more_runs_than_files_are_kept_open(home: Path) -> None:
    runs = [dg.DagsterRun(job_name="night") for _ in range(MOST_OPEN + 3)]
    with dg.DagsterInstance.get() as instance:
        for run in runs:
            instance.add_run(run)
        for said in ("first", "second"):
            for run in runs:
                instance.report_engine_event(said, run)
        for run in runs:
            assert [line.message for line in instance.all_logs(run.run_id)] == ["first", "second"]


def test_the_webserver_is_told_of_what_another_process_writes(home: Path) -> None:
    run, heard = dg.DagsterRun(job_name="night"), threading.Event()
    with dg.DagsterInstance.get() as writing, dg.DagsterInstance.get() as watching:
        writing.add_run(run)
        writing.report_engine_event("before", run)
        watching.event_log_storage.watch(
            run.run_id, None, lambda entry, _cursor: heard.set() if entry.message == MARK else None
        )
        writing.report_engine_event(MARK, run)
        assert heard.wait(20)
