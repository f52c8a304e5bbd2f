"""The relay, started by a sensor: what was published reaches a real ERP process, once, through a run of its own."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import dagster as dg
import pytest

from recon_platform.connectors.write_back import Write, WriteBackError
from resources.delivery import DeliveryResource
from resources.nights import NightsResource
from sensors.outbox import RELAY, outbox_sensor
from tests.dagster.plant import Installation
from tests.governance.test_properties_delivery import server

PATIENCE_SECONDS = 200.0


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
