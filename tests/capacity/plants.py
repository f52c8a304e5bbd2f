"""Small plants for the capacity tests, as the frames the scheduler reads; every table is built from its definition."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.policy import Policy, policy_from_dict
from recon_platform.tables.registry import TABLES

AS_OF = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # a Monday, 06:00 in Berlin
MONDAY = date(2026, 3, 2)


def at(hours: float) -> datetime:
    """An instant so many hours after the planning instant."""
    return AS_OF + timedelta(hours=hours)


def context(policy: dict[str, Any] | None = None) -> PlanContext:
    return PlanContext(
        Plant("TEST", "Europe/Berlin"), MONDAY, AS_OF, policy=policy_from_dict(policy) if policy else Policy()
    )


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return TABLES[name].frame(rows)


class PlantBuilder:
    """Collects rows; `frames()` gives the tables. Machines work round the clock unless shifts say otherwise."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.horizon_days = 30

    def add(self, table_name: str, **row: Any) -> None:
        self.rows.setdefault(table_name, []).append(row)

    def center(self, name: str, machines: int = 1, *, hours: tuple[float, float] | None = None, **facts: Any) -> None:
        """A work center; `hours` = (from, to) after midnight UTC on every day, else round the clock."""
        self.add("work_centers", work_center=name, calendar="PLANT", machines=machines, **facts)
        for k in range(machines):
            machine = f"{name}-{k + 1:02d}"
            self.add("machines", machine=machine, work_center=name)
            if hours is None:
                self.open(name, machine, at(-24), at(24 * self.horizon_days))
                continue
            for day in range(-1, self.horizon_days):
                midnight = datetime.combine(MONDAY, time(0), UTC) + timedelta(days=day)
                self.open(name, machine, midnight + timedelta(hours=hours[0]), midnight + timedelta(hours=hours[1]))

    def open(self, center: str, machine: str, start: datetime, end: datetime, kind: str = "regular") -> None:
        self.add("working_time", machine=machine, work_center=center, start=start, end=end, kind=kind)

    def order(
        self,
        name: str,
        steps: list[dict[str, Any]],
        *,
        due: float = 240.0,
        weight: float = 1.0,
        earliest: float = 0.0,
        item: str | None = None,
        start: date | None = None,
        **facts: Any,
    ) -> None:
        """A work order; each step: work_center, run (minutes), optional setup and any operation column."""
        item = item or f"I-{name}"
        due_at = at(due)
        self.add(
            "supply_orders",
            order=name,
            kind="work_order",
            item=item,
            qty=1.0,
            need_date=due_at.date(),
            due_at=due_at,
            weight=weight,
            earliest_at=at(earliest),
            start_date=start,
        )
        self.add(
            "reconciled_orders",
            work_order=name,
            item=item,
            status="released",
            qty=1.0,
            completed_qty=0.0,
            scrapped_qty=0.0,
            remaining_qty=1.0,
            expected_qty=1.0,
            due_date=due_at.date(),
            supply_confirmed=True,
            rules="",
            erp_status="released",
            unposted_qty=0.0,
            over_qty=0.0,
            rework_qty=0.0,
            start_date=start,
            **facts,
        )
        for k, step in enumerate(steps):
            row = dict(step)
            qty = row.pop("qty", 1.0)
            run = row.pop("run", 60.0)
            row.setdefault("op_seq", 10 * (k + 1))
            row.setdefault("status", "waiting")
            row.setdefault("setup_min", row.pop("setup", 0.0))
            row.setdefault("run_min_per_unit", run / qty)
            row.setdefault("pausable", True)
            self.add(
                "reconciled_operations",
                work_order=name,
                operation_code=None,
                qty=qty,
                good_qty=0.0,
                scrap_qty=0.0,
                in_process_qty=0.0,
                remaining_qty=qty,
                queue_min=row.pop("queue_min", 0.0),
                move_min=row.pop("move_min", 0.0),
                **{"yield": 1.0},
                **row,
            )

    def frames(self) -> dict[str, pl.DataFrame]:
        names = (
            "work_centers",
            "machines",
            "working_time",
            "supply_orders",
            "order_links",
            "reconciled_orders",
            "reconciled_operations",
            "planned_orders",
            "routings",
            "items",
            "downtime_events",
            "setup_matrix",
            "setup_attributes",
            "tools",
            "labour",
            "labour_exceptions",
            "calendars",
            "calendar_exceptions",
            "lots",
            "decisions_in_force",
        )
        made = {
            name: table(name, self.rows.get(name, [])) if self.rows.get(name) else TABLES[name].empty()
            for name in names
        }
        if "published" in self.rows:
            made["published.schedule"] = table("schedule", self.rows["published"])
        return made
