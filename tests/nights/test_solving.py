"""Publishing with approved moves: planned again with them, within what was signed, rebuilt from its record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.governance import Store, service
from recon_platform.governance.errors import PublishError
from recon_platform.governance.publications import Publications
from recon_platform.nights import records, solving
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.maintenance import maintain
from recon_platform.nights.publish import publish
from recon_platform.nights.rebuild import rebuild
from recon_platform.planning import run_stages
from tests.governance.night_lake import NightLake
from tests.governance.night_lake import first_night as made_night

PUBLISHER = service("publisher", "1")


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> NightLake:
    return made_night(tmp_path_factory.mktemp("solving"))


@pytest.fixture
def planned(first_night: NightLake, tmp_path: Path) -> NightLake:
    return first_night.copy(tmp_path / "plant")


@pytest.fixture
def store(planned: NightLake) -> Iterator[Store]:
    opened = planned.store()
    yield opened
    opened.close()


def approve_move(planned: NightLake, store: Store) -> str:
    """Approve the move that wins most lines and needs no signature; gives its name."""
    sam = planned.actor(store, "sam")
    moves = [r for r in store.requests.find(sam, kind="move") if r.run_id == planned.run_id and not r.signature]
    best = max(moves, key=lambda request: (request.content["lines_won"], request.subject))
    store.decisions.approve(sam, best.request, digest=best.digest, reason="worth it")
    return str(best.content["move"])


def test_the_approved_move_is_in_the_published_schedule_and_in_its_record(planned: NightLake, store: Store) -> None:
    move = approve_move(planned, store)
    planned.approve(store)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    in_force = schedule_in_force(planned.lake, planned.plant)
    assert in_force is not None
    record = json.loads(planned.lake.history("published", "published_schedule")[0]["record"])
    assert record["moves"] == [move]
    manifest = records.manifest(planned.lake, planned.run_id)
    decisions = solving.published_inputs(manifest, record)["decisions_in_force"].read(planned.lake)
    assert decisions["kind"].to_list() == ["approved_move"]
    solved = solving.solve_with(planned.lake, manifest, decisions)["schedule"]
    assert in_force.rows.read(planned.lake).drop("schedule_version").equals(solved)
    maintain(planned.lake, now=datetime(2026, 4, 1, tzinfo=UTC), safe=timedelta(0))
    assert rebuild(planned.lake, planned.plant, 1).identical


def test_without_approved_moves_the_plan_is_published_as_it_was_made(planned: NightLake, store: Store) -> None:
    planned.approve(store)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    in_force = schedule_in_force(planned.lake, planned.plant)
    assert in_force is not None
    made = records.manifest(planned.lake, planned.run_id).read(planned.lake, "schedule")
    assert in_force.rows.read(planned.lake).drop("schedule_version").equals(made)


def test_a_worse_effect_than_was_signed_comes_back_and_nothing_is_published(
    planned: NightLake, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve_move(planned, store)
    planned.approve(store)

    def all_late(*arguments: object) -> dict[str, pl.DataFrame]:
        made = run_stages(*arguments)  # type: ignore[arg-type]
        late = pl.lit(None, pl.Date).alias("projected_ship")
        return {**made, "order_promises": made["order_promises"].with_columns(late)}

    monkeypatch.setattr(solving, "run_stages", all_late)
    with pytest.raises(PublishError, match=r"leaves \d+ lines late; signed for were \d+ .*decide on the moves again"):
        publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    assert schedule_in_force(planned.lake, planned.plant) is None
    assert store.publications.history(planned.plant) == []


def test_a_publication_cut_off_after_its_commit_still_tells_the_erp_what_changed(
    planned: NightLake, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned.approve(store)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    second = planned.plan(store, 1)
    planned.approve(store, run_id=second)
    undisturbed = planned.copy(tmp_path / "undisturbed")
    other = undisturbed.store()
    publish(undisturbed.lake, other, second, actor=PUBLISHER)
    expected = {m.key for m in other.outbox.find(limit=100_000)}
    other.close()

    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Publications, "finish", cut_off)
        with pytest.raises(KeyboardInterrupt):
            publish(planned.lake, store, second, actor=PUBLISHER)
    made = publish(planned.lake, store, second, actor=PUBLISHER)
    assert (made.schedule_version, made.state) == (2, "published")
    assert {m.key for m in store.outbox.find(limit=100_000)} == expected
    assert len({key for key in expected if key.startswith(f"{planned.plant}/2/")}) > 0
