"""Sensors and schedules: what they request, when, and once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent
from dagster._core.events.log import EventLogEntry
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from recon_platform.nights.downtime import DowntimeEvent, read_events
from recon_platform.nights.stakes import Stakes
from recon_platform.tables.policy import Policy
from resources.clock import ClockResource
from resources.landing import LandingResource
from resources.nights import Fallback, NightRecord, NightsResource, Publishable
from resources.partitions import PLANTS, night_key, night_of
from sensors.approvals import approvals_sensor
from sensors.downtime import downtime_sensor
from sensors.plants import plants_sensor
from sensors.schedules import nightly_schedule
from sensors.tags import EVENTS, PRIORITY

DAY = date(2026, 3, 2)
AS_OF = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HEADER = "event,machine,work_center,started_at,ended_at,expected_end,planned,reason,reported_at"
LONG = "E1,HD1-01,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,,spindle,2026-03-02T08:05:00Z"
SHORT = "E2,HD1-01,,2026-03-02T08:00:00Z,2026-03-02T08:02:00Z,,,jam,2026-03-02T08:02:00Z"


@dataclass
class Answers:
    """What the nights of one plant answer; kept outside the resource, because Dagster hands copies of it to sensors."""

    known: list[DowntimeEvent] = field(default_factory=list)
    newest: str | None = "run-0"
    fallbacks: list[str] = field(default_factory=list)


ANSWERS: dict[str, Answers] = {}


class PlannedNights(NightsResource):
    """A plant with one finished night, without a lake: what sensors ask, answered from memory."""

    @property
    def state(self) -> Answers:
        return ANSWERS[self.landing_root]

    def latest(self, plant: str) -> NightRecord | None:
        manifest: Any = SimpleNamespace()
        return None if self.state.newest is None else NightRecord(plant, DAY, 0, self.state.newest, AS_OF, manifest)

    def known_events(self, night: NightRecord) -> dict[str, DowntimeEvent]:
        return {event.event: event for event in self.state.known}

    def policy(self, night: NightRecord) -> Policy:
        return Policy()

    def stakes(self, night: NightRecord) -> Stakes:
        return Stakes()

    def planned(self, plant: str, planning_date: date) -> bool:
        return self.state.newest is not None and planning_date == DAY

    def publishable(self) -> list[Publishable]:
        return [Publishable("P1", DAY, "run-0", "publish:run-0:1", "request 1 approved by sam")]

    def fallback(self, plant: str, planning_date: date, *, run_id: str, reason: str, now: datetime) -> Fallback:
        self.state.fallbacks.append(reason)
        return Fallback(reason, 7, AS_OF, 24.0)


class Plant:
    """A landing root with one plant, and the resources over it."""

    def __init__(self, root: Path, instance: dg.DagsterInstance) -> None:
        self.root = root
        self.landing = LandingResource(root=str(root))
        self.nights = PlannedNights(lake_root="", landing_root=str(root), governance_url="")
        self.answers = ANSWERS[str(root)] = Answers()
        self.clock = ClockResource(fixed="2026-03-02T08:10:00+00:00")
        self.instance = instance
        self.cursor: str | None = None
        self.land(DAY)

    def land(self, day: date, extracted: str = "2026-03-02T01:00:00Z") -> None:
        folder = self.root / "P1" / day.isoformat()
        folder.mkdir(parents=True)
        (folder / "plant.toml").write_text('plant = "P1"\ntimezone = "Europe/Berlin"\n', encoding="utf-8")
        (folder / "feeds.csv").write_text(f"table,source,extracted_at\nitems,erp,{extracted}\n", encoding="utf-8")

    def drop(self, name: str, *rows: str) -> None:
        folder = self.root / "P1" / "events"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")

    def look(self) -> list[dg.RunRequest]:
        """One tick of the downtime sensor; its cursor is kept, and run keys are honoured as the daemon does."""
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor,
            resources={"landing": self.landing, "nights": self.nights, "clock": self.clock},
        ) as context:  # fmt: skip
            result = downtime_sensor(15)(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.skip = result.skip_reason
        return list(result.run_requests or [])


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """One instance on disk for all tests here: schedules want one that can be found again by reference."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("instance"))) as instance:
        yield instance


@pytest.fixture
def plant(tmp_path: Path, instance: dg.DagsterInstance) -> Plant:
    instance.wipe()
    for known in instance.get_dynamic_partitions(str(PLANTS.name)):
        instance.delete_dynamic_partition(str(PLANTS.name), known)
    return Plant(tmp_path, instance)


