"""How long people wait: a decision, and the end of publishing 100,000 changed operations."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recon_platform.governance import service
from recon_platform.governance.outbox import Message
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
def test_a_decision_is_acknowledged_in_50_ms_and_100_000_changes_in_5_s(on_sqlite: Governed) -> None:
    assert decision_seconds(on_sqlite, 100)[0] < 0.05
    assert finish_seconds(on_sqlite, 100_000)[0] < 5.0
