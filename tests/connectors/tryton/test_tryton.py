"""A live Tryton 7: what lands, a night planned on it, and finite dates against its lock, its states and its days."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from recon_platform.cli.app import execute
from recon_platform.connectors import read_landing
from recon_platform.connectors.connect_file import connections, plant_write_back, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.extraction import extract_night
from recon_platform.connectors.sidecar import Sidecar
from recon_platform.connectors.sql import engine
from recon_platform.connectors.tryton_rpc import TrytonClient, day
from recon_platform.connectors.write_back import Write, WriteBackError
from recon_platform.governance import Store, service
from recon_platform.lake import Lake
from recon_platform.nights.delivery import deliver
from recon_platform.nights.publish import publish
from tests.connectors.secrets import places_of
from tests.connectors.tryton.conftest import PASSWORD, TODAY, Tryton
from tests.governance.night_lake import PUBLISHER, NightLake
from tests.governance.plant import KEY, StandingClock, furnish

pytestmark = pytest.mark.timeout(900)  # the first test may have to make the database
ZONE = ZoneInfo("Europe/Berlin")
RELAY = service("relay", "1")


def ahead(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def extract(tryton: Tryton, out: Path) -> dict[str, pl.DataFrame]:
    door = source("erp", connections(tryton.plant_file)["erp"], Secrets(), tryton.plant_file)
    assert door is not None
    extract_night([door], tryton.plant_file, out, out.with_name("state"))
    return dict(read_landing(out).frames)


def rows(frame: pl.DataFrame, *columns: str) -> list[tuple[str | None, ...]]:
    return frame.select(columns).sort(columns).rows()


def sidecar(tryton: Tryton) -> Sidecar:
    url = f"sqlite:///{tryton.folder}/times.db"
    return Sidecar("erp", engine(url, Secrets({}), None), "recon_operation_times", Secrets({}))


def test_what_lands_is_what_tryton_holds(read_only: Tryton, tmp_path: Path) -> None:
    found = extract(read_only, tmp_path / "out")
    assert rows(found["items"], "item", "make_buy", "uom", "lead_time_days", "safety_stock") == [
        ("BAR", "buy", "MTR", "9.0", None), ("BLANK", "make", "C62", "0.0", None),
        ("SCREW", "buy", "C62", "0.0", "100.0"), ("SHAFT", "make", "C62", "0.0", None),
    ]  # fmt: skip
    assert rows(found["bom_lines"], "parent_item", "component_item", "qty_per", "uom") == [
        ("BLANK", "BAR", "0.25", "MTR"), ("SHAFT", "BLANK", "1.0", "C62"), ("SHAFT", "SCREW", "4.0", "C62"),
    ]  # fmt: skip
    # Turning: 50 minutes of a finished work for 10 shafts. Nothing else was measured: the declared minute stands.
    assert rows(found["routings"], "item", "op_seq", "operation_code", "work_center", "run_min_per_unit") == [
        ("BLANK", "10", "Cut", "Saw", "1.0"), ("SHAFT", "10", "Turn", "Lathe", "5.0"), ("SHAFT", "20", "Grind", "Grinder", "1.0"),
    ]  # fmt: skip
    assert rows(found["machines"], "machine", "work_center") == [
        ("Grinder 1", "Grinder"), ("Lathe 1", "Lathe"), ("Saw 1", "Saw"),
    ]  # fmt: skip
    assert rows(found["inventory"], "item", "lot", "qty") == [
        ("BAR", "H-77", "12.5"), ("BLANK", None, "10.0"), ("SCREW", None, "460.0"),
    ]  # fmt: skip
    assert rows(found["purchase_orders"], "item", "qty", "received_qty", "ordered_on", "due_date", "status") == [
        ("BAR", "200.0", "0.0", ahead(0), ahead(10), "open")
    ]
    assert rows(found["sales_orders"], "item", "qty", "requested_date", "status") == [
        ("SHAFT", "30.0", ahead(18), "open")
    ]
    assert rows(found["work_orders"], "work_order", "item", "qty", "status", "due_date") == [
        ("1", "SHAFT", "10.0", "in_process", ahead(3)), ("2", "SHAFT", "30.0", "released", ahead(14)),
        ("3", "BLANK", "40.0", "released", ahead(8)), ("4", "BLANK", "25.0", "firm", ahead(12)),
    ]  # fmt: skip
    assert rows(found["operation_status"], "order", "op_seq", "status", "good_qty")[:3] == [
        ("1", "10", "complete", "10.0"), ("1", "20", "running", "0.0"), ("2", "10", "waiting", "0.0"),
    ]  # fmt: skip
    issues = found["material_issues"].filter(pl.col("work_order") == "1")
    assert rows(issues, "component_item", "required_qty", "issued_qty") == [
        ("BLANK", "10.0", "10.0"),
        ("SCREW", "40.0", "40.0"),
    ]
    said = read_landing(tmp_path / "out").assumptions
    assert said["erp_shift_start"].startswith("06:00: Tryton's production keeps no calendar")


@pytest.mark.timeout(900)
def test_a_night_in_approval_days_and_times_out_and_read_again(tryton: Tryton, tmp_path: Path) -> None:
    extract(tryton, tmp_path / "landing" / ahead(0))
    store = Store.create(str(tmp_path / "governance.db"), clock=StandingClock(), key=KEY)
    night = NightLake(tmp_path, furnish(store))
    night.run_id = night.plan(store, 0)
    night.approve(store)
    publish(Lake(str(tmp_path / "lake")), store, night.run_id, actor=PUBLISHER)
    dates = [message for message in store.outbox.find() if message.kind == "finite_dates"]
    assert {message.subject for message in dates} >= {"2", "3"}
    done = deliver(store, RELAY, erp=plant_write_back(tryton.plant_file, Secrets()), channels=False)
    said = {message.key: message for message in store.outbox.find() if message.kind == "finite_dates"}
    assert done.accepted == sum(message.state == "delivered" for message in said.values()) >= 3

    again = extract(tryton, tmp_path / "again")
    steps = {
        (row["work_order"], int(row["op_seq"])): row for row in again["work_order_operations"].iter_rows(named=True)
    }
    orders = {row["work_order"]: row for row in again["work_orders"].iter_rows(named=True)}
    told: dict[str, list[tuple[datetime, datetime]]] = {}
    for message in dates:
        answer, content = said[message.key], message.content
        start, end = (datetime.fromisoformat(content[name]) for name in ("planned_start", "planned_end"))
        if answer.state == "refused":
            assert answer.answer == "refused: operation 20 of 1 is running in Tryton"
            continue
        assert str(answer.answer).startswith("written: Tryton keeps days (")
        assert str(answer.answer).endswith("the times are in recon_operation_times")
        told.setdefault(message.subject, []).append((start, end))
        step = steps.get((message.subject, content["op_seq"]))
        if step is not None:  # a draft production has no works yet
            read = [datetime.fromisoformat(step[name]) for name in ("planned_start", "planned_end")]
            assert read == [start, end]
    for order, times in told.items():
        first, last = min(at for at, _ in times), max(at for _, at in times)
        held = orders[order]["start_date"], orders[order]["due_date"]
        assert held == tuple(at.astimezone(ZONE).date().isoformat() for at in (first, last))
        moves = tryton.admin().search_read(
            "stock.move", [["production_input.number", "=", order], ["state", "=", "draft"]], ("planned_date",)
        )
        assert {move["planned_date"] for move in moves} == {held[0]}
    store.close()
    assert places_of(PASSWORD, tmp_path) == []  # landing, state, lake, governance store, sidecar, the server's own log


def finite(number: str, op_seq: int, start: str, end: str, version: str | None, *, schedule: int = 1) -> Write:
    content = {
        "work_order": number, "op_seq": op_seq, "work_center": "Lathe", "planned_start": start, "planned_end": end,
        "schedule_version": schedule,
    }  # fmt: skip
    return Write(f"P/{schedule}/{number}/{op_seq}", "finite_dates", number, content, version)


def two(tryton: Tryton, *, schedule: int = 1, days: int = 4) -> list[Write]:
    version = tryton.order("2")["_timestamp"]
    return [
        finite("2", 10, f"{ahead(days)}T06:15:00+00:00", f"{ahead(days)}T12:45:00+00:00", version, schedule=schedule),
        finite(
            "2", 20, f"{ahead(days)}T23:30:00+00:00", f"{ahead(days + 1)}T03:00:00+00:00", version, schedule=schedule
        ),
    ]


def write(tryton: Tryton, *writes: Write) -> list[str]:
    return [answer.text for answer in plant_write_back(tryton.plant_file, Secrets()).write(writes)]


def test_a_second_delivery_changes_nothing_and_days_are_the_plants_own(tryton: Tryton) -> None:
    writes = two(tryton)
    said = write(tryton, *writes)
    order = tryton.order("2")
    # 23:30 UTC is the next day in Berlin, whichever time of the year it is.
    assert (order["planned_start_date"], order["planned_date"]) == (ahead(4), ahead(5))
    assert (
        said == [f"written: Tryton keeps days ({ahead(4)} to {ahead(5)}), the times are in recon_operation_times"] * 2
    )
    assert write(tryton, *writes) == ["known", "known"]
    assert tryton.order("2") == order
    assert {time.planned_start for time in sidecar(tryton).of("2").values()} == {
        w.content["planned_start"] for w in writes
    }


def test_one_operation_moved_later_keeps_the_days_of_the_others(tryton: Tryton) -> None:
    first = two(tryton)
    write(tryton, *first)
    moved = two(tryton, schedule=2, days=9)[1]
    assert write(tryton, moved)[0].startswith("written")
    order = tryton.order("2")
    assert (order["planned_start_date"], order["planned_date"]) == (ahead(4), ahead(10))
    assert write(tryton, first[1]) == ["refused: schedule 2, a later one, is written already"]
    assert tryton.order("2") == order


def test_an_order_somebody_changed_is_left_alone(tryton: Tryton) -> None:
    writes = two(tryton)
    admin = tryton.admin()
    number = tryton.order("2")["id"]
    admin.call("model.production", "write", [number], {"planned_date": day(TODAY + timedelta(days=20))})
    before = tryton.order("2")
    said = write(tryton, *writes)
    assert all(text.startswith("changed: 2 was written by Administrator: it is at ") for text in said)
    assert tryton.order("2") == before
    assert sidecar(tryton).of("2") == {}


def test_trytons_own_lock_catches_who_comes_between(tryton: Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our look and our write the order changes: the timestamp that we send is stale, and Tryton says so."""
    writes, send = two(tryton), TrytonClient.write

    def late(self: TrytonClient, model: str, number: int, values: dict[str, object], timestamp: str) -> None:
        tryton.admin().call("model.production", "write", [number], {"planned_date": day(TODAY + timedelta(days=20))})
        send(self, model, number, values, timestamp)

    monkeypatch.setattr(TrytonClient, "write", late)
    assert write(tryton, *writes) == ["changed: 2 was written by somebody else meanwhile"] * 2
    assert tryton.order("2")["planned_date"] == ahead(20)
    assert sidecar(tryton).of("2") == {}


