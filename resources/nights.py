"""The nights API as a resource: opens the night of a run once, runs its steps, and answers what sensors ask.

Belongs here: the binding of one installation (lake, landing, governance store, clock) to `recon_platform.nights`.
Does not belong here: how a night is run, written or published – that is the library, shared with the command line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from resources.landing import LandingResource
from resources.partitions import night_of

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.governance import Store
    from recon_platform.governance.chain import Verdict
    from recon_platform.lake import Lake
    from recon_platform.nights.downtime import DowntimeEvent
    from recon_platform.nights.in_force import ScheduleInForce
    from recon_platform.nights.night import Clock, NightRun
    from recon_platform.nights.records import Manifest
    from recon_platform.nights.stakes import Stakes
    from recon_platform.tables.policy import Policy
    from recon_platform.tables.validation import Violation

RAW = "raw"
RERUN = "rerun"  # the job that plans the latest night again
EVENTS = "recon/events"  # tag of a run that lays dropped events over the landing
EVENT_AT = "recon/event_dropped_at"  # tag: when the event that asked for the run was dropped
PLAN_RUN = "recon/plan_run"  # tag that names the plan to publish
CHANGES_NOTHING = {"recon/changes": "nothing"}  # tag of jobs that only look: their failure touches no schedule
PUBLISHER = "publisher"
SCORER = "scoreboard"
RETRY_NUMBER, ROOT_RUN = "dagster/retry_number", "dagster/root_run_id"  # tags of a run that the daemon starts again


class PastNightError(ValueError):
    """A night before the schedule in force was asked to be planned again."""


@dataclass(frozen=True, slots=True)
class NightRecord:
    """A completed plan run, as its manifest has it."""

    plant: str
    planning_date: date
    sequence: int
    run_id: str
    as_of: datetime
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Publishable:
    """An approved plan that is not in force yet. `key` names the plan and its approvals."""

    plant: str
    planning_date: date
    run_id: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fallback:
    """What stays in force after a failure; `schedule_version` None where nothing was ever published."""

    message: str
    schedule_version: int | None
    published_at: datetime | None
    age_hours: float | None


@dataclass(frozen=True, slots=True)
class Written:
    """One table as committed."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of the night did: tables by name, or why it was refused before anything was written."""

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)  # table → Delta version read
    violations: tuple[Violation, ...] = ()  # why nothing was written
    closed: bool = False  # the run is finished: its manifest is written
    sent: Mapping[str, int] = field(default_factory=dict)  # landing table → rows its source says it sent


