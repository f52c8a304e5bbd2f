"""`/health`: whether this installation plans tonight – daemon, sensors, queue, and the last night of each plant.

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

from resources.landing import LandingResource
from resources.nights import NightsResource

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagster as dg


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
class Health:
    """The state of an installation; `problems` is empty when nobody has to get up."""

    daemons: dict[str, bool]
    queued_runs: int
    plants: dict[str, PlantHealth] = field(default_factory=dict)

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
        return [*none, *stopped, *missed]

    def as_json(self) -> str:
        return json.dumps({"healthy": not self.problems, "problems": self.problems, **asdict(self)}, default=str)


def health(instance: dg.DagsterInstance, landing: LandingResource, nights: NightsResource) -> Health:
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
    )


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
