"""Type-2 history, kept night by night: what was valid on any date, and since when it is known; and what was delivered.

Belongs here: descriptions only. `conform.keeping` extends the tables, `nights.history` asks them.
"""

from __future__ import annotations

import dataclasses

from recon_platform.tables import landing_master
from recon_platform.tables.model import Column, Kind, Layer, Table

KNOWN: tuple[Column, ...] = (
    Column("known_from", Kind.DAY, "Planning date of the first night of an unbroken run of nights that hold the row."),
    Column("known_to", Kind.DAY, "Last date on which the row was known; none: the newest night still holds it.", True),
)

RECORDED: dict[str, Table] = {
    table.name: table
    for table in (
        landing_master.ITEMS,
        landing_master.ROUTINGS,
        landing_master.BOM_LINES,
        landing_master.WORK_CENTERS,
        landing_master.SUPPLIER_ITEMS,
    )
}
"""Master tables whose history is kept."""

PARAMETERS = "parameters"


def history_name(table: str) -> str:
    """The name of the history of `table`."""
    return f"{table}_history"


def _history_of(table: Table) -> Table:
    return dataclasses.replace(
        table, name=history_name(table.name), layer=Layer.HISTORY, optional=False, source=None,
        meaning=f"Every state of table `{table.name}`, as conformed, with the nights on which it was known.",
        columns=(*table.columns, *KNOWN), key=(*table.key, "known_from"),
    )  # fmt: skip


PARAMETERS_HISTORY = Table(
    name=history_name(PARAMETERS),
    layer=Layer.HISTORY,
    meaning="Every value a planning parameter had in the effective policy, with the nights on which it held.",
    key=("parameter", "known_from"),
    columns=(
        Column("parameter", Kind.KEY, "Setting as `section.name`; see the settings page."),
        Column("value", Kind.TEXT, "Its value, as JSON."),
        *KNOWN,
    ),
)

DELIVERIES = Table(
    name="deliveries",
    layer=Layer.HISTORY,
    meaning="Rows delivered per table on the newest nights: what a shrunken feed is measured against.",
    key=("night", "table"),
    columns=(
        Column("night", Kind.DAY, "Planning date."),
        Column("table", Kind.KEY, "Landing table."),
        Column("rows", Kind.WHOLE, "Rows that came, refused ones included.", unit="rows", minimum=0),
    ),
)

TABLES: tuple[Table, ...] = (
    *(_history_of(table) for table in RECORDED.values()),
    PARAMETERS_HISTORY,
    DELIVERIES,
)
