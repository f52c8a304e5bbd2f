"""The relay, started by a sensor: what was published reaches a real ERP process, once, through a run of its own."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from recon_platform.connectors.write_back import Write, WriteBackError
from recon_platform.console.weekly import waits_for
from recon_platform.governance import Store
from recon_platform.governance.schema import subscriptions
from recon_platform.tables.policy import ReportPolicy, policy_from_dict
from resources.delivery import DeliveryResource
from resources.nights import NightsResource
from sensors.outbox import RELAY, outbox_sensor
from sensors.weekly import weekly_report_schedule
from tests.dagster.plant import CODE, FIRST, Installation
from tests.governance.test_properties_delivery import server

PATIENCE_SECONDS = 200.0
BERLIN = ZoneInfo("Europe/Berlin")


def look(site: Installation, nights: NightsResource, delivery: DeliveryResource) -> dg.RunRequest | dg.SkipReason:
    with dg.build_sensor_context(
        instance=site.instance, resources={"nights": nights, "delivery": delivery}
    ) as context:  # fmt: skip
        found = outbox_sensor(15)(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_what_was_published_is_delivered_once_by_the_sensors_relay(night: Installation, tmp_path: Path) -> None:
    nobody = DeliveryResource()
    assert "no message is due" in str(look(night, night.nights, nobody))
    night.approve_base()
    assert night.run("publish").success
    assert "no message is due" in str(look(night, night.nights, nobody))  # an ERP is not configured: its messages wait
    with server("erp_server.py", str(tmp_path / "erp.db"), "never") as port:
        erp = DeliveryResource(erp=f"http://127.0.0.1:{port}")
        asked = look(night, night.nights, erp)
        assert isinstance(asked, dg.RunRequest)
        assert "for erp" in asked.tags["recon/reason"]
        running = night.instance.add_run(dg.DagsterRun(job_name=RELAY, status=dg.DagsterRunStatus.STARTED))
        assert "under way" in str(look(night, night.nights, erp))
        night.instance.delete_run(running.run_id)
        job = night.definitions(delivery=erp).resolve_job_def(RELAY)
        store = night.nights.store()
        assert store is not None
        until = time.monotonic() + PATIENCE_SECONDS
        while "waiting" in store.outbox.counts() and time.monotonic() < until:
            if isinstance(look(night, night.nights, erp), dg.RunRequest):
                assert job.execute_in_process(instance=night.instance).success
            else:
                time.sleep(0.5)  # a slow ERP gave no answer in time: due again after a pause
        assert "no message is due" in str(look(night, night.nights, erp))
    counts = store.outbox.counts()
    with sqlite3.connect(tmp_path / "erp.db") as database:
        keys = [row[0] for row in database.execute("select key from effects")]
    assert len(keys) == len(set(keys)) == counts["delivered"] > 0
    assert "waiting" not in counts


def test_the_weekly_report_leaves_by_itself_once(night: Installation, tmp_path: Path) -> None:
    with Store(str(night.home / "lake" / "governance.db")).writing() as tx:
        subscription = {"name": "council", "event": "weekly", "address": "council@works.example", "plant": CODE}
        tx.connection.execute(subscriptions.insert().values(**subscription, added_by="it", added_at=tx.at))
    schedule = weekly_report_schedule(CODE, BERLIN)

    def tick(day: int, hour: int) -> dg.RunRequest | dg.SkipReason:
        with dg.build_schedule_context(
            instance=night.instance, scheduled_execution_time=datetime(2026, 3, day, hour, tzinfo=BERLIN),
            resources={"nights": night.nights},
        ) as context:  # fmt: skip
            found = schedule(context)
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    assert FIRST.weekday() == 0  # the policy's default: Monday from six
    assert "Monday from 06:00" in str(tick(2, 5)) and "no night of this week" in str(tick(9, 6))
    late, asked = tick(4, 3), tick(2, 6)
    assert isinstance(asked, dg.RunRequest) and isinstance(late, dg.RunRequest)
    assert asked.run_key == late.run_key == f"weekly:{CODE}:2026-W10"
    kept = tmp_path / "mails"
    with server("mail_server.py", str(kept), "never") as port:
        post = DeliveryResource(smtp=f"127.0.0.1:{port}")
        definitions = night.definitions(delivery=post)
        for _ in range(2):
            made = definitions.resolve_job_def(str(schedule.job_name)).execute_in_process(
                instance=night.instance, run_config=asked.run_config
            )
            assert made.success
        assert isinstance(look(night, night.nights, post), dg.RunRequest)
        assert definitions.resolve_job_def(RELAY).execute_in_process(instance=night.instance).success
    mails = [mail for mail in map(json.loads, kept.read_text().splitlines()) if mail["to"] == ["council@works.example"]]
    assert [(mail["subject"], mail["attached"]) for mail in mails] == [
        (f"{CODE}: weekly report 2026-W10", [f"{CODE}-2026-W10.pdf"])
    ]


@pytest.mark.parametrize(("policy", "says"), [
    (ReportPolicy("never"), "no report is sent"), (ReportPolicy("thursday", 14), "Thursday from 14:00"),
    (ReportPolicy("wednesday", 23), None),
])  # fmt: skip
def test_the_policy_says_when_the_report_leaves(policy: ReportPolicy, says: str | None) -> None:
    waits = waits_for(policy, date(2026, 3, 5), datetime(2026, 3, 5, 13, 59, tzinfo=BERLIN))
    assert waits is None if says is None else says in str(waits)
    for wrong in ({"weekly_day": "Monday"}, {"weekly_hour": 24}):
        with pytest.raises(ValueError, match=f"report.{next(iter(wrong))} must be"):
            policy_from_dict({"report": wrong})


def test_a_plant_file_names_the_erp_in_place_of_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOM_SECRET", "x")
    file = tmp_path / "plant.toml"
    file.write_text('plant = "P"\n[connect.mom]\nkind = "http"\n[connect.mom.write_back]\n'
                    'url = "http://127.0.0.1:1/"\nsecret = "MOM_SECRET"\n')  # fmt: skip
    made = DeliveryResource(plant_file=str(file)).write_back()
    assert made is not None
    with pytest.raises(WriteBackError, match="did not answer"):
        made.write([Write("k", "finite_dates", "WO", {}, None)])
    with pytest.raises(ValueError, match="both name an ERP"):
        DeliveryResource(plant_file=str(file), erp="http://127.0.0.1:1/").write_back()
