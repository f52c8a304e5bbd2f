"""Every quantity in its item's base unit: which columns are quantities, whose item they are, and what blocks a row.

Belongs here: the table of quantity columns and its application. How a factor is found stands in `units`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from recon_platform.conform.sheet import Sheet
from recon_platform.conform.units import canonical, find_factors

UOM = "uom"


@dataclass(frozen=True, slots=True)
class Quantities:
    """The quantity columns of a table, those that are per unit (prices), and where the item stands.

    `item` is a column of the table; with `via` (table, its key columns here, its item column) it is looked up there.
    """

    columns: tuple[str, ...]
    item: str | None = "item"
    via: tuple[str, tuple[str, ...], tuple[str, ...], str] | None = None
    per_unit: tuple[str, ...] = ()


BY_TABLE: dict[str, Quantities] = {
    "sales_orders": Quantities(("qty", "shipped_qty"), per_unit=("unit_price",)),
    "master_schedule": Quantities(("qty",)),
    "bom_lines": Quantities(("qty_per", "fixed_qty"), item="component_item"),
    "inventory": Quantities(("qty",)),
    "allocations": Quantities(("qty",)),
    "purchase_orders": Quantities(("qty", "received_qty")),
    "receipts": Quantities(
        ("qty",), item=None,
        via=("purchase_orders", ("purchase_order", "line"), ("purchase_order", "line"), "item"),
    ),
    "work_orders": Quantities(("qty", "completed_qty", "scrapped_qty")),
    "material_issues": Quantities(("required_qty", "issued_qty"), item="component_item"),
    "shipments": Quantities(
        ("qty",), item=None, via=("sales_orders", ("sales_order", "line"), ("sales_order", "line"), "item")
    ),
    "inventory_transactions": Quantities(("qty", "book_qty")),
    "operation_status": Quantities(
        ("good_qty", "scrap_qty", "in_process_qty", "rework_qty"), item=None,
        via=("work_orders", ("order",), ("work_order",), "item"),
    ),
    "material_consumption": Quantities(("qty",), item="component_item"),
}  # fmt: skip


def to_base_units(sheet: Sheet, sheets: Mapping[str, Sheet], base: pl.DataFrame, factors: pl.DataFrame) -> None:
    """Convert the quantities of `sheet`; its `uom` then names the base unit. Rows whose factor is missing are refused.

    `base` is item → uom (the item's unit as the plant writes it) and code (canonical). A row without a unit is in the
    item's own; a row whose item is unknown keeps its quantities and unit.
    """
    rule = BY_TABLE.get(sheet.table.name)
    if rule is None or sheet.frame.is_empty():
        return
    columns = sheet.frame.columns
    foreign = pl.col("_from").is_not_null() & pl.col("code").is_not_null() & (pl.col("_from") != pl.col("code"))
    frame = (
        _with_item(sheet.frame, rule, sheets)
        .join(base.rename({"item": "_item", UOM: "_base"}), on="_item", how="left", maintain_order="left")
        .with_columns(canonical(pl.col(UOM)).alias("_from"))
        .with_columns(foreign.alias("_foreign"))
    )
    if not frame["_foreign"].any():
        sheet.frame = _named(frame)[columns]
        return
    wanted = frame.filter("_foreign").select(
        pl.col("_item").alias("item"), pl.col("_from").alias("from_uom"), pl.col("code").alias("base_uom")
    ).unique().sort("item", "from_uom")  # fmt: skip
    found = find_factors(wanted, factors).select(
        pl.col("item").alias("_item"), pl.col("from_uom").alias("_from"), pl.col("factor").alias("_factor")
    )
    frame = frame.join(found, on=["_item", "_from"], how="left", maintain_order="left")
    sheet.frame = frame
    sheet.refuse(
        pl.col("_foreign") & pl.col("_factor").is_null(), UOM,
        pl.format("no factor from {} to {} for item {}: add it to uom_conversions", "_from", "code", "_item"),
        "high", "unit_missing",
    )  # fmt: skip
    factor = pl.when("_foreign").then("_factor").otherwise(1.0)
    converted = sheet.frame.with_columns(
        *((pl.col(name) * factor).alias(name) for name in rule.columns),
        *((pl.col(name) / factor).alias(name) for name in rule.per_unit),
    )
    sheet.frame = _named(converted)[columns]


def _with_item(frame: pl.DataFrame, rule: Quantities, sheets: Mapping[str, Sheet]) -> pl.DataFrame:
    if rule.via is None:
        return frame.with_columns(pl.col(str(rule.item)).alias("_item"))
    table, here, there, item = rule.via
    known = sheets[table].frame.select(
        *(pl.col(name).alias(f"_k{i}") for i, name in enumerate(there)), pl.col(item).alias("_item")
    ).unique([f"_k{i}" for i in range(len(there))], keep="first", maintain_order=True)  # fmt: skip
    return frame.join(
        known, left_on=list(here), right_on=[f"_k{i}" for i in range(len(there))], how="left", maintain_order="left"
    )


def _named(frame: pl.DataFrame) -> pl.DataFrame:
    """The unit column says the base unit; where the item is unknown it stays as written."""
    return frame.with_columns(pl.coalesce("_base", UOM, pl.lit("")).alias(UOM))
