"""A night from PostgreSQL and back: extracted, planned, approved, finite dates written, verified in the database."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recon_platform.connectors import read_landing
from recon_platform.connectors.connect_file import connections, plant_write_back, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.write_back import Write
from recon_platform.governance import Store, service
from recon_platform.lake import Lake
from recon_platform.nights.delivery import deliver
from recon_platform.nights.publish import publish
from tests.connectors.sql.conftest import Plant
from tests.governance.night_lake import PUBLISHER, NightLake
from tests.governance.plant import KEY, StandingClock, furnish

KILLED = Path(__file__).with_name("killed_door.py")
RELAY = service("relay", "1")


@pytest.mark.timeout(900)
def test_a_night_in_approval_finite_dates_out(plant: Plant, tmp_path: Path) -> None:
    door = source("erp", connections(plant.plant_file)["erp"], Secrets(), tmp_path)
    assert door is not None
    extract_night([door], plant.plant_file, tmp_path / "landing" / "2026-03-02", tmp_path / "state")
    store = Store.create(str(tmp_path / "governance.db"), clock=StandingClock(), key=KEY)
    night = NightLake(tmp_path, furnish(store))
    night.run_id = night.plan(store, 0)
    night.approve(store)
    publish(Lake(str(tmp_path / "lake")), store, night.run_id, actor=PUBLISHER)
    waiting = store.outbox.find()
    dates = [message for message in waiting if message.kind == "finite_dates"]
    assert dates
    assert {message.expected_version for message in dates} == {"1"}
    touched, left = dates[0].subject, {m.subject for m in dates} - {dates[0].subject}
    plant.run("update erp.work_orders set due_date = due_date + 1 where work_order = :key", key=touched)

    done = deliver(store, RELAY, erp=plant_write_back(plant.plant_file, Secrets()), channels=False)

    said = {message.key: message for message in store.outbox.find() if message.kind == "finite_dates"}
    asked = [m for m in dates if m.subject != touched]
    assert done.refused == len(dates) - done.accepted > 0
    for message in dates:
        row = plant.rows(
            "select work_center, planned_start, planned_end from erp.work_order_operations "
            "where work_order = :order and op_seq = :op", order=message.subject, op=message.content["op_seq"],
        )  # fmt: skip
        answer = str(said[message.key].answer)
        if message.subject == touched:
            assert answer == f"changed: {touched} is at version 2, the plan read 1"
        elif said[message.key].state == "delivered":
            assert answer == "written"
            stored = (row[0][0], row[0][1].astimezone(UTC), row[0][2].astimezone(UTC))
            wanted = tuple(datetime.fromisoformat(message.content[name]) for name in ("planned_start", "planned_end"))
            assert stored == (message.content["work_center"], *wanted)
        else:
            assert answer == "refused: the write changes 0 rows of erp, expected 1"
            assert row == []
    assert done.accepted > len(asked) / 2
    assert plant.rows("select count(*), count(distinct idempotency_key) from erp.recon_write_back") == [
        (done.accepted,) * 2
    ]
    assert left
    again = read_landing(_again(plant, tmp_path)).frames["work_orders"]
    assert set(again["row_version"].unique()) > {"1"}
    store.close()


def _again(plant: Plant, tmp_path: Path) -> Path:
    door = source("erp", connections(plant.plant_file)["erp"], Secrets(), tmp_path)
    assert door is not None
    extract_night([door], plant.plant_file, tmp_path / "again", tmp_path / "state")
    return tmp_path / "again"


def writes_of(plant: Plant, *, version: str = "1", number: int = 1) -> list[Write]:
    """Dates for the operations of one order."""
    order = plant.rows(
        "select work_order from erp.work_order_operations group by 1 having count(*) > 2 order by 1 limit 1"
    )
    steps = plant.rows(
        "select op_seq, work_center from erp.work_order_operations where work_order = :order order by 1",
        order=order[0][0],
    )
    return [
        Write(
            f"P/{number}/{order[0][0]}/{op}", "finite_dates", order[0][0],
            {"work_order": order[0][0], "op_seq": op, "work_center": center, "planned_start": f"2026-04-0{number}T06:00:00+00:00",
             "planned_end": f"2026-04-0{number}T14:00:00+00:00"}, version,
        )
        for op, center in steps
    ]  # fmt: skip


@pytest.mark.parametrize("point", [2, 8, 14])
def test_a_write_back_killed_at_any_statement_has_one_effect(plant: Plant, tmp_path: Path, point: int) -> None:
    writes = writes_of(plant)
    file = tmp_path / "writes.json"
    fields = ("key", "kind", "subject", "content", "expected_version")
    file.write_text(json.dumps([{name: getattr(write, name) for name in fields} for write in writes]))
    killed = subprocess.run(
        [sys.executable, str(KILLED), "write", str(plant.plant_file), str(file), str(point)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    stored = "select count(*) from erp.work_order_operations where planned_start = '2026-04-01T06:00:00Z'"
    assert plant.rows(stored) == [(0,)]
    answers = plant_write_back(plant.plant_file, Secrets()).write(writes)
    assert [answer.text for answer in answers] == ["written"] * len(writes)
    version = plant.rows("select row_version from erp.work_orders where work_order = :o", o=writes[0].subject)
    again = plant_write_back(plant.plant_file, Secrets()).write(writes)
    assert [answer.text for answer in again] == ["known"] * len(writes)
    assert plant.rows("select row_version from erp.work_orders where work_order = :o", o=writes[0].subject) == version
    assert plant.rows(stored) == [(len(writes),)]


def test_the_rest_of_an_order_follows_its_own_first_part_and_nobody_elses_change(plant: Plant) -> None:
    writes = writes_of(plant)
    erp = plant_write_back(plant.plant_file, Secrets())
    assert [answer.text for answer in erp.write(writes[:1])] == ["written"]
    assert [answer.text for answer in erp.write(writes[1:2])] == ["written"]
    plant.run("update erp.work_orders set qty = qty + 1 where work_order = :o", o=writes[0].subject)
    refused = erp.write(writes[2:3])[0]
    assert not refused.accepted
    assert "changed" in refused.text


def test_what_the_database_silently_altered_is_found_and_taken_back(plant: Plant) -> None:
    plant.run("create function erp.later() returns trigger language plpgsql as $$ begin "
              "new.planned_end := new.planned_end + interval '2 hours'; return new; end $$")  # fmt: skip
    plant.run(
        "create trigger later before update on erp.work_order_operations for each row execute function erp.later()"
    )
    writes = writes_of(plant)
    answers = plant_write_back(plant.plant_file, Secrets()).write(writes)
    assert not any(answer.accepted for answer in answers)
    assert answers[0].text.startswith("altered: erp stored planned_end 2026-04-01 16:00:00")
    assert plant.rows("select count(*) from erp.recon_write_back") == [(0,)]
    assert plant.rows(
        "select count(*) from erp.work_order_operations where planned_start = '2026-04-01T06:00:00Z'"
    ) == [(0,)]
