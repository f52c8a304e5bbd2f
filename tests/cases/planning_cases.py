"""Planning cases: what a reference planner delivered, against the product's own plan.

A case is turned into landing tables (round-the-clock calendar; an operation without a work center is a vendor of
unlimited capacity) and planned from end to end. Deliveries are compared by day, because a promise is a day: a reference
delivery before the due date counts on the due date. Each case states what is expected of the comparison, and why.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from recon_platform.planning import plan
from recon_platform.planning.decisions import Change
from recon_platform.proposal.substitution import qualified_substitutes
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.policy import policy_from_dict
from tests.cases.planning_tables import landing_of, minutes

Deliveries = dict[str, list[tuple[date, float]]]

OUTCOME: dict[str, tuple[str, str]] = {
    "01_two_level_lead_time": ("different", "lots are not split below the order to start sooner"),
    "02_release_fence": ("different", "no start before the planning instant, and a line ships whole"),
    "03_capacity_pull_early": ("better", "how early work may be done is not limited by day here, so nothing is late"),
    "05_capacity_late": ("equal", ""),
    "06_safety_stock": ("equal", ""),
    "07_alternate_work_center": ("better", "half machines cannot be asked for, so the work center has room at once"),
    "09_awaits_confirmed_supply": ("equal", ""),
    "12_substitute_components": ("different", "a substitute needs an approval here"),
    "13_demand_policy": (
        "better",
        "latest date and smallest shipment are not rules of an order here: all is delivered",
    ),
    "15_wip_in_the_past": ("equal", ""),
}
"""What the comparison must give: equal, better (earlier, with the reason), or different (with the reason)."""


def recognise(data: Any) -> bool:
    """A planning case names itself and holds what a planner delivered."""
    return isinstance(data, dict) and "case" in data and "now" in data and "expected" in data


def run(data: Any, path: Path) -> None:
    """Plan the case and hold the result against what this file states; a case it does not know must be feasible."""
    del path
    expected = reference_deliveries(data)
    made = deliveries(data)
    verdict = compare(expected, made)
    stated = OUTCOME.get(data["case"])
    if stated is not None:
        assert verdict == stated[0], (
            f"{data['case']}: {verdict}, stated {stated[0]} ({stated[1]}); {made} against {expected}"
        )
    if any("consumes_groups" in operation for operation in data.get("operations", [])):
        with_move = deliveries(data, approved_substitutes(data))
        assert compare(expected, with_move) == "equal", f"{data['case']}, moves approved: {with_move}; {expected}"


def approved_substitutes(data: dict[str, Any]) -> pl.DataFrame:
    """The substitutes of a case as an approved move: those in stock by the product's own proposal, then those that the supplier
    of a substitute brings before the preferred component could be there.
    """
    frames, context = planned(data), _context(data)
    changes: list[Change] = []
    leads = {row["item"]: minutes(row["lead_time"]) / 1440 for row in data["suppliers"]}
    for operation in data["operations"]:
        for preferred, *others in operation.get("consumes_groups", []):
            wanted = sum(order["qty"] for order in data["orders"]) * preferred["qty"]
            short = wanted - data["stock"].get(preferred["item"], 0)
            orders = frames["planned_orders"].filter(pl.col("item") == operation["makes"])["order"].to_list()
            for option in qualified_substitutes(frames, context, preferred["item"], short, orders):
                short -= option.evidence["covers"]
                changes += option.changes
            bought = _bought_by_reference(data)
            for other in others:
                qty = min(short, bought.get(other["item"], 0.0) * preferred["qty"] / other["qty"])
                if qty <= 0 or leads[other["item"]] >= leads[preferred["item"]]:
                    continue
                day = context.planning_date + timedelta(days=leads[other["item"]])
                purchase = {
                    "purchase_order": f"BUY {other['item']}", "line": "1", "supplier": "S", "item": preferred["item"], "qty": qty,
                    "uom": "pc", "due_date": day.isoformat(), "status": "open", "firm": True,
                }  # fmt: skip
                changes.append({"verb": "add", "table": "purchase_orders", "values": purchase})
    move = {
        "decision": "M1", "kind": "approved_move", "subject": data["case"], "value": json.dumps({"change": changes}),
        "valid_from": context.as_of, "valid_until": None, "approved_by": "S", "reason": "substitute approved",
    }  # fmt: skip
    return DECISIONS_IN_FORCE.frame([move])


def _bought_by_reference(data: dict[str, Any]) -> dict[str, float]:
    """item → quantity that the reference plan buys."""
    found: dict[str, float] = defaultdict(float)
    for row in data["expected"]["constrained"]["operations"]:
        if bought := re.fullmatch(r"Purchase (.+) @ .+", row["operation"]):
            found[bought.group(1)] += row["qty"]
    return found


def reference_deliveries(data: dict[str, Any]) -> Deliveries:
    """order → [(day, quantity)] of the constrained plan."""
    scenario = data["expected"].get("constrained") or next(iter(data["expected"].values()))
    found: Deliveries = defaultdict(list)
    for row in scenario.get("deliveries", []):
        if row.get("date"):
            found[row["order"]].append((datetime.fromisoformat(row["date"]).date(), float(row["qty"])))
    return {order: merged(rows) for order, rows in found.items()}


def merged(rows: list[tuple[date, float]]) -> list[tuple[date, float]]:
    total: dict[date, float] = defaultdict(float)
    for day, qty in rows:
        total[day] += qty
    return sorted(total.items())


def planned(data: dict[str, Any], decisions: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    """All tables of a plan of the case."""
    return plan(landing_of(data), _context(data), decisions=decisions)


def _context(data: dict[str, Any]) -> PlanContext:
    now = datetime.fromisoformat(data["now"]).replace(tzinfo=UTC)
    policy = policy_from_dict(
        {"capacity": {"pull_ahead_days": 400.0, "horizon_days": 400}, "material": {"horizon_days": 400}}
    )
    return PlanContext(Plant("CASE", "UTC"), now.date(), now, policy=policy)


def deliveries(data: dict[str, Any], decisions: pl.DataFrame | None = None) -> Deliveries:
    """order → [(day, quantity)] our plan delivers: each pegged supply on the day it is there, not before the due date."""
    made = planned(data, decisions)
    due = {row["order"]: datetime.fromisoformat(row["due"]).date() for row in data.get("orders", [])}
    ends = dict(made["schedule"].group_by("work_order").agg(pl.col("end").max()).iter_rows())
    bought = {
        (po, line): day
        for po, line, day in made["purchase_orders"].select("purchase_order", "line", pl.coalesce("promised_date", "due_date")).iter_rows()
    }  # fmt: skip
    planned_days = dict(made["planned_orders"].select("order", "due_date").iter_rows())
    now = datetime.fromisoformat(data["now"]).date()
    found: Deliveries = defaultdict(list)
    pegs = made["pegging"].filter(pl.col("demand_type") == "sales_order")
    for supply, demand, qty in pegs.select("supply", "demand", "qty").iter_rows():
        order = demand.rsplit("/", 1)[0]
        if supply in ends:
            day = ends[supply].date()
        elif (key := tuple(supply.rsplit("/", 1))) in bought:
            day = bought[key]  # type: ignore[index]
        elif supply in planned_days:
            day = planned_days[supply]
        else:
            day = now
        found[order].append((max(day, due[order]), float(qty)))
    return {order: merged(rows) for order, rows in found.items()}


def compare(expected: Deliveries, made: Deliveries) -> str:
    """equal, better (everything at least as early and something earlier) or different."""
    if expected == made:
        return "equal"
    better = True
    for order, rows in expected.items():
        whole = sum(qty for _, qty in rows)
        ours = made.get(order, [])
        if sum(qty for _, qty in ours) < whole - 1e-6:
            return "different"
        for day, _ in rows:
            upto = sum(qty for d, qty in rows if d <= day)
            if sum(qty for d, qty in ours if d <= day) < upto - 1e-6:
                better = False
    return "better" if better else "different"


RECOGNISERS = [("planning case", recognise, run)]
