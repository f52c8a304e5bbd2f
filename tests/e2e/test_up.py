"""The real thing: one command starts webserver, daemon and code location; GraphQL sees a night, a rerun, a rest.

Everything is started in a session of its own and ended by force at the end of the test, whatever happened.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.dagster.plant import CODE, FIRST, LONG_STOP, SHORT_STOP, Installation
from tests.e2e.platform import REPOSITORY, Platform, left_of

RERUN_SECONDS = 60.0


@pytest.fixture
def platform(night: Installation) -> Iterator[Platform]:
    running = Platform(night.home)
    try:
        yield running
    finally:
        running.end()
    assert left_of(night.home) == []


@pytest.mark.timeout(600)
def test_a_major_stop_reruns_within_a_minute_and_a_short_one_does_not(platform: Platform, night: Installation) -> None:
    platform.wait_until_ready()
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
