"""A planning case as landing tables: round-the-clock plant, unlimited vendors for operations without a work center."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.tables.registry import TABLES

UNLIMITED = "UNLIMITED"


def minutes(text: str | None) -> float:
    """An ISO 8601 duration in minutes."""
    found = re.fullmatch(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", text or "P0D")
    assert found, text
    sign, days, hours, mins = found.groups()
    value = int(days or 0) * 1440 + int(hours or 0) * 60 + int(mins or 0)
    return -value if sign else float(value)


def landing_of(data: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Landing tables, all columns as text, as a connector would hand them over."""
    rows: dict[str, list[dict[str, Any]]] = {}

    def add(name_of_table: str, /, **row: Any) -> None:
        rows.setdefault(name_of_table, []).append(row)

    suppliers = {s["item"]: s for s in data.get("suppliers", [])}
    operations = {o["operation"]: o for o in data.get("operations", [])}
    orders = data.get("orders", [])
    sold: dict[str, str] = {}
    for order in orders:
        via = operations.get(order.get("via") or "")
        sold[order["order"]] = f"{order['item']} shipped" if via and not via.get("makes") else order["item"]
    makes: dict[str, dict[str, Any]] = {o["makes"]: o for o in operations.values() if o.get("makes")}
    for order in orders:
        via = operations.get(order.get("via") or "")
        if via and not via.get("makes"):
            makes.setdefault(sold[order["order"]], via)
    names = set(makes) | set(suppliers) | set(data.get("stock", {})) | set(sold.values())
    names |= {c for o in operations.values() for c in o.get("consumes", {})}
    names |= {choice["item"] for o in operations.values() for g in o.get("consumes_groups", []) for choice in g}
    names |= {o["item"] for o in data.get("open_orders", []) if o.get("item")} | {
        s["item"] for s in data.get("supply", [])
    }
    safety = {s["item"]: s["qty"] for s in data.get("safety_stock", [])}
    long_fence = minutes(data.get("supply_fence")) / 1440
    for name in sorted(names):
        made = makes.get(name)
        lead = (
            minutes(made.get("fixed") or made.get("fixed_setup"))
            if made
            else minutes(suppliers.get(name, {}).get("lead_time"))
        ) / 1440
        buy = suppliers.get(name, {})
        sizes = {order["qty"] for order in orders if name in (order["item"], sold[order["order"]])}
        # The reference makes a lot for each order; equal orders let a largest lot say the same here.
        largest = sizes.pop() if len(sizes) == 1 and made and len(orders) > 1 and not made.get("per_unit") else None
        if made and made.get("consumes_groups"):
            largest = 1  # the reference chooses the component unit by unit, so it assembles one at a time
        add(
            "items",
            item=name,
            make_buy="make" if made else "buy",
            uom="pc",
            lead_time_days=max(0, round(lead)),
            lot_rule="lot_for_lot",
            min_qty=buy.get("lot_min"),
            multiple_qty=buy.get("lot_multiple"),
            max_qty=largest,
            safety_stock=safety.get(name),
            planning_fence_days=int(long_fence) or None,
        )
    add("work_centers", work_center=UNLIMITED, calendar="PLANT", machines=1, external="true")
    for center in data.get("work_centers", []):
        add(
            "work_centers",
            work_center=center["name"],
            calendar="PLANT",
            machines=max(1, int(center.get("capacity", 1))),
        )
    for weekday in range(1, 8):
        add("calendars", calendar="PLANT", weekday=weekday, shift="day", kind="regular", start="00:00", end="00:00")
    known = {c["name"] for c in data.get("work_centers", [])}
    for item, made in sorted(makes.items()):
        center = made.get("work_center") or next(
            (load["work_center"] for load in made.get("loads", []) if load.get("prio") == 1), None
        )
        center = center if center in known else None
        fixed = minutes(made.get("fixed") or made.get("fixed_setup"))
        add(
            "routings",
            item=item,
            routing="main",
            op_seq=10,
            operation_code=made["operation"],
            work_center=center or UNLIMITED,
            setup_min=fixed,
            run_min_per_unit=minutes(made.get("per_unit")),
            queue_min=0,
            move_min=minutes(made.get("queue_after")),
        )
        components = dict(made.get("consumes", {}))
        components |= {g[0]["item"]: g[0]["qty"] for g in made.get("consumes_groups", [])}
        for preferred, *others in made.get("consumes_groups", []):
            for other in others:
                add("substitutes", item=preferred["item"], substitute_item=other["item"],
                    ratio=other["qty"] / preferred["qty"], approved="true", approval_ref=data["case"])  # fmt: skip
        for component, qty in sorted(components.items()):
            add("bom_lines", parent_item=item, component_item=component, qty_per=qty, uom="pc")
    add("customers", customer="C", name="Customer", **{"class": "A"})
    for number, order in enumerate(orders):
        day = datetime.fromisoformat(order["due"]).date()
        add(
            "sales_orders",
            sales_order=order["order"],
            line="1",
            customer="C",
            item=sold[order["order"]],
            qty=order["qty"],
            uom="pc",
            requested_date=day,
            promised_date=day,
            status="open",
        )
        del number
    for name, qty in sorted(data.get("stock", {}).items()):
        add("inventory", item=name, qty=qty, uom="pc", status="available")
    for number, supply in enumerate(data.get("supply", [])):
        if supply["at"] == "on hand":
            add("inventory", item=supply["item"], qty=supply["qty"], uom="pc", status="available")
        else:
            _purchase(add, f"S{number}", supply["item"], supply["qty"], datetime.fromisoformat(supply["at"]))
    for order in data.get("open_orders", []):
        if order["kind"] == "PO":
            _purchase(add, order["ref"], order["item"], order["qty"], datetime.fromisoformat(order["end"]))
            continue
        operation = operations.get(order["operation"])
        start = datetime.fromisoformat(order["start"])
        if operation is None:
            continue
        item = operation.get("makes") or f"{order['operation']} done"
        if not operation.get("makes") and item not in {row["item"] for row in rows["items"]}:
            add(
                "items",
                item=item,
                make_buy="make",
                uom="pc",
                lead_time_days=round(minutes(operation.get("fixed")) / 1440),
                lot_rule="lot_for_lot",
            )
            add("routings", item=item, routing="main", op_seq=10, operation_code=order["operation"], work_center=UNLIMITED,
                setup_min=minutes(operation.get("fixed")), run_min_per_unit=0)  # fmt: skip
            for component, qty in operation.get("consumes", {}).items():
                add("bom_lines", parent_item=item, component_item=component, qty_per=qty, uom="pc")
        # A confirmed order holds its material before any new demand, whatever its date.
        for component, qty in operation.get("consumes", {}).items():
            add("allocations", item=component, qty=qty * order["qty"], uom="pc", for_order=order["ref"])
        end = start + timedelta(minutes=minutes(operation.get("fixed")))
        add(
            "work_orders",
            work_order=order["ref"],
            item=item,
            qty=order["qty"],
            uom="pc",
            status="firm",
            start_date=start.date(),
            due_date=end.date(),
        )
    for source in ("erp", "mes"):
        add("feeds", table="all", source=source, extracted_at=data["now"], watermark=data["now"], rows=1)
    for table in (
        "work_orders",
        "operation_status",
        "purchase_orders",
        "inventory",
        "bom_lines",
        "routings",
        "sales_orders",
        "customers",
    ):
        rows.setdefault(table, [])
    return {name: _frame(name, content, data["now"]) for name, content in rows.items()}


def _purchase(add: Any, key: str, item: str, qty: float, day: datetime) -> None:
    add(
        "purchase_orders",
        purchase_order=key,
        line="1",
        supplier="S",
        item=item,
        qty=qty,
        uom="pc",
        due_date=day.date(),
        status="open",
        firm="true",
    )


def _frame(name: str, content: list[dict[str, Any]], now: str) -> pl.DataFrame:
    table = TABLES[name]
    columns = {
        c.name: [None if row.get(c.name) is None else str(row[c.name]) for row in content] for c in table.columns
    }
    frame = pl.DataFrame(columns, schema={c.name: pl.String for c in table.columns})
    return frame.with_columns(
        pl.lit(table.source or "erp").alias("_source"),
        pl.lit(f"{name}.csv").alias("_file"),
        pl.int_range(1, pl.len() + 1).alias("_row"),
        pl.lit(now).alias("_extracted_at"),
    )
