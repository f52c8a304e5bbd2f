"""Dropped files: what lands is what was dropped, nothing half is ever read, everything ends in archive or quarantine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from recon_platform.cli.app import execute
from recon_platform.connectors import LandingError, read_landing
from recon_platform.connectors.connect_file import connections, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.drop import DropDoor
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.pick_up import Inbox
from recon_platform.plantsim import generate

LINES = 'plant = "P"\nas_of = 2026-03-02T05:00:00Z\n[connect.mes]\nkind = "files"\nfolder = "inbox"\n'
OLD = 1_700_000_000


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("plant"), orders=40, nights=1).nights[0]


@pytest.fixture
def plant_file(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "plant.toml").write_text(LINES)
    return tmp_path / "plant.toml"


def drop(plant_file: Path, name: str, text: str | bytes, *, age: float | None = None) -> Path:
    path = plant_file.parent / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    at = OLD if age is None else time.time() - age
    os.utime(path, (at, at))
    return path


def extract(plant_file: Path, out: str) -> Path:
    door = source("mes", connections(plant_file)["mes"], Secrets({}), plant_file)
    assert door is not None
    extract_night([door], plant_file, plant_file.parent / out, plant_file.parent / "state")
    return plant_file.parent / out


def lying(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


ITEMS = "item,make_buy,uom,lead_time_days,lot_rule\nA,buy,PCE,3,lot_for_lot\n"


def test_a_generated_night_in_three_formats_lands_as_it_was(night: Path, plant_file: Path) -> None:
    original = {p.stem: pl.read_csv(p, infer_schema=False) for p in night.glob("*.csv") if p.stem != "feeds"}
    book = Workbook()
    for number, (name, frame) in enumerate(sorted(original.items())):
        if number % 3 == 0:
            drop(plant_file, f"{name}.csv", (night / f"{name}.csv").read_bytes())
        elif number % 3 == 1:
            (plant_file.parent / "inbox" / name).mkdir()
            half = frame.height // 2
            for part, rows in enumerate((frame[:half], frame[half:])):
                rows.write_parquet(plant_file.parent / "inbox" / name / f"{part}.parquet")
                os.utime(plant_file.parent / "inbox" / name / f"{part}.parquet", (OLD, OLD))
        else:
            sheet = book.create_sheet(name)
            sheet.append(frame.columns)
            for row in frame.iter_rows():
                sheet.append(row)
    book.save(plant_file.parent / "inbox" / "rest.xlsx")
    os.utime(plant_file.parent / "inbox" / "rest.xlsx", (OLD, OLD))
    with plant_file.open("a") as file:
        file.write("settle = 5\n")
    landed = read_landing(extract(plant_file, "out"))
    assert set(landed.frames) - {"feeds"} == set(original)
    for name, frame in original.items():
        found = landed.frames[name].select(frame.columns)
        assert found.select(pl.all().cast(pl.String)).equals(frame.select(pl.all().cast(pl.String))), name
    inbox = plant_file.parent / "inbox"
    assert all(name.startswith("archive/") for name in lying(inbox))
    assert "rest.xlsx" in {Path(name).name for name in lying(inbox)}
    with pytest.raises(DoorError, match="nothing lies in"):
        extract(plant_file, "second")


def test_a_workbook_of_real_types_lands_as_text(plant_file: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "purchase_orders"
    sheet.append(["purchase_order", "line", "supplier", "item", "qty", "uom", "due_date", "status", "firm", None])
    sheet.append(["P1", 10, "S", "007", 12.5, "KGM", date(2026, 3, 9), "open", True])
    sheet.append([None] * 5)
    book.save(drop(plant_file, "book.xlsx", b""))
    os.utime(plant_file.parent / "inbox" / "book.xlsx", (OLD, OLD))
    found = pl.read_parquet(extract(plant_file, "out") / "purchase_orders.parquet")
    assert found.rows() == [("P1", "10", "S", "007", "12.5", "KGM", "2026-03-09", "open", "true")]


def test_a_file_that_is_still_being_written_is_never_read(plant_file: Path) -> None:
    """Somebody copies for a while; every attempt meanwhile is told so, the first afterwards reads all."""
    with plant_file.open("a") as file:
        file.write("settle = 1\n")
    target, rows = plant_file.parent / "inbox" / "items.csv", 40
    writer = (
        "import sys, time\nwith open(sys.argv[1], 'w') as f:\n    f.write('item,make_buy,uom,lead_time_days,lot_rule\\n')\n"
        f"    for n in range({rows}):\n        f.write(f'A{{n}},buy,PCE,3,lot_for_lot\\n'); f.flush(); time.sleep(0.05)\n"
    )
    process, refused = subprocess.Popen([sys.executable, "-c", writer, str(target)]), 0
    for number in range(10_000):
        try:
            out = extract(plant_file, f"out{number}")
        except DoorError as error:
            assert "still being written" in str(error) or "nothing lies" in str(error) or "changed while" in str(error)
            refused += 1
            time.sleep(0.05)
            continue
        break
    assert process.wait() == 0
    assert pl.read_parquet(out / "items.parquet").height == rows
    assert refused > 5


def test_a_file_that_changes_while_it_is_read_is_not_taken(plant_file: Path) -> None:
    path = drop(plant_file, "items.csv", ITEMS + "A,buy,PCE,3,lot_for_lot\n" * 1_000_000)
    inbox = Inbox("mes", path.parent, path.parent / "archive", path.parent / "quarantine", settle_seconds=0.0)
    ended = threading.Event()

    def append() -> None:
        with path.open("a") as file:
            while not ended.wait(0.001):
                file.write("B,buy,PCE,3,lot_for_lot\n")
                file.flush()

    thread = threading.Thread(target=append)
    thread.start()
    try:
        with pytest.raises(DoorError, match=r"items.csv changed while it was read|still being written"):
            inbox.take(plant_file.parent / "copy")
    finally:
        ended.set()
        thread.join()


def manifest(plant_file: Path, **texts: str) -> None:
    files = [
        {"name": f"{n}.csv", "bytes": len(t), "sha256": hashlib.sha256(t.encode()).hexdigest()}
        for n, t in texts.items()
    ]
    drop(plant_file, "manifest.json", json.dumps({"files": files}), age=0)


def test_a_delivery_with_a_manifest_is_taken_when_it_is_what_the_manifest_says(plant_file: Path) -> None:
    with plant_file.open("a") as file:
        file.write("manifest = true\n")
    drop(plant_file, "items.csv", ITEMS[:-8], age=0)
    drop(plant_file, "notes.csv", "not,of,this,delivery\n", age=0)
    with pytest.raises(DoorError, match=r"manifest\.json is not there yet"):
        extract(plant_file, "out")
    manifest(plant_file, items=ITEMS)
    with pytest.raises(DoorError, match=rf"items\.csv has {len(ITEMS) - 8} of {len(ITEMS)} bytes"):
        extract(plant_file, "out")
    drop(plant_file, "items.csv", ITEMS.replace("PCE", "KGM"), age=0)
    with pytest.raises(DoorError, match=r"items\.csv is not what the manifest says"):
        extract(plant_file, "out")
    drop(plant_file, "items.csv", ITEMS, age=0)
    assert pl.read_parquet(extract(plant_file, "out") / "items.parquet").height == 1
    assert [name for name in lying(plant_file.parent / "inbox") if not name.startswith("archive/")] == ["notes.csv"]
    drop(plant_file, "manifest.json", '{"files": [{"name": "../x", "bytes": 1, "sha256": "0"}]}')
    with pytest.raises(DoorError, match=r"outside the folder"):
        extract(plant_file, "again")


def test_a_bad_file_goes_to_quarantine_with_its_reason_and_the_rest_waits(plant_file: Path) -> None:
    drop(plant_file, "items.csv", ITEMS)
    drop(plant_file, "customers.csv", b"customer,class\n\xff\xfe,A\n")
    with pytest.raises(LandingError, match=r"byte 0xff is not UTF-8.*customers.csv is in quarantine"):
        extract(plant_file, "out")
    assert not (plant_file.parent / "out").exists()
    inbox = plant_file.parent / "inbox"
    assert (inbox / "items.csv").is_file()
    kept = lying(inbox / "quarantine")
    assert len(kept) == 2
    assert "byte 0xff" in (inbox / "quarantine" / kept[1]).read_text()
    drop(plant_file, "broken.xlsx", b"PK no workbook")
    with pytest.raises(LandingError, match=r"no Excel workbook.*broken.xlsx is in quarantine"):
        extract(plant_file, "out")
    drop(plant_file, "customers.csv", "customer,class\nC1,A\n")
    assert {p.stem for p in extract(plant_file, "out").glob("*.parquet")} == {"items", "customers"}


def test_a_ragged_row_lands_with_what_is_wrong_with_it(plant_file: Path) -> None:
    drop(plant_file, "items.csv", ITEMS + "B,buy\n" + ITEMS.splitlines()[1].replace("A", "C") + "\n")
    plant_file.write_text('absent = ["customers","sales_orders","bom_lines","routings","work_centers","calendars",'
                          '"inventory","purchase_orders","work_orders","operation_status"]\n' + LINES)  # fmt: skip
    found = read_landing(extract(plant_file, "out")).frames["items"]
    assert found.select("item", "_row", "_problem").rows() == [
        ("A", 1, None), ("B", 2, "the row has 2 fields, the header 5"), ("C", 3, None),
    ]  # fmt: skip


def test_a_column_that_came_is_a_finding_of_the_night(plant_file: Path) -> None:
    drop(plant_file, "items.csv", ITEMS)
    extract(plant_file, "out")
    drop(plant_file, "items.csv", "item,make_buy,uom,lead_time_days,lot_rule,colour\nA,buy,PCE,3,lot_for_lot,red\n")
    out = extract(plant_file, "second")
    assert 'source_change_1 = "column colour of items is new at mes"' in (out / "plant.toml").read_text()


def test_killed_before_the_archive_the_delivery_is_read_again_and_lost_never(
    plant_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(plant_file, "items.csv", ITEMS)
    with monkeypatch.context() as patch:
        patch.setattr(DropDoor, "landed", _killed)
        with pytest.raises(KeyboardInterrupt):
            extract(plant_file, "out")
    first = pl.read_parquet(plant_file.parent / "out" / "items.parquet")
    assert (plant_file.parent / "inbox" / "items.csv").is_file()
    assert pl.read_parquet(extract(plant_file, "again") / "items.parquet").equals(first)
    assert not (plant_file.parent / "inbox" / "items.csv").exists()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_profile_maps_what_is_no_landing_table(plant_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = plant_file.parent / "ours"
    (profile / "tables").mkdir(parents=True)
    (profile / "profile.toml").write_text(
        'name = "ours"\n[plant]\nplant = "P"\n[sources]\nparts = "Parts.csv"\n'
        '[assumptions.lead]\nvalue = 7\ntext = "no lead times in the list"\n'
    )
    (profile / "tables" / "items.sql").write_text(
        "select no as item, 'buy' as make_buy, 'PCE' as uom, getvariable('lead') as lead_time_days, 'lot_for_lot' as lot_rule from parts"
    )
    with plant_file.open("a") as file:
        file.write('profile = "ours"\nassume = { lead = 9 }\n')
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Parts"
    sheet.append(["no"])
    sheet.append(["X-1"])
    book.save(drop(plant_file, "parts.xlsx", b""))
    os.utime(plant_file.parent / "inbox" / "parts.xlsx", (OLD, OLD))
    assert execute(["connect", "test", "mes", "--plant-file", str(plant_file)]) == 0
    assert "1 rows in items.csv" in capsys.readouterr().out
    out = extract(plant_file, "out")
    assert pl.read_parquet(out / "items.parquet").select("item", "lead_time_days").rows() == [("X-1", "9")]
    assert 'mes_lead = "9: no lead times in the list"' in (out / "plant.toml").read_text()
