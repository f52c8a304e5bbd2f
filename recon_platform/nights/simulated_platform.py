"""The whole platform behind a simulated plant: a lake, a governance store, and a scripted supervisor who releases.

Belongs here: one simulated night through the same doors as a real one (night, proposal, approval, publication).
Does not belong here: the loop over nights (`simulate`).
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from recon_platform.connectors import read_landing
from recon_platform.governance import Store
from recon_platform.governance.permissions import Role
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.fence import FenceError
from recon_platform.nights.night import PUBLISHED, read_input, run_night
from recon_platform.nights.proposing import propose
from recon_platform.nights.publish import publish
from recon_platform.nights.records import Manifest
from recon_platform.nights.simulate import Planned

SUPERVISOR = "supervisor"
READ_BACK = ("findings", "action_messages", "metrics", "schedule", "order_changes")
HANDED_OVER_AFTER = timedelta(hours=1)  # plant time at which the scripted supervisor decides


class OnLake:
    """Nights on a lake below `out`, in plant time: the store's clock stands an hour after each landing."""

    def __init__(self, out: Path) -> None:
        self.lake = Lake(str(out / "lake"))
        self.now: datetime | None = None
        kept = out / "supervisor.json"
        if not kept.exists():
            made = {"key": secrets.token_hex(32), "secret": secrets.token_urlsafe(15)}
            kept.touch(mode=0o600)
            kept.write_text(json.dumps(made), encoding="utf-8")
        self.keys = json.loads(kept.read_text(encoding="utf-8"))
        self.url = f"sqlite:///{(out / 'governance.sqlite').resolve()}"

    def plan(self, folder: Path) -> Planned:
        """Run the night (or find it run), have its base plan approved, publish it."""
        landing = read_landing(folder)
        self.now = landing.as_of + HANDED_OVER_AFTER
        store = Store.create(self.url, clock=self.clock, key=bytes.fromhex(self.keys["key"]))
        if store.people.is_empty():
            store.people.found(SUPERVISOR, "Scripted Supervisor", [Role.SUPERVISOR], self.keys["secret"])
        plant, day = landing.plant.code, landing.as_of.astimezone(landing.plant.zone).date()
        finished = records.latest(self.lake, plant, day)
        if finished is None:
            finished = run_night(self.lake, landing, store=store, clock=self.clock).manifest
        propose(self.lake, store, finished)
        failed = None
        try:
            self._release(store, finished)
        except FenceError as error:  # refused: the schedule in force stays as it is
            failed = str(error)
        frames = {name: finished.read(self.lake, name) for name in READ_BACK}
        before = finished.pins.inputs.get(PUBLISHED)
        if before is not None:
            frames[PUBLISHED] = read_input(self.lake, PUBLISHED, before)
        changes = frames["order_changes"]["work_order"].drop_nulls().unique().sort()
        schedule = frames["schedule"] if failed is None else frames.get(PUBLISHED)
        return Planned(frames, schedule, tuple(changes), failed)

    def clock(self) -> datetime:
        """Plant time of the night that is being planned."""
        if self.now is None:
            raise ValueError("no night has been landed yet: plan a landing folder first")
        return self.now

    def _release(self, store: Store, finished: Manifest) -> None:
        """The scripted supervisor approves the base plan and publishes it; what is in force already stays."""
        standing = store.publications.in_force(finished.pins.plant["code"])
        if standing is not None and standing.run_id == finished.run_id:
            return
        actor = store.sessions.authenticate(store.sessions.login(SUPERVISOR, self.keys["secret"]).token)
        for request in store.requests.find(actor, kind="base"):
            if request.run_id == finished.run_id and request.state == "open":
                store.decisions.approve(
                    actor, request.request, digest=request.digest, reason="scripted: every base plan"
                )
        publish(self.lake, store, finished.run_id, actor=actor)
        store.sessions.logout(actor)

    def remember(self, folder: Path) -> None:
        """The lake remembers."""

    def recall(self, folder: Path) -> None:
        """The lake remembers."""
