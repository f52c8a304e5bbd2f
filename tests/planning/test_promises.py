"""The day a customer line ships: known answers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from recon_platform.planning.promises import order_promises
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.registry import conformed_table, table

TODAY = date(2026, 3, 2)
CONTEXT = PlanContext(Plant("P", "Europe/Berlin"), TODAY, datetime(2026, 3, 2, 4, tzinfo=UTC))


def peg(supply_type: str, supply: str, qty: float, line: str = "10") -> dict[str, object]:
    return {
        "supply_type": supply_type, "supply": supply, "demand_type": "sales_order", "demand": f"S1/{line}", "item": "A",
        "qty": qty, "level": 0,
    }  # fmt: skip


def promise(pegs: list[dict[str, object]], qty: float = 10, previous: pl.DataFrame | None = None) -> dict[str, object]:
    at = datetime(2026, 3, 6, 23, 30, tzinfo=UTC)  # already the 7th in Berlin
    frames = {
        "sales_orders": conformed_table("sales_orders").frame([
            {"sales_order": "S1", "line": "10", "customer": "C", "item": "A", "qty": qty, "uom": "H87",
             "requested_date": date(2026, 3, 4), "promised_date": date(2026, 3, 5), "status": "open"}
        ]),
        "customers": conformed_table("customers").frame([{"customer": "C", "class": "A"}]),
        "purchase_orders": conformed_table("purchase_orders").frame([
            {"purchase_order": "P1", "line": "1", "supplier": "V", "item": "A", "qty": 5.0, "uom": "H87",
             "due_date": date(2026, 3, 4), "promised_date": date(2026, 2, 20), "status": "open"}
        ]),
        "planned_orders": table("planned_orders").frame([
            {"order": "PL-A", "item": "A", "qty": 5.0, "good_qty": 5.0, "start_date": TODAY, "due_date": date(2026, 3, 9),
             "firm": False, "make_buy": "buy"}
        ]),
        "supply_orders": table("supply_orders").frame([
            {"order": name, "kind": "work_order", "item": "A", "qty": 5.0, "need_date": TODAY, "due_at": at, "weight": 1.0,
             "earliest_at": at} for name in ("W1", "W2")
        ]),
        "pegging": table("pegging").frame(pegs) if pegs else table("pegging").empty(),
        "schedule": pl.DataFrame({"work_order": ["W1", "W1"], "end": [datetime(2026, 3, 3, tzinfo=UTC), at]}),
    }  # fmt: skip
    if previous is not None:
        frames["previous.order_promises"] = previous
    return order_promises(frames, CONTEXT)["order_promises"].row(0, named=True)


@pytest.mark.parametrize(
    ("pegs", "day", "bound", "late"),
    [
        ([peg("stock", "A", 10)], TODAY, "A", -3),
        ([peg("stock", "A", 5), peg("work_order", "W1", 5)], date(2026, 3, 7), "W1", 2),
        ([peg("purchase_order", "P1/1", 10)], TODAY, "P1/1", -3),  # overdue supply cannot come before today
        ([peg("work_order", "W1", 5), peg("planned", "PL-A", 5)], date(2026, 3, 9), "PL-A", 4),
    ],
)
def test_the_last_supply_decides(pegs: list[dict[str, object]], day: date, bound: str, late: int) -> None:
    row = promise(pegs)
    assert (row["projected_ship"], row["bound_by"], row["late_days"], row["short_qty"]) == (day, bound, late, 0)


def test_made_supply_that_is_not_scheduled_gives_no_day() -> None:
    row = promise([peg("stock", "A", 5), peg("work_order", "W2", 5)])
    assert row["projected_ship"] is None and row["bound_by"] == "W2" and row["late_days"] is None


def test_what_nothing_covers_is_short_and_has_no_day() -> None:
    row = promise([peg("stock", "A", 4)])
    assert (row["projected_ship"], row["short_qty"], row["bound_by"]) == (None, 6.0, "no supply")
    assert promise([])["short_qty"] == 10.0


def test_the_projection_of_the_run_before_is_kept_beside() -> None:
    before = pl.DataFrame({"sales_order": ["S1"], "line": ["10"], "projected_ship": [date(2026, 3, 3)]})
    assert promise([peg("stock", "A", 10)], previous=before)["previous_projection"] == date(2026, 3, 3)
