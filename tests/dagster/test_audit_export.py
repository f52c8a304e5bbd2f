"""The audit trail leaves its host once a day, and one that was rewritten meanwhile is said to be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from sqlalchemy import text

from assets.audit_jobs import audit_export_job
from recon_platform.governance import Role, Store
from resources.nights import NightsResource
from sensors.schedules import daily_audit_export

KEY = b"k" * 32


def asked(nights: NightsResource) -> object:
    """What the schedule asks for one morning."""
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 3, 2, 6, tzinfo=UTC), resources={"nights": nights}
    )
    return daily_audit_export()(context)


def test_the_trail_leaves_the_host_each_morning_and_a_rewritten_one_fails_the_run(tmp_path: Path) -> None:
    url, key, away = str(tmp_path / "governance.db"), tmp_path / "governance.key", tmp_path / "off-host"
    key.write_bytes(KEY)
    store = Store.create(url, key=KEY)
    for name, role in (("ian", Role.IT), ("mia", Role.MANAGER)):
        store.people.found(name, name.title(), [role], "a secret of its own")
    here = {
        "lake_root": str(tmp_path / "lake"), "landing_root": str(tmp_path), "governance_url": url, "key_file": str(key)
    }  # fmt: skip
    assert "names no folder" in str(asked(NightsResource(**here)))
    nights = NightsResource(**here, audit_export=str(away))
    assert isinstance(asked(nights), dg.RunRequest)

    assert audit_export_job.execute_in_process(resources={"nights": nights}).success
    assert len(list(away.glob("*.head.json"))) == len(list(away.glob("*.csv"))) == 1
    store.sessions.login("mia", "a secret of its own")
    assert audit_export_job.execute_in_process(resources={"nights": nights}).success
    assert len(list(away.glob("*.head.json"))) == 2

    with store.engine.begin() as connection:
        connection.execute(text("update audit_events set actor = 'eve' where sequence = 1"))
    store.close()
    done = audit_export_job.execute_in_process(resources={"nights": nights}, raise_on_error=False)
    assert not done.success
    assert "row 1 was altered" in str(done.get_step_failure_events()[0].event_specific_data)
