"""Run a night: pin what it may read, run the stages in order, write each table once, and the manifest last.

Belongs here: the steps of one run and their order. A run lives in the lake, not in a process: every step finds its
state by run id, so that steps may run in several processes, and a second start goes on where the first was killed.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from recon_platform.connectors import Landing
from recon_platform.lake import Lake, LakeError, canonical_order
from recon_platform.lake.raw import packed, raw_text, unpacked
from recon_platform.nights import records, telemetry
from recon_platform.nights.context import landing_context
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.policies import effective_policy
from recon_platform.nights.proposing import propose
from recon_platform.nights.records import OPEN, Manifest, Pins, TableVersion, name_run
from recon_platform.nights.versions import agent_versions, code_version, library_versions, rule_version
from recon_platform.planning import Stage, finished
from recon_platform.planning import run_stage as run_in_memory
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.asked import WhenAsked
from recon_platform.tables.context import PlanContext
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Table
from recon_platform.tables.registry import output_table
from recon_platform.tables.reuse import Reuse
from recon_platform.tables.validation import TableError, violations

if TYPE_CHECKING:
    from recon_platform.governance import Store

Progress = Callable[[str], None]
Clock = Callable[[], datetime]
WRITERS = 4
DECISIONS = "decisions_in_force"
PUBLISHED = "published.schedule"


def utc_now() -> datetime:
    """The machine's clock: when steps were done and which decisions are in force. No plan reads it."""
    return datetime.now(UTC)


class Decisions(Protocol):
    """What a night needs of the governance store."""

    def decisions_in_force(self, plant: str, as_of: datetime) -> pl.DataFrame:
        """Table `decisions_in_force` of `plant` at an instant."""


@dataclass(slots=True)
class NightRun:
    """A run that is open: what it is pinned to, and the tables it holds in memory so as not to read them twice."""

    lake: Lake
    pins: Pins
    actor: str
    clock: Clock
    done: dict[str, dict[str, TableVersion]] = field(default_factory=dict)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    unchanged: Mapping[str, TableVersion] = field(default_factory=dict)  # of the run that a rerun stands on
    reuse: Reuse = field(default_factory=Reuse)  # what stages made on the way

    @property
    def run_id(self) -> str:
        return self.pins.run_id

    @property
    def context(self) -> PlanContext:
        return self.pins.context

    @property
    def outputs(self) -> dict[str, TableVersion]:
        """Every table the run has written so far."""
        return {name: entry for written in self.done.values() for name, entry in written.items()}

    @property
    def available(self) -> dict[str, TableVersion]:
        """Every table a stage may read, by the name under which stages read it."""
        return {**self.pins.inputs, **self.outputs}

    def read(self, name: str) -> pl.DataFrame:
        """A table the run reads or has made; LakeError where there is none of that name."""
        if name not in self.frames:
            entry = self.available.get(name)
            if entry is None:
                raise LakeError(f"run {self.run_id} has no table {name}; it did {', '.join(self.done) or 'no stage'}")
            self.frames[name] = read_input(self.lake, name, entry)
        return self.frames[name]


@dataclass(frozen=True, slots=True)
class NightResult:
    """A finished night: its manifest, its tables and what each stage took (seconds; 0 where it was done before)."""

    manifest: Manifest
    frames: Mapping[str, pl.DataFrame]
    seconds: Mapping[str, float]

    @property
    def run_id(self) -> str:
        return self.manifest.run_id

    @property
    def context(self) -> PlanContext:
        return self.manifest.pins.context


def run_night(
    lake: Lake,
    landing: Landing,
    *,
    store: Store | None = None,
    planning_date: date | None = None,
    sequence: int | None = None,
    progress: Progress | None = None,
    actor: str = "night",
    clock: Clock = utc_now,
    stages: Sequence[Stage] = NIGHT_STAGES,
) -> NightResult:
    """A whole night: open, every stage, close, and with a `store` its proposal put before people.

    A night that was killed before goes on where it stood. `clock` tells when steps were done and which decisions are
    in force; no plan reads it.
    """
    if progress is not None:
        progress(OPEN)
    started = time.perf_counter()
    run = open_night(
        lake, landing, store=store, planning_date=planning_date, sequence=sequence, actor=actor, clock=clock
    )
    run.seconds[OPEN] = time.perf_counter() - started
    for stage in stages:
        if progress is not None:
            progress(stage.name)
        run_stage(run, stage)
    manifest = close(run, stages)
    if store is not None:
        propose(lake, store, manifest)
    return NightResult(manifest, {name: run.read(name) for name in manifest.outputs}, dict(run.seconds))


