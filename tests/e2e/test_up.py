"""The real thing: one command starts webserver, daemon and code location; GraphQL sees a night, a rerun, a rest.

Everything is started in a session of its own and ended by force at the end of the test, whatever happened.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dagster.plant import CODE, FIRST, LONG_STOP, SHORT_STOP, Installation

PROJECT = Path(__file__).resolve().parents[2]
RERUN_SECONDS = 60.0
PATIENCE = float(os.environ.get("RECON_TEST_PATIENCE", "180"))  # how long a slow machine may take to start and plan
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "recon"}


class Platform:
    """A running installation, as its users see it: a GraphQL address and a landing folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = home / "up.log"
        environment = {**os.environ, "RECON_SENSOR_SECONDS": "2"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "resources.up", "--home", str(home), "--port", str(self.port)],
                cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def query(self, text: str, **variables: Any) -> Any:
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        assert "errors" not in found, found["errors"]
        return found["data"]

    def wait(self, what: str, look: Any, seconds: float = PATIENCE) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.logs()
            found = look()
            if found:
                return found
            time.sleep(0.3)
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

    def end(self) -> None:
        """Ask it to stop, then make sure that nothing of it is left."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=25)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def platform(night: Installation) -> Iterator[Platform]:
    running = Platform(night.home)
    try:
        yield running
    finally:
        running.end()
    left = [line for line in _processes() if str(night.home) in line]
    assert left == []


@pytest.mark.timeout(600)
def test_a_major_stop_reruns_within_a_minute_and_a_short_one_does_not(platform: Platform, night: Installation) -> None:
    platform.wait("the start", lambda: "ready:" in platform.log.read_text())
    groups = platform.query("{ assetNodes { groupName } }")["assetNodes"]
    assert {
        "raw",
        "conformed",
        "reconciled_backlog",
        "capacity_load",
        "shortages",
        "schedule_proposal",
        "published",
    } <= {node["groupName"] for node in groups}
    schedules = platform.query(
        "query($r: RepositorySelector!) { schedulesOrError(repositorySelector: $r) { ... on Schedules { results "
        "{ name executionTimezone scheduleState { status } } } } }",
        r=REPOSITORY,
    )["schedulesOrError"]["results"]
    assert {
        "name": f"nightly_{CODE}",
        "executionTimezone": "Europe/Berlin",
        "scheduleState": {"status": "RUNNING"},
    } in (schedules)

    night.drop("downtime_events-1.csv", SHORT_STOP)
    platform.wait("the judgement of the short stop", lambda: _said(platform, "below 60"))
    assert platform.runs("rerun") == []

    dropped = time.monotonic()
    night.drop("downtime_events-2.csv", LONG_STOP)
    platform.wait("the rerun's start", lambda: platform.runs("rerun"), RERUN_SECONDS)
    (rerun,) = platform.wait("the rerun", lambda: platform.finished("rerun"))
    seconds = time.monotonic() - dropped
    tags = {tag["key"]: tag["value"] for tag in rerun["tags"]}
    assert tags["recon/events"] == "EV1"
    assert tags["dagster/partition"] == f"{FIRST}|{CODE}"
    night.drop("downtime_events-again.csv", LONG_STOP)
    platform.wait("the judgement of the second delivery", lambda: _said(platform, "the plan knows it"))
    assert len(platform.runs("rerun")) == 1

    assert _checks(platform) == {"SUCCEEDED"}
    measured = _metadata(platform, ["metrics", "metrics"])["seconds_from_event_to_proposal"]
    assert measured <= seconds + 5


def _said(platform: Platform, text: str) -> bool:
    ticks = platform.query(
        "query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState { ticks(limit: 5) "
        "{ skipReason } } } } }",
        s={**REPOSITORY, "sensorName": "downtime"},
    )["sensorOrError"]["sensorState"]["ticks"]
    return any(text in (tick["skipReason"] or "") for tick in ticks)


def _checks(platform: Platform) -> set[str]:
    data = platform.query(
        "query($k: AssetKeyInput!) { assetChecksOrError: assetNodeOrError(assetKey: $k) { ... on AssetNode { "
        "assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status } } } } } } }",
        k={"path": ["capacity", "schedule"]},
    )
    checks = data["assetChecksOrError"]["assetChecksOrError"]["checks"]
    return {check["executionForLatestMaterialization"]["status"] for check in checks}


def _metadata(platform: Platform, path: list[str]) -> dict[str, float]:
    data = platform.query(
        "query($k: AssetKeyInput!) { assetNodeOrError(assetKey: $k) { ... on AssetNode { assetMaterializations(limit: 1) "
        "{ metadataEntries { label ... on FloatMetadataEntry { floatValue } } } } } }",
        k={"path": path},
    )
    entries = data["assetNodeOrError"]["assetMaterializations"][0]["metadataEntries"]
    return {entry["label"]: entry["floatValue"] for entry in entries if "floatValue" in entry}


def _processes() -> list[str]:
    """Command lines and environments of the processes of this user, where they can be read."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_text() + (folder / "environ").read_text())
        except OSError:
            continue  # gone, or somebody else's
    return [text for text in found if "resources.up" in text or "dagster" in text]
