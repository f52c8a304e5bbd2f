"""The origins of every derived table, looked up by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from recon_platform.tables.provenance import backlog, material, plan, scores, spine
from recon_platform.tables.provenance.notation import MadeFrom, Origin, origins, reasons
from recon_platform.tables.registry import table

SIGNATURE = {"agent": "@words", "agent_version": "@words @rules @policy"}

MADE_FROM: dict[str, MadeFrom] = {
    name: replace(made, columns={**made.columns, **SIGNATURE}) if table(name).agent is not None else made
    for part in (spine, backlog, material, plan, scores)
    for name, made in part.MADE_FROM.items()
}


@cache
def origins_of(name: str) -> dict[str, tuple[Origin, ...]]:
    """Origins of each column of derived table `name`; empty for a column with a reason instead (`reasons_of`).

    Raises KeyError where the table has no declaration, ValueError where the declaration does not fit the table.
    """
    if name not in MADE_FROM:
        raise KeyError(f"no provenance of table {name!r}; declare it in recon_platform/tables/provenance")
    return origins(table(name), MADE_FROM[name])


def reasons_of(name: str) -> dict[str, str]:
    """Columns of derived table `name` that come from no column, wholly or in part → why."""
    return reasons(MADE_FROM[name]) if name in MADE_FROM else {}
