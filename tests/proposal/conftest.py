"""Two nights of a small plant: the first planned and taken as in force, the second planned and proposed against it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest

from recon_platform.connectors import Landing, read_landing
from recon_platform.nights.context import landing_context
from recon_platform.planning import inputs, plan, run_stages
from recon_platform.plantsim import generate
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.context import PlanContext


@dataclass(frozen=True, slots=True)
class Proposed:
    """The second night: what it read, its context, and every table it made."""

    landing: Landing
    context: PlanContext
    frames: dict[str, pl.DataFrame]

    @property
    def published(self) -> dict[str, pl.DataFrame]:
        return {"schedule": self.frames["published.schedule"]}


@pytest.fixture(scope="session")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Proposed:
    nights = generate(tmp_path_factory.mktemp("proposal-plant"), orders=150, nights=2, seed=11).nights
    first, second = (read_landing(night) for night in nights)
    in_force = plan(first.frames, landing_context(first))["schedule"]
    context = landing_context(second)
    frames = run_stages(NIGHT_STAGES, inputs(second.frames, None, None, {"schedule": in_force}), context)
    return Proposed(second, context, frames)
