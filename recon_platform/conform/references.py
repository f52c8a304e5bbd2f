"""Which column names what: the order in which tables are conformed, and what happens to a key nobody knows.

Belongs here: the table of references and its application to a sheet. How a key is recognised stands in `keys`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from recon_platform.conform.keys import MAP_SCHEMA, Register, form, own_spelling, split_prefixes, trimmed
from recon_platform.conform.sheet import Sheet
from recon_platform.tables.model import Kind

# Tables whose key other tables repeat: table → its key column. Conformed first, in this order.
MASTERS: dict[str, str] = {
    "calendars": "calendar", "suppliers": "supplier", "customers": "customer", "items": "item",
    "operation_codes": "operation_code", "engineering_changes": "change_no", "tools": "tool",
    "work_centers": "work_center", "machines": "machine", "work_orders": "work_order", "sales_orders": "sales_order",
    "purchase_orders": "purchase_order", "lots": "lot",
}  # fmt: skip
FIRST: tuple[str, ...] = (
    "feeds", "calendars", "calendar_exceptions", "suppliers", "customers", "items", "item_xref", "uom_conversions",
    "operation_codes", "engineering_changes", "tools", "work_centers", "work_center_xref", "machines", "sales_orders",
    "work_orders", "order_xref", "purchase_orders", "inventory", "lots",
)  # fmt: skip
ONE_ROW_MASTERS = frozenset(MASTERS) - {"calendars", "sales_orders", "purchase_orders", "lots"}

# Columns that name something without the contract saying which table, because what they name may be unknown there.
NAMES: dict[tuple[str, str], str] = {
    ("operation_status", "order"): "work_orders",
    ("order_status", "order"): "work_orders",
    ("material_consumption", "order"): "work_orders",
    ("cycle_times", "order"): "work_orders",
    ("lots", "order"): "work_orders",
    ("operation_status", "machine"): "machines",
    ("machine_states", "machine"): "machines",
    ("downtime_events", "machine"): "machines",
    ("cycle_times", "machine"): "machines",
    ("downtime_events", "work_center"): "work_centers",
    ("operation_status", "operation_code"): "operation_codes",
    ("inventory_transactions", "order"): "work_orders",
    ("allocations", "for_order"): "work_orders",
    ("lots", "parent_lot"): "lots",
    ("material_consumption", "lot"): "lots",
    ("allocations", "lot"): "lots",
    ("inventory_transactions", "lot"): "lots",
    ("material_issues", "lot"): "lots",
    ("work_orders", "lot"): "lots",
    ("machines", "current_lot"): "lots",
}

# References whose row is useless when nobody knows what they name. All others keep the key and are reported.
FATAL: frozenset[tuple[str, str]] = frozenset(
    {
        ("sales_orders", "item"),
        ("master_schedule", "item"),
        ("bom_lines", "parent_item"),
        ("bom_lines", "component_item"),
        ("routings", "item"),
        ("routings", "work_center"),
        ("work_centers", "calendar"),
        ("machines", "work_center"),
        ("work_orders", "item"),
        ("work_order_operations", "work_order"),
        ("work_order_operations", "work_center"),
        ("material_issues", "work_order"),
        ("material_issues", "component_item"),
        ("inventory", "item"),
        ("allocations", "item"),
        ("purchase_orders", "item"),
        ("material_consumption", "component_item"),
        ("inventory_transactions", "item"),
        ("supplier_items", "item"),
        ("substitutes", "item"),
        ("substitutes", "substitute_item"),
        ("setup_attributes", "item"),
        ("setup_matrix", "work_center"),
        ("planned_downtime", "work_center"),
        ("planned_downtime", "machine"),
        ("calendar_exceptions", "calendar"),
        ("item_xref", "key"),
        ("work_center_xref", "key"),
        ("uom_conversions", "item"),
        ("receipts", "purchase_order"),
        ("shipments", "sales_order"),
        ("labour", "calendar"),
    }
)
# Masters of which an unknown key is worth a finding here; unknown orders and codes are judged by reconciliation.
REPORTED_WHEN_UNKNOWN = frozenset(
    {
        "items",
        "customers",
        "suppliers",
        "machines",
        "work_centers",
        "tools",
        "engineering_changes",
        "calendars",
    }
)


def references(sheet: Sheet) -> dict[str, str]:
    """Column → master table it refers to, for every key column of `sheet` that names something."""
    own = MASTERS.get(sheet.table.name)
    found = {
        column.name: column.refers_to
        for column in sheet.table.columns
        if column.kind is Kind.KEY and column.refers_to in MASTERS and column.name != own
    }
    found |= {column: master for (table, column), master in NAMES.items() if table == sheet.table.name}
    return {column: master for column, master in found.items() if master is not None}


def read_references(
    sheet: Sheet, registers: Mapping[str, Register], prefixes: Mapping[str, Sequence[str]], delivered: frozenset[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the one key into every reference of `sheet`; refuse rows that name nothing where that is fatal.

    Returns the key map rows made, and the keys nobody knows: source, table, column, key, refers_to, rows, refused.
    """
    maps: list[pl.DataFrame] = []
    unknown: list[pl.DataFrame] = []
    source, named = sheet.table.source or "erp", references(sheet)
    for column in _doubtful(sheet.frame, named, registers, source):
        master = named[column]
        register = registers[master]
        found = register.resolve(sheet.frame[column], source, split_prefixes(prefixes, source, MASTERS[master]))
        odd = found.filter(pl.col("rule").is_not_null() | (pl.col("state") != "known"))
        if odd.is_empty():
            continue
        sheet.frame, states = _with_state(sheet.frame, column, odd), set(odd["state"])
        if "ambiguous" in states:
            sheet.refuse(
                pl.col("_state") == "ambiguous",
                column,
                f"{column} fits more than one key of {master} once capitals, zeros and separators are ignored",
                "critical",
                "key_ambiguous",
            )
        if "unknown" in states and (not register.keys.is_empty() or master in delivered):
            unknown.append(_lost(sheet, column, master))
            if (sheet.table.name, column) in FATAL:
                gone = form(pl.col(column)).is_in(register.refused["form"].implode())
                unnamed = pl.col("_state") == "unknown"
                sheet.refuse(
                    unnamed & gone,
                    column,
                    f"{column} names a row of {master} that was refused",
                    "medium",
                    "key_refused",
                )
                sheet.refuse(unnamed, column, f"{column} is not in {master}", "high", "key_orphan")
        sheet.frame = sheet.frame.drop("_state")
        maps.append(_map_rows(odd, sheet, column))
    return _stack(maps, NO_MAP), _stack(unknown, NO_UNKNOWN)


