"""The properties that concern publishing, by their numbers in the design: 11, 12, 13, 18, 19; and rollback (E6)."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import text

from recon_platform.bench.faults import kill
from recon_platform.bench.rounds import LOADED, Ground
from recon_platform.bench.victims import Victims
from recon_platform.governance import Store, schema
from recon_platform.governance.errors import PublishError, StaleError
from recon_platform.nights import records
from recon_platform.nights.fence import FenceError
from recon_platform.nights.in_force import published_version, schedule_in_force
from recon_platform.nights.maintenance import maintain
from recon_platform.nights.pins import pin
from recon_platform.nights.publish import publish
from recon_platform.nights.rebuild import rebuild
from recon_platform.nights.rollback import propose_rollback, rollback, rows_of
from recon_platform.nights.standing import standings
from recon_platform.tables.runs import PUBLISHED_SCHEDULE
from tests.governance.night_lake import PUBLISHER, NightLake
from tests.governance.plant import KEY, NOON, SECRET

REBUILD = """
import sys
from recon_platform.lake import Lake
from recon_platform.nights.rebuild import rebuild
made = rebuild(Lake(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
sys.stdout.buffer.write(made.rebuilt)
"""


def rebuilt_elsewhere(planned: NightLake, version: int) -> bytes:
    """The schedule as another process makes it again."""
    arguments = [str(planned.folder / "lake"), planned.plant, str(version)]
    return subprocess.run(
        [sys.executable, "-c", REBUILD, *arguments], capture_output=True, check=True, timeout=240
    ).stdout


def test_11_12_a_published_schedule_is_rebuilt_byte_for_byte_after_maintenance(both: NightLake) -> None:
    published = schedule_in_force(both.lake, both.plant)
    assert maintain(both.lake, now=datetime(2026, 4, 1, tzinfo=UTC), safe=timedelta(0))
    here = rebuild(both.lake, both.plant, 2)
    assert here.identical
    assert published is not None
    assert here.rows == published.rows.rows > 0
    assert rebuilt_elsewhere(both, 2) == here.published
    assert planned_rows(both, 1) > 0  # what was in force before is kept too


def planned_rows(planned: NightLake, version: int) -> int:
    """Rows of an earlier schedule as its commit holds them."""
    store = planned.store()
    found = [entry for entry in store.publications.history(planned.plant) if entry.schedule_version == version]
    return rows_of(planned.lake, found[0]).height


def test_publishing_needs_an_approved_base_plan(planned: NightLake) -> None:
    with pytest.raises(PublishError, match="not approved"):
        publish(planned.lake, planned.store(), planned.run_id, actor=PUBLISHER)
    assert schedule_in_force(planned.lake, planned.plant) is None
    assert standings(planned.lake, NOON)[0].state == "none"


def test_a_superseded_plan_is_not_published(both: NightLake) -> None:
    store = both.store()
    first = store.publications.history(both.plant)[0].run_id
    with pytest.raises(StaleError, match="older than"):
        publish(both.lake, store, first, actor=PUBLISHER)


def test_publishing_twice_is_publishing_once(planned: NightLake) -> None:
    store = planned.store()
    planned.approve(store)
    first = publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    assert publish(planned.lake, store, planned.run_id, actor=PUBLISHER) == first
    assert store.audit.rows(planned.actor(store, "ava"), action="schedule.publish").height == 1
    keys = [message.key for message in store.outbox.find()]
    assert len(keys) == len(set(keys)) > 0


def test_the_record_names_inputs_versions_and_approvers(planned: NightLake) -> None:
    store = planned.store()
    request = planned.approve(store)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    commit = planned.lake.history("published", "published_schedule")[0]
    record = json.loads(commit["record"])
    assert {"inputs", "rules", "policy", "code", "approvals"} <= set(record)
    assert [(a["request"], a["decided_by"]) for a in record["approvals"]] == [(request, "sam")]
    assert all(isinstance(version, int) for version in record["inputs"].values())


@pytest.mark.parametrize(
    "rounds", [8, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(3600)])], ids=["8", "200"]
)
def test_13_a_publisher_killed_at_any_point_loses_and_halves_nothing(planned: NightLake, rounds: int) -> None:
    chance = random.Random(13)
    store = planned.store()
    request = planned.approve(store)
    warm = planned.copy(planned.folder.parent / "timed")
    with Victims("tests.governance.killed_publisher", "publish_once", LOADED) as victims:
        seconds = victims.run(str(warm.folder), planned.run_id)
        for _ in range(rounds):
            victims.run(str(planned.folder), planned.run_id, kill_after=chance.uniform(0, 1.3 * seconds))
            _whole(planned, store, request)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    _whole(planned, store, request)
    assert len(store.publications.history(planned.plant)) == 1
    assert store.audit.rows(planned.actor(store, "ava"), action="schedule.publish").height == 1
    whole = {message.key for message in warm.store().outbox.find(limit=100_000)}
    assert {message.key for message in store.outbox.find(limit=100_000)} == whole


@pytest.mark.timeout(1200)
def test_13_two_hundred_deciders_and_publishers_killed_lose_double_and_halve_nothing(both: NightLake) -> None:
    ground = Ground(both.folder, str(both.folder / "governance.db"))
    ground.sign_in(SECRET, ("paula", "sam", "ava"))
    figures = kill(ground, 200)
    assert (figures.lost, figures.duplicates, figures.half_publishes) == (0, 0, 0)
    assert figures.killed_deciding > 0  # they were killed everywhere on the way
    assert figures.killed_publishing > 0
    assert figures.acknowledged_publications > 0
    assert figures.resumed > 0


@pytest.mark.timeout(600)
def test_13_nor_with_the_store_in_postgresql(both: NightLake, empty_postgres: str) -> None:
    moved_to(empty_postgres, both.store())
    ground = Ground(both.folder, empty_postgres)
    ground.sign_in(SECRET, ("paula", "sam", "ava"))
    figures = kill(ground, 20, seed=2)
    ground.store.close()
    assert (figures.lost, figures.duplicates, figures.half_publishes) == (0, 0, 0)
    assert figures.acknowledged_decisions > 0


def moved_to(url: str, source: Store) -> None:
    """Every row of `source` in the empty database at `url`, made a store first."""
    target = Store.create(url, key=KEY)
    tables = schema.metadata.sorted_tables
    with source.engine.connect() as before, target.engine.begin() as after:
        for table in reversed(tables):
            after.execute(table.delete())
        for table in tables:
            rows = [dict(row) for row in before.execute(table.select()).mappings()]
            if rows:
                after.execute(table.insert(), rows)
            counted = table.autoincrement_column
            if rows and counted is not None and counted.autoincrement is True:
                name, column = table.name, counted.name
                after.execute(
                    text(
                        f"select setval(pg_get_serial_sequence('{name}', '{column}'), (select max({column}) from {name}))"
                    )
                )
    source.close()
    target.close()


def test_13_a_victim_that_ends_by_an_error_of_its_own_shows_nothing(tmp_path: Path) -> None:
    with (
        Victims("recon_platform.bench.rounds", "decide_and_publish", LOADED) as victims,
        pytest.raises(RuntimeError, match="by an error of its own"),
    ):
        victims.run(str(tmp_path), str(tmp_path / "none.db"), 0, kill_after=60)


def _whole(planned: NightLake, store: Store, request: int) -> None:
    """Nothing acknowledged is lost, and what is visible is whole: the lake has all of a version or none of it."""
    assert store.requests.get(planned.actor(store, "ava"), request).state == "approved"
    assert store.audit.verify(planned.actor(store, "ava")).holds
    in_store, in_lake = store.publications.in_force(planned.plant), schedule_in_force(planned.lake, planned.plant)
    if in_store is not None:
        assert in_lake is not None
        assert in_lake.publication == in_store.publication
        assert in_store.record["approvals"]
    if in_lake is not None:
        rows = in_lake.rows.read(planned.lake)
        assert planned.lake.digest(rows, PUBLISHED_SCHEDULE) == in_lake.rows.digest
        assert rows.height == in_lake.rows.rows > 0


def test_18_a_schedule_that_breaks_the_fence_is_not_published(second: NightLake) -> None:
    store, lake, table = second.store(), second.lake, PUBLISHED_SCHEDULE
    second.approve(store)
    manifest, in_force = records.manifest(lake, second.run_id), schedule_in_force(lake, second.plant)
    assert in_force is not None
    context, keys = manifest.pins.context, ["work_order", "op_seq", "work_center"]
    waiting = manifest.read(lake, "reconciled_operations").filter(pl.col("status") == "waiting").select(keys)
    soon = pl.col("setup_start").is_between(context.as_of, context.as_of + timedelta(hours=4), closed="none")
    proposed = manifest.read(lake, "schedule").filter(soon).join(waiting, on=keys, how="semi")
    rows = in_force.rows.read(lake)
    one = rows.join(proposed, on=keys, how="semi").sort("start").row(0, named=True)
    order, op_seq = one["work_order"], one["op_seq"]
    later = proposed.filter(work_order=order, op_seq=op_seq)["setup_start"][0] + timedelta(hours=1)
    this = (pl.col("work_order") == order) & (pl.col("op_seq") == op_seq)
    held_back = rows.with_columns(
        pl.when(this).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in (("setup_start", later), ("start", later), ("end", later + timedelta(hours=1)))
    )
    said = {name: str(value) for name, value in lake.history(table.layer, table.name)[0].items() if value is not None}
    lake.write(
        table.layer, table, held_back, plant=second.plant, planning_date=date.fromisoformat(said["planning_date"]), sequence=0,
        run_id=in_force.run_id, metadata={name: said[name] for name in (
            "plant", "planning_date", "as_of", "schedule_version", "publication", "kind", "record",
        )},
    )  # fmt: skip
    with pytest.raises(
        FenceError, match=rf"without an approved move: {order}/{op_seq} earlier: .*nothing is published"
    ):
        publish(lake, store, second.run_id, actor=PUBLISHER)
    assert [entry.schedule_version for entry in store.publications.history(second.plant)] == [1]


def test_19_with_engine_store_and_dagster_down_the_schedule_is_still_served(planned: NightLake) -> None:
    store = planned.store()
    planned.approve(store)
    made = publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    store.close()
    (planned.folder / "governance.db").unlink()
    code = (
        "import sys\n"
        "for name in ('dagster', 'numba', 'sqlalchemy'): sys.modules[name] = None\n"
        "from recon_platform.cli.app import execute\n"
        f"sys.exit(execute(['schedule', 'show', '--lake', {str(planned.folder / 'lake')!r}, '--json']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    served = json.loads(done.stdout)
    assert served["schedule_version"] == made.schedule_version
    assert len(served["operations"]) > 0
    assert standings(planned.lake, NOON)[0].state == "current"


def test_e5_a_missed_night_is_said_to_be_missed(second: NightLake) -> None:
    waiting = standings(second.lake, NOON + timedelta(hours=15))[0]
    assert (waiting.state, waiting.schedule_version) == ("waiting", 1)
    assert f"{second.run_id} is not published" in waiting.words
    late = standings(second.lake, NOON + timedelta(days=2))[0]
    assert late.state == "stale"
    assert "stays in force" in late.words


def test_e6_a_rollback_publishes_an_earlier_version_as_a_new_one(both: NightLake) -> None:
    store, lake, plant = both.store(), both.lake, both.plant
    first = published_version(lake, plant, 1)
    paula, sam = both.actor(store, "paula"), both.actor(store, "sam")
    asked = propose_rollback(store, paula, plant, 1, "the new plan misses the coil delivery")
    with pytest.raises(PublishError, match="is open"):
        rollback(lake, store, asked.request, actor=PUBLISHER)
    store.decisions.approve(sam, asked.request, digest=asked.digest, reason="agreed")
    made = rollback(lake, store, asked.request, actor=PUBLISHER)
    assert (made.schedule_version, made.kind, made.replaces) == (3, "rollback", 2)
    assert rollback(lake, store, asked.request, actor=PUBLISHER) == made
    now = schedule_in_force(lake, plant)
    assert first is not None
    assert now is not None
    rows = pl.exclude("schedule_version")
    assert now.rows.read(lake).select(rows).equals(first.rows.read(lake).select(rows))
    assert now.schedule_version == 3
    with pytest.raises(PublishError, match="in force already"):
        propose_rollback(store, paula, plant, 3, "again")


def test_a_pin_outside_the_fence_takes_effect_at_once_and_inside_it_waits(second: NightLake) -> None:
    store, lake = second.store(), second.lake
    manifest, paula = records.manifest(lake, second.run_id), second.actor(store, "paula")
    in_force = schedule_in_force(lake, second.plant)
    assert in_force is not None
    to_do = manifest.read(lake, "reconciled_operations").filter(pl.col("status") == "waiting")
    planned_ops = in_force.rows.read(lake).join(to_do.select("work_order", "op_seq"), on=["work_order", "op_seq"])
    fence = manifest.pins.context.as_of + timedelta(hours=manifest.pins.context.policy.capacity.frozen_hours)
    states = {}
    for where, rows in (
        ("inside", planned_ops.filter(pl.col("start") < fence)), ("outside", planned_ops.filter(pl.col("start") >= fence))
    ):  # fmt: skip
        operation = rows.sort("start", "work_order").filter(pl.col("machine").is_not_null()).row(0, named=True)
        made = pin(
            lake, store, paula, manifest, work_order=operation["work_order"], op_seq=operation["op_seq"],
            machine=operation["machine"], reason="the die is mounted there",
        )  # fmt: skip
        states[where] = made.state
    assert states == {"inside": "open", "outside": "entered"}
    with pytest.raises(ValueError, match="is no machine of"):
        pin(
            lake, store, paula, manifest, work_order=operation["work_order"], op_seq=operation["op_seq"], machine="X-1",
            reason="x",
        )  # fmt: skip
