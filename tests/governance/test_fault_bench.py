"""`recon bench faults`: a few rounds of it, with nothing lost, doubled or halved."""

from __future__ import annotations

import pytest

from recon_platform.bench.faults import run


@pytest.mark.parametrize("rounds", [pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_13_killed_deciders_and_publishers_lose_double_and_halve_nothing(rounds: int) -> None:
    figures = run(rounds)
    assert (figures.lost, figures.duplicates, figures.half_publishes) == (0, 0, 0)
    assert figures.acknowledged_decisions > 0
    assert figures.killed_deciding + figures.killed_publishing > 0