def test_what_has_begun_ended_or_is_not_there_is_refused(tryton: Tryton) -> None:
    at = f"{ahead(4)}T06:00:00+00:00", f"{ahead(4)}T08:00:00+00:00"
    tryton.admin().call("model.production", "cancel", [tryton.order("4")["id"]])
    said = write(
        tryton, finite("1", 10, *at, None), finite("1", 20, *at, None), finite("2", 30, *at, None),
        finite("4", 10, *at, None), finite("77", 10, *at, None),
    )  # fmt: skip
    assert said == [
        "refused: operation 10 of 1 is finished in Tryton", "refused: operation 20 of 1 is running in Tryton",
        "refused: production 2 has no operation 30 in Tryton", "refused: production 4 is cancelled in Tryton",
        "refused: 0 productions have number 77, expected 1",
    ]  # fmt: skip


def test_orders_are_cancelled_and_closed_by_trytons_own_steps_and_read_again(tryton: Tryton) -> None:
    def change(number: str, what: str, before: str) -> Write:
        content = {
            "work_order": number,
            "change": what,
            "field": "status",
            "from": before,
            "to": None,
            "reason": "ST-01",
        }
        return Write(f"P/{number}|{what}", "order_changes", number, content, None)

    wanted = [change("4", "cancel", "firm"), change("1", "close", "in_process"), change("2", "close", "released"),
              change("3", "cancel", "firm")]  # fmt: skip
    assert write(tryton, *wanted) == [
        "written", "refused: works of production 1 are not finished",
        "refused: production 2 is waiting in Tryton; only a running one is closed",
        "changed: 3 is released in Tryton, the plan read firm",
    ]  # fmt: skip
    grind = tryton.admin().search_read("production.work", [["production.number", "=", "1"]], ("state", "cycles"))[1]
    cycle = grind["cycles"][0]
    tryton.admin().call(
        "model.production.work.cycle", "write", [cycle], {"duration": {"__class__": "timedelta", "seconds": 600}}
    )
    tryton.admin().call("model.production.work.cycle", "do", [cycle])
    assert write(tryton, *wanted[:2]) == ["known", "written"]
    assert (tryton.order("1")["state"], tryton.order("4")["state"]) == ("done", "cancelled")


