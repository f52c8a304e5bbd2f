"""What the Dagster tests share: a plant generated once, and a fresh installation of it per test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from recon_platform.plantsim import generate
from resources.partitions import PLANTS
from tests.dagster.plant import CODE, Installation, Planned, installation, once

ORDERS = 120
MOVES = 1  # every candidate is a whole plan; how they are found is tested with the proposal


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two consecutive nights of a small plant."""
    return once("generated", lambda: _generate(tmp_path_factory.mktemp("plant")))


@pytest.fixture(scope="session")
def planned(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """The first night run through Dagster once, with people: the result, and the home that tests copy."""
    return once("planned", lambda: _plan(generated, tmp_path_factory.mktemp("planned")))


def _generate(folder: Path) -> Path:
    for night in generate(folder, orders=ORDERS, nights=2, seed=1).nights:
        with (night / "plant.toml").open("a", encoding="utf-8") as settings:
            settings.write(f"\n[policy.proposal]\nmax_moves = {MOVES}\n")
    return folder


def _plan(generated: Path, home: Path) -> Planned:
    with dg.DagsterInstance.ephemeral() as instance:
        first = installation(generated, home, instance)
        first.people().close()
        return Planned(first.run("night"), home)


@pytest.fixture
def night(planned: Planned, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose first night is planned and laid before its people."""
    shutil.copytree(planned.home, tmp_path, dirs_exist_ok=True)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(PLANTS.name), [CODE])
        yield Installation(tmp_path, instance)


@pytest.fixture
def site(generated: Path, tmp_path: Path) -> Iterator[Installation]:
    """An installation with the generated plant landed and nothing run yet."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield installation(generated, tmp_path, instance)
