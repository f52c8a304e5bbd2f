"""The real thing: one command starts webserver, daemon and code location; GraphQL sees a night, a rerun, a rest.

What happens to it is told in order: events, a backfill, processes that are killed.

Everything is started in a session of its own and ended by force at the end of the test, whatever happened.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from recon_platform.nights import records
from recon_platform.nights.downtime import known_events
from recon_platform.nights.night import read_input
from sensors.tags import UNDER_WAY
from tests.dagster.plant import CODE, FIRST, LONG_STOP, SHORT_STOP, Installation, Planned
from tests.e2e.platform import PROJECT, REPOSITORY, Platform, left_of, quicker

RERUN_SECONDS = 60.0


@pytest.fixture(scope="module")
def night(planned: Planned, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose first night is planned, shared by the tests here; its instance is that of the processes."""
    home = tmp_path_factory.mktemp("up")
    shutil.copytree(planned.home, home, dirs_exist_ok=True)
    (home / "dagster").mkdir()
    settings = (PROJECT / "dagster_home" / "dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster" / "dagster.yaml").write_text(quicker(settings), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        with dg.DagsterInstance.get() as instance:
            yield Installation(home, instance)


@pytest.fixture(scope="module")
def platform(night: Installation) -> Iterator[Platform]:
    running = Platform(night.home)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.end()
    assert left_of(night.home) == []


@pytest.mark.timeout(900)
def test_a_major_stop_reruns_within_a_minute_and_a_short_one_does_not(platform: Platform, night: Installation) -> None:
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


BACKFILL = (
    "mutation($b: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $b) { __typename "
    "... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"
)


@pytest.mark.timeout(900)
def test_a_backfill_replays_past_nights_and_publishes_nothing(platform: Platform, night: Installation) -> None:
    key = f"{FIRST}|{CODE}"
    sets = {"partitionSetName": "replay_partition_set", "repositorySelector": REPOSITORY}
    said = platform.query(BACKFILL, b={"selector": sets, "partitionNames": [key]})["launchPartitionBackfill"]
    assert said["__typename"] == "LaunchBackfillSuccess", said
    (run,) = platform.wait("the replay", lambda: platform.finished("replay"))
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert (tags["dagster/backfill"], tags["dagster/partition"]) == (said["backfillId"], key)
    assert int(tags["dagster/priority"]) < 0
    assert night.nights.in_force(CODE) is None


@pytest.mark.timeout(900)
def test_killed_worker_code_server_and_daemon_lose_no_event_and_plan_nothing_twice(
    platform: Platform, night: Installation
) -> None:
    before = records.manifests(night.lake, CODE, FIRST)
    night.drop("downtime_events-3.csv", LONG_STOP.replace("EV1,HD1-01", "EV3,HD1-02"))
    first = platform.wait("the rerun's start", lambda: _started(night))
    (worker,) = platform.run_workers()
    os.kill(worker, signal.SIGKILL)
    platform.wait("the retry's start", lambda: _started(night) - first)
    (retry,) = platform.run_workers()
    server, daemon = platform.code_server(), platform.daemon()
    assert server is not None and daemon is not None
    os.kill(server, signal.SIGKILL)
    os.kill(daemon, signal.SIGKILL)
    platform.wait("the end of what the code server ran", lambda: not Path(f"/proc/{retry}").exists())
    newest = platform.wait("the rerun", lambda: records.manifests(night.lake, CODE, FIRST)[len(before) :])
    assert platform.daemon() not in (None, daemon)
    assert [run.pins.sequence for run in newest] == [before[-1].pins.sequence + 1]
    entry = newest[0].pins.inputs["raw.downtime_events"]
    assert set(known_events(read_input(night.lake, "raw.downtime_events", entry), ZoneInfo("UTC"))) >= {"EV3"}
    platform.wait("the last retry's end", lambda: not night.instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY)))
    statuses = [run.status for run in night.instance.get_runs(dg.RunsFilter(job_name="rerun"))]
    ended = Counter(status.value for status in statuses)
    assert ended == {"FAILURE": 2, "SUCCESS": len(before)}  # of those before, the first was the night
    night.approve_base(newest[0].run_id)  # it was laid before people, once


def _started(night: Installation) -> set[str]:
    """The reruns under way. One that died is started by the daemon again, or asked for anew by the sensor."""
    runs = night.instance.get_runs(dg.RunsFilter(job_name="rerun", statuses=[dg.DagsterRunStatus.STARTED]))
    return {run.run_id for run in runs}


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
