"""A works of two levels in Odoo's own shapes: `[id, name]` pairs, False for null, naive UTC instants."""

from __future__ import annotations

from typing import Any

from recon_platform.connectors.odoo import MODELS

Record = dict[str, Any]
AT, BY = "2026-11-20 04:00:00", [2, "Mitchell Admin"]
UNIT, DOZEN, KG, GRAM = [1, "Units"], [2, "Dozens"], [3, "kg"], [4, "g"]
PAIRS = ("_id", "product_uom")
INSTANTS = (
    "date_start",
    "date_finished",
    "date_deadline",
    "date_order",
    "date_planned",
    "commitment_date",
    "date_from",
    "date_to",
    "date_end",
    "write_date",
)


def types() -> dict[str, dict[str, str]]:
    """Field types as `fields_get` gives them, of what is read and written."""
    return {
        model: {
            name: "many2one" if name.endswith(PAIRS) or name == "write_uid" else "datetime" if name in INSTANTS
            else "boolean" if name == "active" else "char"
            for name in (*fields, "write_date", "write_uid")
        }
        for model, fields in MODELS.items()
    }  # fmt: skip


def rows(model: str, *given: Record) -> list[Record]:
    """Records with every field read, False where not given."""
    return [
        {"id": number, **dict.fromkeys(MODELS[model], False), "write_date": AT, "write_uid": list(BY), **record}
        for number, record in enumerate(given, 1)
    ]


