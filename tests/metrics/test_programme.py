"""The root-cause programme: why lines missed their promise, and what the levers promise, on answers worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from recon_platform.metrics.definitions import Period
from recon_platform.metrics.programme import levers, missed, projected
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.registry import table
from tests.metrics.test_known_answers import line, rows, sent

NIGHT = PlanContext(Plant("TEST", "Europe/Berlin"), date(2026, 3, 5), datetime(2026, 3, 5, 2, tzinfo=UTC))
LATER = PlanContext(Plant("TEST", "Europe/Berlin"), date(2026, 3, 23), datetime(2026, 3, 23, 2, tzinfo=UTC))
PERIOD = Period(date(2026, 3, 2), date(2026, 3, 15))


def promise(order: str, late: int, bound_by_type: str, bound_by: str, short: float = 0.0) -> dict[str, Any]:
    return {
        "sales_order": order, "line": "1", "customer": "C1", "customer_class": "A", "item": "I", "qty": 100.0,
        "requested": date(2026, 3, 9), "first_promised": date(2026, 3, 9), "promised": date(2026, 3, 9),
        "projected_ship": None if short else date(2026, 3, 9 + late), "short_qty": short, "late_days": float(late),
        "bound_by_type": bound_by_type, "bound_by": bound_by,
    }  # fmt: skip


def supply(order: str, bound: str | None, earliest: int) -> dict[str, Any]:
    return {
        "order": order, "kind": "work_order", "item": "I", "qty": 100.0, "start_date": date(2026, 3, 4),
        "earliest_at": datetime(2026, 3, earliest, 4, tzinfo=UTC), "material_bound": bound, "need_date": date(2026, 3, 9),
        "due_at": datetime(2026, 3, 9, 5, tzinfo=UTC), "weight": 1.0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def night() -> dict[str, pl.DataFrame]:
    finding = {
        "finding": "F1", "rule": "ST-01", "rule_version": "1", "severity": "high", "mode": "planner_review",
        "entity_type": "order", "entity": "WO3", "applied": False, "evidence": "{}", "category": "RECORD_ERROR",
        "work_order": "WO3", "state": "open", "value_at_stake": 0.0, "orders_behind": 0,
    }  # fmt: skip
    return {
        "order_promises": table("order_promises").frame([
            promise("S1", 2, "work_order", "WO1"), promise("S2", 4, "work_order", "WO2"),
            promise("S3", 1, "work_order", "WO3"), promise("S4", 3, "planned", "PL4"),
            promise("S5", 5, "purchase_order", "PO1/10"), promise("S6", 0, "work_order", "WO1"),
        ]),
        "supply_orders": table("supply_orders").frame([
            supply("WO1", "WIRE by purchase order PO1/10", 6), supply("WO2", "WIRE by purchase order PO1/10", 3),
            supply("WO3", "WIRE by purchase order PO1/10", 6),
        ]),
        "findings": table("findings").frame([finding, {**finding, "finding": "F2", "work_order": "WO1", "state": "applied"}]),
        "purchase_orders": rows("purchase_orders", {
            "purchase_order": "PO1", "line": "10", "supplier": "V1", "item": "WIRE", "qty": 5.0, "uom": "KGM",
            "due_date": date(2026, 3, 3), "status": "open", "firm": False,
        }),
    }  # fmt: skip


def test_the_supply_that_comes_last_says_why_a_line_is_late(night: dict[str, pl.DataFrame]) -> None:
    found = {
        row["sales_order"]: (row["cause"], row["subject"]) for row in projected(night, NIGHT).iter_rows(named=True)
    }
    assert found == {
        "S1": ("vendor", "V1"), "S2": ("capacity", "WO2"), "S3": ("records", "ST-01"), "S4": ("scrap", "I"),
        "S5": ("vendor", "V1"),
    }  # fmt: skip


def lost_lines(night: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """S1 to S5 late, S6 and S7 short by 2 and 10 of a hundred, S8 late though no night saw it, S9 kept."""
    orders = [line(f"S{n}", 9, status="open") for n in range(1, 10)]
    shipments = [sent("S6", 9, 98), sent("S7", 8, 90), sent("S8", 12, 100), sent("S9", 9, 100)]
    tables = {
        "sales_orders": rows("sales_orders", *orders), "shipments": rows("shipments", *shipments),
        "customers": rows("customers", {"customer": "C1", "class": "A", "days_late": 0, "under_pct": 0.0}),
    }  # fmt: skip
    return missed(tables, projected(night, NIGHT), PERIOD, LATER)


def test_what_became_of_the_lines_is_counted_once_and_nothing_is_left_out(night: dict[str, pl.DataFrame]) -> None:
    lost = lost_lines(night)
    assert lost["sales_order"].to_list() == [f"S{n}" for n in range(1, 9)]
    assert lost["cause"].to_list() == [
        "vendor", "capacity", "records", "scrap", "vendor", "scrap", "scrap", "unforeseen",
    ]  # fmt: skip
    assert lost["lacking"].to_list() == pytest.approx([1.0] * 5 + [0.02, 0.1, 1.0])


def test_a_line_that_waited_for_a_purchase_before_it_waited_for_a_machine_waited_for_the_vendor(
    night: dict[str, pl.DataFrame],
) -> None:
    held = {
        **night,
        "supply_orders": night["supply_orders"].with_columns(earliest_at=datetime(2026, 3, 6, 4, tzinfo=UTC)),
    }
    before = PlanContext(NIGHT.plant, date(2026, 3, 4), datetime(2026, 3, 4, 2, tzinfo=UTC))
    lines = {
        "sales_orders": rows("sales_orders", *(line(f"S{n}", 9, status="open") for n in range(1, 6))),
        "shipments": rows("shipments", sent("S9", 9, 100)),
        "customers": rows("customers", {"customer": "C1", "class": "A", "days_late": 0, "under_pct": 0.0}),
    }
    for nights in (
        [projected(held, before), projected(night, NIGHT)],
        [projected(night, NIGHT), projected(held, before)],
    ):
        lost = missed(lines, pl.concat(nights), PERIOD, LATER)
        assert lost["cause"].to_list() == ["vendor", "vendor", "records", "scrap", "vendor"]
        assert lost["subject"][1] == "V1"
        assert lost["late_days"][1] == 4


def test_levers_promise_what_they_cover_and_stand_by_what_they_save(night: dict[str, pl.DataFrame]) -> None:
    caused = pl.DataFrame(
        {"message": ["M1", "M1", "M2", "M3"], "category": ["RECORD_ERROR", "RECORD_ERROR", "RECORD_ERROR", "SCRAP"]}
    )
    days = pl.DataFrame({"supplier": ["V1"], "safety_days": [3], "lines": [20]})
    made = levers(lost_lines(night), days, (0.02, 0.8), caused)
    assert made.select("lever", "subject", "amount", "lines_missed", "lines_saved", "messages").rows() == [
        ("scrap", "order quantities", pytest.approx(0.02), 2, 2, 1),
        ("records", "record accuracy", 1.0, 1, 1, 2),
        ("vendor", "V1", 3.0, 2, 1, 0),
    ]
    assert "V1 due 3 working days earlier" in made["action"][2]
