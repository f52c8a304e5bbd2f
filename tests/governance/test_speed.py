"""How long people wait: a decision, and the end of publishing 100,000 changed operations."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from recon_platform.governance import service
from recon_platform.governance.outbox import Message
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.publish import commit
from tests.governance.night_lake import NightLake
from tests.governance.plant import Governed


@pytest.fixture
def on_sqlite(sqlite_template: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[Governed]:
    import shutil

    from recon_platform.governance import Store
    from tests.governance.plant import KEY, StandingClock

    path, tokens = sqlite_template
    shutil.copy(path, tmp_path / "g.db")
    clock = StandingClock()
    store = Store(str(tmp_path / "g.db"), clock=clock, key=KEY)
    yield Governed(store, clock, tokens)
    store.close()


def decision_seconds(governed: Governed, count: int) -> tuple[float, float]:
    """Median wall and processor seconds of a decision, with full sync."""
    with governed.store.reading() as tx:
        assert tx.connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert tx.connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    wall, cpu = [], []
    for number in range(count):
        request = governed.pin(subject=f"WO-{number}")
        sam = governed.actor("sam")
        started, used = time.perf_counter(), time.process_time()
        governed.store.decisions.approve(sam, request.request, digest=request.digest, reason="ok")
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(cpu)


def finish_seconds(governed: Governed, operations: int) -> tuple[float, float]:
    """Wall and processor seconds of audit row and outbox of a publication that changes `operations`."""
    publisher = service("publisher", "1")
    begun = governed.store.publications.begin(
        publisher, plant="P", run_id="r", planning_date="2026-03-02", digest="d", record={}, auto=True
    )
    messages = [
        Message(
            f"P/1/WO-{n}/10", "finite_dates", "erp", f"WO-{n}",
            {"work_order": f"WO-{n}", "op_seq": 10, "work_center": "HD1", "planned_start": "2026-03-02T06:00:00+00:00",
             "planned_end": "2026-03-02T07:00:00+00:00", "schedule_version": 1, "idempotency_key": f"P/1/WO-{n}/10"},
        )
        for n in range(operations)
    ]  # fmt: skip
    started, used = time.perf_counter(), time.process_time()
    governed.store.publications.finish(publisher, begun.publication, lake_version=1, messages=messages)
    spent = time.perf_counter() - started, time.process_time() - used
    assert governed.store.outbox.counts() == {"waiting": operations}
    return spent


def test_a_decision_takes_little_of_the_processor(on_sqlite: Governed) -> None:
    assert decision_seconds(on_sqlite, 15)[1] < 0.05


def test_the_outbox_of_a_large_publication_takes_little_of_the_processor(on_sqlite: Governed) -> None:
    assert finish_seconds(on_sqlite, 20_000)[1] < 1.0


@pytest.mark.long
def test_a_decision_is_acknowledged_in_50_ms(on_sqlite: Governed) -> None:
    assert decision_seconds(on_sqlite, 100)[0] < 0.05


@pytest.mark.long
def test_commit_audit_and_outbox_of_100_000_changes_take_less_than_5_s(both: NightLake) -> None:
    assert publish_seconds(both, 100_000)[0] < 5.0


def publish_seconds(night: NightLake, operations: int) -> tuple[float, float]:
    """Wall and processor seconds of commit, audit row and outbox of a schedule of `operations`, every one changed."""
    store, lake, publisher = night.store(), night.lake, service("publisher", "1")
    in_force = schedule_in_force(lake, night.plant)
    assert in_force is not None
    rows = in_force.rows.read(lake).drop("schedule_version")
    copies = range(-(-operations // rows.height))
    renamed = (
        rows.with_columns(pl.format("{}-{}", "work_order", pl.lit(str(copy))).alias("work_order")) for copy in copies
    )
    schedule = pl.concat(renamed).head(operations)
    begun = store.publications.begin(
        publisher,
        plant=night.plant,
        run_id=in_force.run_id,
        planning_date="2026-03-03",
        digest="d",
        record={},
        auto=True,
    )
    started, used = time.perf_counter(), time.process_time()
    version = commit(lake, begun, schedule, "2026-03-03T03:00:00+00:00", publisher)
    dates = schedule.select("work_order", "op_seq", "work_center", "start", "end").iter_rows()
    messages = (
        Message(
            key := f"P/9/{order}/{op_seq}", "finite_dates", "erp", order,
            {"work_order": order, "op_seq": op_seq, "work_center": center, "planned_start": start.isoformat(),
             "planned_end": end.isoformat(), "schedule_version": begun.schedule_version, "idempotency_key": key},
        )
        for order, op_seq, center, start, end in dates
    )  # fmt: skip
    before = store.outbox.counts().get("waiting", 0)
    store.publications.finish(publisher, begun.publication, lake_version=version, messages=messages)
    spent = time.perf_counter() - started, time.process_time() - used
    assert store.outbox.counts()["waiting"] - before == operations == schedule.height
    store.close()
    return spent