def records() -> dict[str, list[Record]]:
    """Shaft ground (1) of shaft blank (2) of bar (3, in kg, its bill in grams); blank turned, shaft ground and inspected."""
    order = {"product_uom_id": UNIT, "bom_id": [1, "Shaft"], "date_deadline": False}
    made = {
        "uom.uom": rows("uom.uom", *({"name": n, "factor": f} for n, f in (("Units", 1.0), ("Dozens", 1 / 12), ("kg", 1.0), ("g", 1000.0)))),
        "product.template": rows(
            "product.template", {"name": "Shaft ground", "uom_id": UNIT}, {"name": "Shaft blank", "uom_id": UNIT},
            {"name": "Bar", "uom_id": KG}, {"name": "Grinding lesson", "uom_id": UNIT, "detailed_type": "service"},
        ),
        "product.product": rows(
            "product.product", {"default_code": "SH-100", "product_tmpl_id": [1, ""]}, {"default_code": "SH-100-B", "product_tmpl_id": [2, ""]},
            {"default_code": "000010042", "product_tmpl_id": [3, ""]}, {"product_tmpl_id": [4, ""]},
        ),
        "res.partner": rows("res.partner", {"name": "Steel Ltd"}, {"name": "Buyer Ltd", "email": "b@example.org"}),
        "product.supplierinfo": rows("product.supplierinfo", {"partner_id": [1, "Steel Ltd"], "product_tmpl_id": [3, ""], "delay": 9, "min_qty": 10.0, "price": 2.0, "sequence": 1}),
        "resource.calendar": rows("resource.calendar", {"name": "40 h", "tz": "Europe/Brussels"}),
        "resource.calendar.attendance": rows(
            "resource.calendar.attendance",
            *({"calendar_id": [1, "40 h"], "dayofweek": str(d), "hour_from": f, "hour_to": t, "day_period": p}
              for d in range(5) for f, t, p in ((8.0, 12.0, "morning"), (12.0, 13.0, "lunch"), (13.0, 17.5, "afternoon"))),
        ),
        "mrp.workcenter": rows(
            "mrp.workcenter",
            *({"name": n, "code": c, "resource_id": [r, n], "resource_calendar_id": [1, "40 h"], "time_efficiency": e,
               "default_capacity": 2.0, "time_start": 10.0, "time_stop": 5.0, "costs_hour": 40.0}
              for n, c, r, e in (("Lathe", "WC-CNC", 4, 100.0), ("Grinder", "WC-GRND", 5, 85.0))),
        ),
        "mrp.bom": rows(
            "mrp.bom", {"product_tmpl_id": [1, ""], "product_qty": 1.0, "product_uom_id": UNIT, "type": "normal", "sequence": 1, "produce_delay": 2},
            {"product_tmpl_id": [2, ""], "product_qty": 1.0, "product_uom_id": DOZEN, "type": "normal", "sequence": 1, "produce_delay": 1},
        ),
        "mrp.bom.line": rows(
            "mrp.bom.line", {"bom_id": [1, ""], "product_id": [2, ""], "product_qty": 1.0, "product_uom_id": UNIT, "operation_id": [2, "Grind"]},
            {"bom_id": [2, ""], "product_id": [3, ""], "product_qty": 24_000.0, "product_uom_id": GRAM},
        ),
        "mrp.routing.workcenter": rows(
            "mrp.routing.workcenter", {"bom_id": [1, ""], "workcenter_id": [2, ""], "name": "Inspect", "sequence": 20, "time_cycle_manual": 2.0},
            {"bom_id": [1, ""], "workcenter_id": [2, ""], "name": "Grind", "sequence": 10, "time_cycle_manual": 6.0},
            {"bom_id": [2, ""], "workcenter_id": [1, ""], "name": "Turn", "sequence": 10, "time_cycle_manual": 8.0},
        ),
        "stock.location": rows("stock.location", {"complete_name": "WH/Stock", "usage": "internal"}, {"complete_name": "Virtual", "usage": "production"}),
        "stock.quant": rows(
            "stock.quant", {"product_id": [3, ""], "location_id": [1, ""], "lot_id": [1, "H-77"], "quantity": 310.5},
            {"product_id": [3, ""], "location_id": [1, ""], "quantity": -10.5}, {"product_id": [3, ""], "location_id": [2, ""], "quantity": 999.0},
        ),
        "stock.warehouse.orderpoint": rows("stock.warehouse.orderpoint", {"product_id": [3, ""], "product_min_qty": 50.0, "qty_multiple": 25.0}),
        "purchase.order": rows("purchase.order", {"name": "P00001", "partner_id": [1, ""], "state": "purchase", "date_order": "2026-11-02 23:30:00", "date_planned": "2026-12-04 07:00:00"}),
        "purchase.order.line": rows("purchase.order.line", {"order_id": [1, ""], "product_id": [3, ""], "product_qty": 500_000.0, "qty_received": 100_000.0, "product_uom": GRAM, "date_planned": "2026-12-03 23:30:00"}),
        "sale.order": rows("sale.order", {"name": "S00001", "partner_id": [2, ""], "state": "sale", "date_order": "2026-11-10 09:00:00", "commitment_date": "2026-12-18 10:00:00"}),
        "sale.order.line": rows("sale.order.line", {"order_id": [1, ""], "product_id": [1, ""], "product_uom_qty": 2.0, "qty_delivered": 0.0, "product_uom": DOZEN, "customer_lead": 0.0, "price_unit": 90.0}),
        "resource.calendar.leaves": rows(
            "resource.calendar.leaves", {"name": "WH/MO/00001 - Turn", "calendar_id": [1, ""], "resource_id": [4, ""], "date_from": "2026-12-01 08:00:00", "date_to": "2026-12-01 12:00:00", "time_type": "other"},
            {"name": "Christmas", "calendar_id": [1, ""], "date_from": "2026-12-24 23:00:00", "date_to": "2026-12-26 22:59:59", "time_type": "leave"},
            {"name": "Spindle", "calendar_id": [1, ""], "resource_id": [4, ""], "date_from": "2026-12-07 07:00:00", "date_to": "2026-12-07 11:00:00", "time_type": "leave"},
        ),
        "mrp.workcenter.productivity": rows(
            "mrp.workcenter.productivity", {"workcenter_id": [1, ""], "loss_id": [1, "Equipment Failure"], "loss_type": "availability", "date_start": "2026-11-19 09:00:00", "date_end": "2026-11-19 11:00:00"},
            {"workcenter_id": [1, ""], "loss_id": [7, "Productive"], "loss_type": "productive", "date_start": "2026-11-19 07:00:00", "date_end": "2026-11-19 09:00:00"},
        ),
        "stock.move": rows("stock.move", {"product_id": [3, ""], "product_qty": 40.0, "state": "assigned", "raw_material_production_id": [1, ""]}),
        "mrp.production": rows(
            "mrp.production", {**order, "name": "WH/MO/00001", "product_id": [2, ""], "product_qty": 20.0, "bom_id": [2, ""], "state": "progress", "date_start": "2026-12-01 08:00:00", "date_finished": "2026-12-01 12:00:00"},
            {**order, "name": "WH/MO/00002", "product_id": [1, ""], "product_qty": 20.0, "state": "confirmed", "date_start": "2026-12-07 08:00:00", "date_finished": "2026-12-07 12:00:00", "date_deadline": "2026-12-10 23:30:00"},
        ),
        "mrp.workorder": rows(
            "mrp.workorder", {"name": "Turn", "production_id": [1, ""], "workcenter_id": [1, ""], "operation_id": [3, "Turn"], "state": "progress", "qty_produced": 4.0, "date_start": "2026-12-01 08:00:00", "date_finished": "2026-12-01 12:00:00", "leave_id": [1, ""]},
            {"name": "Inspect", "production_id": [2, ""], "workcenter_id": [2, ""], "operation_id": [1, "Inspect"], "state": "pending", "qty_produced": 0.0},
            {"name": "Grind", "production_id": [2, ""], "workcenter_id": [2, ""], "operation_id": [2, "Grind"], "state": "ready", "qty_produced": 0.0},
        ),
    }  # fmt: skip
    for template in made["product.template"]:
        template["detailed_type"] = template["detailed_type"] or "product"
        template["weight"] = template["sale_delay"] = 0.0
    for model in ("product.product", "mrp.bom", "mrp.workcenter"):
        for record in made[model]:
            record["active"] = True
    return made
