"""A running installation, as its users see it: a GraphQL address, a landing folder, and processes that can die."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = float(os.environ.get("RECON_TEST_PATIENCE", "180"))  # how long a slow machine may take to start and plan
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "recon"}
LAUNCH = (
    "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename ... on LaunchRunSuccess { run "
    "{ runId } } ... on PythonError { message } } }"
)


QUICKER = {
    "poll_interval_seconds: 15": "poll_interval_seconds: 2",  # a dead run is found within seconds
    "start_timeout_seconds: 180": "start_timeout_seconds: 30",  # so is one that a dead daemon made and never sent off
}


def quicker(settings: str) -> str:
    """The text of `dagster.yaml`, its monitor looking more often and waiting less long."""
    for usual, quick in QUICKER.items():
        assert usual in settings
        settings = settings.replace(usual, quick)
    return settings


class Platform:
    """`python -m resources.up` on the home folder `home`, in a session of its own."""

    def __init__(self, home: Path, *, sensor_seconds: int | None = 2) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = home / "up.log"
        often = {} if sensor_seconds is None else {"RECON_SENSOR_SECONDS": str(sensor_seconds)}
        environment = {**os.environ, **often}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "resources.up", "--home", str(home), "--port", str(self.port)],
                cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait_until_ready(self) -> None:
        self.wait("the start", lambda: "ready:" in self.log.read_text())

    def query(self, text: str, **variables: Any) -> Any:
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def launch(self, job: str, partition: str, tags: Mapping[str, str]) -> str | None:
        """Ask for a run of `job` on one partition, as the UI does; None where the code location cannot be reached."""
        date, plant = partition.split("|")
        place = {"dagster/partition": partition, "dagster/partition/date": date, "dagster/partition/plant": plant}
        parameters = {
            "selector": {**REPOSITORY, "pipelineName": job}, "mode": "default", "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in {**place, **tags}.items()]},
        }  # fmt: skip
        try:
            said = self.query(LAUNCH, p=parameters)["launchRun"]
        except (urllib.error.URLError, OSError, AssertionError):
            return None
        return str(said["run"]["runId"]) if said["__typename"] == "LaunchRunSuccess" else None

    def wait(self, what: str, look: Callable[[], Any], seconds: float = PATIENCE, pause: float = 0.3) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.logs()
            found = look()
            if found:
                return found
            time.sleep(pause)
        raise AssertionError(f"{what} did not happen within {seconds:.0f} s\n{self.logs()}")

    def runs(self, job: str) -> list[dict[str, Any]]:
        data = self.query(
            "query($f: RunsFilter!) { runsOrError(filter: $f) { ... on Runs { results { runId status startTime "
            "endTime tags { key value } } } } }",
            f={"pipelineName": job},
        )
        return list(data["runsOrError"]["results"])

    def finished(self, job: str, count: int = 1) -> list[dict[str, Any]]:
        """The runs of a job once `count` of them have succeeded; a failed one fails the test."""
        runs = self.runs(job)
        assert not [run for run in runs if run["status"] in ("FAILURE", "CANCELED")], self.logs()
        done = [run for run in runs if run["status"] == "SUCCESS"]
        return done if len(done) >= count else []

    def logs(self) -> str:
        texts = [path.read_text(errors="replace")[-3000:] for path in (self.log, *sorted(self.home.glob("logs/*.log")))]
        return "\n".join(texts)

    def daemon(self) -> int | None:
        """The process of the daemon; None while there is none."""
        return self._child("dagster._daemon")

    def code_server(self) -> int | None:
        """The process of the code server; None while there is none."""
        return self._child("dagster api grpc")

    def run_workers(self) -> list[int]:
        """The processes in which runs are executed now: children of the code server."""
        server = self.code_server()
        return [] if server is None else [pid for pid in _children(server) if "spawn_main" in _command(pid)]

    def _child(self, words: str) -> int | None:
        return next((pid for pid in _children(self.process.pid) if words in _command(pid)), None)

    def end(self) -> None:
        """Ask it to stop, then make sure that nothing of it is left."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=25)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def left_of(home: Path) -> list[str]:
    """Command lines and environments of processes of the installation in `home`, where they can be read."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_text() + (folder / "environ").read_text())
        except OSError:
            continue  # gone, or somebody else's
    return [text for text in found if ("resources.up" in text or "dagster" in text) and str(home) in text]


def _children(process: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(pid) for pid in path.read_text().split()]
        except OSError:
            continue  # a thread that has ended
    return found


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
