"""Publishing with approved moves: planned again with them, within what was signed, rebuilt from its record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.governance import Store, service
from recon_platform.governance.errors import StaleError
from recon_platform.governance.publications import Publications
from recon_platform.governance.requests import move_draft
from recon_platform.nights import floor, records, solving
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.maintenance import maintain
from recon_platform.nights.publish import publish
from recon_platform.nights.rebuild import rebuild
from recon_platform.nights.trial import effect_of, night_frames
from recon_platform.planning import run_stages
from recon_platform.proposal.moves import shown_effect
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


def test_an_effect_other_than_was_shown_comes_back_and_is_published_once_it_is_decided_on(
    planned: NightLake, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = approve_move(planned, store)
    planned.approve(store)

    def one_line_lost(*arguments: object) -> dict[str, pl.DataFrame]:
        made = run_stages(*arguments)  # type: ignore[arg-type]
        first = pl.int_range(pl.len()) == made["order_promises"].with_row_index().filter(on_time)["index"][0]
        late = pl.when(first).then(None).otherwise("projected_ship").alias("projected_ship")
        return {**made, "order_promises": made["order_promises"].with_columns(late)}

    on_time = pl.col("projected_ship").is_not_null() & (pl.col("late_days") <= 0)
    monkeypatch.setattr(solving, "run_stages", one_line_lost)
    with pytest.raises(StaleError, match=r"not what was shown \(lines lost \d+, shown was \d+.*; decide on them"):
        publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    assert schedule_in_force(planned.lake, planned.plant) is None
    assert store.publications.history(planned.plant) == []
    assert store.decisions_in_force(planned.plant, store.clock()).is_empty()

    sam = planned.actor(store, "sam")
    again = next(r for r in store.requests.find(sam, kind="move") if r.content["move"] == move)
    assert again.content["together"]["moves"] == [move]
    assert again.content["together"]["brings"]["lines_lost"] == again.content["lines_lost"] + 1
    assert f"{again.content['lines_lost'] + 1} lost" in again.reason
    store.decisions.approve(sam, again.request, digest=again.digest, reason="still worth it")
    assert publish(planned.lake, store, planned.run_id, actor=PUBLISHER).record["moves"] == [move]


def test_a_plant_may_tolerate_late_lines() -> None:
    late, shown = {"a", "b", "c"}, [{"won": ["a"], "lost": []}, {"won": ["b"], "lost": ["d"]}]
    assert not solving.tolerated(late, shown, {"c", "d"}, 0), "at 0 every figure must be the one shown"
    assert solving.tolerated(late, shown, {"c", "d", "e"}, 1)
    assert not solving.tolerated(late, shown, {"c", "d", "e", "f"}, 1)


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


def begin(planned: NightLake, operation: tuple[str, int], at: str) -> None:
    """The floor begins `operation`: a newer extract, as the MES would write it, in the lake."""
    manifest = records.manifest(planned.lake, planned.run_id)
    folder = planned.folder / "newer"
    shutil.copytree(sorted((planned.folder / "landing").iterdir())[0], folder)
    path = next(folder.glob("operation_status.*"))
    status = pl.read_csv(path, infer_schema=False)
    keys = manifest.read(planned.lake, "key_map").filter(table="work_orders", column="work_order", key=operation[0])
    order = keys["raw_key"][0] if keys.height else operation[0]
    one = (pl.col("order") == order) & (pl.col("op_seq") == str(operation[1]))
    planned_op = manifest.read(planned.lake, "reconciled_operations").filter(
        work_order=operation[0], op_seq=operation[1]
    )
    said = {
        "order": order, "op_seq": str(operation[1]), "operation_code": planned_op["operation_code"][0], "machine": None,
        "status": "running", "good_qty": "0", "scrap_qty": "0", "started_at": at, "ended_at": None, "reported_at": at,
    }  # fmt: skip
    row = status.head(1).with_columns(pl.lit(value, pl.String).alias(name) for name, value in said.items())
    pl.concat([status.filter(~one), row]).write_csv(path)
    assert floor.land(planned.lake, manifest, folder) is not None


def test_a_move_of_work_that_has_begun_comes_back_for_a_new_decision(planned: NightLake, store: Store) -> None:
    planned.approve(store)
    lake, sam, paula = planned.lake, planned.actor(store, "sam"), planned.actor(store, "paula")
    manifest = records.manifest(lake, planned.run_id)
    keys = ["work_order", "op_seq"]
    waiting = manifest.read(lake, "reconciled_operations").filter(pl.col("status") == "waiting").select(keys)
    known = manifest.read(lake, "work_order_operations").select(keys)
    later = manifest.read(lake, "schedule").filter(pl.col("machine").is_not_null()).join(waiting, on=keys, how="semi")
    row = later.join(known, on=keys, how="semi").sort("start").row(-1, named=True)
    operation = (row["work_order"], row["op_seq"])
    name, move = f"{operation[0]}/{operation[1]}", f"sibling:{operation[0]}/{operation[1]}:0"
    where = dict(zip(keys, operation, strict=True))
    change = [
        {"verb": "set", "table": "work_order_operations", "where": where, "values": {"machine": row["machine"]}}
    ]  # fmt: skip
    proposed = manifest.read(lake, "exception_moves").row(0, named=True)
    effect = effect_of(night_frames(lake, manifest), manifest, change)
    own = {
        **proposed, **shown_effect(effect, manifest.pins.context, 0.0), "move": move, "kind": "sibling", "subject": name,
        "change": json.dumps(change), "signature": False,
    }  # fmt: skip
    first = store.requests.propose(paula, move_draft(own, manifest.identity))
    store.decisions.approve(sam, first.request, digest=first.digest, reason="worth it")
    begin(planned, operation, manifest.pins.context.as_of.isoformat())

    with pytest.raises(StaleError, match=f"{name} has begun.*decide on them, then publish again"):
        publish(lake, store, planned.run_id, actor=PUBLISHER)
    assert schedule_in_force(lake, planned.plant) is None
    assert store.requests.get(sam, first.request).state == "superseded"
    assert store.decisions_in_force(planned.plant, store.clock()).is_empty()
    again = next(r for r in store.requests.find(sam, kind="move") if r.content["move"] == move)
    assert (again.content["begun"], again.proposer) == ([name], first.proposer)
    assert again.digest != first.digest
    with pytest.raises(StaleError, match="superseded"):
        store.decisions.reject(sam, first.request, digest=first.digest, reason="too late")

    store.decisions.approve(sam, again.request, digest=again.digest, reason="still worth it")
    made = publish(lake, store, planned.run_id, actor=PUBLISHER)
    assert made.record["moves"] == [move]
    assert again.request in {approval["request"] for approval in made.record["approvals"]}
    assert first.request not in {approval["request"] for approval in made.record["approvals"]}


def test_what_is_bundled_with_an_overtaken_move_comes_back_with_it() -> None:
    moves = {
        1: {"move": "a", "subject": "WO-1/20", "needs": "[]"}, 2: {"move": "b", "subject": "WO-2", "needs": "[]"},
        3: {"move": "a+b", "subject": "WO-9", "needs": '["a", "b"]'}, 4: {"move": "c", "subject": "PO-7", "needs": "[]"},
        5: {"move": "d", "subject": "WO-3", "needs": "[]", "begun": ["WO-3/10"]},
    }  # fmt: skip
    schema = {"work_order": pl.String, "op_seq": pl.Int64, "machine": pl.String, "start": pl.Datetime("us", "UTC")}
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    rows = [(order, op_seq, "M1", at) for order in ("WO-1", "WO-2", "WO-3", "WO-8", "WO-9") for op_seq in (10, 20)]
    base = pl.DataFrame(rows, schema=schema, orient="row")
    later = pl.col("start") + pl.duration(hours=pl.when(pl.col("work_order") == "WO-8").then(1).otherwise(0))
    solved = base.with_columns(later)

    def back(*operations: tuple[str, int]) -> dict[int, list[str]]:
        begun = pl.DataFrame(operations, schema=["work_order", "op_seq"], orient="row")
        return floor.overtaken(moves, begun, base, solved)

    assert back(("WO-1", 20)) == {1: ["WO-1/20"], 2: [], 3: []}
    assert back(("WO-1", 10)) == {}  # the move is about another operation of the order
    assert back(("WO-3", 10)) == {}  # whoever decided knew it
    assert back(("WO-3", 20)) == {5: ["WO-3/20"]}
    assert back(("WO-8", 10)) == {4: ["WO-8/10"]}  # only a plan with the moves in it moves that order
