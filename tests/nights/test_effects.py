"""The scoreboard's measured half: what moves promised when they were signed, and which lines were kept a week later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.governance import Actor, Role, Store, service
from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.effects import MEASURED_AFTER, MEASURED_BACK, board, effects
from recon_platform.nights.records import Manifest, Pins, TableVersion
from recon_platform.tables.policy import Policy
from recon_platform.tables.proposal import EXCEPTION_MOVES
from recon_platform.tables.registry import output_table
from tests.governance.plant import KEY, PLANT, SECRET, StandingClock, moves_frame

FIRST = date(2026, 3, 2)
LINES = ("A/1", "B/1", "C/1", "D/1", "E/1", "F/1")


def night(lake: Lake, day: date, tables: dict[str, list[dict[str, object]]], sequence: int = 0) -> Manifest:
    """A finished run with these tables, as a night leaves it."""
    run_id = records.name_run(PLANT, day, sequence, f"{day}{sequence}")
    outputs = {}
    for name, rows in tables.items():
        table = output_table(name)
        made = lake.write(
            str(table.layer), table, table.frame(rows) if rows else table.empty(), plant=PLANT, planning_date=day,
            sequence=sequence, run_id=run_id,
        )  # fmt: skip
        outputs[name] = TableVersion(
            str(table.layer), name, PLANT, day.isoformat(), made.version, made.rows, made.digest
        )
    pins = Pins(
        run_id, {"code": PLANT, "timezone": "UTC", "currency": "EUR", "calendar": "PLANT"}, day.isoformat(), sequence,
        f"{day}T04:00:00+00:00", Policy().to_dict(), "d", "r", "c", {}, "l", None, None, {},
    )  # fmt: skip
    made_at = datetime(day.year, day.month, day.day, 5, tzinfo=UTC) + timedelta(minutes=sequence)
    records.record_manifest(lake, Manifest(pins, outputs, made_at, "night"))
    return records.manifest(lake, run_id)


def promise(line: str, promised: date, ship: date | None, short: float = 0.0) -> dict[str, object]:
    return {
        "sales_order": line[0], "line": "1", "customer": "K", "item": "I", "qty": 1.0, "promised": promised,
        "projected_ship": ship, "short_qty": short,
    }  # fmt: skip


def order(line: str, status: str) -> dict[str, object]:
    return {
        "sales_order": line[0], "line": "1", "customer": "K", "item": "I", "qty": 1.0, "uom": "EA",
        "requested_date": FIRST, "status": status, "source_file": "sales_orders.csv", "source_row": ord(line[0]),
    }  # fmt: skip


def shipment(line: str, day: date, row: int = 1) -> dict[str, object]:
    return {
        "sales_order": line[0], "line": "1", "shipped_on": day, "qty": 1.0, "uom": "EA", "source_file": "shipments.csv",
        "source_row": ord(line[0]) * 10 + row,
    }  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store.create(str(tmp_path / "governance.db"), clock=StandingClock(), key=KEY)
    made.people.found("sam", "Sam Supervisor", [Role.SUPERVISOR], SECRET)
    yield made
    made.close()


def sam(store: Store) -> Actor:
    return store.sessions.authenticate(store.sessions.login("sam", SECRET).token)


def approve_move(store: Store, run: Manifest, lines: tuple[str, ...]) -> None:
    """A night's one move, signed for `lines`."""
    moves = moves_frame(1, store.clock()).with_columns(
        lines=pl.lit(json.dumps({"won": list(lines), "lost": []})), lines_won=pl.lit(len(lines), pl.Int64),
        signature=pl.lit(value=False),
    )  # fmt: skip
    made = store.requests.open_run(
        service("night", "1"), base={"digest": "d"}, moves=EXCEPTION_MOVES.frame(moves), versions={"replanner": "c+p"},
        **run.identity,
    )  # fmt: skip
    (move,) = [request for request in made if request.kind == "move"]
    store.decisions.approve(sam(store), move.request, digest=move.digest, reason="agreed")


def test_lines_are_kept_by_the_day_that_was_promised_when_the_move_was_signed(tmp_path: Path, store: Store) -> None:
    lake, due = Lake(tmp_path / "lake"), FIRST + timedelta(days=10)
    run = night(lake, FIRST, {"order_promises": [promise(line, due, due) for line in LINES]})
    approve_move(store, run, LINES)
    early = night(lake, FIRST + timedelta(days=6), {"order_promises": []})
    found = effects(lake, store, sam(store), PLANT).row(0, named=True)
    assert early.pins.planning_date == "2026-03-08"
    assert (found["promised_lines"], found["measured_on"], found["kept_lines"]) == (6, None, None)
    scored = board(lake, store, sam(store), PLANT).row(by_predicate=pl.col("agent") == "replanner", named=True)
    assert (scored["promised_lines"], scored["measured_lines"], scored["kept_lines"]) == (6, 0, 0)

    later, late = FIRST + timedelta(days=8), due + timedelta(days=1)
    tables = {
        "order_promises": [
            promise("A/1", due, due),  # still to come, in time
            promise("B/1", late, late),  # kept only against a promise that moved with the delay
            promise("C/1", due, due, short=1.0),  # nothing covers all of it
        ],
        "sales_orders": [order("D/1", "shipped"), order("E/1", "closed"), order("F/1", "cancelled")],
        "shipments": [shipment("D/1", due), shipment("E/1", FIRST), shipment("E/1", late, 2), shipment("F/1", FIRST)],
    }
    night(lake, later, {**tables, "order_promises": []})
    night(lake, later, tables, sequence=1)  # of two runs of a night the last one counts
    night(lake, later + timedelta(days=1), {**tables, "order_promises": []})  # and no night after it
    found = effects(lake, store, sam(store), PLANT).row(0, named=True)
    assert (found["measured_on"], found["kept_lines"], found["agent_version"]) == (later, 2, "c+p")
    scores = board(lake, store, sam(store), PLANT)
    measured = dict(zip(scores["agent"], scores.select("measured_lines", "kept_lines").rows(), strict=True))
    assert measured.pop("replanner") == (6, 2)
    assert set(measured.values()) == {(0, 0)}
    shutil.rmtree(tmp_path / "lake" / "conformed" / "shipments")  # as maintenance leaves a night nobody keeps
    found = effects(lake, store, sam(store), PLANT).row(0, named=True)
    assert (found["promised_lines"], found["measured_on"], found["kept_lines"]) == (6, None, None)


def test_what_is_long_past_is_not_read_again(tmp_path: Path, store: Store) -> None:
    lake, before = Lake(tmp_path / "lake"), FIRST - MEASURED_BACK - timedelta(days=1)
    run = night(lake, before, {"order_promises": [promise("A/1", FIRST, FIRST)]})
    approve_move(store, run, ("A/1",))
    night(lake, before + MEASURED_AFTER, {"order_promises": [], "sales_orders": [], "shipments": []})
    assert effects(lake, store, sam(store), PLANT)["kept_lines"].to_list() == [None]


def test_without_an_approved_move_there_is_nothing_to_measure(tmp_path: Path, store: Store) -> None:
    scores = board(Lake(tmp_path / "lake"), store, sam(store), PLANT)
    assert scores.height == 5 and scores["kept_lines"].sum() == 0
    assert effects(Lake(tmp_path / "lake"), store, sam(store), PLANT).is_empty()
