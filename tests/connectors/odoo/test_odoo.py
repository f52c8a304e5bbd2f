"""Odoo 17: what lands, and finite dates against everything the live server was seen to do with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import read_landing
from recon_platform.connectors.connect_file import connections, plant_write_back, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.write_back import Write, WriteAnswer, WriteBackError
from tests.conftest import SHARED
from tests.connectors.odoo.records import records, types
from tests.connectors.odoo.server import PASSWORD, Odoo, serving

RECORDED = SHARED / "data" / "odoo17"
PLANT = """plant = "ODOO"
timezone = "Europe/Brussels"
calendar = "CAL1"
[connect.erp]
kind = "odoo"
url = "{url}"
database = "plant"
user = "robot"
password = "ODOO_PASSWORD"
per_second = 10000
[connect.erp.write_back]
"""


def recorded() -> Odoo:
    from recon_platform.connectors.odoo import MODELS

    found = {model: json.loads((RECORDED / f"{model}.json").read_text()) for model in MODELS}
    described = {model: json.loads((RECORDED / f"{model}.fields.json").read_text()) for model in MODELS}
    return Odoo(found, {model: {n: str(f["type"]) for n, f in fields.items()} for model, fields in described.items()})


@pytest.fixture
def odoo() -> Odoo:
    return Odoo(records(), types())


@pytest.fixture
def plant_file(odoo: Odoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ODOO_PASSWORD", PASSWORD)
    with serving(odoo) as url:
        (tmp_path / "plant.toml").write_text(PLANT.format(url=url))
        yield tmp_path / "plant.toml"


def extract(plant_file: Path, out: Path) -> dict[str, pl.DataFrame]:
    door = source("erp", connections(plant_file)["erp"], Secrets(), plant_file)
    assert door is not None
    extract_night([door], plant_file, out, out.with_name("state"))
    return dict(read_landing(out).frames)


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[str | None, ...]]:
    return frame.select(columns).sort(columns).rows()


def test_what_lands_is_what_odoo_holds_in_the_items_own_unit(plant_file: Path, tmp_path: Path) -> None:
    found = extract(plant_file, tmp_path / "out")
    assert rows(found["items"], "item", "make_buy", "uom", "lead_time_days", "safety_stock") == [
        ("000010042", "buy", "KGM", "9.0", "50.0"), ("SH-100", "make", "C62", "2.0", None), ("SH-100-B", "make", "C62", "1.0", None),
    ]  # fmt: skip
    assert rows(found["bom_lines"], "parent_item", "component_item", "qty_per", "op_seq") == [
        ("SH-100", "SH-100-B", "1.0", "10"), ("SH-100-B", "000010042", "2.0", None),
    ]  # fmt: skip
    assert rows(found["routings"], "item", "op_seq", "operation_code", "setup_min", "run_min_per_unit") == [
        ("SH-100", "10", "Grind", "15.0", "3.0"), ("SH-100", "20", "Inspect", "15.0", "1.0"), ("SH-100-B", "10", "Turn", "15.0", "4.0"),
    ]  # fmt: skip
    assert rows(found["inventory"], "item", "lot", "qty") == [
        ("000010042", None, "-10.5"),
        ("000010042", "H-77", "310.5"),
    ]
    assert rows(found["purchase_orders"], "purchase_order", "qty", "received_qty", "due_date", "ordered_on") == [
        ("P00001", "500.0", "100.0", "2026-12-04", "2026-11-03"),
    ]
    assert rows(found["sales_orders"], "sales_order", "item", "qty", "promised_date") == [
        ("S00001", "SH-100", "24.0", "2026-12-18")
    ]
    assert rows(found["work_orders"], "work_order", "status", "due_date", "row_version") == [
        ("WH/MO/00001", "in_process", "2026-12-01", "2026-11-20T04:00:00Z"), ("WH/MO/00002", "released", "2026-12-11", "2026-11-20T04:00:00Z"),
    ]  # fmt: skip
    assert rows(found["calendars"], "weekday", "start", "end")[:2] == [("1", "08:00", "12:00"), ("1", "13:00", "17:30")]


def test_planned_work_orders_are_no_downtime_and_silence_is_unknown(plant_file: Path, tmp_path: Path) -> None:
    found = extract(plant_file, tmp_path / "out")
    assert rows(found["planned_downtime"], "work_center", "start", "reason") == [
        ("WC-CNC", "2026-12-07T07:00:00Z", "Spindle")
    ]
    assert rows(found["calendar_exceptions"], "date", "reason") == [
        ("2026-12-25", "Christmas"),
        ("2026-12-26", "Christmas"),
    ]
    assert rows(found["downtime_events"], "work_center", "reason") == [("WC-CNC", "Equipment Failure")]
    assert "machine_states" not in found


def finite(order: str, op_seq: int, start: str, end: str, version: str | None = "2026-11-20T04:00:00Z") -> Write:
    content = {
        "work_order": order,
        "op_seq": op_seq,
        "planned_start": start,
        "planned_end": end,
        "work_center": "WC-GRND",
    }
    return Write(f"P/1/{order}/{op_seq}", "finite_dates", order, content, version)


TWO = [
    finite("WH/MO/00002", 10, "2026-12-08T07:00:00+00:00", "2026-12-08T12:00:00+00:00"),
    finite("WH/MO/00002", 20, "2026-12-08T13:00:00+01:00", "2026-12-08T15:00:00+01:00"),
]


def write(plant_file: Path, *writes: Write) -> list[str]:
    answers: list[WriteAnswer] = list(plant_write_back(plant_file, Secrets()).write(writes))
    return [answer.text for answer in answers]


def test_dates_arrive_exactly_and_a_second_time_changes_nothing(odoo: Odoo, plant_file: Path) -> None:
    assert write(plant_file, *TWO) == ["written", "written"]
    grind, inspect = odoo.find("mrp.workorder", id=3), odoo.find("mrp.workorder", id=2)
    assert (grind["date_start"], grind["date_finished"]) == ("2026-12-08 07:00:00", "2026-12-08 12:00:00")
    assert (inspect["date_start"], inspect["date_finished"]) == ("2026-12-08 12:00:00", "2026-12-08 14:00:00")
    order = odoo.find("mrp.production", id=2)
    assert (order["date_start"], order["date_finished"]) == ("2026-12-08 07:00:00", "2026-12-08 14:00:00")
    writes = odoo.calls.count(("mrp.workorder", "write"))
    assert write(plant_file, *TWO) == ["known", "known"]
    assert odoo.calls.count(("mrp.workorder", "write")) == writes == 4


def test_an_order_somebody_changed_is_left_alone(odoo: Odoo, plant_file: Path) -> None:
    odoo.write("mrp.production", odoo.find("mrp.production", id=2), {"product_qty": 25.0}, {}, [2, "Mitchell Admin"])
    said = write(plant_file, *TWO)
    assert all(
        text.startswith("changed: WH/MO/00002 was written by Mitchell Admin at 2026-12-01T08:00:01Z") for text in said
    )
    assert odoo.find("mrp.workorder", id=3)["date_start"] is False


def test_what_has_started_is_refused(odoo: Odoo, plant_file: Path) -> None:
    said = write(plant_file, finite("WH/MO/00001", 10, "2026-12-09T07:00:00Z", "2026-12-09T08:00:00Z"))
    assert said == ["refused: operation 10 of WH/MO/00001 is progress in Odoo"]
    assert odoo.find("mrp.workorder", id=1)["date_start"] == "2026-12-01 08:00:00"


def test_a_finish_odoo_recomputes_is_found_by_reading_again(odoo: Odoo, plant_file: Path) -> None:
    def push(model: str, method: str) -> None:
        if (model, method) == ("mrp.production", "write"):
            odoo.find("mrp.workorder", id=3)["date_finished"] = "2026-12-08 13:57:21"

    odoo.before_call = push
    said = write(plant_file, *TWO)
    assert said[0].startswith("altered: Odoo stored")
    assert "13:57:21" in said[0]
    assert said[1] == "written"


def test_a_refusal_of_odoo_is_the_answer_of_that_operation_only(plant_file: Path) -> None:
    wrong = finite("WH/MO/00002", 10, "2026-12-08T09:00:00Z", "2026-12-08T08:00:00Z")
    said = write(plant_file, wrong, TWO[1], finite("WH/MO/00002", 30, "2026-12-08T09:00:00Z", "2026-12-08T10:00:00Z"), finite("GONE", 10, "2026-12-08T09:00:00Z", "2026-12-08T10:00:00Z"))  # fmt: skip
    assert said[0].startswith("refused: Odoo says: The planned end date")
    assert said[1:] == [
        "written", "refused: WH/MO/00002 has no operation 30 in Odoo", "refused: 0 manufacturing orders are called GONE, expected 1",
    ]  # fmt: skip


@pytest.mark.parametrize("call", range(1, 6))
def test_killed_at_any_write_it_is_finished_by_the_next_round(odoo: Odoo, plant_file: Path, call: int) -> None:
    odoo.before_call = _dies_at(call)
    with pytest.raises(WriteBackError, match="did not answer"):
        write(plant_file, *TWO)
    odoo.before_call = lambda model, method: None
    assert set(write(plant_file, *TWO)) <= {"written", "known"}
    steps = [odoo.find("mrp.workorder", id=number) for number in (3, 2)]
    assert [step["date_finished"] for step in steps] == ["2026-12-08 12:00:00", "2026-12-08 14:00:00"]
    order = odoo.find("mrp.production", id=2)
    assert (order["date_start"], order["date_finished"]) == ("2026-12-08 07:00:00", "2026-12-08 14:00:00")


def _dies_at(number: int) -> Callable[[str, str], None]:
    left = [number]

    def before(_: str, method: str) -> None:
        if method == "write":
            left[0] -= 1
            if left[0] == 0:
                raise ConnectionAbortedError

    return before


def change(order: str, what: str, before: str | None, field: str = "status") -> Write:
    content = {"work_order": order, "change": what, "field": field, "from": before, "to": None, "reason": "ST-01"}
    return Write(f"P/{order}|{what}|{field}", "order_changes", order, content, None)


def test_an_order_is_closed_and_cancelled_by_odoos_own_steps_and_read_again(odoo: Odoo, plant_file: Path) -> None:
    first, second = odoo.find("mrp.production", id=1), odoo.find("mrp.production", id=2)
    first["state"] = "to_close"
    wanted = [change("WH/MO/00001", "close", "in_process"), change("WH/MO/00002", "cancel", "released")]
    assert write(plant_file, *wanted) == ["written", "written"]
    assert (first["state"], second["state"]) == ("done", "cancel")
    assert write(plant_file, *wanted) == ["known", "known"]
    assert odoo.calls.count(("mrp.production", "button_mark_done")) == 1


def test_changes_that_do_not_fit_any_more_or_book_stock_are_refused(odoo: Odoo, plant_file: Path) -> None:
    said = write(
        plant_file, change("WH/MO/00002", "close", "released"), change("WH/MO/00001", "cancel", "released"),
        change("WH/MO/00002", "quantity", "3", "completed_qty"), change("GONE", "cancel", None),
    )  # fmt: skip
    assert said == [
        "refused: WH/MO/00002 is confirmed in Odoo; only what is to_close is closed",
        "changed: WH/MO/00001 is in_process in Odoo, the plan read released",
        "refused: quantity of completed_qty is booked in Odoo by a person, not from outside",
        "refused: 0 manufacturing orders are called GONE, expected 1",
    ]
    odoo.find("mrp.production", id=1)["state"] = "to_close"
    odoo.stubborn = True
    assert write(plant_file, change("WH/MO/00001", "close", None)) == [
        "refused: Odoo took the call, and WH/MO/00001 is still in_process"
    ]


def test_the_trap_of_a_start_without_force_is_real(odoo: Odoo, plant_file: Path) -> None:
    """What the write-back avoids: the server wipes the dates of a planned order's operations."""
    write(plant_file, *TWO)
    odoo.write("mrp.production", odoo.find("mrp.production", id=2), {"date_start": "2026-12-09 07:00:00"}, {}, [2, "M"])
    assert [odoo.find("mrp.workorder", id=number)["date_start"] for number in (2, 3)] == [False, False]


