"""What if: a change planned through all stages and compared with tonight's plan; then, if wanted, a proposal.

The effect shown is the one a supervisor will be shown and sign: the same code, the same digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.console.services.nights import Night
from recon_platform.console.state import Console
from recon_platform.governance import Actor
from recon_platform.governance.requests import Request, move_draft
from recon_platform.nights.pins import pin_change
from recon_platform.planning.decisions import Change
from recon_platform.proposal.candidate import Candidate
from recon_platform.proposal.own import evaluate_own
from recon_platform.proposal.substitution import qualified_substitutes

PARAMETERS = {
    "lead_time_days": "Lead time in days", "safety_stock": "Safety stock", "lot_qty": "Lot quantity",
    "min_qty": "Smallest order", "multiple_qty": "Multiple of an order",
}  # fmt: skip
"""Parameters of an item that can be tried out, by their column in `items`."""
EFFECT = (
    "from", "to", "lines", "lines_won", "lines_lost", "late_days_saved", "labour_hours", "overtime_hours", "cost",
    "operations_moved",
)  # fmt: skip
"""Columns of a move that say what it does."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A change that was tried out: the row of `exception_moves` it would be."""

    plant: str
    run_id: str
    row: dict[str, Any]


def choices(night: Night) -> list[dict[str, Any]]:
    """Items with approved substitutes in stock, those that are short first: `item`, `substitute_item`, `short_qty`, `orders`."""
    day = pl.lit(night.context.planning_date)
    approved = night.read("substitutes").filter(
        pl.col("approved").fill_null(False),
        pl.col("valid_from").fill_null(day) <= day,
        pl.col("valid_to").fill_null(day) >= day,
    )
    stock = (
        night.read("inventory")
        .filter(pl.col("status") == "available", pl.col("qty") > 0)
        .select(substitute_item="item")
        .unique()
    )
    short = (
        night.read("shortages")
        .group_by("item")
        .agg(pl.col("short_qty").sum(), pl.col("work_order").n_unique().alias("orders"))
    )
    return (
        approved.select("item", "substitute_item")
        .join(stock, on="substitute_item", how="semi")
        .join(short, on="item", how="left")
        .with_columns(pl.col("short_qty", "orders").fill_null(0))
        .sort("orders", "item", "substitute_item", descending=[True, False, False])
        .to_dicts()
    )


def try_out(night: Night, kind: str, asked: Mapping[str, str]) -> Tried:
    """Plan the change through all stages. Raises ValueError where the change cannot be understood or is not allowed."""
    frames = night.frames()
    candidate = _candidate(night, frames, kind, asked)
    return Tried(night.context.plant.code, night.run_id, evaluate_own(frames, night.context, [candidate])[0])


def propose(console: Console, actor: Actor, night: Night, found: Tried, reason: str) -> Request:
    """Ask somebody else to decide what was tried out. Raises ValueError where a newer run has replaced the one tried."""
    if found.run_id != night.run_id:
        raise ValueError("a newer run replaced the plan this was tried on; try it again")
    draft = move_draft(found.row, night.manifest.identity)
    return console.store.requests.propose(actor, replace(draft, reason=reason.strip() or draft.reason))


def _candidate(night: Night, frames: Mapping[str, pl.DataFrame], kind: str, asked: Mapping[str, str]) -> Candidate:
    makers = {
        "substitute": _substitute, "due_date": _due_date, "quantity": _quantity, "parameter": _parameter,
        "downtime": _downtime, "pin": _pin,
    }  # fmt: skip
    if kind not in makers:
        raise ValueError(f"a what-if is about {', '.join(makers)}; found {kind!r}")
    return makers[kind](night, frames, asked)


