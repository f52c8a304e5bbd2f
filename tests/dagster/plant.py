"""A small generated plant with its lake, landing and people: what the tests of the Dagster shell run on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from assets.definitions import build_definitions
from recon_platform.governance import Actor, Role, Store
from recon_platform.lake import Lake
from resources.clock import ClockResource
from resources.landing import LandingResource
from resources.nights import NightsResource
from resources.partitions import PLANTS, night_key

Made = TypeVar("Made")
FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)
CODE = "FASTENER"
HEADER = "event,machine,work_center,started_at,ended_at,expected_end,planned,reason,reported_at"
LONG_STOP = "EV1,HD1-01,,2026-03-02T08:00:00Z,,2026-03-02T12:00:00Z,false,spindle,2026-03-02T08:05:00Z"
SHORT_STOP = "EV2,HD1-01,,2026-03-02T08:00:00Z,2026-03-02T08:02:00Z,,false,jam,2026-03-02T08:02:00Z"
SECRETS = {"planner": "a planner's long secret 1", "supervisor": "a supervisor's long secret 2"}


@dataclass
class Installation:
    """One home folder with a landed plant, and a Dagster instance; lake and governance store below it, or elsewhere."""

    home: Path
    instance: dg.DagsterInstance
    lake_root: str = ""
    lake_options: Mapping[str, str] = field(default_factory=dict)
    governance: str = ""

    @property
    def landing_root(self) -> Path:
        return self.home / "landing"

    @property
    def lake(self) -> Lake:
        return Lake(self.lake_root or str(self.home / "lake"), dict(self.lake_options) or None)

    @property
    def governance_url(self) -> str:
        return self.governance or str(self.home / "lake" / "governance.db")

    @property
    def nights(self) -> NightsResource:
        return NightsResource(
            lake_root=self.lake_root or str(self.home / "lake"), lake_options=json.dumps(dict(self.lake_options)),
            landing_root=str(self.landing_root), governance_url=self.governance_url,
            key_file=str(self.home / "lake" / "governance.key"),
        )  # fmt: skip

    def definitions(self, **others: Any) -> dg.Definitions:
        landing = LandingResource(root=str(self.landing_root))
        return build_definitions(nights=self.nights, landing=landing, clock=ClockResource(), **others)

    def run(self, job: str, day: date = FIRST, **tags: str) -> dg.ExecuteInProcessResult:
        """Execute a job of the code location in this process, on the partition of `day`."""
        return (
            self.definitions()
            .resolve_job_def(job)
            .execute_in_process(
                instance=self.instance, partition_key=night_key(CODE, day), tags=tags, raise_on_error=False
            )
        )

    def drop(self, name: str, *rows: str) -> None:
        """Drop downtime events as a plant does: written under another name, then renamed."""
        folder = self.landing_root / CODE / "events"
        folder.mkdir(exist_ok=True)
        (folder / f".{name}").write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
        (folder / f".{name}").rename(folder / name)

    def people(self) -> Store:
        """A governance store with a planner and a supervisor."""
        (self.home / "lake").mkdir(exist_ok=True)
        store = Store.create(self.governance_url, key=b"k" * 32)
        (self.home / "lake" / "governance.key").write_bytes(b"k" * 32)
        for name, role in (("planner", Role.PLANNER), ("supervisor", Role.SUPERVISOR)):
            store.people.found(name, name.title(), [role], SECRETS[name])
        return store

    @staticmethod
    def signed_in(store: Store, name: str) -> Actor:
        """One of the people, signed in."""
        return store.sessions.authenticate(store.sessions.login(name, SECRETS[name]).token)

    def approve_base(self, run_id: str | None = None) -> None:
        """The supervisor releases the base plan of a run, by default the only one that is open."""
        store = Store(self.governance_url, key=b"k" * 32)
        actor = self.signed_in(store, "supervisor")
        found = store.requests.find(actor, kind="base")
        (request,) = [request for request in found if run_id in (None, request.run_id)]
        store.decisions.approve(actor, request.request, digest=request.digest, reason="looks right")


@dataclass(frozen=True)
class Planned:
    """A home whose first night was run through Dagster, and the run's result."""

    result: dg.ExecuteInProcessResult
    home: Path


_MADE: dict[str, Any] = {}


def once(name: str, make: Callable[[], Made]) -> Made:
    """What `make` gives, made once in this process: folders of tests share a session fixture by importing it."""
    if name not in _MADE:
        _MADE[name] = make()
    made: Made = _MADE[name]
    return made


def land(source: Path, home: Path) -> None:
    """Copy the nights of a generated plant into the landing of a home folder."""
    shutil.copytree(source, home / "landing" / CODE, ignore=shutil.ignore_patterns("truth"))


def installation(source: Path, home: Path, instance: dg.DagsterInstance) -> Installation:
    land(source, home)
    instance.add_dynamic_partitions(str(PLANTS.name), [CODE])
    return Installation(home, instance)
