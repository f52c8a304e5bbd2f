"""Replay: run a finished night again from the versions its manifest names, and compare every table it made.

Nothing is written. A difference names the table, the first differing row and its columns, and what has changed since in
code, rules or libraries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from recon_platform.lake import Lake, LakeError, canonical_order
from recon_platform.lake.lake import RAW
from recon_platform.lake.raw import packed, unpacked
from recon_platform.nights import records
from recon_platform.nights.night import Progress, as_read
from recon_platform.nights.records import Manifest, TableVersion
from recon_platform.nights.versions import all_versions
from recon_platform.planning import Stage, run_stages
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.registry import output_table


@dataclass(frozen=True, slots=True)
class Difference:
    """A table that came out otherwise: rows then and now, and the first row that differs, in the order of its key."""

    table: str
    rows_recorded: int
    rows_now: int
    row: int | None
    columns: tuple[str, ...]
    recorded: str
    now: str

    def __str__(self) -> str:
        if self.row is None:
            return f"{self.table}: {self.rows_recorded} rows recorded, {self.rows_now} now"
        where = f"row {self.row}, " + (f"column {', '.join(self.columns)}" if self.columns else "present once only")
        return f"{self.table}: {where}: recorded {self.recorded}, now {self.now}"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay found. `changed` names versions that are not those of the recorded run."""

    run_id: str
    tables: int
    differences: tuple[Difference, ...]
    changed: tuple[str, ...]

    @property
    def identical(self) -> bool:
        return not self.differences


def replay(
    lake: Lake, run_id: str, *, progress: Progress | None = None, stages: Sequence[Stage] = NIGHT_STAGES
) -> ReplayReport:
    """Run `run_id` again in memory and compare. Raises LakeError where the run or a version it names is not there.

    Stages that a rerun carried over from the run before are inputs here: that run's own replay proves them. An input
    whose rows are no longer those the manifest recorded is an error, not a difference: the lake was tampered with, and
    no replay can say anything about the plan.
    """
    manifest = records.manifest(lake, run_id)
    carried = {name for stage in stages if stage.name in manifest.pins.carried for name in stage.writes}
    stages = [stage for stage in stages if stage.name not in manifest.pins.carried]
    read = {name for stage in stages for name in stage.reads} & set(manifest.pins.inputs)
    frames = {name: read_pinned(lake, name, manifest.pins.inputs[name]) for name in sorted(read)}
    frames.update((name, read_pinned(lake, name, manifest.outputs[name])) for name in sorted(carried))
    made = run_stages(stages, frames, manifest.pins.context, progress)
    differences = [
        found
        for name, entry in sorted(manifest.outputs.items())
        if (found := _compare(lake, name, entry, made.get(name))) is not None
    ]
    return ReplayReport(run_id, len(manifest.outputs), tuple(differences), changed_versions(manifest))


def replay_all(lake_root: str, lake_options: str, run_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """Each run with its first difference, None where it is identical: what a worker of another machine is sent.

    `lake_options` is a JSON object of object-store options.
    """
    lake = Lake(lake_root, json.loads(lake_options) or None)
    reports = [replay(lake, run_id) for run_id in run_ids]
    return [(found.run_id, None if found.identical else str(found.differences[0])) for found in reports]


def changed_versions(manifest: Manifest) -> tuple[str, ...]:
    """What is not as it was when `manifest` was made: code, rules, libraries; each as `name: then → now`."""
    return differing_versions(manifest, all_versions())


def differing_versions(manifest: Manifest, now: Mapping[str, str]) -> tuple[str, ...]:
    """The versions `now` of an environment that are not those `manifest` was made with."""
    pins = manifest.pins
    then = {"code": pins.code_version, "rules": pins.rule_version, **pins.libraries}
    return tuple(
        f"{name}: {then.get(name, 'none')} → {now.get(name, 'none')}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    )


def read_pinned(lake: Lake, name: str, entry: TableVersion) -> pl.DataFrame:
    """An input as a manifest recorded it; LakeError where the lake holds other rows now."""
    stored = entry.read(lake)
    if entry.layer == RAW:
        frame = unpacked(entry.table, stored)
        table, stored = packed(entry.table, frame)
    else:
        table, frame = output_table(entry.table), as_read(name, stored)
    if lake.digest(stored, table) != entry.digest:
        raise LakeError(
            f"{entry.layer}.{entry.table} version {entry.version} of {entry.plant} {entry.planning_date} does not hold "
            f"the rows that were recorded (digest {entry.digest[:12]}…); restore the lake from a copy"
        )
    return frame


def _compare(lake: Lake, name: str, entry: TableVersion, made: pl.DataFrame | None) -> Difference | None:
    table = output_table(name)
    if made is None:
        return Difference(name, entry.rows, 0, None, (), "a table", "no stage makes it")
    now = canonical_order(made, table.key)
    if lake.digest(now, table) == entry.digest:
        return None
    then = canonical_order(entry.read(lake), table.key)
    return first_difference(name, then, now)


def first_difference(name: str, then: pl.DataFrame, now: pl.DataFrame) -> Difference:
    """Where two frames of one table part: the first row (0-based, in canonical order) and its differing columns."""
    other = sorted(set(then.columns) ^ set(now.columns))
    if other:
        return Difference(name, then.height, now.height, 0, tuple(other), str(then.columns), str(now.columns))
    now = now.select(then.columns)
    both = min(then.height, now.height)
    left, right = then.head(both), now.head(both)
    unlike = pl.DataFrame({column: ~_text(left[column]).eq_missing(_text(right[column])) for column in then.columns})
    rows = unlike.select(pl.any_horizontal(pl.all())).to_series() if unlike.width else pl.Series([], dtype=pl.Boolean)
    at = rows.arg_true()
    if not at.len():
        if then.height == now.height:
            return Difference(name, then.height, now.height, None, (), "", "")
        return Difference(name, then.height, now.height, both, (), _row(then, both), _row(now, both))
    row = int(at[0])
    columns = tuple(column for column in then.columns if unlike[column][row])
    return Difference(
        name, then.height, now.height, row, columns, _row(then.select(columns), row), _row(now.select(columns), row)
    )


def _text(series: pl.Series) -> pl.Series:
    return series if series.dtype != pl.Null else series.cast(pl.String)


def _row(frame: pl.DataFrame, row: int) -> str:
    return "nothing" if row >= frame.height else ", ".join(f"{k}={v!r}" for k, v in frame.row(row, named=True).items())
