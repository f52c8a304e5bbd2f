"""The tables that say what conforming did: keys, quarantine, counts, and what is not known for want of a table.

Belongs here: putting together what the steps noted. Does not belong here: any judgement of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from recon_platform.conform.keys import MAP_SCHEMA
from recon_platform.conform.sheet import Sheet
from recon_platform.tables.conformed import AVAILABILITY, KEY_MAP, QUARANTINE, ROW_COUNTS

# What is not known when a table did not come. Tables that are merely details of another have no entry.
UNAVAILABLE: dict[str, str] = {
    "customers": "customer classes: every order weighs the same",
    "sales_orders": "customer demand: on-time delivery and promises",
    "bom_lines": "structures: requirements and shortages of components",
    "inventory": "stock: netting counts open orders only",
    "purchase_orders": "purchases: inbound supply",
    "operation_status": "progress on the floor",
    "customer_requirements": "customer restrictions on grades, certificates and substitutes",
    "master_schedule": "forecast, interplant and spare part demand",
    "engineering_changes": "pending changes of structures",
    "operation_codes": "which operation codes conform",
    "machines": "machines by name, their speed and set-up: numbered from the work center",
    "tools": "tools as a limit",
    "calendar_exceptions": "holidays and extra shifts",
    "planned_downtime": "planned downtime",
    "setup_matrix": "set-up by sequence: the routing's set-up counts",
    "setup_attributes": "set-up values of items",
    "labour": "people and skills as a limit",
    "labour_exceptions": "absences and extra people",
    "suppliers": "names of suppliers",
    "supplier_items": "supplier lead times, prices and capacity",
    "allocations": "stock reserved for orders",
    "receipts": "lead times as they were, vendor reliability",
    "work_order_operations": "operations of orders: taken from routings",
    "material_issues": "postings of components: backflush checks",
    "substitutes": "approved substitutes",
    "shipments": "what was shipped when, premium freight",
    "labour_hours": "hours worked, overtime",
    "inventory_transactions": "postings to stock: unplanned withdrawals, count accuracy",
    "accounting_periods": "closed periods",
    "order_status": "status of orders in the MES: taken from their operations",
    "material_consumption": "real consumption: backflush checks",
    "machine_states": "what machines do now",
    "downtime_events": "running downtime",
    "cycle_times": "measured times",
    "lots": "genealogy of lots",
    "uom_conversions": "factors of packages: rows in such units are refused",
}


def key_map(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Table `key_map`."""
    filled = [part for part in parts if not part.is_empty()]
    rows = pl.concat(filled) if filled else pl.DataFrame(schema=MAP_SCHEMA)
    key = list(KEY_MAP.key)
    return KEY_MAP.frame(rows.sort(*key, "key").unique(key, keep="first", maintain_order=True))


def quarantine(sheets: Mapping[str, Sheet]) -> pl.DataFrame:
    """Table `quarantine`."""
    parts = [part for sheet in sheets.values() if not (part := sheet.quarantine()).is_empty()]
    return QUARANTINE.frame(pl.concat(parts) if parts else QUARANTINE.empty()).sort(*QUARANTINE.key)


def row_counts(sheets: Mapping[str, Sheet]) -> pl.DataFrame:
    """Table `row_counts`."""
    rows = [
        {
            "table": name, "rows_in": sheet.raw.height, "rows_out": sheet.frame.height,
            "rows_quarantined": sheet.raw.height - sheet.frame.height,
        }
        for name, sheet in sorted(sheets.items())
    ]  # fmt: skip
    return ROW_COUNTS.frame(pl.DataFrame(rows))


def availability(sheets: Mapping[str, Sheet], made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Table `availability`: `present`: delivered, and with rows unless it is optional."""
    rows = []
    for name, sheet in sorted(sheets.items()):
        present = sheet.present and (sheet.table.optional or sheet.raw.height > 0)
        note = None if present else UNAVAILABLE.get(name)
        rows.append(
            {"table": name, "present": present, "rows": made[name].height, "note": note and f"not known: {note}"}
        )
    return AVAILABILITY.frame(pl.DataFrame(rows, schema_overrides={"note": pl.String}))
