"""Tooling as a component: when each tool is needed, how many copies are missing, when it is worn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.material import plan_material
from tests.material.plant import MONDAY, context, day, frames


def planned(tools: list[dict[str, Any]], **more: Any) -> pl.DataFrame:
    tables = frames(
        MONDAY,
        **{
            "items": [{"item": "A", "lead_time_days": 5.0}, {"item": "B", "lead_time_days": 5.0}],
            "sales_orders": [
                {"sales_order": "S1", "item": "A", "qty": 10.0, "requested_date": day(3)},
                {"sales_order": "S2", "item": "B", "qty": 10.0, "requested_date": day(3)},
            ],
            "routings": [
                {"item": i, "routing": "main", "op_seq": op, "work_center": "W", "setup_min": 60.0, "run_min_per_unit": 6.0,
                 "tool": tool}
                for i in "AB" for op, tool in ((10, None), (20, "DIE"))
            ],
            "tools": tools,
            **more,
        },
    )  # fmt: skip
    return plan_material(tables, context(MONDAY))["tool_needs"]


def test_a_tool_is_needed_when_its_operation_begins() -> None:
    rows = planned([{"tool": "DIE", "copies": 2}]).rows(named=True)
    assert [(r["item"], r["op_seq"], r["kind"]) for r in rows] == [("A", 20, "planned"), ("B", 20, "planned")]
    assert all(r["need_date"] == day(2) + (day(3) - day(2)) // 7 * 3 for r in rows)  # half of a week, whole days
    assert all(r["hours"] == 2.0 and r["units"] == 10.0 and r["copies_short"] == 0 for r in rows)


def test_too_few_copies_and_a_worn_tool_are_seen() -> None:
    rows = planned([{"tool": "DIE", "copies": 1, "life_units": 25.0, "used_units": 8.0}]).rows(named=True)
    assert [r["copies_short"] for r in rows] == [1, 1]
    assert [r["worn"] for r in rows] == [False, True]  # 17 units are left, the second ten do not fit


def test_an_operation_that_is_done_needs_its_tool_no_more() -> None:
    tables: dict[str, Any] = {
        "sales_orders": [{"sales_order": "S1", "item": "A", "qty": 10.0, "requested_date": day(3)}],
        "orders": [{"work_order": "W1", "item": "A", "qty": 10.0, "start_date": day(2), "due_date": day(3)}],
    }
    assert planned([{"tool": "DIE", "copies": 1}], **tables).get_column("order").to_list() == ["W1"]


def test_of_several_versions_of_a_routing_only_the_one_that_holds_counts() -> None:
    versions = [
        {"item": "A", "routing": "main", "op_seq": 10, "work_center": "W", "setup_min": 60.0, "run_min_per_unit": 6.0,
         "tool": tool, "valid_from": begin, "valid_to": end}
        for tool, begin, end in (("OLD", None, day(0)), ("DIE", day(0) + timedelta(days=1), None), ("NEXT", day(30), None))
    ]  # fmt: skip
    rows = planned([], routings=versions).rows(named=True)
    assert [(r["tool"], r["copies"], r["worn"]) for r in rows] == [("DIE", None, False)]
