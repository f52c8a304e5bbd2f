"""The frame of a plan, decided once from what was landed: plant, planning date, the instant it is as of, policy."""

from __future__ import annotations

from datetime import UTC, date

from recon_platform.connectors import Landing
from recon_platform.tables.context import PlanContext


def landing_context(landing: Landing, *, planning_date: date | None = None, sequence: int = 0) -> PlanContext:
    """The context of a plan of `landing`.

    The planning date is the plant's own date at the instant the data are as of, unless a caller names another.
    """
    as_of = landing.as_of.astimezone(UTC)
    return PlanContext(
        plant=landing.plant,
        planning_date=planning_date or as_of.astimezone(landing.plant.zone).date(),
        as_of=as_of,
        sequence=sequence,
        policy=landing.policy,
    )
