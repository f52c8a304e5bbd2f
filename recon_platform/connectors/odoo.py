"""Odoo 17 as a source: which fields of which models are read for the profile `odoo17`, and how they become text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from recon_platform.connectors.model_door import Reads, Record

PROFILE = "odoo17"
MODELS: Mapping[str, tuple[str, ...]] = {
    "uom.uom": ("name", "factor"),
    "product.template": ("name", "uom_id", "detailed_type", "weight", "sale_delay"),
    "product.product": ("default_code", "product_tmpl_id", "active"),
    "res.partner": ("name", "email"),
    "product.supplierinfo": ("partner_id", "product_id", "product_tmpl_id", "delay", "min_qty", "price", "sequence"),
    "resource.calendar": ("name", "tz"),
    "resource.calendar.attendance": (
        "calendar_id", "dayofweek", "hour_from", "hour_to", "day_period", "resource_id", "display_type",
    ),
    "mrp.workcenter": (
        "name", "code", "resource_id", "resource_calendar_id", "time_efficiency", "default_capacity", "time_start",
        "time_stop", "costs_hour", "active",
    ),
    "mrp.bom": ("product_id", "product_tmpl_id", "product_qty", "product_uom_id", "type", "sequence", "active", "produce_delay"),
    "mrp.bom.line": ("bom_id", "product_id", "product_qty", "product_uom_id", "operation_id"),
    "mrp.routing.workcenter": ("bom_id", "workcenter_id", "name", "sequence", "time_cycle_manual"),
    "stock.location": ("complete_name", "usage"),
    "stock.quant": ("product_id", "location_id", "lot_id", "quantity"),
    "stock.warehouse.orderpoint": ("product_id", "product_min_qty", "qty_multiple"),
    "purchase.order": ("name", "partner_id", "state", "date_order", "date_planned"),
    "purchase.order.line": (
        "order_id", "product_id", "product_qty", "qty_received", "product_uom", "date_planned", "display_type",
    ),
    "sale.order": ("name", "partner_id", "state", "date_order", "commitment_date"),
    "sale.order.line": (
        "order_id", "product_id", "product_uom_qty", "qty_delivered", "product_uom", "customer_lead", "price_unit",
        "display_type",
    ),
    "resource.calendar.leaves": ("name", "calendar_id", "resource_id", "date_from", "date_to", "time_type"),
    "mrp.workcenter.productivity": (
        "workcenter_id", "loss_id", "loss_type", "description", "date_start", "date_end", "write_date",
    ),
    "stock.move": ("product_id", "product_qty", "state", "production_id", "raw_material_production_id"),
    "mrp.workorder": (
        "name", "production_id", "workcenter_id", "operation_id", "state", "qty_produced", "date_start", "date_finished",
        "leave_id", "write_date",
    ),
    "mrp.production": (
        "name", "product_id", "product_qty", "product_uom_id", "bom_id", "state", "date_start", "date_finished",
        "date_deadline", "write_date",
    ),
}  # fmt: skip
"""What is read of each model, in this order."""


def odoo_reads(zone: ZoneInfo, profile: str | Path = PROFILE) -> Reads:
    """What is read of Odoo. `zone` is the plant's: dates of landing tables are its own."""
    return Reads("Odoo 17", MODELS, profile, partial(as_frame, zone=zone))


def as_frame(records: Sequence[Record], types: Mapping[str, str], zone: ZoneInfo) -> pl.DataFrame:
    """Records as text columns: `id`; `f` and `f__name` of a many2one; instants with `Z`, and `f__day` in `zone`.

    Odoo gives False where a field is empty, and instants without a zone, in UTC.
    """
    columns = [pl.Series("id", [str(record["id"]) for record in records], pl.String)]
    for name, kind in types.items():
        raw: list[Any] = [record[name] for record in records]
        values = raw if kind == "boolean" else [None if value is False else value for value in raw]
        if kind == "many2one":
            columns.append(pl.Series(name, [None if v is None else str(v[0]) for v in values], pl.String))
            columns.append(pl.Series(f"{name}__name", [None if v is None else str(v[1]) for v in values], pl.String))
        elif kind == "datetime":
            instant = pl.Series(name, values, pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC")
            columns.append(instant.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
            columns.append(instant.dt.convert_time_zone(str(zone)).dt.strftime("%Y-%m-%d").alias(f"{name}__day"))
        else:
            text = [None if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values]
            columns.append(pl.Series(name, text, pl.String))
    return pl.DataFrame(columns)
