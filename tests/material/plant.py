"""A small plant written by hand: conformed and reconciled tables from a few rows, on a Monday-to-Friday calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.policy import MaterialPolicy, Policy
from recon_platform.tables.registry import conformed_table, table

MONDAY = date(2026, 3, 2)
READ = (
    "items", "customers", "sales_orders", "master_schedule", "bom_lines", "inventory", "allocations", "purchase_orders",
    "work_orders", "material_issues", "suppliers", "supplier_items", "routings", "work_centers", "receipts",
    "inventory_transactions", "engineering_changes", "work_order_operations", "substitutes", "tools",
)  # fmt: skip

DEFAULTS: dict[str, dict[str, Any]] = {
    "items": {"make_buy": "make", "uom": "pcs", "lead_time_days": 0.0, "lot_rule": "lot_for_lot", "cost": 1.0},
    "customers": {"class": "A"},
    "sales_orders": {"line": "1", "customer": "CUST", "uom": "pcs", "status": "open"},
    "master_schedule": {"uom": "pcs", "source": "interplant"},
    "bom_lines": {"qty_per": 1.0, "uom": "pcs"},
    "inventory": {"uom": "pcs", "status": "available"},
    "allocations": {"uom": "pcs"},
    "purchase_orders": {"line": "1", "supplier": "VENDOR", "uom": "pcs", "status": "open"},
    "material_issues": {"uom": "pcs", "issued_qty": 0.0},
}


def day(bucket: float) -> date:
    """Monday of week `bucket`; week 1 is the week of MONDAY."""
    return MONDAY + timedelta(days=round(7 * (bucket - 1)))


def working_days(today: date, back: int = 400, ahead: int = 600) -> pl.DataFrame:
    """Table `plant_days` on Monday to Friday, 06:00 to 22:00."""
    days = [today + timedelta(days=n) for n in range(-back, ahead)]
    open_days = [d for d in days if d.weekday() < 5]
    zero = next(n for n, d in enumerate(open_days) if d >= today)
    return pl.DataFrame(
        {
            "day": open_days,
            "ordinal": [n - zero for n in range(len(open_days))],
            "first_start": [datetime(d.year, d.month, d.day, 6, tzinfo=UTC) for d in open_days],
            "last_end": [datetime(d.year, d.month, d.day, 22, tzinfo=UTC) for d in open_days],
        },
        schema=table("plant_days").schema,
    )


def frames(today: date, **tables: Sequence[Mapping[str, Any]]) -> dict[str, pl.DataFrame]:
    """Conformed and reconciled tables: those named filled with the rows given, over sensible defaults."""
    made: dict[str, pl.DataFrame] = {"plant_days": working_days(today)}
    for name in READ:
        rows = [{**DEFAULTS.get(name, {}), **row} for row in tables.get(name, ())]
        made[name] = filled(conformed_table(name), rows)
    if made["customers"].is_empty():
        made["customers"] = filled(conformed_table("customers"), [{"customer": "CUST", "class": "A"}])
    orders = []
    for row in tables.get("orders", ()):
        qty = row["qty"]
        whole = {
            "status": "released", "completed_qty": 0.0, "scrapped_qty": 0.0, "remaining_qty": qty, "expected_qty": qty,
            "supply_confirmed": True, "rules": "", "erp_status": "released", "unposted_qty": 0.0, "over_qty": 0.0,
            "rework_qty": 0.0,
        }  # fmt: skip
        orders.append({**whole, **row})
    made["reconciled_orders"] = filled(table("reconciled_orders"), orders)
    return made


def filled(of: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a frame of table `of`; columns not given are null whatever the contract says."""
    if not rows:
        return of.empty()
    unknown = {name for row in rows for name in row} - set(of.column_names)
    assert not unknown, f"{of.name} has no columns {sorted(unknown)}"
    return pl.DataFrame(
        {c.name: pl.Series([row.get(c.name) for row in rows], dtype=c.dtype, strict=False) for c in of.columns}
    )


def context(today: date, **settings: Any) -> PlanContext:
    """A plan context on `today` with material policy settings."""
    as_of = datetime(today.year, today.month, today.day, 4, tzinfo=UTC)
    policy = Policy(material=MaterialPolicy(**{"release_window_days": 0, **settings}))
    return PlanContext(Plant("TEST"), today, as_of, policy=policy)
