"""The gates of publishing: a run's tables are looked at again, because a check of a past night protects nothing.

Belongs here: what must hold of the tables themselves. Who approved what is the governance store's.
"""

from __future__ import annotations

import polars as pl

from recon_platform.lake import Lake
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest
from recon_platform.planning import stage
from recon_platform.planning.decisions import apply_changes, changes_in_force
from recon_platform.tables.registry import output_table
from recon_platform.tables.validation import violations

SHOWN = 3


class GateError(ValueError):
    """A run's tables do not pass a gate again; what is in force stays."""


def check_gates(lake: Lake, manifest: Manifest) -> pl.DataFrame:
    """The run's schedule, once every table behind it is as recorded, fits its schema, and the schedule is feasible.

    Raises GateError naming run, table and rule.
    """
    from recon_platform.capacity import check_schedule  # noqa: PLC0415 - compiled kernels, needed by publishing only

    frames: dict[str, pl.DataFrame] = {}
    for name in (*stage("schedule").reads, "schedule", "unscheduled", "capacity_load", "dispatch_list"):
        entry = manifest.outputs.get(name) or manifest.pins.inputs.get(name)
        if entry is None:
            continue
        stored, table = entry.read(lake), output_table(entry.table)
        if lake.digest(stored, table) != entry.digest:
            raise GateError(
                f"run {manifest.run_id}: {entry.layer}.{entry.table} version {entry.version} is not what the run "
                "wrote; nothing is published; restore the lake from a copy"
            )
        broken = violations(table, stored)
        if broken:
            raise GateError(f"run {manifest.run_id}: {broken[0]}; nothing is published")
        frames[name] = read_input(lake, name, entry)
    lost = frames["row_counts"].filter(pl.col("rows_in") != pl.col("rows_out") + pl.col("rows_quarantined"))
    if lost.height:
        raise GateError(f"run {manifest.run_id}: rows of {', '.join(lost['table'])} were lost; nothing is published")
    decided = apply_changes(frames, changes_in_force(frames.get("decisions_in_force")))
    unfit = check_schedule(decided, manifest.pins.context)
    if unfit.height:
        shown = "; ".join(" ".join(str(value) for value in row) for row in unfit.head(SHOWN).iter_rows())
        raise GateError(f"run {manifest.run_id}: the schedule breaks {unfit.height} constraints: {shown}")
    return frames["schedule"]
