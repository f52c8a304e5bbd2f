"""`/health`: whether this installation plans tonight – daemon, sensors, relay, queue, and the last night of each plant.

Belongs here: reading Dagster's own records and the landing, and one small HTTP endpoint on loopback for a monitor.
Does not belong here: repairing anything. A plant whose newest landing has no finished plan is a missed night.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from resources.delivery import DeliveryResource
from resources.landing import LandingResource
from resources.nights import NightsResource

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagster as dg


LATE_MINUTES = 15.0  # the relay looks every few seconds; a message this old means that a target does not answer
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class PlantHealth:
    """One plant: the newest landing, the newest planned night, and the schedule in force."""

    landed: date | None
    planned: date | None
    schedule_version: int | None
    schedule_as_of: str | None

    @property
    def missed(self) -> bool:
        """The newest landing has no finished plan."""
        return self.landed is not None and (self.planned is None or self.planned < self.landed)


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """The outbox: messages by state, and how long the oldest that is due has waited."""

    counts: dict[str, int] = field(default_factory=dict)
    oldest_due_minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """The state of an installation; `problems` is empty when nobody has to get up."""

    daemons: dict[str, bool]
    queued_runs: int
    plants: dict[str, PlantHealth] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)  # sensors and schedules whose last look failed, and why
    relay: RelayHealth = field(default_factory=RelayHealth)

    @property
    def problems(self) -> list[str]:
        stopped = [
            f"daemon {name} gives no sign of life" for name, healthy in sorted(self.daemons.items()) if not healthy
        ]
        none = [] if self.daemons else ["no daemon has started yet"]
        missed = [
            f"{plant}: landed {state.landed}, planned {state.planned or 'never'}"
            for plant, state in sorted(self.plants.items())
            if state.missed
        ]
        failing = [f"{name} fails: {why}" for name, why in sorted(self.failing.items())]
        minutes = self.relay.oldest_due_minutes
        late = [f"a message waits for {minutes:.0f} min to be delivered"] if minutes > LATE_MINUTES else []
        return [*none, *stopped, *failing, *late, *missed]

    def as_json(self) -> str:
        return json.dumps({"healthy": not self.problems, "problems": self.problems, **asdict(self)}, default=str)


def health(
    instance: dg.DagsterInstance, landing: LandingResource, nights: NightsResource, delivery: DeliveryResource
) -> Health:
    """What there is to say now."""
    import dagster as dg

    statuses = instance.get_daemon_statuses()
    plants = {}
    for plant in landing.plants():
        newest, in_force, dates = nights.latest(plant), nights.in_force(plant), landing.dates(plant)
        plants[plant] = PlantHealth(
            landed=dates[-1] if dates else None,
            planned=newest.planning_date if newest is not None else None,
            schedule_version=in_force.schedule_version if in_force is not None else None,
            schedule_as_of=in_force.as_of.isoformat() if in_force is not None else None,
        )
    return Health(
        daemons={name: bool(status.healthy) for name, status in statuses.items() if status.required},
        queued_runs=instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])),
        plants=plants,
        failing=failing(instance),
        relay=_relay(nights, delivery),
    )


def failing(instance: dg.DagsterInstance) -> dict[str, str]:
    """Sensors and schedules that are on and whose newest tick failed."""
    from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

    found = {}
    for state in instance.all_instigator_state():
        if state.status == InstigatorStatus.STOPPED:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        if ticks and ticks[0].status == TickStatus.FAILURE:
            error = ticks[0].error
            found[state.instigator_name] = error.message.strip()[:LONGEST_REASON] if error is not None else "no reason"
    return found


def _relay(nights: NightsResource, delivery: DeliveryResource) -> RelayHealth:
    store = nights.store()
    if store is None:
        return RelayHealth()
    try:
        waiting = delivery.waiting(store)
        now = store.clock()
        oldest = max(((now - message.created_at).total_seconds() / 60 for message in waiting), default=0.0)
        return RelayHealth(store.outbox.counts(), round(oldest, 1))
    finally:
        store.close()


def serve(look: Callable[[], Health], port: int) -> ThreadingHTTPServer:
    """Answer `GET /health` on 127.0.0.1:`port` in a thread: 200 when there is no problem, 503 when there is one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.rstrip("/") != "/health":
                self.send_error(404)
                return
            found = look()
            body = found.as_json().encode()
            self.send_response(503 if found.problems else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A monitor asks every few seconds; nobody reads that."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="health").start()
    return server
