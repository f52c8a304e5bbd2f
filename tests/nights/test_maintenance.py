"""Maintenance removes what nobody names, and nothing else: every kept run replays afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.maintenance import maintain, named_versions
from recon_platform.nights.night import open_night, resume, run_night, run_stage
from recon_platform.nights.replay import replay
from tests.nights.small import STAGES, folder_digest, landing

AT_ONCE = timedelta(0)


def night(lake: Lake, day: int, rows: int, now: datetime | None = None) -> str:
    at = datetime(2026, 1, day, 4, tzinfo=UTC)
    return run_night(lake, landing(rows, as_of=at), stages=STAGES, clock=lambda: now or at).run_id


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_every_run_in_the_retention_period_replays_after_maintenance(lake: Lake, tmp_path: Path) -> None:
    runs = [night(lake, 5, 3), night(lake, 5, 4), night(lake, 6, 5), night(lake, 5, 6)]
    abandoned = open_night(lake, landing(9, as_of=datetime(2026, 1, 6, 4, tzinfo=UTC)),
                           clock=lambda: datetime(2026, 1, 6, 4, tzinfo=UTC))  # fmt: skip
    run_stage(abandoned, STAGES[0])
    night(lake, 6, 7)
    before = folder_digest(tmp_path / "lake")
    done = maintain(lake, now=datetime(2026, 2, 1, tzinfo=UTC), safe=AT_ONCE)
    after = folder_digest(tmp_path / "lake")
    removed = [name for name in before if name not in after]
    assert [name.split("/")[:2] for name in removed if "/conformed/" in f"/{name}"] == [["conformed", "items"]]
    assert sum(entry.files_removed for entry in done) == len(removed)
    for run_id in runs:
        assert replay(lake, run_id, stages=STAGES).identical
    assert len(records.manifests(lake, "P1")) == 5
    assert {(entry.layer, entry.table) for entry in done if entry.files_compacted} == {
        ("runs", "run_manifests"), ("runs", "run_steps"),
    }  # fmt: skip


def test_what_is_past_the_retention_period_goes(lake: Lake) -> None:
    old, young = night(lake, 5, 3), night(lake, 5, 4)
    now = datetime(2027, 6, 1, tzinfo=UTC)
    late = night(lake, 6, 5, now)
    maintain(lake, now=now, retention=timedelta(days=30), safe=AT_ONCE)
    with pytest.raises(LakeError, match=r"version \d+ of P1 2026-01-05 .* removed by maintenance"):
        replay(lake, old, stages=STAGES)
    assert replay(lake, late, stages=STAGES).identical
    assert records.manifest(lake, young).read(lake, "unscheduled").height == 4  # what the kept run read before it


def test_an_open_run_keeps_what_it_pinned(lake: Lake) -> None:
    night(lake, 5, 3)
    at = datetime(2026, 1, 6, 4, tzinfo=UTC)
    run = open_night(lake, landing(5, as_of=at), clock=lambda: at)
    run_stage(run, STAGES[0])
    night(lake, 6, 4)  # the same night, run again from another landing while the first stands still
    maintain(lake, now=at + timedelta(days=1), retention=timedelta(hours=1), safe=AT_ONCE)
    again = resume(lake, run.run_id)
    assert again is not None
    assert again.read("raw.items").height == 5
    assert again.read("items").height == 5


def test_a_rehearsal_removes_nothing(lake: Lake, tmp_path: Path) -> None:
    night(lake, 5, 3)
    night(lake, 5, 4)
    before = folder_digest(tmp_path / "lake")
    maintain(lake, now=datetime(2030, 1, 1, tzinfo=UTC), safe=AT_ONCE, dry_run=True)
    assert folder_digest(tmp_path / "lake") == before


def test_files_replaced_a_moment_ago_stay(lake: Lake, tmp_path: Path) -> None:
    night(lake, 5, 3)
    night(lake, 5, 4)
    parquet = [name for name in folder_digest(tmp_path / "lake") if name.endswith(".parquet")]
    maintain(lake, now=datetime(2030, 1, 1, tzinfo=UTC))
    assert set(parquet) <= set(folder_digest(tmp_path / "lake"))


def test_named_versions_are_those_of_the_manifests(lake: Lake) -> None:
    run_id = night(lake, 5, 3)
    manifest = records.manifest(lake, run_id)
    named = named_versions(lake, now=datetime(2026, 1, 6, tzinfo=UTC))
    assert named == {
        (entry.layer, entry.table): {entry.version}
        for entry in [*manifest.pins.inputs.values(), *manifest.outputs.values()]
    }
