"""One night of a small generated plant with its governance store, on the plant's own clock; copied per test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from recon_platform.agents.desk import Desk
from recon_platform.governance import Actor, Door, Store, passwords
from recon_platform.governance.clock import system_clock
from recon_platform.governance.plant_time import anchor
from tests.governance.night_lake import NightLake, first_night
from tests.governance.plant import AGENT, KEY, NOON


@pytest.fixture(scope="session", autouse=True)
def quick_secrets() -> Iterator[None]:
    """Hash with argon2's cheapest parameters: what is tested is who may what, not how slow a guess is."""
    patch = pytest.MonkeyPatch()
    patch.setattr(passwords, "_hasher", lambda: PasswordHasher.from_parameters(CHEAPEST))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def night_once(tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    made = first_night(tmp_path_factory.mktemp("agents"))
    store = made.store()
    anchor(store, NOON, system_clock)  # a server in a process of its own must find the sessions alive
    store.close()
    return made


@dataclass
class Counter:
    """A desk with an agent in front of it and the people behind it."""

    night: NightLake
    store: Store
    desk: Desk

    @property
    def plant(self) -> str:
        return self.night.plant

    def actor(self, name: str = AGENT) -> Actor:
        return self.store.sessions.authenticate(self.night.tokens[name], door=Door.AGENT)


@pytest.fixture
def counter(night_once: NightLake, tmp_path: Path) -> Iterator[Counter]:
    night = night_once.copy(tmp_path / "night")
    store = Store(str(night.folder / "governance.db"), key=KEY)
    yield Counter(night, store, Desk(night.lake, store, what_ifs=4))
    store.close()