class NightsResource(dg.ConfigurableResource):
    """Nights of one installation: its lake, its landing root, its governance store."""

    lake_root: str
    lake_options: str = "{}"
    landing_root: str
    governance_url: str
    key_file: str = ""
    audit_export: str = ""  # folder off this host; empty: the trail is exported by hand

    _runs: dict[str, NightRun] = PrivateAttr(default_factory=dict)

    # What assets call.

    def step(self, context: dg.AssetExecutionContext, stage: str, tables: frozenset[str]) -> Step:
        """Run `stage` of the night of the Dagster run in `context`, after any stage before it that has not run yet.

        Gives the tables named. Stages are idempotent, so several assets of one stage, or a second start, cost nothing.
        """
        from recon_platform.nights.night import close, run_stage
        from recon_platform.proposal.stages import NIGHT_STAGES
        from recon_platform.tables.validation import TableError

        run = self._run(context)
        if stage == RAW:
            return _raw_step(run, tables)
        for candidate in NIGHT_STAGES:
            try:
                run_stage(run, candidate)
            except TableError as error:
                return Step(violations=tuple(error.violations))
            if candidate.name == stage:
                break
        closed = stage == NIGHT_STAGES[-1].name
        if closed:
            manifest = close(run)
            self._propose(manifest)
        done = run.done[stage]
        reads = next(candidate.reads for candidate in NIGHT_STAGES if candidate.name == stage)
        available = run.available
        return Step(
            frames={name: run.read(name) for name in tables},
            written={name: Written(done[name].version, done[name].digest) for name in tables},
            inputs={name: available[name].version for name in reads if name in available},
            closed=closed,
        )

    def publish(self, context: dg.AssetExecutionContext) -> Step:
        """Publish the newest plan of the partition, or the one that the tag `recon/plan_run` names."""
        from recon_platform.governance import service
        from recon_platform.lake import LakeError
        from recon_platform.nights import records
        from recon_platform.nights.publish import publish
        from recon_platform.nights.versions import rule_version

        plant, planning_date = night_of(context.partition_key)
        lake, store = self.lake(), self.store()
        if store is None:
            raise LakeError(
                f"no governance store beside {self.lake_root}: nothing can be approved or published without one"
            )
        latest = records.latest(lake, plant, planning_date)
        run_id = context.run.tags.get(PLAN_RUN) or (latest.run_id if latest is not None else None)
        if run_id is None:
            raise LakeError(f"{plant} has no finished plan of {planning_date}; run the night first")
        made = publish(lake, store, run_id, actor=service(PUBLISHER, rule_version()))
        self.copy_audit(store)
        in_force = self.in_force(plant)
        if in_force is None or in_force.run_id != made.run_id:
            raise LakeError(f"schedule version {made.schedule_version} of {plant} was published and is not in force")
        manifest = records.manifest(lake, made.run_id)
        frame = in_force.rows.read(lake)
        return Step(
            frames={in_force.rows.table: frame},
            written={in_force.rows.table: Written(in_force.rows.version, in_force.rows.digest)},
            inputs={name: entry.version for name, entry in manifest.outputs.items()},
        )

    def score(self, context: dg.AssetExecutionContext) -> Step:
        """Write the scoreboard of the agents beside the newest plan of the partition; without a store nobody is scored."""
        from recon_platform.governance import service
        from recon_platform.lake import LakeError
        from recon_platform.nights import records
        from recon_platform.nights.effects import board
        from recon_platform.nights.versions import rule_version
        from recon_platform.tables.governance import AGENT_SCORES

        plant, planning_date = night_of(context.partition_key)
        lake, store = self.lake(), self.store()
        manifest = records.latest(lake, plant, planning_date)
        if manifest is None:
            raise LakeError(f"{plant} has no finished plan of {planning_date}; run the night first")
        frame = AGENT_SCORES.empty() if store is None else board(lake, store, service(SCORER, rule_version()), plant)
        made = lake.write(
            str(AGENT_SCORES.layer), AGENT_SCORES, frame, plant=plant, planning_date=planning_date,
            sequence=manifest.pins.sequence, run_id=manifest.run_id, metadata={"actor": SCORER},
        )  # fmt: skip
        return Step(
            frames={AGENT_SCORES.name: frame},
            written={AGENT_SCORES.name: Written(made.version, made.digest)},
            inputs={name: manifest.outputs[name].version for name in ("metrics", "order_promises", "shipments")},
        )

    def value_week(self, context: dg.AssetExecutionContext) -> Step:
        """Write the last whole week beside the plant's baseline, by what the newest plan of the partition was handed."""
        from recon_platform.lake import LakeError
        from recon_platform.nights import baseline, records
        from recon_platform.tables.metrics import VALUE_WEEK

        plant, planning_date = night_of(context.partition_key)
        lake = self.lake()
        manifest = records.latest(lake, plant, planning_date)
        if manifest is None:
            raise LakeError(f"{plant} has no finished plan of {planning_date}; run the night first")
        frame = baseline.week_of(lake, manifest)
        made = lake.write(
            str(VALUE_WEEK.layer), VALUE_WEEK, frame, plant=plant, planning_date=planning_date,
            sequence=manifest.pins.sequence, run_id=manifest.run_id, metadata={"actor": "weekly value"},
        )  # fmt: skip
        return Step(
            frames={VALUE_WEEK.name: frame},
            written={VALUE_WEEK.name: Written(made.version, made.digest)},
            inputs={name: manifest.outputs[name].version for name in baseline.READS},
        )

    # What sensors and schedules ask.

    def latest(self, plant: str) -> NightRecord | None:
        """The newest finished plan run of `plant`; None before the first."""
        from recon_platform.nights import records

        found = records.latest(self.lake(), plant)
        if found is None:
            return None
        pins = found.pins
        return NightRecord(
            plant, date.fromisoformat(pins.planning_date), pins.sequence, found.run_id, pins.context.as_of, found
        )

    def planned(self, plant: str, planning_date: date) -> bool:
        """Whether `planning_date` of `plant` has a finished plan."""
        from recon_platform.nights import records

        return records.latest(self.lake(), plant, planning_date) is not None

    def known_events(self, night: NightRecord) -> dict[str, DowntimeEvent]:
        """The downtime events that a plan read."""
        from recon_platform.nights.downtime import TABLE, known_events
        from recon_platform.nights.night import read_input

        name = f"raw.{TABLE}"
        entry = night.manifest.pins.inputs.get(name)
        if entry is None:
            return {}
        return known_events(read_input(self.lake(), name, entry), night.manifest.pins.context.plant.zone)

    def stakes(self, night: NightRecord) -> Stakes:
        """What a stop puts at stake in a plan: its constraints and its frozen work."""
        from recon_platform.nights.stakes import stakes_of

        return stakes_of(self.lake(), night.manifest)

    def policy(self, night: NightRecord) -> Policy:
        """The policy that a plan was made with."""
        return night.manifest.pins.context.policy

    def policy_in_force(self, night: NightRecord) -> Policy:
        """The same with what was approved since; what the next plan is made with."""
        from recon_platform.nights.policies import effective_policy

        policy, store = self.policy(night), self.store()
        if store is None:
            return policy
        try:
            return effective_policy(policy, store.decisions_in_force(night.plant, store.clock()))
        finally:
            store.close()

    def in_force(self, plant: str) -> ScheduleInForce | None:
        """The schedule in force of `plant`; None before the first publication."""
        from recon_platform.nights.in_force import schedule_in_force

        return schedule_in_force(self.lake(), plant)

    def publishable(self) -> list[Publishable]:
        """Plans whose base is approved and that are newer than the schedule in force, and publications interrupted."""
        from recon_platform.governance import service
        from recon_platform.nights.versions import rule_version

        store = self.store()
        if store is None:
            return []
        found = []
        published = {entry.run_id for entry in store.publications.history() if entry.state == "published"}
        for request in store.requests.find(service(PUBLISHER, rule_version()), state="approved", kind="base"):
            if request.run_id is None or request.run_id in published or request.planning_date is None:
                continue
            newest = self.latest(request.plant)
            if newest is None or newest.run_id != request.run_id:
                continue  # superseded: publishing would refuse it
            found.append(
                Publishable(
                    request.plant, date.fromisoformat(request.planning_date), request.run_id,
                    key=f"publish:{request.run_id}:{request.request}",
                    reason=f"request {request.request} approved by {request.decided_by}",
                )
            )  # fmt: skip
        return found

    def fallback(self, plant: str, planning_date: date, *, run_id: str, reason: str, now: datetime) -> Fallback:
        """What stays in force after a failure, and how old it is; audited and told to people once per failure."""
        store = self.store()
        if store is not None:
            from recon_platform.governance import service
            from recon_platform.nights.failure import tell_failure
            from recon_platform.nights.versions import rule_version

            actor = service("orchestrator", rule_version())
            tell_failure(store, self.lake(), actor, plant, night=f"{planning_date}", reason=reason)
        in_force = self.in_force(plant)
        if in_force is None:
            message = f"{plant} {planning_date}: {reason}; no schedule was ever published, work by the manual procedure"
            return Fallback(message, None, None, None)
        age = round(in_force.age(now).total_seconds() / 3600, 1)
        message = (
            f"{plant} {planning_date}: {reason}; schedule version {in_force.schedule_version} as of {in_force.as_of} "
            f"stays in force, {age} h old"
        )
        return Fallback(message, in_force.schedule_version, in_force.published_at, age)

    # The installation.

    def lake(self) -> Lake:
        """The lake; object-store keys come from the environment, never from here."""
        from recon_platform.lake import Lake

        return Lake(self.lake_root, json.loads(self.lake_options) or None)

    def store(self) -> Store | None:
        """The governance store; None where this lake has none: then plans are made and nothing can be published."""
        from recon_platform.governance import Store

        if "://" not in self.governance_url and not Path(self.governance_url).is_file():
            return None
        key = Path(self.key_file or f"{self.lake_root}/governance.key")
        return Store(self.governance_url, key=key.read_bytes() if key.is_file() else None)

    def _run(self, context: dg.AssetExecutionContext) -> NightRun:
        """The night of this Dagster run, opened or resumed once per process."""
        from recon_platform.nights.night import utc_now

        if context.run.run_id in self._runs:
            return self._runs[context.run.run_id]
        plant, planning_date = night_of(context.partition_key)
        self._refuse_the_past(plant, planning_date)
        store = self.store()
        clock = utc_now if store is None else store.clock
        actor = _actor(context.run)
        run = self._finished_by(actor, plant, planning_date, clock)
        if run is None:
            rerun = context.run.job_name == RERUN or EVENTS in context.run.tags
            run = (self._rerun if rerun else self._night)(plant, planning_date, store, clock, actor)
        self._runs.clear()  # one run at a time in a process: keep no tables of one that is over
        self._runs[context.run.run_id] = run
        return run

    def _finished_by(self, actor: str, plant: str, planning_date: date, clock: Clock) -> NightRun | None:
        """The newest run, where `actor` finished it and died before it could say so: its retry plans nothing twice."""
        from recon_platform.nights import records
        from recon_platform.nights.night import resume

        newest = records.latest(self.lake(), plant, planning_date)
        if newest is None or newest.actor != actor:
            return None
        return resume(self.lake(), newest.run_id, actor=actor, clock=clock)

    def _night(self, plant: str, planning_date: date, store: Store | None, clock: Clock, actor: str) -> NightRun:
        from recon_platform.connectors import read_landing
        from recon_platform.nights.night import open_night

        landing = read_landing(LandingResource(root=self.landing_root).folder(plant, planning_date))
        if store is not None:
            _follow_plant(store, landing.as_of)
        return open_night(self.lake(), landing, store=store, planning_date=planning_date, actor=actor, clock=clock)

    def _rerun(self, plant: str, planning_date: date, store: Store | None, clock: Clock, actor: str) -> NightRun:
        from recon_platform.lake import LakeError
        from recon_platform.nights import records
        from recon_platform.nights.rerun import open_rerun

        base = records.latest(self.lake(), plant, planning_date)
        if base is None:
            raise LakeError(f"{plant} {planning_date} has no finished plan to run again; run job `night` first")
        events = LandingResource(root=self.landing_root).events(plant).events
        return open_rerun(self.lake(), base, events, store=store, actor=actor, clock=clock)

    def _refuse_the_past(self, plant: str, planning_date: date) -> None:
        in_force = self.in_force(plant)
        if in_force is not None and planning_date < date.fromisoformat(in_force.rows.planning_date):
            raise PastNightError(
                f"{plant} {planning_date} lies before {in_force.rows.planning_date}, whose schedule is in force; "
                "a past night is not planned again: use the job `replay`, which writes nothing"
            )

    def _propose(self, manifest: Manifest) -> None:
        """Lay the finished plan before the people who decide."""
        from recon_platform.nights.proposing import propose

        store = self.store()
        if store is not None:
            propose(self.lake(), store, manifest)
            self.copy_audit(store)

    def export_audit(self) -> Verdict:
        """Check the trail against all heads exported before; export it where it holds. ValueError where no folder is set."""
        from recon_platform.governance import service
        from recon_platform.governance.audit import read_heads
        from recon_platform.nights.audit_trail import LakeAudit

        store, folder = self.store(), Path(self.audit_export)
        if store is None or not self.audit_export:
            raise ValueError(
                "the trail is exported where there is a governance store and RECON_AUDIT_EXPORT names a folder"
            )
        auditor, copy = service("audit", "1"), LakeAudit(self.lake())
        heads = read_heads(folder) if any(folder.glob("*.head.json")) else []
        found = store.audit.verify(auditor, copy=copy, heads=heads)
        if found.holds:
            store.audit.copy_to(copy)
            store.audit.export(auditor, folder)
        store.close()
        return found

    def copy_audit(self, store: Store) -> None:
        """Bring the audit trail's copy in the lake up to date."""
        from recon_platform.nights.audit_trail import LakeAudit

        store.audit.copy_to(LakeAudit(self.lake()))