def _doubtful(
    frame: pl.DataFrame, named: Mapping[str, str], registers: Mapping[str, Register], source: str
) -> list[str]:
    """Columns that hold more than keys as they stand. Nearly always none: nothing to write, to refuse or to report."""
    if not named:
        return []
    known = frame.select(registers[master].knows(pl.col(column), source) for column, master in named.items())
    return [column for column, plain in zip(named, known.row(0), strict=True) if not plain]


NO_MAP = pl.DataFrame(schema=MAP_SCHEMA)
NO_UNKNOWN = pl.DataFrame(
    schema={
        "source": pl.String,
        "table": pl.String,
        "column": pl.String,
        "key": pl.String,
        "refers_to": pl.String,
        "rows": pl.Int64,
        "refused": pl.Boolean,
    }
)


def _with_state(frame: pl.DataFrame, column: str, odd: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the key in `column` replaced, and `_state`, where it is one of `odd` (raw, key, state)."""
    name = pl.col(column)
    state = name.replace_strict(odd["raw"], odd["state"], default="known", return_dtype=pl.String)
    return frame.with_columns(name.replace(odd["raw"], odd["key"]), state.alias("_state"))


def _lost(sheet: Sheet, column: str, master: str) -> pl.DataFrame:
    """The keys in `column` that nobody knows, with the rows they stand in (columns of `NO_UNKNOWN`)."""
    lost = sheet.frame.filter(pl.col("_state") == "unknown").group_by(column)
    return (
        lost.agg(pl.len().cast(pl.Int64).alias("rows"))
        .select(
            pl.lit(sheet.table.source or "erp").alias("source"), pl.lit(sheet.table.name).alias("table"),
            pl.lit(column).alias("column"), pl.col(column).alias("key"), pl.lit(master).alias("refers_to"), "rows",
            pl.lit((sheet.table.name, column) in FATAL).alias("refused"),
        )
    )  # fmt: skip


def _map_rows(found: pl.DataFrame, sheet: Sheet, column: str) -> pl.DataFrame:
    return found.filter(pl.col("rule").is_not_null()).select(
        pl.lit(sheet.table.source or "erp").alias("source"), pl.lit(sheet.table.name).alias("table"),
        pl.lit(column).alias("column"), pl.col("raw").alias("raw_key"), "key", "rule",
    )  # fmt: skip


def read_own_keys(sheet: Sheet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write the one spelling into the key column of a master table and keep colliding keys apart.

    Returns key map rows, and collisions: raw keys that would have become one key (`key`, `raw_keys`).
    """
    column = MASTERS[sheet.table.name]
    styled = own_spelling(sheet.frame[column])
    as_written = bool((styled["raw"] == styled["key"]).all())
    if as_written and (sheet.table.name not in ONE_ROW_MASTERS or styled["form"].n_unique() == styled.height):
        return NO_MAP, NO_COLLISION  # nearly always
    styled = styled.drop("form")
    clash = NO_COLLISION
    if sheet.table.name in ONE_ROW_MASTERS:
        content = [name for name in sheet.table.column_names if name != column]
        versions = sheet.frame.select(column, pl.struct(content).alias("content")).join(
            styled.rename({"raw": column}), on=column
        )
        differ = (pl.col(column).n_unique().over("key") > 1) & (pl.col("content").n_unique().over("key") > 1)
        apart = versions.filter(differ).select(pl.col(column).alias("raw")).unique()
        styled = styled.join(apart, on="raw", how="anti")
        clash = _collisions(pl.concat([styled, apart.with_columns(pl.col("raw").alias("key"))]), sheet.table.name)
    changed = styled.filter(pl.col("raw") != pl.col("key"))
    if not changed.is_empty():
        sheet.frame = (
            sheet.frame.join(
                changed.rename({"raw": column, "key": "_key"}), on=column, how="left", maintain_order="left"
            )
            .with_columns(pl.coalesce("_key", column).alias(column))
            .drop("_key")
        )
    found = changed.with_columns(pl.lit("known").alias("state"), _own_rule().alias("rule"))
    return _map_rows(found, sheet, column), clash


def _collisions(written: pl.DataFrame, table: str) -> pl.DataFrame:
    """Keys (`raw`, `key`) that stay apart though they are alike without blanks, capitals, separators and zeros."""
    alike = written.with_columns(form(pl.col("key")).alias("form")).filter(pl.col("key").n_unique().over("form") > 1)
    return (
        alike.group_by("form").agg(pl.col("raw").unique().sort().str.join(", ").alias("raw_keys")).sort("form")
        .select(pl.lit(table).alias("table"), pl.col("form").alias("key"), "raw_keys")
    )  # fmt: skip


NO_COLLISION = pl.DataFrame(schema={"table": pl.String, "key": pl.String, "raw_keys": pl.String})


def _own_rule() -> pl.Expr:
    trim = trimmed(pl.col("raw"))
    return (
        pl.when(pl.col("key") == trim).then(pl.lit("blanks"))
        .when(pl.col("key") == trim.str.to_uppercase()).then(pl.lit("case")).otherwise(pl.lit("zeros"))
    )  # fmt: skip


def _stack(parts: list[pl.DataFrame], nothing: pl.DataFrame) -> pl.DataFrame:
    """`parts` in the columns of `nothing`, which stands for none of them."""
    filled = [part for part in parts if not part.is_empty()]
    return pl.concat(filled).cast(nothing.schema) if filled else nothing