@pytest.mark.parametrize("point", ["before", "between"])
def test_killed_before_or_between_the_next_round_finishes_once(
    tryton: Tryton, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """`before`: the server dies under our write. `between`: Tryton has the days, the sidecar was never written."""
    writes = two(tryton)
    with monkeypatch.context() as patch:
        if point == "before":
            patch.setattr(TrytonClient, "write", _lost)
        else:
            patch.setattr(Sidecar, "put", _lost)
        with pytest.raises(WriteBackError, match="lost"):
            write(tryton, *writes)
    assert (tryton.order("2")["planned_date"] == ahead(5)) == (point == "between")
    held = tryton.order("2")
    assert [text.split(":")[0] for text in write(tryton, *writes)] == ["written", "written"]
    if point == "between":
        assert tryton.order("2") == held
    assert write(tryton, *writes) == ["known", "known"]
    assert len(sidecar(tryton).of("2")) == 2


def _lost(*_: object) -> None:
    raise DoorError("lost")


def test_connect_test_says_model_by_model(read_only: Tryton, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["connect", "test", "erp", "--plant-file", str(read_only.plant_file), "--json"]) == 0
    said = {row["table"]: row["text"] for row in json.loads(capsys.readouterr().out)["erp"]}
    assert said["production"] == "readable"
    assert said["production.lead_time"] == "readable, and empty"
    assert said["assumed"].startswith("due_date = an order of Tryton has one finish date")


def test_a_wrong_password_is_said_without_it(
    read_only: Tryton, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRYTON_PASSWORD", "wrong-password")
    with pytest.raises(DoorError, match="Tryton does not let robot in") as error:
        extract(read_only, tmp_path / "out")
    assert "wrong-password" not in str(error.value)


def test_a_declared_assumption_can_be_replaced(read_only: Tryton, tmp_path: Path) -> None:
    section = connections(read_only.plant_file)["erp"] | {"assume": {"shift_end": "14:00"}}
    door = source("erp", section, Secrets(), read_only.plant_file)
    assert door is not None
    assert next(iter(door.extract("calendars", None)))["end"].unique().to_list() == ["14:00"]
    assert door.assumptions()["shift_end"].startswith("14:00")
