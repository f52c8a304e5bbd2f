"""The supervisor: a dead child is started again, a stop leaves nothing, and no child outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from resources import up
from resources.up import Installation, Service
from tests.processes import alive, until

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """An installation whose services only wait: what is tested is who starts and ends them."""
    monkeypatch.setattr(up, "RESTART_PAUSE_SECONDS", 0.0)
    made = Installation(tmp_path)
    made.services = [
        Service(name, ["sh", "-c", "sleep 600 & wait"], dict(os.environ), tmp_path / f"{name}.log")
        for name in ("code server", "webserver", "daemon")
    ]
    return made


def children(process: int) -> list[int]:
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(found) for found in path.read_text().split()] if path.exists() else []


def test_a_killed_child_is_started_again_and_the_others_are_left_alone(installation: Installation) -> None:
    for service in installation.services:
        service.start()
    try:
        assert installation.watch() == []
        daemon = installation.services[2]
        assert daemon.process is not None
        daemon.signal_group(signal.SIGKILL)
        assert until(lambda: not daemon.running)
        assert installation.watch() == ["daemon"]
        assert [service.starts for service in installation.services] == [1, 1, 2]
    finally:
        installation.stop()


def test_a_stop_ends_children_and_grandchildren(installation: Installation) -> None:
    for service in installation.services:
        service.start()
    leaders = [service.process.pid for service in installation.services if service.process is not None]
    assert until(lambda: all(children(leader) for leader in leaders))
    everyone = leaders + [child for leader in leaders for child in children(leader)]
    installation.stop()
    assert until(lambda: not any(alive(process) for process in everyone))
    assert not installation.runtime.exists()


def test_no_child_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from resources.up import Service;"
        f"s = Service('x', ['sleep', '600'], dict(os.environ), Path({str(tmp_path / 'x.log')!r}));"
        "s.start(); print(s.process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
        parent.wait()
    assert until(lambda: not alive(child))
