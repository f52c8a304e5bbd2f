"""Column-level lineage and quarantine counts, as the catalog shows them with each materialization.

Belongs here: from which source columns a column comes. Conformed and history columns have it exactly, from the same
tables that conforming works by; of other tables a column that repeats a key is led back to where that key is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg

from assets.catalog import derived_key, raw_key
from recon_platform.planning.stages import LANDING
from recon_platform.tables.history import RECORDED, history_name
from recon_platform.tables.registry import TABLES, output_table

if TYPE_CHECKING:
    import polars as pl

HISTORY_OF = {history_name(name): name for name in RECORDED}
XREFS = {"items": "item_xref", "work_centers": "work_center_xref", "work_orders": "order_xref"}


@cache
def column_lineage(table: str) -> dg.TableColumnLineage | None:
    """Where each column of `table` comes from; None where no column can be led back."""
    if table in LANDING:
        found = _of_conformed(table)
    elif table in HISTORY_OF:
        same = HISTORY_OF[table]
        found = {name: [dg.TableColumnDep(derived_key(same), name)] for name in TABLES[same].column_names}
    else:
        found = {
            column.name: [dg.TableColumnDep(derived_key(column.refers_to), TABLES[column.refers_to].key[0])]
            for column in output_table(table).columns
            if column.refers_to is not None and column.refers_to != table and TABLES[column.refers_to].key
        }
    return dg.TableColumnLineage(found) if found else None


def _of_conformed(table: str) -> dict[str, list[dg.TableColumnDep]]:
    from recon_platform.conform.quantities import BY_TABLE

    quantities = BY_TABLE.get(table)
    converted = () if quantities is None else (*quantities.columns, *quantities.per_unit)
    found = {}
    for column in TABLES[table].columns:
        deps = [dg.TableColumnDep(raw_key(table), column.name)]
        if column.refers_to is not None and TABLES[column.refers_to].key:
            deps += _of_key(column.refers_to)
        if column.name in converted:
            deps += [
                dg.TableColumnDep(raw_key(table), "uom"), dg.TableColumnDep(raw_key("items"), "uom"),
                dg.TableColumnDep(raw_key("uom_conversions"), "factor"),
            ]  # fmt: skip
        found[column.name] = list(dict.fromkeys(deps))
    return found


def _of_key(master: str) -> Iterator[dg.TableColumnDep]:
    if TABLES[master].name in LANDING:
        yield dg.TableColumnDep(raw_key(master), TABLES[master].key[0])
    if master in XREFS:
        yield dg.TableColumnDep(raw_key(XREFS[master]), "key")


def quarantine_counts(table: str, frames: Mapping[str, pl.DataFrame]) -> dict[str, dg.MetadataValue]:
    """Rows that came for a landing table, rows refused, and by which gates; empty where tonight's counts are not made."""
    import polars as pl

    if table not in LANDING or not {"row_counts", "quarantine"} <= set(frames):
        return {}
    counts = frames["row_counts"].filter(pl.col("table") == table)
    gates = frames["quarantine"].filter(pl.col("table") == table).group_by("gate").len().sort("gate")
    return {
        "rows_in": dg.MetadataValue.int(int(counts["rows_in"].sum())),
        "rows_quarantined": dg.MetadataValue.int(int(counts["rows_quarantined"].sum())),
        "quarantined_by_gate": dg.MetadataValue.json(dict(gates.iter_rows())),
    }
