"""`recon bench reruns` and `recon bench replay` at a small size: reruns as due, every run replays identically."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from recon_platform.bench.replay import run as replay
from recon_platform.bench.reruns import KINDS, deliveries, run


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("nights", "events"), [(1, 6), pytest.param(60, 300, marks=pytest.mark.long)])
def test_reruns_done_are_those_that_were_due_and_every_run_replays(nights: int, events: int) -> None:
    figures = run(nights, events)
    assert figures.events == events
    assert figures.reruns_done == figures.reruns_expected > 0
    assert figures.deliveries_answered_wrongly == 0
    assert figures.runs_replayed == nights + figures.reruns_done
    assert figures.runs_that_differ == 0


def test_the_deliveries_hold_every_kind_and_as_many_events_as_asked() -> None:
    made = [
        delivery
        for night in range(30)
        for delivery in deliveries(random.Random(night), ["M1", "M2"], datetime(2026, 3, 2, 3, tzinfo=UTC), 5, night)
    ]
    assert sum(len(delivery.rows) for delivery in made) == 150
    assert {delivery.kind for delivery in made} == set(KINDS)
    assert all(
        delivery.reruns == 1 for delivery in made if delivery.kind in ("stop", "late report", "burst", "late end")
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nights_replay_identically_with_one_worker_and_with_two() -> None:
    one, two = replay(4, 120, [1, 2])
    assert (one.differ, two.differ) == (0, 0)
    assert two.nights_per_minute > 0
