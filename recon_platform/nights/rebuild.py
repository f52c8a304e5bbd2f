"""Rebuild: make a published schedule again from nothing but the versions that its commit names, and compare bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.night import read_input
from recon_platform.nights.solving import published_inputs
from recon_platform.planning import run_stages
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.runs import PUBLISHED_SCHEDULE


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A published schedule and the one made again. `identical`: the same bytes, row for row."""

    plant: str
    schedule_version: int
    run_id: str
    rows: int
    published: bytes
    rebuilt: bytes

    @property
    def identical(self) -> bool:
        return self.published == self.rebuilt


def rebuild(lake: Lake, plant: str, schedule_version: int) -> Rebuilt:
    """Make `schedule_version` of `plant` again. Raises LakeError where it, or a version it names, is not there."""
    layer, name = PUBLISHED_SCHEDULE.layer, PUBLISHED_SCHEDULE.name
    for commit in lake.history(layer, name):
        if commit.get("plant") == plant and commit.get("schedule_version") == str(schedule_version):
            break
    else:
        raise LakeError(f"{plant} never had a schedule version {schedule_version} in force")
    record = json.loads(commit["record"])
    manifest = records.manifest(lake, commit["run"])
    pins = manifest.pins
    named = {input_name: entry.version for input_name, entry in pins.inputs.items()}
    if named != record["inputs"]:
        raise LakeError(f"the record of version {schedule_version} names other inputs than run {commit['run']} read")
    inputs = published_inputs(manifest, record)
    wanted = {read for stage in NIGHT_STAGES for read in stage.reads} & set(inputs)
    frames = {read: read_input(lake, read, inputs[read]) for read in sorted(wanted)}
    made = run_stages(NIGHT_STAGES, frames, pins.context)["schedule"]
    published = lake.read(
        layer,
        name,
        version=int(commit["version"]),
        plant=plant,
        planning_date=date.fromisoformat(commit["planning_date"]),
    ).drop("schedule_version")
    return Rebuilt(plant, schedule_version, commit["run"], published.height, _bytes(published), _bytes(made))


def _bytes(schedule: pl.DataFrame) -> bytes:
    ordered = schedule.sort("work_order", "op_seq", "setup_start", "start", "machine", nulls_last=True)
    return ordered.select(sorted(ordered.columns)).write_csv().encode()
