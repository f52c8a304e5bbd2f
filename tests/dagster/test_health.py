"""`/health` says what somebody has to get up for, and nothing else."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from resources.delivery import DeliveryResource
from resources.health import Health, PlantHealth, RelayHealth, failing, health, serve
from resources.landing import LandingResource
from tests.dagster.plant import CODE, FIRST, SECOND, Installation


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps ticks, as a real one does."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("instance"))) as instance:
        yield instance


def test_a_landed_night_without_a_plan_is_a_missed_night(night: Installation, instance: dg.DagsterInstance) -> None:
    landing = LandingResource(root=str(night.landing_root))
    found = health(instance, landing, night.nights, DeliveryResource())
    assert found.plants[CODE].landed == SECOND
    assert found.plants[CODE].planned == FIRST
    assert f"{CODE}: landed {SECOND}, planned {FIRST}" in found.problems
    shutil.rmtree(night.landing_root / CODE / SECOND.isoformat())
    assert not health(instance, landing, night.nights, DeliveryResource()).plants[CODE].missed


def test_the_newest_tick_of_a_sensor_says_whether_it_fails(instance: dg.DagsterInstance) -> None:
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("recon"), "__repository__"), "outbox"
    )
    state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
    instance.add_instigator_state(state)
    for status, error, found in (
        (TickStatus.SKIPPED, None, {}),
        (
            TickStatus.FAILURE,
            SerializableErrorInfo("no such table\n", [], "OperationalError"),
            {"outbox": "no such table"},
        ),
        (TickStatus.SUCCESS, None, {}),
    ):
        instance.create_tick(
            TickData(
                instigator_origin_id=state.instigator_origin_id, instigator_name="outbox",
                instigator_type=InstigatorType.SENSOR, status=status, timestamp=time.time(), error=error,
                selector_id=state.selector_id, run_ids=["a run"] if status == TickStatus.SUCCESS else None,
            )
        )  # fmt: skip
        assert failing(instance) == found


def test_a_daemon_without_a_sign_of_life_is_a_problem() -> None:
    well = PlantHealth(FIRST, FIRST, 3, "2026-03-02T03:00:00+00:00")
    assert Health({"SENSOR": True}, 0, {"P": well}).problems == []
    assert Health({"SENSOR": False, "SCHEDULER": True}, 0).problems == ["daemon SENSOR gives no sign of life"]
    assert Health({}, 0).problems == ["no daemon has started yet"]


def test_a_sensor_that_fails_and_a_message_that_waits_are_problems() -> None:
    found = Health({"SENSOR": True}, 0, failing={"outbox": "no such table"}, relay=RelayHealth({"waiting": 3}, 40.0))
    assert found.problems == ["outbox fails: no such table", "a message waits for 40 min to be delivered"]


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
def test_the_endpoint_answers_with_the_state_and_a_status_a_monitor_understands(alive: bool, status: int) -> None:
    server = serve(lambda: Health({"SENSOR": alive}, 2), 0)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                code, body = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            code, body = error.code, json.load(error)
        assert code == status
        assert body["healthy"] is alive
        assert body["queued_runs"] == 2
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/", timeout=5)
    finally:
        server.shutdown()
        server.server_close()
