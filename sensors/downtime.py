"""Reruns after major downtime: once per event, a burst together, a second delivery not at all.

What decides is always the difference between the newest report of each event and what the latest plan of the plant
read, so nothing depends on this sensor having seen every file: a lost cursor, a killed daemon or an event that comes
twice, late or out of order lead to the same reruns. The cursor only spares reading again what was judged already.
"""

import json
from datetime import datetime
from typing import Any

import dagster as dg

from recon_platform.nights.downtime import DowntimeEvent, Judgement, coalesced_key, fingerprint, judge
from resources.clock import ClockResource
from resources.landing import LandingResource
from resources.nights import NightRecord, NightsResource
from resources.partitions import night_key
from sensors.tags import EVENT_AT, EVENTS, PRIORITY, REASON, URGENT, asked_again, planning_under_way

MOST_EVENTS_NAMED = 20


def downtime_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """Requests job `rerun` for the latest night of a plant when reported downtime changes it by a major amount."""

    @dg.sensor(
        name="downtime", job_name="rerun", minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Plans the latest night again after major downtime: once per event, bursts together.",
    )  # fmt: skip
    def downtime(
        context: dg.SensorEvaluationContext, landing: LandingResource, nights: NightsResource, clock: ClockResource
    ) -> dg.SensorResult:
        cursor: dict[str, dict[str, Any]] = json.loads(context.cursor) if context.cursor else {}
        requests: list[dg.RunRequest] = []
        said: list[str] = []
        for plant in landing.plants():
            state = cursor.get(plant, {})
            mark = fingerprint(landing.events_folder(plant))
            night = nights.latest(plant)
            if night is None:
                said.append(f"{plant}: no night yet")
                continue
            if state == {"files": mark, "night": night.run_id, "settled": True}:
                continue
            busy = planning_under_way(context.instance, plant)
            if busy is not None:
                said.append(f"{plant}: run {busy.run_id} is planning; events wait for it")
                continue
            judgements = _judge_all(landing, nights, plant, night, clock.now())
            major = [found for found in judgements if found.major]
            if major:
                requests.append(_request(context.instance, plant, night, major, landing))
            said += [f"{plant}: {found.event.event}: {found.reason}" for found in judgements][:MOST_EVENTS_NAMED]
            # Settled: nothing to do until a file or the plan changes. An event without an end grows by itself.
            settled = not major and all(found.event.end is not None for found in judgements)
            cursor[plant] = {"files": mark, "night": night.run_id, "settled": settled}
        return dg.SensorResult(
            run_requests=requests, cursor=json.dumps(cursor, sort_keys=True),
            skip_reason=None if requests else dg.SkipReason("; ".join(said) or "no new downtime event"),
        )  # fmt: skip

    return downtime


def _judge_all(
    landing: LandingResource, nights: NightsResource, plant: str, night: NightRecord, now: datetime
) -> list[Judgement]:
    known: dict[str, DowntimeEvent] = nights.known_events(night)
    policy, events = nights.policy(night).capacity, landing.events(plant).events
    if not events:
        return []
    stakes = nights.stakes(night)
    return [
        judge(event, known.get(event.event), as_of=night.as_of, now=now, policy=policy, stakes=stakes)
        for event in events
    ]


def _request(
    instance: dg.DagsterInstance, plant: str, night: NightRecord, major: list[Judgement], landing: LandingResource
) -> dg.RunRequest:
    names = sorted(found.event.event for found in major)
    return dg.RunRequest(
        run_key=asked_again(instance, coalesced_key(f"{plant}:{night.planning_date}", major)),
        partition_key=night_key(plant, night.planning_date),
        tags={
            PRIORITY: URGENT, EVENTS: ",".join(names[:MOST_EVENTS_NAMED]),
            EVENT_AT: landing.newest_drop(plant).isoformat(),
            REASON: "; ".join(f"{found.event.event}: {found.reason}" for found in major)[:250],
        },
    )  # fmt: skip