def open_night(
    lake: Lake,
    landing: Landing,
    *,
    store: Decisions | None = None,
    planning_date: date | None = None,
    sequence: int | None = None,
    actor: str = "night",
    clock: Clock = utc_now,
) -> NightRun:
    """Decide and write down everything a run will read: raw tables, decisions, the run before, the schedule in force.

    `sequence` None: 0 for the first finished run of plant and date, then one more than the last. A run with the same
    pins that was begun before is resumed. Raises LakeError where `sequence` is taken by a finished run.
    """
    now = clock()
    context = landing_context(landing, planning_date=planning_date, sequence=0)
    plant, day = context.plant.code, context.planning_date
    finished = records.latest(lake, plant, day)
    chosen = _sequence(finished, sequence)
    before = records.latest(lake, plant, before=(day, chosen))
    decisions = DECISIONS_IN_FORCE.empty() if store is None else store.decisions_in_force(plant, now)
    context = replace(context, policy=effective_policy(context.policy, decisions))
    in_force = schedule_in_force(lake, plant)
    raw = {name: raw_text(name, frame) for name, frame in sorted(landing.frames.items())}
    settings: dict[str, Any] = {
        "plant": asdict(context.plant), "planning_date": day.isoformat(), "sequence": chosen,
        "as_of": context.as_of.isoformat(), "policy": context.policy.to_dict(), "policy_digest": context.policy.digest,
        "rule_version": rule_version(), "code_version": code_version(), "libraries": library_versions(),
        "landing_digest": landing.digest, "previous_run": before.run_id if before is not None else None,
        "schedule_version": in_force.schedule_version if in_force is not None else None,
        "agents": agent_versions(context.policy.digest),
    }  # fmt: skip
    decided = lake.digest(decisions, DECISIONS_IN_FORCE)
    named = hashlib.sha256(json.dumps([settings, decided], sort_keys=True).encode()).hexdigest()
    run_id = name_run(plant, day, chosen, named)
    resumed = resume(lake, run_id, actor=actor, clock=clock)
    if resumed is not None:
        return resumed
    inputs = {f"previous.{name}": entry for name, entry in (before.outputs if before is not None else {}).items()}
    if in_force is not None:
        inputs[PUBLISHED] = in_force.rows
    run = NightRun(lake, Pins(run_id=run_id, inputs={}, landing=_landing_notes(landing), **settings), actor, clock)
    frames: dict[str, pl.DataFrame] = {}
    landed = write_tables(run, {f"raw.{name}": ("raw", *packed(name, text)) for name, text in raw.items()})
    inputs.update(landed)
    frames.update((f"raw.{name}", text) for name, text in raw.items())
    inputs[DECISIONS] = write_table(run, DECISIONS_IN_FORCE.layer, DECISIONS_IN_FORCE, decisions)
    frames[DECISIONS] = canonical_order(decisions, DECISIONS_IN_FORCE.key)
    run.pins = Pins(run_id=run_id, inputs=inputs, landing=run.pins.landing, **settings)
    run.frames = frames
    records.record_step(lake, run.pins, OPEN, run.pins.to_json(), actor=actor, at=now)
    return run


def resume(lake: Lake, run_id: str, *, actor: str = "night", clock: Clock = utc_now) -> NightRun | None:
    """The run called `run_id` as far as it has come; None where it was never opened."""
    known = records.steps(lake, run_id)
    if OPEN not in known:
        return None
    run = NightRun(lake, Pins.from_json(known.pop(OPEN)), actor, clock)
    if run.pins.rerun_of is not None:
        run.unchanged = records.manifest(lake, run.pins.rerun_of).outputs
    for step, detail in known.items():
        run.done[step] = {name: TableVersion(**entry) for name, entry in json.loads(detail).items()}
    return run


def run_stage(run: NightRun, stage: Stage) -> dict[str, TableVersion]:
    """Run one stage and write its tables; a stage that is done already is left as it is.

    Raises TableError, before anything is written, where a table does not fit its schema.
    """
    if stage.name in run.done:
        run.seconds.setdefault(stage.name, 0.0)
        return run.done[stage.name]
    started = time.perf_counter()
    available = run.available
    made = _after_downtime(run, stage)
    if made is None:
        frames = WhenAsked([name for name in stage.reads if name in available], run.read)
        made = run_in_memory(stage, frames, run.context, run.reuse)
    found = [violation for name in sorted(made) for violation in violations(output_table(name), made[name])]
    if found:
        raise TableError(found)
    run.frames.update(made)
    taken_over = {name: run.unchanged[name] for name in stage.writes if name not in made}
    new = {name: (str(output_table(name).layer), output_table(name), frame) for name, frame in sorted(made.items())}
    written = dict(sorted({**taken_over, **write_tables(run, new, run.unchanged)}.items()))
    detail = json.dumps({name: asdict(entry) for name, entry in written.items()}, sort_keys=True)
    records.record_step(run.lake, run.pins, stage.name, detail, actor=run.actor, at=run.clock())
    run.done[stage.name] = written
    for name in stage.reads:
        if name.startswith("raw."):
            run.frames.pop(name, None)  # the largest tables, and no later stage reads them
    run.seconds[stage.name] = time.perf_counter() - started
    rows = sum(entry.rows for entry in written.values())
    telemetry.stage_done(run.run_id, run.context.plant.code, stage.name, run.seconds[stage.name], rows)
    return written


