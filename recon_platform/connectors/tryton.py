"""Tryton 7 as a source: which fields of which models are read for the profile `tryton7`, and how they become text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from recon_platform.connectors.mapping import Value
from recon_platform.connectors.model_door import Reads, Record

PROFILE = "tryton7"
TIMES = "recon.operation_times"
MODELS: Mapping[str, tuple[str, ...]] = {
    "product.uom": ("name", "factor"),
    "product.template": ("name", "default_uom", "type", "producible", "active"),
    "product.product": ("code", "template", "active", "cost_price"),
    "party.party": ("name",),
    "purchase.product_supplier": ("party", "product", "template", "lead_time", "sequence"),
    "purchase.product_supplier.price": ("product_supplier", "quantity", "unit_price"),
    "stock.order_point": ("product", "type", "min_quantity"),
    "production.lead_time": ("product", "bom", "lead_time"),
    "production.bom": ("name", "active"),
    "production.bom.input": ("bom", "product", "quantity", "unit"),
    "production.bom.output": ("bom", "product", "quantity", "unit"),
    "product.product-production.bom": ("product", "bom", "routing", "sequence"),
    "production.routing.operation": ("name", "work_center_category"),
    "production.routing.step": ("routing", "operation", "sequence"),
    "production.work.center.category": ("name",),
    "production.work.center": ("name", "parent", "category", "cost_price", "cost_method", "active"),
    "stock.location": ("name", "type"),
    "stock.lot": ("number", "product"),
    "purchase.purchase": ("number", "party", "state", "purchase_date", "delivery_date"),
    "purchase.line": ("purchase", "type", "product", "quantity", "unit", "delivery_date", "delivery_date_store"),
    "sale.sale": ("number", "party", "state", "sale_date", "shipping_date"),
    "sale.line": ("sale", "type", "product", "quantity", "unit", "shipping_date", "unit_price"),
    "stock.move": (
        "product", "internal_quantity", "from_location", "to_location", "state", "lot", "origin", "production_input",
        "production_output",
    ),
    "production.work.cycle": ("work", "state", "duration"),
    "production.work": ("production", "operation", "work_center", "sequence", "state", "create_date", "write_date"),
    "production": (
        "number", "product", "quantity", "unit", "state", "planned_start_date", "planned_date", "bom", "routing",
        "_timestamp",
    ),
}  # fmt: skip
"""What is read of each model, in this order."""
OPTIONAL = frozenset({
    "stock.order_point", "stock.lot", "sale.sale", "sale.line", "purchase.purchase", "purchase.line",
    "purchase.product_supplier", "purchase.product_supplier.price",
})  # fmt: skip
"""Models of modules that a plant may do without."""


def tryton_reads(
    times: Callable[[], pl.DataFrame], *, profile: str | Path = PROFILE, assume: Mapping[str, Value] | None = None
) -> Reads:
    """What is read of Tryton; `times` gives the sidecar's rows: the times of operations that Tryton has no place for."""
    return Reads("Tryton 7", MODELS, profile, as_frame, OPTIONAL, {TIMES: times}, assume or {})


def as_frame(records: Sequence[Record], types: Mapping[str, str]) -> pl.DataFrame:
    """Records as text columns, `id` first."""
    kinds = {"id": "integer", **types}
    return pl.DataFrame([
        pl.Series(name, [_text(record[name], kind) for record in records], pl.String) for name, kind in kinds.items()
    ])  # fmt: skip


def _text(value: object, kind: str) -> str | None:
    if value is None:
        return None
    return str(bool(value)).lower() if kind == "boolean" else str(value)  # SQLite keeps 0 and 1
