"""Reserves that the books call for, on books written by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from recon_platform.material.buffers import LEAST_LINES, LEAST_ORDERS, safety_times, start_allowance
from recon_platform.tables.registry import table

REPORTED = datetime(2026, 2, 6, 12, tzinfo=UTC)
ASKED = date(2026, 2, 5)  # a Thursday


def rows(name: str, rows_: list[dict[str, Any]]) -> pl.DataFrame:
    return table(name).frame(rows_)


def bought(late: list[int], confirmed: int = 0) -> dict[str, pl.DataFrame]:
    """Closed lines of one supplier that came so many days after the day asked for."""
    orders, receipts = [], []
    for n, days in enumerate(late):
        key = {"purchase_order": f"P{n}", "line": "1", "uom": "KGM"}
        orders.append(key | {
            "supplier": "V", "item": "W", "qty": 1.0, "due_date": ASKED, "status": "closed", "firm": False,
            "promised_date": ASKED + timedelta(days=confirmed),
        })  # fmt: skip
        receipts.append(key | {"received_on": ASKED + timedelta(days=days), "qty": 1.0})
    return {"purchase_orders": rows("purchase_orders", orders), "receipts": rows("receipts", receipts)}


@pytest.mark.parametrize(("level", "days"), [(0.5, 0), (0.9, 1), (0.95, 4), (1.0, 4)])
def test_safety_time_is_counted_in_working_days(level: float, days: int) -> None:
    frames = bought([0] * 17 + [1, 1, 6])  # Friday twice; Wednesday of the next week
    assert safety_times(frames, level).rows() == [("V", days, 20)]


def test_a_date_confirmed_later_than_asked_for_counts_and_early_lines_are_not_negative() -> None:
    assert safety_times(bought([4] * 20, confirmed=4), 0.95).rows() == [("V", 2, 20)]
    assert safety_times(bought([-3] * 20), 0.95).rows() == [("V", 0, 20)]
    assert safety_times(bought([9] * (LEAST_LINES - 1)), 0.95).is_empty()
    assert safety_times({"purchase_orders": bought([1])["purchase_orders"]}, 0.95).is_empty()


def made(good: list[tuple[float, float]]) -> dict[str, pl.DataFrame]:
    """Orders of 100 through two operations (standard yields 0.98 and 1), with what came out good of each."""
    orders, reports = [], []
    for n, (first, second) in enumerate(good):
        orders.append({
            "work_order": f"WO{n}", "item": "I", "qty": 100.0, "completed_qty": second, "scrapped_qty": 0.0, "uom": "pcs",
            "status": "closed", "start_date": ASKED, "due_date": ASKED,
        })  # fmt: skip
        for seq, entered, out in ((10, 100.0, first), (20, first, second)):
            reports.append({
                "order": f"WO{n}", "op_seq": seq, "status": "complete", "good_qty": out, "scrap_qty": entered - out,
                "in_process_qty": 0.0, "rework_qty": 0.0, "uom": "pcs", "reported_at": REPORTED,
            })  # fmt: skip
    routing = [
        {
            "item": "I",
            "routing": "main",
            "op_seq": seq,
            "operation_code": "OP",
            "work_center": "C",
            "setup_min": 0.0,
            "run_min_per_unit": 1.0,
            "yield": yield_,
            "valid_from": ASKED,
        }
        for seq, yield_ in ((10, 0.98), (20, None))
    ]
    return {
        "work_orders": rows("work_orders", orders), "operation_status": rows("operation_status", reports),
        "routings": rows("routings", routing),
    }  # fmt: skip


def test_the_allowance_is_what_most_orders_would_have_needed_beyond_the_standard() -> None:
    good = [(98.0, 98.0)] * 15 + [(99.0, 99.0)] * 2 + [(97.0, 97.0)] * 2 + [(98.0, 90.0)]
    found = start_allowance(made(good), 0.95)
    assert found.orders == 20
    assert found.share == pytest.approx(98 / 90 - 1)  # the percentile that is not below the level
    assert start_allowance(made(good), 0.9).share == pytest.approx(98 / 97 - 1)
    assert start_allowance(made(good), 0.9).covers == pytest.approx(2 / 3)
    assert start_allowance(made(good), 0.5).share == pytest.approx(0.0, abs=1e-9)


def test_orders_that_are_not_done_or_too_few_say_nothing() -> None:
    few = made([(90.0, 90.0)] * (LEAST_ORDERS - 1))
    assert (start_allowance(few, 0.95).share, start_allowance(few, 0.95).orders) == (0.0, LEAST_ORDERS - 1)
    open_ = made([(90.0, 90.0)] * 30)
    half = open_["operation_status"].filter((pl.col("op_seq") == 10) | (pl.col("order") == "WO1"))
    assert start_allowance(open_ | {"operation_status": half}, 0.95).orders == 1
