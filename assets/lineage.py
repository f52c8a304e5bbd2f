"""Column-level lineage and quarantine counts, as the catalog shows them with each materialization.

Belongs here: from which source columns a column comes. Conformed landing tables have it from the same tables that
conforming works by, every other derived table from its declaration in `tables.provenance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg

from assets.catalog import derived_key, raw_key
from recon_platform.planning.stages import LANDING
from recon_platform.tables.provenance.declared import origins_of
from recon_platform.tables.provenance.notation import RAW, Origin
from recon_platform.tables.registry import SOURCE_COLUMNS, TABLES

if TYPE_CHECKING:
    import polars as pl

XREFS = {"items": "item_xref", "work_centers": "work_center_xref", "work_orders": "order_xref"}


@cache
def column_lineage(table: str) -> dg.TableColumnLineage:
    """Where each column of derived table `table` comes from; a column that comes from none has no entry.

    Tables of the run before are the same assets in an earlier partition. Raises KeyError for a table without provenance.
    """
    if table in LANDING:
        return dg.TableColumnLineage(_of_conformed(table))
    found = {name: dict.fromkeys(_column(origin) for origin in made) for name, made in origins_of(table).items()}
    return dg.TableColumnLineage({name: list(deps) for name, deps in found.items() if deps})


def _column(origin: Origin) -> dg.TableColumnDep:
    key = raw_key(origin.table) if origin.place == RAW else derived_key(origin.table)
    return dg.TableColumnDep(key, origin.column)


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
    first = (TABLES[table].key or TABLES[table].column_names)[0]
    return {**found, **{column.name: [dg.TableColumnDep(raw_key(table), first)] for column in SOURCE_COLUMNS}}


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
