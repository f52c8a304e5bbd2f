"""The lake that the console's bench looks at: a generated plant, one night in force, the next proposed, people to sign in.

No moves are tried out: each is a plan of its own, and pages read tables, whatever made them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recon_platform.bench.reruns import NO_MOVES
from recon_platform.connectors import Landing, read_landing
from recon_platform.governance import Store, plant_time
from recon_platform.governance.clock import system_clock
from recon_platform.governance.permissions import Role
from recon_platform.lake import Lake
from recon_platform.nights.audit_trail import LakeAudit
from recon_platform.nights.night import run_night
from recon_platform.nights.publish import publish
from recon_platform.nights.records import Manifest
from recon_platform.plantsim import generate

PEOPLE = {"planner": Role.PLANNER, "supervisor": Role.SUPERVISOR, "auditor": Role.AUDITOR, "admin": Role.IT}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Where the lake is, its plant, how many operations the newest night schedules, and everybody's secret."""

    home: Path
    plant: str
    operations: int
    people: dict[str, str]

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def governance(self) -> str:
        return str(self.lake / "governance.db")

    @property
    def key(self) -> Path:
        return self.lake / "governance.key"


def prepare(home: Path, orders: int, seed: int, say: Callable[[str], None]) -> Prepared:
    """Two nights of a plant of `orders` open orders, or what an earlier call left in `home`."""
    made = home / "prepared.json"
    if not made.exists():
        said = _make(home, orders, seed, say)
        made.write_text(json.dumps(said))
    return Prepared(home, **json.loads(made.read_text()))


def _make(home: Path, orders: int, seed: int, say: Callable[[str], None]) -> dict[str, object]:
    say(f"a plant of {orders:,} open orders")
    lake = Lake(str(home / "lake"))
    nights = generate(home / "landing", orders=orders, nights=2, seed=seed).nights
    for folder in nights:
        with (folder / "plant.toml").open("a", encoding="utf-8") as file:
            file.write(NO_MOVES)
    say("its first night")
    store, people, _ = night_in_force(lake, home, read_landing(nights[0]))
    say("its second night")
    landing = read_landing(nights[1])
    plant_time.anchor(store, landing.as_of, system_clock)
    last = run_night(lake, landing, store=store, clock=store.clock).manifest
    store.audit.copy_to(LakeAudit(lake))
    store.close()
    return {"plant": landing.plant.code, "operations": last.outputs["schedule"].rows, "people": people}


def night_in_force(lake: Lake, home: Path, landing: Landing) -> tuple[Store, dict[str, str], Manifest]:
    """Plan the night of `landing` and put its schedule in force: the store made for it in `home`, the secret of each of
    `PEOPLE`, the night's manifest."""
    store = _store(home, landing.as_of)
    people = {name: secrets.token_urlsafe(15) for name in PEOPLE}
    for name, role in PEOPLE.items():
        store.people.found(name, name.capitalize(), [role], people[name])
    night = run_night(lake, landing, store=store, clock=store.clock).manifest
    supervisor = store.sessions.authenticate(store.sessions.login("supervisor", people["supervisor"]).token)
    base = store.requests.find(supervisor, kind="base")[0]
    store.decisions.approve(supervisor, base.request, digest=base.digest, reason="bench: first night")
    publish(lake, store, night.run_id, actor=supervisor)
    return store, people, night


def _store(home: Path, as_of: datetime) -> Store:
    key = home / "lake" / "governance.key"
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_bytes(secrets.token_bytes(32))
    store = Store.create(str(home / "lake" / "governance.db"), key=key.read_bytes())
    plant_time.anchor(store, as_of, system_clock)
    return store
