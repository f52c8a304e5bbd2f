"""Late deliveries against the newsvendor: the safety time that is cheapest in the plant is the one the formula names."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from recon_platform.plantsim.demand import purchase_lines
from recon_platform.plantsim.parameters import Supplier
from recon_platform.plantsim.world import World, build_world

LINES = 20_000


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(200, seed=6, start=date(2026, 3, 2), nights=1, plant="fastener")


def days_late(world: World, supplier: int) -> np.ndarray:
    """Days after the due day, a Monday, on which the plant's purchase lines of a supplier came."""
    component = int(np.flatnonzero(world.components["supplier"].to_numpy() == supplier)[0])
    tuesday = next(d for d in world.working_days() if (d + world.clock.origin.weekday()) % 7 == 1 and d > 200)
    lines = pl.DataFrame(
        {
            "purchase": np.arange(LINES), "component_index": np.full(LINES, component), "need": np.full(LINES, 500.0),
            "first_day": np.full(LINES, tuesday), "week": np.arange(LINES), "truck": np.zeros(LINES, np.int64),
        }
    )  # fmt: skip
    made = purchase_lines(world, lines)
    assert made["due_day"].unique().to_list() == [tuesday - 1]
    return (made["arrival_day"] - made["due_day"]).to_numpy()


def chance_later(supplier: Supplier, days: int) -> float:
    """P(lateness > days): late at all, then log-normal by the logistic approximation (Bowling et al. 2009)."""
    if days == 0:
        return supplier.late_share
    z = np.log(days / supplier.late_median_days) / supplier.late_sigma
    return float(supplier.late_share / (1 + np.exp(1.702 * z)))


@pytest.mark.parametrize("supplier", [0, 1, 2])
def test_deliveries_are_as_late_as_the_file_says(world: World, supplier: int) -> None:
    late = days_late(world, supplier)
    for days in (0, 1, 2, 3):  # from Friday on the weekend moves arrivals
        expected = chance_later(world.parameters.suppliers[supplier], days)
        error = 3.3 * np.sqrt(expected * (1 - expected) / LINES)
        assert abs((late > days).mean() - expected) < error + 0.002


@pytest.mark.parametrize(("holding", "late_day", "best"), [(1.0, 3.65, 1), (1.0, 4.2, 2), (1.0, 5.0, 3)])
def test_the_cheapest_safety_time_is_the_newsvendors(world: World, holding: float, late_day: float, best: int) -> None:
    """Least cost at the smallest S with P(late > S) ≤ holding ÷ cost of a late day (Silver, Pyke & Thomas 2017, 11.2)."""
    erratic = world.parameters.suppliers[2]
    named = next(s for s in range(4) if chance_later(erratic, s) <= holding / late_day)
    late = days_late(world, 2)
    cost = [holding * s + late_day * np.maximum(late - s, 0).mean() for s in range(4)]
    assert named == best
    assert int(np.argmin(cost)) == best