def _actor(run: dg.DagsterRun) -> str:
    """Job and run that plan; a retry by the daemon speaks for the run it retries, whoever starts one by hand does not."""
    began = run.tags.get(ROOT_RUN, run.run_id) if RETRY_NUMBER in run.tags else run.run_id
    return f"dagster:{run.job_name}:{began}"


def _follow_plant(store: Store, as_of: datetime) -> None:
    """Let the clock of a generated plant's store follow its nights; a real plant's store is left as it is."""
    from recon_platform.governance import plant_time
    from recon_platform.governance.clock import system_clock

    if plant_time.is_anchored(store):
        plant_time.anchor(store, as_of, system_clock)


def _raw_step(run: NightRun, tables: frozenset[str]) -> Step:
    """The landing tables as `open_night` wrote them; a table that did not land is empty."""
    import polars as pl

    frames, written = {}, {}
    for name in tables:
        entry = run.pins.inputs.get(f"raw.{name}")
        frames[name] = run.read(f"raw.{name}") if entry is not None else pl.DataFrame()
        written[name] = Written(entry.version, entry.digest) if entry is not None else Written(-1, "did not land")
    return Step(frames=frames, written=written, sent=_rows_sent(run))


def _rows_sent(run: NightRun) -> dict[str, int]:
    """What the sources say they sent, by landing table, as far as it can be read."""
    import polars as pl

    if "raw.feeds" not in run.pins.inputs:
        return {}
    said = run.read("raw.feeds")
    if not {"table", "rows"} <= set(said.columns):
        return {}
    counts = said.select(pl.col("table").str.strip_chars(), pl.col("rows").cast(pl.Int64, strict=False)).drop_nulls()
    return dict(counts.group_by("table").agg(pl.col("rows").sum()).iter_rows())
