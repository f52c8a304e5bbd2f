"""Plan the latest night again after an event: only what the event can change is made anew.

A rerun is a run of its own, the next sequence of its night. Its manifest names the night's versions of everything the
event cannot touch; raw downtime, the decisions in force and the schedule in force are read as they are now. Belongs
here: what is pinned and what is carried over. Running the stages is `night`, judging an event is `downtime`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, replace

import polars as pl

from recon_platform.lake import Lake, canonical_order
from recon_platform.lake.raw import packed, raw_text
from recon_platform.nights import records
from recon_platform.nights.downtime import BLOCKED, TABLE, DowntimeEvent, blocked, known_events, laid_over
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.night import (
    DECISIONS,
    PUBLISHED,
    Clock,
    Decisions,
    NightRun,
    read_input,
    resume,
    utc_now,
    write_table,
)
from recon_platform.nights.records import OPEN, Manifest, name_run, night_of
from recon_platform.nights.versions import agent_versions, code_version, library_versions, rule_version
from recon_platform.proposal.stages import NIGHT_STAGES
from recon_platform.tables.capacity import setting_taken
from recon_platform.tables.governance import DECISIONS_IN_FORCE

CARRIED: tuple[str, ...] = ("history", "reconcile", "material", "shortages")
"""Stages that downtime cannot change: they speak of master data, orders and material, not of machine time."""

RAW_EVENTS, RAW_BLOCKED = f"raw.{TABLE}", f"raw.{BLOCKED}"


def open_rerun(
    lake: Lake,
    base: Manifest,
    events: Iterable[DowntimeEvent],
    *,
    store: Decisions | None = None,
    actor: str = "rerun",
    clock: Clock = utc_now,
) -> NightRun:
    """Open the run that plans `base` again with `events` laid over the downtime it read.

    The stages of `CARRIED` are taken over as they are, unless people decided something since or the code changed: then
    the whole plan is made again. The dispatch setting is the night's in either case, and where the schedule in force is of that
    night its sequence is held (`PlanContext.in_turn`), unless an event gives time back that work could use: a rerun is to answer the
    event, and another rule would move work that the event has nothing to do with. A rerun with the same pins that was begun before is resumed.
    """
    now = clock()
    plant, day = base.pins.plant["code"], base.pins.context.planning_date
    laid = sorted(events, key=lambda event: event.event)
    decisions = DECISIONS_IN_FORCE.empty() if store is None else store.decisions_in_force(plant, now)
    decided = lake.digest(decisions, DECISIONS_IN_FORCE)
    in_force = schedule_in_force(lake, plant)
    settings = base.outputs.get("dispatch_settings")
    same_code = (base.pins.code_version, base.pins.rule_version) == (code_version(), rule_version())
    same_decisions = DECISIONS in base.pins.inputs and base.pins.inputs[DECISIONS].digest == decided
    revisions = [base.pins.landing_digest, *(f"{event.event}@{event.revision}" for event in laid)]
    newest = records.latest(lake, plant, day)
    pins = replace(
        base.pins, sequence=(newest or base).pins.sequence + 1, previous_run=base.run_id, rerun_of=base.run_id,
        landing_digest=hashlib.sha256("\n".join(revisions).encode()).hexdigest(), code_version=code_version(),
        rule_version=rule_version(), libraries=library_versions(), inputs={}, agents=agent_versions(base.pins.policy_digest),
        schedule_version=in_force.schedule_version if in_force is not None else None,
        carried=CARRIED if same_code and same_decisions else (),
        look_ahead=setting_taken(settings.read(lake)) if settings is not None else None,
        in_turn=in_force is not None and night_of(in_force.run_id) == (plant, day) and not _gives_back(lake, in_force.run_id, laid),
    )  # fmt: skip
    named = hashlib.sha256(json.dumps([asdict(pins) | {"run_id": ""}, decided], sort_keys=True).encode()).hexdigest()
    pins = replace(pins, run_id=name_run(plant, day, pins.sequence, named))
    resumed = resume(lake, pins.run_id, actor=actor, clock=clock)
    if resumed is not None:
        return resumed
    run = NightRun(lake, pins, actor, clock, unchanged=base.outputs)
    inputs = {name: entry for name, entry in base.pins.inputs.items() if name.startswith("raw.")}
    inputs.update((f"previous.{name}", entry) for name, entry in base.outputs.items())
    if in_force is not None:
        inputs[PUBLISHED] = in_force.rows
    assumed = base.pins.context.policy.capacity.assumed_repair_minutes
    places = _in_plant_keys(lake, base, laid)
    known = {name: _read(lake, base, name) for name in (RAW_EVENTS, RAW_BLOCKED)}
    for name, table, frame in (
        (RAW_EVENTS, TABLE, laid_over(known[RAW_EVENTS], laid)),
        (RAW_BLOCKED, BLOCKED, blocked(known[RAW_BLOCKED], places, as_of=pins.context.as_of, assumed_minutes=assumed)),
    ):
        if frame is not None and frame is not known[name]:
            run.frames[name] = raw_text(table, frame)
            inputs[name] = write_table(run, "raw", *packed(table, run.frames[name]))
    inputs[DECISIONS] = write_table(run, DECISIONS_IN_FORCE.layer, DECISIONS_IN_FORCE, decisions)
    run.pins = replace(pins, inputs=inputs)
    run.frames[DECISIONS] = canonical_order(decisions, DECISIONS_IN_FORCE.key)
    for stage in NIGHT_STAGES:
        if stage.name in pins.carried:
            run.done[stage.name] = {name: base.outputs[name] for name in stage.writes}
            detail = json.dumps({name: asdict(entry) for name, entry in run.done[stage.name].items()}, sort_keys=True)
            records.record_step(lake, run.pins, stage.name, detail, actor=actor, at=now)
    records.record_step(lake, run.pins, OPEN, run.pins.to_json(), actor=actor, at=now)
    return run


def _gives_back(lake: Lake, run_id: str, events: Iterable[DowntimeEvent]) -> bool:
    """Whether a stop is over earlier, or is at another place, than `run_id` knew: then its plan leaves time idle that is there."""
    made = records.manifest(lake, run_id)
    reported = _read(lake, made, RAW_EVENTS)
    context, asked = made.pins.context, list(events)
    if reported is not None and "event" in reported.columns:  # few of the thousands that a plant has had
        name = pl.col("event").cast(pl.String).str.strip_chars()
        reported = reported.filter(name.is_in([event.event for event in asked]))
    known = {} if reported is None else known_events(reported, context.plant.zone)
    for event in asked:
        then = known.get(event.event)
        if then is None or then.planned or (then.end is not None and then.end <= context.as_of):
            continue
        elsewhere = (then.machine, then.work_center) != (event.machine, event.work_center)
        if elsewhere or event.planned or (event.end is not None and (then.end is None or event.end < then.end)):
            return True
    return False


def _read(lake: Lake, base: Manifest, name: str) -> pl.DataFrame | None:
    entry = base.pins.inputs.get(name)
    return None if entry is None else read_input(lake, name, entry)


def _in_plant_keys(lake: Lake, base: Manifest, events: Iterable[DowntimeEvent]) -> list[DowntimeEvent]:
    """`events` with the plant's own machine keys: planned downtime is an ERP table and knows no MES names."""
    keys: dict[str, str] = {}
    if "machines" in base.outputs:
        machines = base.read(lake, "machines").filter(pl.col("mes_machine").is_not_null())
        keys.update(machines.select("mes_machine", "machine").iter_rows())
    if "key_map" in base.outputs:
        mapped = base.read(lake, "key_map").filter((pl.col("table") == TABLE) & (pl.col("column") == "machine"))
        keys.update(mapped.select("raw_key", "key").drop_nulls().iter_rows())
    return [replace(event, machine=keys.get(event.machine or "", event.machine)) for event in events]
