"""A plant small enough to work out by hand: orders with two operations, in conformed tables."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.reconcile import reconcile
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Layer
from recon_platform.tables.policy import Policy
from recon_platform.tables.registry import TABLES, output_table

AS_OF = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
Rows = list[dict[str, Any]]
SILENT = ("QT-05",)


def context(**reconciliation: Any) -> PlanContext:
    """The context of the small plant; `reconciliation` overrides settings. The breaker is off unless asked for."""
    settings = {"breaker_share": float("inf"), "breaker_value": float("inf"), **reconciliation}
    policy = Policy()
    rules = dataclasses.replace(policy.reconciliation, **settings)
    return PlanContext(Plant("CASE"), TODAY, AS_OF, policy=dataclasses.replace(policy, reconciliation=rules))


def conformed(**tables: Rows) -> dict[str, pl.DataFrame]:
    """Conformed frames with these rows; every other conformed table is there and empty."""
    frames = {
        name: output_table(name).empty()
        for name, table in TABLES.items()
        if table.layer in (Layer.LANDING, Layer.CONFORMED)
    }
    for name, rows in tables.items():
        frames[name] = output_table(name).frame(rows)
    return frames


def order(name: str, *, qty: float = 1000, good: float = 0, scrap: float = 0, status: str = "in_process",
          **more: Any) -> dict[str, Any]:  # fmt: skip
    return {
        "work_order": name, "item": "P", "qty": float(qty), "completed_qty": float(good), "scrapped_qty": float(scrap),
        "uom": "PCE", "status": status, "start_date": TODAY - timedelta(days=1), "due_date": TODAY + timedelta(days=5),
        **more,
    }  # fmt: skip


def report(name: str, op_seq: int, good: float, scrap: float = 0, in_process: float | None = 0, *,
           status: str | None = None, hours_ago: float = 30, **more: Any) -> dict[str, Any]:  # fmt: skip
    """What the MES says about one operation; complete unless units are in process."""
    return {
        "order": name, "op_seq": op_seq, "status": status or ("running" if in_process else "complete"),
        "good_qty": float(good), "scrap_qty": float(scrap), "in_process_qty": in_process, "rework_qty": 0.0,
        "reported_at": AS_OF - timedelta(hours=hours_ago), **more,
    }  # fmt: skip


def issue(name: str, qty: float, component: str = "C", **more: Any) -> dict[str, Any]:
    return {
        "work_order": name, "component_item": component, "required_qty": 0.0, "issued_qty": float(qty), "uom": "PCE",
        "backflushed": True, **more,
    }  # fmt: skip


def item(name: str, **more: Any) -> dict[str, Any]:
    return {
        "item": name, "make_buy": "make", "uom": "PCE", "lead_time_days": 1, "lot_rule": "lot_for_lot", "cost": 1.0,
        **more,
    }  # fmt: skip


def plant(orders: Rows, reports: Rows, **tables: Rows) -> dict[str, pl.DataFrame]:
    """Frames of orders for item P over operations 10 and 20, made of component C; `tables` adds or replaces."""
    operations = [
        {"work_order": o["work_order"], "op_seq": seq, "operation_code": code, "work_center": f"W{seq}",
         "setup_min": 10.0, "run_min_per_unit": 0.1}
        for o in orders if o["status"] in ("firm", "released", "in_process")
        for seq, code in ((10, "CUT"), (20, "PACK"))
    ]  # fmt: skip
    base: dict[str, Rows] = {
        "items": [item("P"), item("C", make_buy="buy")],
        "work_centers": [
            {"work_center": f"W{seq}", "calendar": "PLANT", "machines": 1, "line": f"L{seq}"} for seq in (10, 20)
        ],
        "machines": [{"machine": f"W{seq}-01", "work_center": f"W{seq}"} for seq in (10, 20)],
        "routings": [
            {"item": "P", "routing": "main", "op_seq": seq, "operation_code": code, "work_center": f"W{seq}",
             "setup_min": 10.0, "run_min_per_unit": 0.1}
            for seq, code in ((10, "CUT"), (20, "PACK"))
        ],
        "accounting_periods": [{"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "open": True}],
        "bom_lines": [
            {"parent_item": "P", "component_item": "C", "qty_per": 2.0, "uom": "PCE", "op_seq": 10, "backflush": True}
        ],
        "inventory": [{"item": "C", "qty": 1e6, "uom": "PCE", "status": "available"}],
        "feeds": [
            {"table": "work_orders", "source": "erp", "extracted_at": AS_OF, "watermark": AS_OF, "rows": 100},
            {"table": "operation_status", "source": "mes", "extracted_at": AS_OF, "watermark": AS_OF, "rows": 100},
        ],
        "work_orders": orders,
        "work_order_operations": operations,
        "operation_status": reports,
    }  # fmt: skip
    return conformed(**{**base, **tables})


def decision(name: str, kind: str, subject: str, *, value: str = "{}", **more: Any) -> dict[str, Any]:
    return {
        "decision": name, "kind": kind, "subject": subject, "value": value, "valid_from": AS_OF - timedelta(hours=5),
        "approved_by": "supervisor", "reason": "seen", **more,
    }  # fmt: skip


def decisions(*rows: dict[str, Any]) -> pl.DataFrame:
    return DECISIONS_IN_FORCE.frame(list(rows))


def night(frames: dict[str, pl.DataFrame], **reconciliation: Any) -> dict[str, pl.DataFrame]:
    return reconcile(frames, context(**reconciliation))


def fired(made: dict[str, pl.DataFrame], name: str) -> set[str]:
    """Rules that fired on an order, without those that only describe."""
    return set(made["findings"].filter(pl.col("work_order") == name)["rule"]) - set(SILENT)


def finding(made: dict[str, pl.DataFrame], rule: str, entity: str | None = None) -> dict[str, Any]:
    rows = made["findings"].filter(pl.col("rule") == rule)
    if entity is not None:
        rows = rows.filter(pl.col("entity") == entity)
    assert rows.height == 1, f"{rule} {entity}: {rows.height} findings"
    return rows.row(0, named=True)


def backlog(made: dict[str, pl.DataFrame], name: str) -> dict[str, Any]:
    return made["reconciled_orders"].filter(pl.col("work_order") == name).row(0, named=True)