def _after_downtime(run: NightRun, stage: Stage) -> dict[str, pl.DataFrame] | None:
    """The tables of `stage` that an event can change, made from the night's; None where all of them have to be made.

    Only where other stages are carried over too: then nothing else the stage reads is otherwise than in the night.
    """
    again = stage.after_downtime
    if again is None or not run.pins.carried or not set(stage.writes) <= set(run.unchanged):
        return None
    available = run.available
    frames = WhenAsked([name for name in again.reads if name in available], run.read)
    made = again.run(frames, run.context, *((run.reuse,) if stage.shares else ()))
    return None if made is None else finished(made, again.writes, stage.name, run.context)


def close(run: NightRun, stages: Sequence[Stage] = NIGHT_STAGES) -> Manifest:
    """Write the manifest: from now on readers see the run. Raises LakeError where a stage has not run."""
    missing = [stage.name for stage in stages if stage.name not in run.done]
    if missing:
        raise LakeError(f"run {run.run_id} cannot be closed: {', '.join(missing)} did not run")
    manifest = Manifest(run.pins, run.outputs, run.clock(), run.actor)
    records.record_manifest(run.lake, manifest)
    telemetry.run_finished(run.run_id, run.context.plant.code, run.pins.sequence)
    return manifest


def read_input(lake: Lake, name: str, entry: TableVersion) -> pl.DataFrame:
    """A table a stage reads, in the form the stage knows."""
    frame = entry.read(lake)
    return unpacked(entry.table, frame) if name.startswith("raw.") else as_read(name, frame)


def as_read(name: str, stored: pl.DataFrame) -> pl.DataFrame:
    """A table other than a raw one in the form that stages know."""
    return stored.drop("schedule_version") if name == PUBLISHED else stored


def _sequence(finished: Manifest | None, asked: int | None) -> int:
    if finished is None:
        return asked or 0
    following = finished.pins.sequence + 1
    if asked is not None and asked < following:
        raise LakeError(f"sequence {asked} is taken: the last is {finished.run_id}; the next is {following}")
    return following if asked is None else asked


def _landing_notes(landing: Landing) -> dict[str, object]:
    return {
        "unknown_tables": list(landing.unknown_tables), "absent": list(landing.absent),
        "unknown_columns": {name: list(columns) for name, columns in landing.unknown_columns.items()},
        "assumptions": dict(landing.assumptions),
    }  # fmt: skip


def write_tables(
    run: NightRun,
    tables: Mapping[str, tuple[str, Table, pl.DataFrame]],
    kept: Mapping[str, TableVersion] | None = None,
) -> dict[str, TableVersion]:
    """Write several tables (layer, description, rows, by any name), a few at a time: each commit mostly waits. `kept` as in
    `write_table`, by the same names."""
    with ThreadPoolExecutor(WRITERS) as pool:
        begun = {
            name: pool.submit(write_table, run, *content, (kept or {}).get(name)) for name, content in tables.items()
        }
    return {name: future.result() for name, future in begun.items()}


def write_table(
    run: NightRun, layer: str, table: Table, frame: pl.DataFrame, kept: TableVersion | None = None
) -> TableVersion:
    """Write one table of a run: its plant's night is replaced in one commit that names the run. Where the rows are those of `kept`,
    that stands and nothing is written."""
    digest = None if kept is None else run.lake.digest(frame, table)
    if kept is not None and kept.digest == digest:
        return kept
    day = date.fromisoformat(run.pins.planning_date)
    written = run.lake.write(
        layer, table, frame, plant=run.pins.plant["code"], planning_date=day, sequence=run.pins.sequence,
        run_id=run.run_id, metadata={
            "actor": run.actor, "rule_version": run.pins.rule_version, "policy": run.pins.policy_digest,
            "code_version": run.pins.code_version,
        }, digest=digest,
    )  # fmt: skip
    return TableVersion(
        str(layer),
        table.name,
        run.pins.plant["code"],
        run.pins.planning_date,
        written.version,
        written.rows,
        written.digest,
    )
