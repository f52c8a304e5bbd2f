"""Every table of the platform by name: the one place where schemas, docs, column metadata and checks are looked up.

Belongs here: the merge of the layers' tables, and the look-ups. The tables themselves stand in one module per layer.
"""

from __future__ import annotations

import dataclasses

from recon_platform.tables import (
    capacity,
    conformed,
    governance,
    history,
    landing_erp,
    landing_mes,
    material,
    metrics,
    proposal,
    reconciled,
    runs,
    truth,
)
from recon_platform.tables.model import Column, Kind, Layer, Table

SOURCE_COLUMNS: tuple[Column, ...] = (
    Column("source_file", Kind.TEXT, "Landing file the row came from; none: it was made by conforming.", nullable=True),
    Column("source_row", Kind.WHOLE, "Its row in that file, counted from 1.", nullable=True, unit="rows"),
)

SOURCE_KEY = tuple(column.name for column in SOURCE_COLUMNS)


def _merge(*layers: tuple[Table, ...]) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    for table in (table for layer in layers for table in layer):
        if table.name in tables:
            raise ValueError(f"table {table.name} is described twice: in {tables[table.name].layer} and {table.layer}")
        tables[table.name] = table
    return tables


TABLES: dict[str, Table] = _merge(
    landing_erp.TABLES,
    landing_mes.TABLES,
    conformed.TABLES,
    history.TABLES,
    reconciled.TABLES,
    material.TABLES,
    capacity.TABLES,
    proposal.TABLES,
    metrics.TABLES,
    governance.TABLES,
    runs.TABLES,
    truth.TABLES,
)
"""Table by name, in the order of the night. Landing tables stand here as the contract has them."""

CONFORMED: dict[str, Table] = {
    table.name: dataclasses.replace(
        table, layer=Layer.CONFORMED, columns=(*table.columns, *SOURCE_COLUMNS), key=table.key or SOURCE_KEY
    )
    for table in TABLES.values()
    if table.layer is Layer.LANDING
}
"""The landing tables once conformed: the same columns, typed, and where each row came from.

Of a table whose rows add up, the place a row came from is what tells it from an equal one: that is its key here.
"""


def table(name: str) -> Table:
    """The table called `name`; KeyError lists those that come close."""
    found = TABLES.get(name)
    if found is None:
        raise KeyError(f"no table {name!r}; the tables are {', '.join(sorted(TABLES))}")
    return found


def conformed_table(name: str) -> Table:
    """Landing table `name` after conforming: with `source_file` and `source_row`; KeyError lists the landing tables."""
    found = CONFORMED.get(name)
    if found is None:
        raise KeyError(f"no landing table {name!r}; the landing tables are {', '.join(sorted(CONFORMED))}")
    return found


def output_table(name: str) -> Table:
    """Table `name` as a stage makes it: the conformed form of a landing table, any other table as it is."""
    return CONFORMED.get(name) or table(name)
