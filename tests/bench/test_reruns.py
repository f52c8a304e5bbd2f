"""`recon bench reruns` and `recon bench replay` at a small size: reruns as due, every run replays identically."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from recon_platform.bench.replay import run as replay
from recon_platform.bench.reruns import DONE, HEADER, KINDS, deliveries, run
from recon_platform.nights.downtime import DowntimeEvent, judge, read_events
from recon_platform.tables.policy import CapacityPolicy


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("nights", "events"), [(1, 4), pytest.param(60, 300, marks=pytest.mark.long)])
def test_reruns_done_are_those_that_were_due_and_every_run_replays(nights: int, events: int, tmp_path: Path) -> None:
    figures = run(nights, events, folder=tmp_path)
    assert figures.events == events
    assert figures.reruns_done == figures.reruns_expected > 0
    assert figures.deliveries_answered_wrongly == 0
    assert figures.runs_replayed == nights + figures.reruns_done
    assert figures.runs_that_differ == 0
    done = (tmp_path / DONE).read_text().splitlines()
    (tmp_path / DONE).write_text("\n".join(done[:-1]) + "\n")  # as if stopped before the last night was replayed
    again = run(nights, events, folder=tmp_path)
    assert replace(again, seconds=0, cpu_seconds=0) == replace(figures, seconds=0, cpu_seconds=0)
    with pytest.raises(ValueError, match="name another folder"):
        run(nights, events + 1, folder=tmp_path)


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


def test_of_300_reports_in_60_nights_each_is_judged_as_due(tmp_path: Path) -> None:
    """The judgement alone at full size: what a plan read last is what it knows; planning is left out."""
    chance, policy, reports = random.Random(1), CapacityPolicy(), 0
    for night in range(60):
        as_of = datetime(2026, 3, 2, 3, tzinfo=UTC) + timedelta(days=night)
        folder = tmp_path / str(night)
        folder.mkdir()
        known: dict[str, DowntimeEvent] = {}
        for place, delivery in enumerate(deliveries(chance, ["M1", "M2", "M3"], as_of, 5, night)):
            (folder / f"downtime_events-{place:03}.csv").write_text("\n".join((HEADER, *delivery.rows)) + "\n")
            reports += len(delivery.rows)
            events = read_events(folder, ZoneInfo("UTC")).events
            reruns = 0
            while any(
                judge(event, known.get(event.event), as_of=as_of, now=delivery.at, policy=policy).major
                for event in events
            ):
                known, reruns = {event.event: event for event in events}, reruns + 1
            assert reruns == delivery.reruns, delivery
    assert reports == 300


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nights_replay_identically_with_one_worker_and_with_two() -> None:
    one, two = replay(4, 120, [1, 2])
    assert (one.differ, two.differ) == (0, 0)
    assert two.nights_per_minute > 0
