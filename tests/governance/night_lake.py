"""A real night of a small generated plant in a lake, with its governance store; made once, copied per test."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recon_platform.connectors import read_landing
from recon_platform.governance import Actor, Store, service
from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from recon_platform.nights.proposing import propose
from recon_platform.nights.publish import publish
from recon_platform.plantsim import generate
from tests.governance.plant import KEY, StandingClock, furnish

ORDERS = 40
PUBLISHER = service("publisher", "1")


@dataclass
class NightLake:
    """A folder with `landing/`, `lake/` and `governance.db`; the first night is planned and proposed."""

    folder: Path
    tokens: dict[str, str]
    run_id: str = ""

    def copy(self, to: Path) -> NightLake:
        """The same in another folder."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        return NightLake(to, self.tokens, self.run_id)

    @property
    def plant(self) -> str:
        return self.run_id.split(".", maxsplit=1)[0]

    @property
    def lake(self) -> Lake:
        return Lake(str(self.folder / "lake"))

    def store(self, url: str | None = None) -> Store:
        return Store(url or str(self.folder / "governance.db"), clock=StandingClock(), key=KEY)

    def actor(self, store: Store, name: str) -> Actor:
        return store.sessions.authenticate(self.tokens[name])

    def approve(self, store: Store, name: str = "sam", run_id: str | None = None) -> int:
        """Approve the base plan of a run; gives the request."""
        actor = self.actor(store, name)
        for request in store.requests.find(actor, kind="base"):
            if request.run_id == (run_id or self.run_id):
                store.decisions.approve(actor, request.request, digest=request.digest, reason="released")
                return request.request
        raise AssertionError(f"no base request of {run_id or self.run_id}")

    def plan(self, store: Store, night: int) -> str:
        """Plan and propose the landing folder number `night` (0 is the one that is there)."""
        folder = sorted(path for path in (self.folder / "landing").iterdir() if (path / "plant.toml").exists())[night]
        result = run_night(self.lake, read_landing(folder), store=store, clock=store.clock)
        propose(self.lake, store, result.manifest)
        return result.run_id


def few_moves(nights: Iterable[Path]) -> None:
    """Let the nights try one exception only: each is a plan of its own."""
    for night in nights:
        with (night / "plant.toml").open("a") as file:
            file.write("\n[policy.proposal]\nmax_moves = 1\n")


def first_night(folder: Path) -> NightLake:
    """Generate two nights; plan and propose the first."""
    few_moves(generate(folder / "landing", orders=ORDERS, nights=2).nights)
    store = Store.create(str(folder / "governance.db"), clock=StandingClock(), key=KEY)
    made = NightLake(folder, furnish(store))
    made.run_id = made.plan(store, 0)
    store.close()
    return made


def second_night(first: NightLake, folder: Path) -> NightLake:
    """Put the first night in force, plan and propose the second; `run_id` is that of the second."""
    made = first.copy(folder)
    store = made.store()
    made.approve(store)
    publish(made.lake, store, first.run_id, actor=PUBLISHER)
    made.run_id = made.plan(store, 1)
    store.close()
    return made


def both_nights(second: NightLake, folder: Path) -> NightLake:
    """Put the second night in force too."""
    made = second.copy(folder)
    store = made.store()
    made.approve(store)
    publish(made.lake, store, made.run_id, actor=PUBLISHER)
    store.close()
    return made
