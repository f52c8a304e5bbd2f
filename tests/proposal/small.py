"""Very small plants for planted cases: one or two customer orders, a saw and a press, and one thing that goes wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from recon_platform.planning import run_stages
from recon_platform.planning.stages import LANDING, trial_stages
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.policy import policy_from_dict
from recon_platform.tables.registry import conformed_table, table
from tests.material.plant import filled, working_days

MONDAY = date(2026, 3, 2)
AS_OF = datetime(2026, 3, 2, 5, tzinfo=UTC)
DEFAULTS: dict[str, dict[str, Any]] = {
    "items": {"make_buy": "make", "uom": "pcs", "lead_time_days": 1, "lot_rule": "lot_for_lot", "cost": 10.0},
    "sales_orders": {"line": "1", "uom": "pcs", "status": "open", "customer": "A1"},
    "inventory": {"uom": "pcs", "status": "available", "location": "W"},
    "purchase_orders": {"line": "1", "supplier": "V", "uom": "pcs", "status": "open"},
    "allocations": {"uom": "pcs"},
    "supplier_items": {"supplier": "V", "lead_time_days": 20},
    "substitutes": {"ratio": 1.0, "approved": True, "approval_ref": "QA-1"},
    "bom_lines": {"qty_per": 1.0, "uom": "pcs"},
    "routings": {"routing": "main", "op_seq": 10, "operation_code": "OP", "setup_min": 0.0, "run_min_per_unit": 60.0},
}


def day(days: int) -> date:
    return MONDAY + timedelta(days=days)


def at(hours: float) -> datetime:
    return AS_OF + timedelta(hours=hours)


class Small:
    """Rows by table; the customers A1 (class A), B1, C1 are there. `frames()` gives what a trial plan reads."""

    def __init__(self, **policy: Any) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.policy = {"proposal": {"max_moves": 10, "max_bundles": 2, "max_set_trials": 10}, **policy}
        self.published: pl.DataFrame | None = None
        for customer in ("A1", "B1", "C1"):
            self.add("customers", customer=customer, **{"class": customer[0]})

    @property
    def context(self) -> PlanContext:
        return PlanContext(Plant("SMALL"), MONDAY, AS_OF, policy=policy_from_dict(self.policy))

    def add(self, name: str, **row: Any) -> Small:
        self.rows.setdefault(name, []).append({**DEFAULTS.get(name, {}), **row})
        return self

    def center(
        self, name: str, machines: int = 1, *, hours: tuple[int, int] = (0, 24), overtime: tuple[int, int] | None = None,
        **facts: Any,
    ) -> Small:  # fmt: skip
        self.add("work_centers", work_center=name, calendar="PLANT", machines=machines, **facts)
        for k in range(machines):
            self.add("machines", machine=f"{name}-{k + 1}", work_center=name)
            for d in range(40):
                for kind, window in (("regular", hours), ("overtime", overtime)):
                    if window is not None:
                        midnight = datetime.combine(day(d), time(0), UTC)
                        self.add(
                            "working_time", machine=f"{name}-{k + 1}", work_center=name, kind=kind,
                            start=midnight + timedelta(hours=window[0]), end=midnight + timedelta(hours=window[1]),
                        )  # fmt: skip
        return self

    def line(self, name: str, item: str, qty: float, due: int, customer: str = "A1") -> Small:
        return self.add(
            "sales_orders", sales_order=name, item=item, qty=qty, customer=customer, requested_date=day(due),
            first_promised_date=day(due), promised_date=day(due),
        )  # fmt: skip

    def work_order(
        self,
        name: str,
        item: str,
        qty: float,
        steps: list[dict[str, Any]],
        *,
        start: int = 0,
        due: int = 5,
        **facts: Any,
    ) -> Small:
        """A released order; each step: work_center, hours (of the whole lot), any operation column."""
        amounts = {"qty": qty, "remaining_qty": qty, "expected_qty": qty}
        zeros = dict.fromkeys(("completed_qty", "scrapped_qty", "unposted_qty", "over_qty", "rework_qty"), 0.0)
        self.add(
            "reconciled_orders", work_order=name, item=item, status="released", erp_status="released", rules="",
            supply_confirmed=True, start_date=day(start), due_date=day(due), **amounts, **zeros, **facts,
        )  # fmt: skip
        for k, given in enumerate(steps):
            step = dict(given)
            hours = step.pop("hours", 1.0)
            row = {
                "work_order": name, "op_seq": 10 * (k + 1), "status": "waiting", "qty": qty, "remaining_qty": qty,
                "good_qty": 0.0, "scrap_qty": 0.0, "in_process_qty": 0.0, "setup_min": 0.0, "queue_min": 0.0,
                "move_min": 0.0, "run_min_per_unit": 60.0 * hours / qty, "yield": 1.0, "pausable": True,
            }  # fmt: skip
            self.add("reconciled_operations", **{**row, **step})
        return self

    def inputs(self) -> dict[str, pl.DataFrame]:
        names = dict.fromkeys(name for step in trial_stages() for name in step.required)
        made = {name for step in trial_stages() for name in step.writes}
        frames = {}
        for name in names:
            if name in made:
                continue
            frames[name] = filled(conformed_table(name) if name in LANDING else table(name), self.rows.get(name, []))
        frames["plant_days"] = working_days(MONDAY)
        if self.published is not None:
            frames["published.schedule"] = self.published
        return frames

    def frames(self) -> dict[str, pl.DataFrame]:
        return run_stages(trial_stages(), self.inputs(), self.context)

    def publish(self) -> Small:
        """Take the plan of the rows so far as the schedule in force."""
        self.published = self.frames()["schedule"]
        return self
