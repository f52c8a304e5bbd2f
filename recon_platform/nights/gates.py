"""The gates of publishing: a run's tables are looked at again, because a check of a past night protects nothing.

Belongs here: what must hold of the tables themselves. Who approved what is the governance store's.
"""

from __future__ import annotations

import polars as pl

from recon_platform.conform.night import ConformError
from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest
from recon_platform.nights.replay import read_pinned
from recon_platform.planning import run_stage, stage
from recon_platform.planning.decisions import apply_changes, changes_in_force
from recon_platform.planning.stages import DELIVERED
from recon_platform.tables.registry import TABLES, output_table
from recon_platform.tables.validation import violations

SHOWN = 3
SHRUNK = "feed_shrunk"


class GateError(ValueError):
    """A run's tables do not pass a gate again; what is in force stays."""


def check_inputs(lake: Lake, manifest: Manifest, accepted: frozenset[str] = frozenset()) -> None:
    """The data gates run again on what the run read, against the counts of the nights before as the lake has them now.

    `accepted` holds what people accepted (`feed_shrunk/TABLE`). Raises GateError where conforming stops, loses a row, or
    finds that a required table shrank and nobody accepted it; or where what was read is not what was recorded.
    """
    conforming, pins = stage("conform"), manifest.pins
    names = sorted(set(conforming.reads) & set(pins.inputs) - {DELIVERED})
    try:
        frames = {name: read_pinned(lake, name, pins.inputs[name]) for name in names}
    except LakeError as error:
        raise GateError(f"run {manifest.run_id}: {error}; nothing is published") from error
    before = records.latest(lake, str(pins.plant["code"]), before=(pins.context.planning_date, 0))
    if before is not None and "deliveries" in before.outputs:
        frames[DELIVERED] = before.read(lake, "deliveries")
    try:
        made = run_stage(conforming, frames, pins.context)
    except ConformError as error:
        raise GateError(f"run {manifest.run_id}: {error}; nothing is published") from error
    _no_row_lost(manifest, made["row_counts"])
    required = [name for name, table in TABLES.items() if not table.optional]
    shrunk = made["data_findings"].filter(
        (pl.col("rule") == SHRUNK)
        & pl.col("entity").is_in(required)
        & ~pl.format("{}/{}", "rule", "entity").is_in(sorted(accepted))
    )
    if shrunk.height:
        said = "; ".join(
            f"{table} has {came} rows where {usual} are usual"
            for table, usual, came in shrunk.select("entity", "erp_value", "mes_value").iter_rows()
        )
        first = shrunk["entity"][0]
        raise GateError(
            f"run {manifest.run_id}: {said}; nothing is published. Deliver the night again, or have the shrinking "
            f"accepted: `recon override {SHRUNK}/{first} --change '[]' --reason …`"
        )


def accepted_gates(decisions: pl.DataFrame) -> frozenset[str]:
    """Findings of gates that people accepted for a while: subjects of overrides in force, as `feed_shrunk/TABLE`."""
    return frozenset(decisions.filter(pl.col("kind") == "override")["subject"])


def _no_row_lost(manifest: Manifest, counts: pl.DataFrame) -> None:
    lost = counts.filter(pl.col("rows_in") != pl.col("rows_out") + pl.col("rows_quarantined"))
    if lost.height:
        raise GateError(f"run {manifest.run_id}: rows of {', '.join(lost['table'])} were lost; nothing is published")


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
    _no_row_lost(manifest, frames["row_counts"])
    decided = apply_changes(frames, changes_in_force(frames.get("decisions_in_force")))
    unfit = check_schedule(decided, manifest.pins.context)
    if unfit.height:
        shown = "; ".join(" ".join(str(value) for value in row) for row in unfit.head(SHOWN).iter_rows())
        raise GateError(f"run {manifest.run_id}: the schedule breaks {unfit.height} constraints: {shown}")
    return frames["schedule"]
