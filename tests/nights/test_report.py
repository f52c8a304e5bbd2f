"""What the report of a night selects and in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from recon_platform.nights.report import moved_lines, utilization
from recon_platform.tables.capacity import CAPACITY_LOAD
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.proposal import ORDER_PROMISES

MONDAY, TUESDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 6)


def line(number: int, **values: Any) -> dict[str, Any]:
    return {
        "sales_order": f"S{number}", "line": "1", "customer": "C1", "customer_class": "B", "item": "I1", "qty": 1.0,
        "requested": MONDAY, "promised": MONDAY, "projected_ship": MONDAY, "short_qty": 0.0, "late_days": 0.0, **values,
    }  # fmt: skip


def moved(*lines: dict[str, Any]) -> pl.DataFrame:
    return moved_lines(ORDER_PROMISES.frame(list(lines)))


def test_a_line_that_ships_as_before_does_not_move() -> None:
    assert moved(line(1), line(2, previous_projection=TUESDAY, projected_ship=TUESDAY, late_days=1.0)).is_empty()


def test_a_line_moves_against_the_run_before_else_against_its_promise() -> None:
    found = moved(
        line(1, previous_projection=FRIDAY, projected_ship=TUESDAY, late_days=1.0),
        line(2, projected_ship=FRIDAY, late_days=4.0),
        line(3, promised=None, requested=TUESDAY, projected_ship=FRIDAY, late_days=None),
    )
    assert dict(found.select("sales_order", "moves_days").rows()) == {"S1": -3, "S2": 4, "S3": 3}
    assert dict(found.select("sales_order", "before").rows()) == {"S1": FRIDAY, "S2": MONDAY, "S3": TUESDAY}


def test_lines_are_ranked_by_consequence() -> None:
    found = moved(
        line(1, projected_ship=FRIDAY, late_days=4.0, customer_class="C"),
        line(2, projected_ship=TUESDAY, late_days=1.0, customer_class="A"),
        line(3, projected_ship=None, late_days=None, short_qty=1.0, customer_class="C"),
        line(4, projected_ship=date(2026, 2, 27), late_days=-3.0, customer_class="A"),
    )
    assert found["sales_order"].to_list() == ["S3", "S2", "S1", "S4"]


def test_utilization_counts_set_up_once() -> None:
    load = CAPACITY_LOAD.frame([
        {"work_center": "W1", "bucket_start": MONDAY, "basis": basis, "available_min": 600.0, "loaded_min": loaded,
         "setup_min": 120.0, "overtime_min": 0.0}
        for basis, loaded in (("required", 540.0), ("scheduled", 480.0))
    ])  # fmt: skip
    context = PlanContext(Plant("P1"), MONDAY, datetime(2026, 3, 2, 2, tzinfo=UTC))
    assert utilization(load, context).rows() == [("W1", 90.0, 80.0)]
