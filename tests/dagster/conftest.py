"""What the Dagster tests share: a plant generated once, and a fresh installation of it per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from recon_platform.plantsim import generate
from tests.dagster.plant import Installation, installation

ORDERS = 120
MOVES = 1  # every candidate is a whole plan; how they are found is tested with the proposal


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two consecutive nights of a small plant."""
    folder = tmp_path_factory.mktemp("plant")
    for night in generate(folder, orders=ORDERS, nights=2, seed=1).nights:
        with (night / "plant.toml").open("a", encoding="utf-8") as settings:
            settings.write(f"\n[policy.proposal]\nmax_moves = {MOVES}\n")
    return folder


@pytest.fixture
def site(generated: Path, tmp_path: Path) -> Iterator[Installation]:
    """An installation with the generated plant landed and nothing run yet."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield installation(generated, tmp_path, instance)
