"""Case files of material planning as the product's own tables, and back: bucket t is the Monday of week t."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from recon_platform.material import plan_material
from recon_platform.material.changes import GROSS_ADD, OPEN_DAY_SET, OPEN_QTY_ADD, PARAMETER_ADD, PARAMETER_SET
from recon_platform.material.ledger import EVENT_SCHEMA
from recon_platform.material.lots import HOLDING, LEAD, LOT_QTY, MICRO, ON_HAND, RULE, SAFETY, SETUP, WINDOW
from recon_platform.material.problem import parameter_table
from recon_platform.material.structure import bom_frame
from tests.material.plant import MONDAY, context, day, frames

WEEK_DAYS = 5  # working days in a bucket
ISSUED = "_ISSUED"  # a component of which nothing is left to issue
Item = Mapping[str, Any]

KINDS = {
    "LFL": "lot_for_lot",
    "FOQ": "fixed",
    "MIN": "minimum",
    "POQ": "period",
    "PPB": "part_period",
    "SM": "silver_meal",
}


def lot_columns(lot: Any, holding: float = 1.0) -> dict[str, Any]:
    """Item columns for a case's lot rule: `{"kind": …}` or text such as FOQ20, PPB_epp20.

    A bucket is seven days, so what it costs to hold a unit for a bucket is spread over them."""
    if isinstance(lot, str):
        found = re.fullmatch(r"([A-Z]+)(?:_?epp)?(\d+)?", lot)
        assert found, f"lot rule {lot!r} is not known"
        kind, number = found.group(1), float(found.group(2) or 0)
        lot = {"kind": kind, "qty": number, "periods": number, "epp": number}
    kind = lot["kind"]
    columns: dict[str, Any] = {"lot_rule": KINDS[kind]}
    if kind in ("FOQ", "MIN"):
        columns["lot_qty"] = float(lot["qty"])
    elif kind == "POQ":
        columns["lot_periods"] = float(lot["periods"])
    elif kind in ("PPB", "SM"):
        columns["setup_cost"] = float(lot.get("setup", lot.get("epp", 0)) or 0) * holding
        columns["holding_cost_per_day"] = holding / 7
    return columns


def neutral(item: str, record: Item) -> dict[str, Any]:
    """One form for the several ways a case writes an item record."""
    lead = record.get("lead_time", record.get("lt", 0))
    opens = record.get("open_orders", record.get("opens", []))
    orders = [
        {"id": o["id"], "due": o["due"], "qty": o["qty"]} if isinstance(o, Mapping) else
        {"id": o[0], "due": o[1], "qty": o[2]} for o in opens
    ]  # fmt: skip
    receipts = record.get("scheduled_receipts", {})
    orders += [{"id": f"{item}-SR{t}", "due": int(t), "qty": q} for t, q in receipts.items()]
    gross = record.get("mps_will_make") or record.get("gross_forecast") or record.get("gross") or {}
    if isinstance(gross, list):
        gross = dict(enumerate(gross, start=1))
    return {
        "item": item, "lead": lead, "orders": orders, "gross": {int(t): float(q) for t, q in gross.items() if q},
        "on_hand": record.get("on_hand", record.get("oh", 0)), "lot": record.get("lot", record.get("rule", "LFL")),
        "safety": record.get("safety_stock", record.get("ss", 0)), "parents": record.get("parents", {}),
        "fpo": record.get("fpo", []),
    }  # fmt: skip


def case_frames(records: list[dict[str, Any]], now: int) -> dict[str, pl.DataFrame]:
    """Landing-shaped tables of a case: own gross requirements are master-schedule demand."""
    items: list[dict[str, Any]] = [{"item": ISSUED}]
    stock: list[dict[str, Any]] = []
    schedule: list[dict[str, Any]] = []
    bom: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for r in records:
        items.append(
            {"item": r["item"], "lead_time_days": float(r["lead"] * WEEK_DAYS), "safety_stock": float(r["safety"]),
             **lot_columns(r["lot"])}
        )  # fmt: skip
        stock.append({"item": r["item"], "qty": float(r["on_hand"])})
        schedule += [{"item": r["item"], "due_date": day(t), "qty": q} for t, q in r["gross"].items()]
        bom += [{"parent_item": p, "component_item": r["item"], "qty_per": float(q)} for p, q in r["parents"].items()]
        orders += [
            {"work_order": o["id"], "item": r["item"], **quantities(o), "due_date": day(o["due"]),
             "start_date": day(o.get("start", o["due"] - r["lead"])), "status": "firm" if o.get("firm") else "released",
             "issued": not o.get("firm")}
            for o in [*r["orders"], *({**f, "firm": True} for f in r["fpo"])]
        ]  # fmt: skip
    issued = [o["work_order"] for o in orders if o.pop("issued")]
    # Components of released orders are out of the store: the cases plan from planned releases only.
    issues = [{"work_order": w, "component_item": ISSUED, "required_qty": 0.0} for w in issued]
    return frames(
        day(now),
        items=items,
        inventory=stock,
        master_schedule=schedule,
        bom_lines=bom,
        orders=orders,
        material_issues=issues,
    )


def quantities(order: Mapping[str, Any]) -> dict[str, float]:
    """Quantity columns of an open order, part of which may be scrapped."""
    scrapped = float(order.get("scrapped", 0))
    left = float(order["qty"]) - scrapped
    return {"qty": float(order["qty"]), "scrapped_qty": scrapped, "remaining_qty": left, "expected_qty": left}


def bucket(value: Any) -> int | None:
    """The bucket of a date."""
    return None if value is None else round((value - MONDAY).days / 7) + 1


def solved(records: list[dict[str, Any]], now: int, horizon: int, **settings: Any) -> dict[str, pl.DataFrame]:
    """The product's tables for a case; the horizon ends with the last bucket."""
    days = (horizon - now) * 7 + 6
    return plan_material(case_frames(records, now), context(day(now), horizon_days=days, **settings))


