"""What was valid on any date, asked of a lake: items, routings, structures, work centers, supplier terms, parameters.

Every night extends the history of its plant and names it in its manifest; the newest finished run knows all of it.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from recon_platform.conform import history
from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.records import Manifest
from recon_platform.tables.history import PARAMETERS, RECORDED, history_name
from recon_platform.tables.registry import table as registered

KEPT: tuple[str, ...] = (*RECORDED, PARAMETERS)


def valid_on(
    lake: Lake, table: str, day: date, *, plant: str | None = None, known_on: date | None = None
) -> pl.DataFrame:
    """The rows of `table` that hold for `day`, as known today or, with `known_on`, as known on that date.

    A table without effectivity dates of its own (items, work centers, supplier terms, parameters) holds for the dates
    on which it was known. Raises LakeError for a table without history, or a lake without a finished run of `plant`.
    """
    return history.valid_on(history_of(lake, table, plant=plant), day, known_on=known_on)


def history_of(lake: Lake, table: str, *, plant: str | None = None) -> pl.DataFrame:
    """Every state `table` had, with known_from and known_to; raises as `valid_on`."""
    return _newest(lake, table, plant).read(lake, history_name(table))


def changed_on(lake: Lake, table: str, night: date, *, plant: str | None = None) -> pl.DataFrame:
    """What became known on `night`: the key of `table`, change (`new`/`changed`/`gone`), backdated; raises as `valid_on`."""
    rows = history_of(lake, table, plant=plant)
    return history.changes(rows, keys_of(table), night)


def keys_of(table: str) -> list[str]:
    """What names a thing whose states follow each other: the key of `table` without its dates."""
    return [name for name in registered(history_name(table)).key if name not in ("known_from", history.VALID_FROM)]


def _newest(lake: Lake, table: str, plant: str | None) -> Manifest:
    if table not in KEPT:
        raise LakeError(f"no history of {table!r} is kept; it is of {', '.join(KEPT)}")
    found = records.newest_manifest(lake, plant)
    if history_name(table) not in found.outputs:
        raise LakeError(f"run {found.run_id} was made before histories were kept; run a night to begin one")
    return found