def _substitute(night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    item, other = asked.get("item", ""), asked.get("substitute", "")
    short = frames["shortages"].filter(item=item)
    orders = short.get_column("work_order").unique().sort().to_list()
    qty = _positive(asked["qty"], "a quantity") if asked.get("qty") else float(short.get_column("short_qty").sum())
    if frames["items"].filter(item=item).is_empty():
        raise ValueError(f"there is no item {item!r}")
    if qty <= 0:
        raise ValueError(f"{item} is not short tonight; say for which quantity {other} should stand in")
    options = qualified_substitutes(frames, night.context, item, qty, orders or _users(frames, item))
    found = next((option for option in options if option.item == other), None)
    if found is None:
        fit = ", ".join(option.item for option in options) or "none"
        raise ValueError(
            f"{other or 'nothing'} may not stand in for {item} here; approved, in stock and fitting: {fit}"
        )
    why = f"{item} is short by {qty:g} for {len(orders)} orders" if orders else f"{qty:g} of {item} are to be replaced"
    return Candidate(
        "substitute", item, item, other, found.changes, f"{why}; {other} is approved for it and in stock", found.evidence,
        signature=True,
    )  # fmt: skip


def _users(frames: Mapping[str, pl.DataFrame], item: str) -> list[str]:
    """The made orders that take `item`, so that every customer behind them is asked whether they exclude a substitute."""
    takers = frames["pegging"].filter(pl.col("item") == item, pl.col("demand_type").is_in(["work_order", "planned"]))
    return takers.get_column("demand").unique().sort().to_list()


def _positive(text: str, what: str) -> float:
    """A number above nothing, and not so large that it must be a slip."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{what} is a number; found {text!r}") from None
    if not 0 < value < 1e9:
        raise ValueError(f"{what} is more than nothing and less than a thousand million; found {text}")
    return value


def _due_date(_night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    where = _line(frames, asked)
    new = _day(asked.get("date", ""))
    before = frames["sales_orders"].filter(**where).get_column("promised_date")[0]
    changes: list[Change] = [
        {"verb": "set", "table": "sales_orders", "where": where, "values": {"promised_date": new.isoformat()}}
    ]
    name = f"{where['sales_order']}/{where['line']}"
    return Candidate(
        "override", name, f"promised {before}", f"promised {new}", changes, f"{name} would be promised for {new}"
    )


def _quantity(_night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    where = _line(frames, asked)
    qty = _positive(asked.get("qty", ""), "a quantity")
    before = frames["sales_orders"].filter(**where).get_column("qty")[0]
    name = f"{where['sales_order']}/{where['line']}"
    changes: list[Change] = [{"verb": "set", "table": "sales_orders", "where": where, "values": {"qty": qty}}]
    return Candidate(
        "override", name, f"{before:g} ordered", f"{qty:g} ordered", changes, f"{name} would be for {qty:g}"
    )


def _downtime(night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    machine = asked.get("machine", "")
    found = frames["machines"].filter(machine=machine)
    if found.is_empty():
        raise ValueError(f"there is no machine {machine or 'of that name'}")
    try:
        start = datetime.fromisoformat(asked.get("start", "")).replace(tzinfo=night.context.plant.zone)
    except ValueError:
        raise ValueError("a downtime has a start (date and time) and hours") from None
    hours = _positive(asked.get("hours", ""), "a downtime's hours")
    if hours > 24 * 60:
        raise ValueError("a downtime lasts at most 60 days")
    end = start + timedelta(hours=hours)
    return Candidate(
        "override", machine, "runs", f"stands from {start:%d %b %H:%M} for {hours:g} h",
        _stopped(frames["working_time"], machine, start, end), f"{machine} would stand for {hours:g} hours",
    )  # fmt: skip


def _parameter(_night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    item, name = asked.get("item", "").strip(), asked.get("parameter", "")
    if name not in PARAMETERS:
        raise ValueError(f"a parameter of an item is one of {', '.join(PARAMETERS)}; found {name!r}")
    found = frames["items"].filter(item=item)
    if found.is_empty():
        raise ValueError(f"there is no item {item!r}")
    text = asked.get("value", "")
    value = 0.0 if text.strip() == "0" else _positive(text, PARAMETERS[name].lower())
    new = round(value) if found.schema[name].is_integer() else value
    before = found.get_column(name)[0]
    changes: list[Change] = [{"verb": "set", "table": "items", "where": {"item": item}, "values": {name: new}}]
    said = PARAMETERS[name].lower()
    return Candidate(
        "override", item, f"{said} {'not set' if before is None else format(before, 'g')}", f"{said} {new:g}", changes,
        f"the {said} of {item} would be {new:g}",
    )  # fmt: skip


def _pin(_night: Night, frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> Candidate:
    order, machine = asked.get("work_order", ""), asked.get("machine", "")
    if not asked.get("operation", "").isdecimal():
        raise ValueError(f"an operation is a whole number; found {asked.get('operation')!r}")
    op_seq = int(asked["operation"])
    _, change = pin_change(frames["reconciled_operations"], frames["machines"], order, op_seq, machine)
    planned = frames["schedule"].filter(work_order=order, op_seq=op_seq).get_column("machine")
    before = planned[0] if planned.len() else "not scheduled"
    name = f"{order}/{op_seq}"
    return Candidate("pin", name, before, machine, [change], f"{name} would be kept on {machine}", orders=(order,))


def _stopped(working: pl.DataFrame, machine: str, start: datetime, end: datetime) -> list[Change]:
    """Working time of `machine` without `start` to `end`: each period it touches is taken out, what is left put back."""
    changes: list[Change] = []
    for row in working.filter(pl.col("machine") == machine, pl.col("start") < end, pl.col("end") > start).to_dicts():
        key = {name: row[name].isoformat() if name == "start" else row[name] for name in ("machine", "start", "kind")}
        changes.append({"verb": "remove", "table": "working_time", "where": key})
        for begin, finish in ((row["start"], start), (end, row["end"])):
            if begin < finish:
                left = {**row, "start": begin.isoformat(), "end": finish.isoformat()}
                changes.append({"verb": "add", "table": "working_time", "values": left})
    if not changes:
        raise ValueError(f"{machine} does not work in that time anyway")
    return changes


def _line(frames: Mapping[str, pl.DataFrame], asked: Mapping[str, str]) -> dict[str, str]:
    order, _, line = asked.get("line", "").partition("/")
    where = {"sales_order": order.strip(), "line": line.strip()}
    if frames["sales_orders"].filter(**where).is_empty():
        raise ValueError(f"there is no order line {asked.get('line')!r}; give it as ORDER/LINE")
    return where


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a date is given as YYYY-MM-DD; found {text!r}") from None


def pin_effect(found: Tried, work_order: str, op_seq: int, machine: str) -> dict[str, Any]:
    """What the pin was found to do, for the request's content. Raises ValueError where something else was tried."""
    row = found.row
    if (row["kind"], row["subject"], row["to"]) != ("pin", f"{work_order}/{op_seq}", machine):
        raise ValueError("the effect shown is that of another pin; drag the operation again")
    return {name: row[name] for name in EFFECT}


def shown(found: Tried) -> dict[str, Any]:
    """The effect as the panel shows it: won, lost, and each measure."""
    lines = json.loads(found.row["lines"])
    return {
        "title": f"{found.row['subject']}: {found.row['from']} → {found.row['to']}", "won": lines["won"], "lost": lines["lost"],
        "signature": found.row["signature"], "pin": found.row["kind"] == "pin",
        "measures": [
            ("Weighted late days saved", found.row["late_days_saved"], "days"), ("Machine hours", found.row["labour_hours"], "hours"),
            ("Overtime", found.row["overtime_hours"], "hours"), ("Cost less lateness saved", found.row["cost"], "plant currency"),
            ("Operations that move", found.row["operations_moved"], "operations"),
        ],
    }  # fmt: skip
