"""Planted secrets of every door: in no output, no log, no landing folder, no lake, however things go wrong."""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import read_landing
from recon_platform.connectors.connect_file import plant_write_back
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.write_back import Write, WriteBackError
from recon_platform.lake import Lake
from recon_platform.lake.raw import packed, raw_text
from tests.connectors.odoo.records import records, types
from tests.connectors.odoo.server import PASSWORD, Odoo, serving
from tests.connectors.secrets import places_of

PLANTED = {
    "ODOO_PASSWORD": PASSWORD, "ERP_PASSWORD": "planted-sql-9f2c", "TRYTON_PASSWORD": "planted-tryton-77aa",
    "MQTT_PASSWORD": "planted-mqtt-51b0", "HOOK_SECRET": "planted-hook-c3d4", "MOM_SECRET": "planted-mom-e5f6",
    "MOM_TOKEN": "Bearer planted-token-0a1b",
}  # fmt: skip
PLANT = """plant = "P"
calendar = "CAL1"
[connect.odoo]
kind = "odoo"
url = "{url}"
database = "plant"
user = "robot"
password = "ODOO_PASSWORD"
per_second = 10000
"""
OTHERS = """
[connect.erp]
kind = "sql"
url = "postgresql://recon@127.0.0.1:1/erp"
password = "ERP_PASSWORD"
[connect.erp.tables.lots]
view = "mes.lots"
[connect.tryton]
kind = "tryton"
url = "http://127.0.0.1:1"
database = "plant"
user = "robot"
password = "TRYTON_PASSWORD"
[connect.machines]
kind = "machines"
events = "events"
[connect.machines.sparkplug]
host = "127.0.0.1"
port = 1
user = "recon"
password = "MQTT_PASSWORD"
[connect.machines.webhook]
port = 0
secret = "HOOK_SECRET"
[connect.mom]
kind = "http"
[connect.mom.write_back]
url = "http://127.0.0.1:1/"
secret = "MOM_SECRET"
authorization = "MOM_TOKEN"
"""


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("planted")
def test_no_secret_is_left_anywhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file, lake = tmp_path / "plant.toml", Lake(str(tmp_path / "lake"))
    with serving(Odoo(records(), types())) as url:
        file.write_text(PLANT.format(url=url))
        assert execute(["connect", "test", "--plant-file", str(file)]) == 0
        out = tmp_path / "landing" / "2026-03-02"
        assert execute(["connect", "extract", "--plant-file", str(file), "--out", str(out), "--json"]) == 0
        for name, frame in read_landing(out).frames.items():
            table, ready = packed(name, raw_text(name, frame.select(pl.exclude(r"^_.*$"))))
            lake.write("raw", table, ready, plant="P", planning_date=date(2026, 3, 2), sequence=0, run_id="r")
        file.write_text(PLANT.format(url=url) + OTHERS)
        for name in ("erp", "tryton", "machines"):
            assert execute(["connect", "test", name, "--plant-file", str(file)]) != 0
        assert execute(["connect", "extract", "--plant-file", str(file), "--out", str(tmp_path / "second")]) != 0
        with pytest.raises(WriteBackError) as error:
            plant_write_back(file, Secrets()).write([Write("k", "finite_dates", "WO", {}, None)])
    said = "".join((*capfd.readouterr(), caplog.text, str(error.value), repr(error.value)))
    assert "does not answer" in said  # something was said
    for name, value in PLANTED.items():
        assert value not in said, name
        assert places_of(value, tmp_path) == [], name
    assert "ODOO_PASSWORD" in file.read_text()


def test_the_search_itself_finds_what_is_packed_away(tmp_path: Path) -> None:
    pl.DataFrame({"a": ["x" * 50, "planted-sql-9f2c"] * 100}).write_parquet(tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.json").write_text('{"k": "planted-sql-9f2c"}')
    pl.DataFrame({"a": ["nothing"]}).write_parquet(tmp_path / "c.parquet")
    assert places_of("planted-sql-9f2c", tmp_path) == ["a.parquet", "b.json"]