def by_bucket(rows: pl.DataFrame, date: str, qty: str) -> dict[int, float]:
    """Quantity per bucket, zeros left out."""
    summed = rows.group_by(date).agg(pl.col(qty).sum()).sort(date)
    return {bucket(d): q for d, q in summed.iter_rows() if abs(q) > 1e-9}  # type: ignore[misc]


def numbers(expected: Mapping[str, float]) -> dict[int, float]:
    return {int(t): float(q) for t, q in expected.items() if q}


def running(requirements: pl.DataFrame, column: str, start: float, now: int, horizon: int) -> list[float]:
    """A running balance bucket by bucket, carried over days without an event."""
    at = {bucket(d): v for d, v in requirements.select("date", column).iter_rows()}
    row, value = [], start
    for t in range(now, horizon + 1):
        value = at.get(t, value)
        row.append(value)
    return row


def planned_of(made: Mapping[str, pl.DataFrame], item: str, now: int) -> list[dict[str, Any]]:
    rows = made["planned_orders"].filter(pl.col("item") == item).sort("due_date")
    return [
        {"receipt": bucket(r["due_date"]), "qty": r["qty"], "release": bucket(r["start_date"]),
         "past_due": bucket(r["start_date"]) < now}
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def messages_of(made: Mapping[str, pl.DataFrame], item: str) -> list[dict[str, Any]]:
    """Reschedule and release messages of an item in the words of the cases."""
    rows = made["action_messages"].filter(
        (pl.col("item") == item)
        & pl.col("code").is_in(["EXPEDITE", "DELAY", "CANCEL", "DECREASE", "INCREASE", "RELEASE"])
        & pl.col("order_type").is_in(["purchase_order", "work_order", "planned"])
        & ~((pl.col("code") == "RELEASE") & (pl.col("order_type") == "work_order"))
    )
    found = []
    for r in rows.sort("from_date", "to_date", "order").iter_rows(named=True):
        if r["code"] == "RELEASE":
            found.append({"type": "RELEASE", "qty": r["qty"], "receipt": bucket(r["need_date"]),
                          "release": bucket(r["from_date"]), "compressed_by": r["compressed_by"] // 7})  # fmt: skip
        else:
            found.append({"type": r["code"], "kind": "open", "order": r["order"], "qty": r["qty"],
                          "from": bucket(r["from_date"]), "to": bucket(r["to_date"]), "need": bucket(r["need_date"])})  # fmt: skip
    return found


def same_messages(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Every expected message with every fact it names, and no other."""
    key = lambda m: (m["type"], str(m.get("order", "")), m.get("receipt") or 0)  # noqa: E731
    found, expected = sorted(found, key=key), sorted(expected, key=key)
    assert [key(m) for m in found] == [key(m) for m in expected], (found, expected)
    for got, want in zip(found, expected, strict=True):
        assert {k: got[k] for k in want} == want


def event_rows(events: list[dict[str, Any]], records: list[dict[str, Any]]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Ledger rows for a case's events, and BOM replacements (item → (category, event, parents))."""
    rows: list[dict[str, Any]] = []
    boms: dict[str, Any] = {}
    for e in events:
        op, args = e["op"], e["args"]
        row = {
            "category": e["cat"],
            "entity": e["id"],
            "item": e["item"],
            "order_type": "work_order",
            "detail": e["id"],
        }
        if op in ("oh", "ss", "lt"):
            column, scale = {"oh": (ON_HAND, MICRO), "ss": (SAFETY, MICRO), "lt": (LEAD, WEEK_DAYS)}[op]
            rows.append({**row, "operation": PARAMETER_ADD, "column": column, "value": float(args * scale)})
        elif op == "gross":
            rows.append({**row, "operation": GROSS_ADD, "day": number(args[0]), "value": float(args[1] * MICRO)})
        elif op == "open_qty":
            rows.append({**row, "operation": OPEN_QTY_ADD, "order": args[0], "value": float(args[1] * MICRO)})
        elif op == "open_due":
            rows.append({**row, "operation": OPEN_DAY_SET, "order": args[0], "day": number(args[1]), "value": 0.0})
        elif op == "rule":
            item = frames(MONDAY, items=[{"item": e["item"], **lot_columns(args)}])["items"]
            values = parameter_table(item.with_columns(pl.lit(0.0).alias("on_hand")))[0]
            rows += [
                {**row, "operation": PARAMETER_SET, "column": c, "value": float(values[c])}
                for c in (RULE, LOT_QTY, WINDOW, SETUP, HOLDING)
            ]
        elif op == "bom":
            boms[e["item"]] = (e["cat"], e["id"], args)
        else:
            raise AssertionError(f"event operation {op!r} is not known")
    return pl.DataFrame([{k: r.get(k) for k in EVENT_SCHEMA} for r in rows], schema=EVENT_SCHEMA), boms


def number(at: int) -> int:
    """Day number of a bucket."""
    return (day(at) - date(1970, 1, 1)).days


def bom_rows(lines: pl.DataFrame, boms: dict[str, Any]) -> pl.DataFrame:
    """All BOM lines with what happened to them."""
    marks = {"side": pl.String, "category": pl.String, "entity": pl.String}
    kept = lines.filter(~pl.col("component_item").is_in(list(boms))).with_columns(
        pl.lit("both").alias("side"), *(pl.lit(None, dtype=pl.String).alias(c) for c in ("category", "entity"))
    )
    parts = [kept]
    for item, (category, event, parents) in boms.items():
        fresh = [{"parent_item": p, "component_item": item, "qty_per": float(q)} for p, q in parents.items()]
        after = bom_frame(frames(MONDAY, bom_lines=fresh)["bom_lines"])
        for side, of in (("then", lines.filter(pl.col("component_item") == item)), ("now", after)):
            parts.append(of.with_columns(pl.lit(side).alias("side"), pl.lit(category).alias("category"),
                                         pl.lit(event).alias("entity")).select([*lines.columns, *marks]))  # fmt: skip
    return pl.concat(parts)


def week(at: int) -> int:
    """The bucket of a day number."""
    return round((at - number(1)) / 7) + 1