def test_connect_test_says_model_by_model(odoo: Odoo, plant_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["connect", "test", "erp", "--plant-file", str(plant_file)]) == 0
    del odoo.types["mrp.bom"]["produce_delay"]
    assert execute(["connect", "test", "erp", "--plant-file", str(plant_file)]) == 1
    assert "field produce_delay is missing" in capsys.readouterr().out


def test_a_wrong_password_is_said_without_it(plant_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ODOO_PASSWORD", "wrong-password")
    with pytest.raises(DoorError, match="does not let robot in") as error:
        extract(plant_file, tmp_path / "out")
    assert "wrong-password" not in str(error.value)


def test_the_recorded_server_lands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where recordings of a live Odoo are at hand they land; without them the own works stands in."""
    odoo = recorded() if RECORDED.is_dir() else Odoo(records(), types())
    monkeypatch.setenv("ODOO_PASSWORD", PASSWORD)
    with serving(odoo) as url:
        file = tmp_path / "plant.toml"
        file.write_text(PLANT.format(url=url))
        found = extract(file, tmp_path / "out")
        assert found["work_orders"].height == len(odoo.records["mrp.production"])
        assert found["work_order_operations"].height == len(odoo.records["mrp.workorder"])
        assert found["items"]["item"].n_unique() == found["items"].height > 0
        leaves = {str(row["leave_id"][0]) for row in odoo.records["mrp.workorder"] if row["leave_id"]}
        assert leaves
        assert "planned_downtime" not in found or found["planned_downtime"].height <= 8 - len(leaves)
        free = next(
            w for w in odoo.records["mrp.workorder"]
            if w["state"] in ("ready", "pending", "waiting") and w["operation_id"]
            and odoo.find("mrp.production", id=w["production_id"][0])["state"] in ("confirmed", "progress")
        )  # fmt: skip
        name = odoo.find("mrp.production", id=free["production_id"][0])["name"]
        operations = found["work_order_operations"].filter(
            pl.col("work_order") == name, pl.col("operation_code") == free["operation_id"][1].split(" - ")[-1]
        )
        version = found["work_orders"].filter(pl.col("work_order") == name)["row_version"][0]
        said = write(
            file, finite(name, int(operations["op_seq"][0]), "2027-01-04T08:00:00Z", "2027-01-04T12:00:00Z", version)
        )
        assert said == ["written"]
        assert (free["date_start"], free["date_finished"]) == ("2027-01-04 08:00:00", "2027-01-04 12:00:00")
