"""A small generated plant, planned once and used by many tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon_platform.connectors import Landing, read_landing
from recon_platform.plantsim import generate


@pytest.fixture(scope="session")
def small_nights(tmp_path_factory: pytest.TempPathFactory) -> list[Landing]:
    """Two consecutive nights of a plant of 120 open orders, with drift."""
    folder: Path = tmp_path_factory.mktemp("small-plant")
    return [read_landing(night) for night in generate(folder, orders=120, nights=2, seed=5).nights]
