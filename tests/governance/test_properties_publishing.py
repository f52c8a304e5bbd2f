"""The properties that concern publishing, by their numbers in the design: 11, 12, 13, 18, 19; and rollback (E6)."""

from __future__ import annotations

import json
import multiprocessing
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from recon_platform.governance import Store
from recon_platform.governance.errors import PublishError, StaleError
from recon_platform.nights import records
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.maintenance import maintain
from recon_platform.nights.pins import pin
from recon_platform.nights.publish import publish
from recon_platform.nights.rebuild import rebuild
from recon_platform.nights.rollback import propose_rollback, rollback, rows_of
from recon_platform.nights.standing import standings
from recon_platform.tables.runs import PUBLISHED_SCHEDULE
from tests.governance.killed_publisher import publish_and_be_killed
from tests.governance.night_lake import PUBLISHER, NightLake
from tests.governance.plant import NOON

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


def test_11_12_a_published_schedule_is_rebuilt_byte_for_byte_after_maintenance(second: NightLake) -> None:
    store = second.store()
    second.approve(store)
    publish(second.lake, store, second.run_id, actor=PUBLISHER)
    published = schedule_in_force(second.lake, second.plant)
    assert maintain(second.lake, now=datetime(2026, 4, 1, tzinfo=UTC), safe=timedelta(0))
    here = rebuild(second.lake, second.plant, 2)
    assert here.identical
    assert published is not None
    assert here.rows == published.rows.rows > 0
    assert rebuilt_elsewhere(second, 2) == here.published
    assert planned_rows(second, 1) > 0  # what was in force before is kept too


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


def test_a_superseded_plan_is_not_published(second: NightLake) -> None:
    store = second.store()
    first = store.publications.history(second.plant)[0].run_id
    second.approve(store)
    publish(second.lake, store, second.run_id, actor=PUBLISHER)
    with pytest.raises(StaleError, match="older than"):
        publish(second.lake, store, first, actor=PUBLISHER)


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
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.governance.killed_publisher"])
    chance = random.Random(13)
    store = planned.store()
    request = planned.approve(store)
    warm = planned.copy(planned.folder.parent / "timed")
    started = time.perf_counter()
    publish(warm.lake, warm.store(), planned.run_id, actor=PUBLISHER)
    seconds = time.perf_counter() - started
    for _ in range(rounds):
        after = chance.uniform(0, 1.6 * seconds)
        victim = processes.Process(target=publish_and_be_killed, args=(str(planned.folder), planned.run_id, after))
        victim.start()
        victim.join()
        _whole(planned, store, request)
    publish(planned.lake, store, planned.run_id, actor=PUBLISHER)
    _whole(planned, store, request)
    assert len(store.publications.history(planned.plant)) == 1
    assert store.audit.rows(planned.actor(store, "ava"), action="schedule.publish").height == 1
    whole = {message.key for message in warm.store().outbox.find(limit=100_000)}
    assert {message.key for message in store.outbox.find(limit=100_000)} == whole


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


def test_e6_a_rollback_publishes_an_earlier_version_as_a_new_one(second: NightLake) -> None:
    store, lake, plant = second.store(), second.lake, second.plant
    first = schedule_in_force(lake, plant)
    second.approve(store)
    publish(lake, store, second.run_id, actor=PUBLISHER)
    paula, sam = second.actor(store, "paula"), second.actor(store, "sam")
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
