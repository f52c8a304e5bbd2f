"""The real thing: one command starts webserver, daemon and code location; GraphQL sees a night, a rerun, a rest.

What happens to it is told in order: events, a backfill, processes that are killed.

Everything is started in a session of its own and ended by force at the end of the test, whatever happened.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import dagster as dg
import pytest

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
