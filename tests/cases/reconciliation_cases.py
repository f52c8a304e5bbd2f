"""Harness for order and backflush cases (form of O07): the case becomes conformed tables, the product judges them.

A case gives one order's quantities per operation (`ops` is the whole routing, `columns` names the figures) and expects
the rules that fire as an exact set; a backflush case gives one component and expects its one verdict.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from recon_platform.reconcile.reconciliation import judge_night, reconcile
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.model import Layer
from recon_platform.tables.registry import TABLES, output_table

AS_OF = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)
QUIET_HOURS = 24.0  # as in the default policy
SILENT = {"QT-10", "BF-01", "BF-12"}  # evaluated, nothing to list


def recognise(data: Any) -> bool:
    return isinstance(data, dict) and ("order_cases" in data or "backflush_cases" in data)


def run(data: dict[str, Any], path: Path) -> None:
    problems = []
    columns = data.get("columns", ["op", "good", "scrap", "rework", "in_process"])
    for case in data.get("order_cases", []):
        problems += _order_case(case, columns)
    for case in data.get("backflush_cases", []):
        problems += _backflush_case(case)
    assert not problems, f"{path.name}: " + "; ".join(problems)


RECOGNISERS = [("order reconciliation", recognise, run)]


def context() -> PlanContext:
    return PlanContext(Plant("CASE"), TODAY, AS_OF)


def conformed(**tables: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """Conformed frames with these rows; every other conformed table is there and empty."""
    frames = {
        name: output_table(name).empty()
        for name, table in TABLES.items()
        if table.layer in (Layer.LANDING, Layer.CONFORMED)
    }
    for name, rows in tables.items():
        frames[name] = output_table(name).frame(rows)
    return frames


def _first(case: dict[str, Any], *names: str, default: Any = None) -> Any:
    return next((case[name] for name in names if name in case), default)


def _order_case(case: dict[str, Any], columns: list[str]) -> list[str]:
    erp, mes = case["erp"], case.get("mes") or {}
    quantity = float(erp["Q"])
    operations = [dict(zip(columns, row, strict=False)) for row in mes.get("ops", [])]
    quiet = mes.get("quiet_h")
    reported_at = AS_OF - timedelta(hours=0.0 if quiet is None else float(quiet))
    status = str(erp["status"]).lower()
    start = TODAY - timedelta(days=float(_first(erp, "start_days_ago", default=1)))
    due = TODAY - timedelta(days=float(_first(erp, "past_due_days", "days_past_due", default=-5)))
    sequence = [int(op["op"]) for op in operations] or [10]
    told = _states(operations, mes, quantity, quiet)
    factor = _first(case, "factor", "uom_factor", "unit_factor", default=_first(erp, "factor"))
    frames = conformed(
        order_status=_order_state(mes, reported_at),
        items=[_item("P", cost=1.0, lot_traced=bool(_first(case, "lot_traced", "lot_controlled", default=False)))],
        work_centers=[{"work_center": "W", "calendar": "PLANT", "machines": 1, "line": "L"}],
        machines=[{"machine": "W-01", "work_center": "W"}],
        accounting_periods=[{"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "open": True}],
        work_orders=[{
            "work_order": "O", "item": "P", "qty": quantity, "completed_qty": float(erp.get("C") or 0),
            "scrapped_qty": float(erp.get("S") or 0), "uom": "PCE", "status": status, "start_date": start,
            "due_date": due,
        }],
        work_order_operations=[
            {"work_order": "O", "op_seq": op, "operation_code": f"OP{op}", "work_center": "W",
             "setup_min": 0.0, "run_min_per_unit": 0.1}
            for op in sequence
        ],
        operation_status=[
            {"order": "O", "op_seq": int(op["op"]), "status": state, "good_qty": float(op.get("good", 0)),
             "scrap_qty": float(op.get("scrap", 0)), "rework_qty": float(op.get("rework", 0)),
             "in_process_qty": float(op.get("in_process", 0)), "reported_at": reported_at}
            for op, state in zip(operations, told, strict=True)
        ],
        uom_conversions=[{"item": "P", "from_uom": "X", "to_uom": "PCE", "factor": float(factor)}] if factor else [],
    )  # fmt: skip
    made = reconcile(frames, context())
    fired = set(made["findings"].filter(pl.col("work_order") == "O").get_column("rule")) - SILENT
    expected = set(case["expected"]) - SILENT
    problems = []
    if fired != expected:
        problems.append(f"order {case['id']}: expected rules {sorted(expected)}, fired {sorted(fired)}")
    order = made["reconciled_orders"].row(0, named=True)
    if "remaining" in case and abs(order["expected_qty"] - float(case["remaining"])) > 1e-6:
        problems.append(f"order {case['id']}: expected {case['remaining']} still to come, got {order['expected_qty']}")
    if abs(order["completed_qty"] + order["scrapped_qty"] + order["remaining_qty"] - quantity) > 1e-6:
        problems.append(f"order {case['id']}: quantities are not conserved: {order}")
    return problems


def _order_state(mes: dict[str, Any], reported_at: datetime) -> list[dict[str, Any]]:
    """The state of the order as a whole, where the case names one."""
    named = str(mes.get("status", "")).lower()
    known = {
        "hold": "hold", "quality": "hold", "quality_hold": "hold", "running": "running", "waiting": "waiting",
        "complete": "complete", "completed": "complete", "done": "complete", "terminated": "terminated",
    }  # fmt: skip
    return [{"order": "O", "status": known[named], "reported_at": reported_at}] if named in known else []


def _states(operations: list[dict[str, Any]], mes: dict[str, Any], quantity: float, quiet: Any) -> list[str]:
    """MES state per operation, from the state the case names, else from what its quantities say.

    Without a state an operation has ended when nothing is in process, it did something, and either everything that
    entered it came out or the order has been quiet: nobody is still working on it.
    """
    named = str(mes.get("status", "")).lower()
    states = []
    entering = quantity
    order_empty = all(float(op.get("in_process", 0)) == 0 for op in operations)
    for op in operations:
        did = sum(float(op.get(part, 0)) for part in ("good", "scrap", "rework"))
        in_process = float(op.get("in_process", 0))
        through = did >= entering - max(1.0, 0.005 * quantity)
        if "status" in op:
            states.append(str(op["status"]).lower())
        elif named in ("hold", "quality", "quality_hold") and in_process > 0:
            states.append("hold")
        elif named in ("terminated", "complete", "completed", "done") and in_process == 0:
            states.append("terminated" if named == "terminated" else "complete")
        elif (
            in_process == 0
            and did > 0
            and (through or (order_empty and quiet is not None and float(quiet) >= QUIET_HOURS))
        ):
            states.append("complete")
        elif in_process > 0 or did > 0:
            states.append("running")
        else:
            states.append("waiting")
        entering = float(op.get("good", 0))
    return states


def _item(name: str, **more: Any) -> dict[str, Any]:
    return {"item": name, "make_buy": "make", "uom": "PCE", "lead_time_days": 1, "lot_rule": "lot_for_lot", **more}


def _backflush_case(case: dict[str, Any]) -> list[str]:
    made = float(case["completed"])
    scrap = float(case.get("op_scrap", 0))
    started = made + scrap
    factor = _first(case, "factor", "uom_factor", "unit_factor")
    period_open = bool(_first(case, "period_open", default=not case.get("period_closed", False)))
    traced = bool(_first(case, "lot_controlled", "lot_traced", "serial_controlled", default=False))
    instead = _first(case, "substitute_actual", "other_actual", default=0)
    frames = conformed(
        items=[_item("P", cost=1.0), _item("D"), _item("C", cost=1.0, lot_traced=traced,
                                           **({"make_buy": "phantom"} if case.get("phantom") else {}))],
        work_centers=[{"work_center": "W", "calendar": "PLANT", "machines": 1, "line": "L"}],
        machines=[{"machine": "W-01", "work_center": "W"}],
        accounting_periods=[{"period_start": date(2026, 1, 1), "period_end": date(2026, 12, 31), "open": period_open}],
        bom_lines=[{
            "parent_item": "P", "component_item": "C", "qty_per": float(case["q"]), "uom": "PCE",
            "scrap": float(case.get("sigma", 0)), "fixed_qty": float(_first(case, "fixed", default=0)),
            "backflush": bool(case.get("backflush", True)), "bulk": bool(case.get("bulk", False)),
        }],
        inventory=[{"item": "C", "qty": float(case.get("stock", 1e9)), "uom": "PCE", "status": "available"}],
        work_orders=[{
            "work_order": "O", "item": "P", "qty": max(started, 1.0), "completed_qty": made, "scrapped_qty": scrap,
            "uom": "PCE", "status": "in_process", "start_date": TODAY - timedelta(days=1), "due_date": TODAY,
        }],
        work_order_operations=[{"work_order": "O", "op_seq": 10, "operation_code": "A", "work_center": "W",
                                "setup_min": 0.0, "run_min_per_unit": 0.1}],
        operation_status=[{
            "order": "O", "op_seq": 10, "status": "complete", "good_qty": made, "scrap_qty": scrap,
            "rework_qty": float(case.get("rework", 0)), "in_process_qty": 0.0, "reported_at": AS_OF,
        }],
        material_issues=[{"work_order": "O", "component_item": "C", "required_qty": 0.0,
                          "issued_qty": float(case["actual"]), "uom": "PCE"},
                         *([{"work_order": "O", "component_item": "D", "required_qty": 0.0, "uom": "PCE",
                             "issued_qty": float(instead)}] if instead else [])],
        uom_conversions=[{"item": "C", "from_uom": "X", "to_uom": "PCE", "factor": float(factor)}] if factor else [],
    )  # fmt: skip
    judged = judge_night(frames, context()).components.filter(pl.col("component") == "C").row(0, named=True)
    problems = []
    if "expected_E" in case and abs(judged["expected"] - float(case["expected_E"])) > 1e-6:
        problems.append(f"backflush {case['id']}: expected consumption {case['expected_E']}, got {judged['expected']}")
    named = _first(case, "rules", "expected", "rule", default=[])
    expected = {named} if isinstance(named, str) else set(named)
    if {judged["verdict"]} - SILENT != expected - SILENT:
        problems.append(f"backflush {case['id']}: expected {sorted(expected)}, got {judged['verdict']}")
    return problems