def test_a_four_hour_stop_requests_one_urgent_rerun_of_the_latest_night(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    (request,) = plant.look()
    assert night_of(str(request.partition_key)) == ("P1", DAY)
    assert request.tags[EVENTS] == "E1"
    assert int(request.tags[PRIORITY]) > 0


def test_a_two_minute_stop_requests_nothing_and_says_why(plant: Plant) -> None:
    plant.drop("downtime_events.csv", SHORT)
    assert plant.look() == []
    assert "2 min of machine time change; below 60" in str(plant.skip)


def test_the_same_event_has_the_same_run_key_until_it_is_planned_and_none_after(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    first, again = plant.look(), plant.look()
    assert [request.run_key for request in first] == [request.run_key for request in again]
    plant.answers.known = list(read_events(plant.root / "P1" / "events", ZoneInfo("UTC")).events)
    plant.answers.newest = "run-1"
    assert plant.look() == []
    plant.drop("downtime_events-again.csv", LONG)
    assert plant.look() == []


def test_a_burst_becomes_one_rerun(plant: Plant) -> None:
    for number in range(10):
        plant.drop(f"downtime_events-{number}.csv", LONG.replace("E1", f"E{number}"))
    (request,) = plant.look()
    assert request.tags[EVENTS].count(",") == 9


def test_a_late_end_of_a_planned_event_reruns_again(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    (first,) = plant.look()
    plant.answers.known = list(read_events(plant.root / "P1" / "events", ZoneInfo("UTC")).events)
    plant.answers.newest = "run-1"
    plant.drop("downtime_events-2.csv", LONG.replace("T12:00", "T16:00").replace("T08:05", "T11:55"))
    (second,) = plant.look()
    assert second.run_key != first.run_key


def test_a_lost_cursor_changes_nothing(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    (first,) = plant.look()
    plant.cursor = None
    (again,) = plant.look()
    assert again.run_key == first.run_key


def test_an_event_waits_for_a_run_that_is_planning(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    plant.instance.add_run(
        dg.DagsterRun(
            job_name="night", run_id="5a1d2c7e-0000-4000-8000-000000000001",
            tags={"dagster/partition/plant": "P1"}, status=dg.DagsterRunStatus.STARTED,
        )
    )  # fmt: skip
    assert plant.look() == []
    assert "is planning" in str(plant.skip)
    (run,) = plant.instance.get_runs()
    plant.instance.handle_run_event(
        run.run_id,
        dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name="night"),
    )
    assert len(plant.look()) == 1


def test_no_night_yet_means_no_rerun_and_the_event_is_not_lost(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    plant.answers.newest = None
    assert plant.look() == []
    plant.answers.newest = "run-0"
    assert len(plant.look()) == 1


def test_a_stop_without_an_end_is_looked_at_again(plant: Plant) -> None:
    plant.drop("downtime_events.csv", "E3,HD1-01,,2026-03-02T08:00:00Z,,,,,2026-03-02T08:01:00Z")
    assert plant.look() == []
    plant.clock = ClockResource(fixed="2026-03-02T09:30:00+00:00")
    assert len(plant.look()) == 1


def test_new_plants_become_partitions_once(plant: Plant) -> None:
    def look() -> Any:
        with dg.build_sensor_context(instance=plant.instance, resources={"landing": plant.landing}) as context:
            return plants_sensor(15)(context)

    (request,) = look().dynamic_partitions_requests
    assert request.partition_keys == ["P1"]
    plant.instance.add_dynamic_partitions(str(PLANTS.name), ["P1"])
    assert not look().dynamic_partitions_requests


def test_an_approval_launches_publishing_under_its_own_key(plant: Plant) -> None:
    with dg.build_sensor_context(instance=plant.instance, resources={"nights": plant.nights}) as context:
        result: Any = approvals_sensor(15)(context)
    (request,) = result.run_requests
    assert request.run_key == "publish:run-0:1"
    assert request.partition_key == night_key("P1", DAY)


def tick(plant: Plant, local: datetime) -> Any:
    schedule = nightly_schedule("P1", ZoneInfo("Europe/Berlin"))
    with dg.build_schedule_context(
        instance=plant.instance, scheduled_execution_time=local,
        resources={"landing": plant.landing, "nights": plant.nights},
    ) as context:  # fmt: skip
        return schedule(context)


BERLIN = ZoneInfo("Europe/Berlin")


def test_the_night_starts_when_its_feeds_are_fresh(plant: Plant) -> None:
    plant.answers.newest = None
    request = tick(plant, datetime(2026, 3, 2, 2, 30, tzinfo=BERLIN))
    assert isinstance(request, dg.RunRequest)
    assert request.run_key == "night:P1:2026-03-02"


def test_a_planned_night_is_not_started_again(plant: Plant) -> None:
    assert "is planned" in str(tick(plant, datetime(2026, 3, 2, 2, 30, tzinfo=BERLIN)))


def test_a_late_landing_is_waited_for_and_refused_at_the_deadline(plant: Plant) -> None:
    waiting = tick(plant, datetime(2026, 3, 3, 2, 30, tzinfo=BERLIN))
    assert "waiting: landing 2026-03-03 is not there" in str(waiting)
    assert plant.answers.fallbacks == []
    refused = tick(plant, datetime(2026, 3, 3, 5, 0, tzinfo=BERLIN))
    assert "refused: landing 2026-03-03 is not there at the deadline 05:00" in str(refused)
    assert len(plant.answers.fallbacks) == 1


def test_stale_feeds_are_refused_at_the_deadline(plant: Plant) -> None:
    plant.land(date(2026, 3, 3), extracted="2026-03-02T01:00:00Z")
    refused = tick(plant, datetime(2026, 3, 3, 5, 0, tzinfo=BERLIN))
    assert "feed items is 27.0 h old" in str(refused)


def test_the_schedule_runs_in_the_plants_own_time_zone_and_its_cursor_is_json(plant: Plant) -> None:
    schedule = nightly_schedule("P-1", ZoneInfo("America/Chicago"))
    assert (schedule.name, schedule.execution_timezone) == ("nightly_P_1", "America/Chicago")
    plant.drop("downtime_events.csv", SHORT)
    plant.look()
    assert json.loads(str(plant.cursor))["P1"]["settled"] is True


def test_a_run_that_died_with_its_retries_is_asked_for_again_and_one_that_failed_is_not(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    (request,) = plant.look()
    key = str(request.run_key)

    def run(number: int, reason: str, *, retried: bool, asked: str = key, parent: str | None = None) -> str:
        name = f"5a1d2c7e-0000-4000-8000-00000000000{number}"
        plant.instance.add_run(
            dg.DagsterRun(
                job_name="rerun", run_id=name, status=dg.DagsterRunStatus.FAILURE,
                parent_run_id=parent, root_run_id=parent,
                tags={
                    "dagster/partition/plant": "P1", "dagster/run_key": asked, "dagster/failure_reason": reason,
                    "dagster/will_retry": str(retried).lower(),
                },
            )
        )  # fmt: skip
        return name

    first = run(1, "UNKNOWN", retried=True)
    assert [found.run_key for found in plant.look()] == [key]  # its retry comes by itself
    run(2, "UNKNOWN", retried=False, parent=first)
    assert [found.run_key for found in plant.look()] == [f"{key}#2"]
    run(3, "STEP_FAILURE", retried=False, asked=f"{key}#2")
    assert [found.run_key for found in plant.look()] == [f"{key}#2"]  # a request that has its answer


def test_a_retry_that_the_daemon_passed_over_is_asked_for_again(plant: Plant) -> None:
    plant.drop("downtime_events.csv", LONG)
    (request,) = plant.look()
    key, at = str(request.run_key), datetime(2026, 3, 2, 8, 11, tzinfo=UTC)
    daemon, context = EventLogConsumerDaemon(), cast("Any", SimpleNamespace(instance=plant.instance))
    failure = DagsterEvent(dg.DagsterEventType.RUN_FAILURE.value, "rerun", message="its process died")

    def start(number: int, asked: str) -> str:
        name = f"5a1d2c7e-0000-4000-8000-00000000001{number}"
        tags, status = {"dagster/run_key": asked}, dg.DagsterRunStatus.STARTED
        plant.instance.add_run(dg.DagsterRun(job_name="rerun", run_id=name, status=status, tags=tags))
        return name

    def write_event(run_id: str) -> None:
        event = EventLogEntry(
            None, logging.ERROR, "died", run_id, at.timestamp(), job_name="rerun", dagster_event=failure
        )
        plant.instance.event_log_storage.store_event(event)

    def write_status(run_id: str) -> None:
        plant.instance.run_storage.handle_run_event(run_id, failure, at)
        plant.instance.add_run_tags(run_id, {"dagster/will_retry": "true"})

    list(daemon.run_iteration(context))  # it remembers how far it has looked
    first = start(1, key)
    write_event(first)
    list(daemon.run_iteration(context))  # it reads the event of a run that, by its status, still runs
    write_status(first)
    list(daemon.run_iteration(context))
    assert len(plant.instance.get_runs()) == 1  # no retry has come of it, and none will
    assert [found.run_key for found in plant.look()] == [f"{key}#2"]
    second = start(2, f"{key}#2")
    write_event(second)
    write_status(second)
    assert [found.run_key for found in plant.look()] == [f"{key}#2"]  # the daemon has yet to look
