"""Answer downtime without an orchestrator: judge every reported event against the newest plan, and plan again once.

The sensor of the Dagster shell does the same in two steps (look, then a run of its own); both stand on the same
judgement, so they lead to the same reruns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.downtime import TABLE, DowntimeEvent, Judgement, judge, known_events
from recon_platform.nights.night import Clock, Decisions, close, read_input, run_stage, utc_now
from recon_platform.nights.records import Manifest
from recon_platform.nights.rerun import open_rerun
from recon_platform.nights.stakes import stakes_of
from recon_platform.proposal.stages import NIGHT_STAGES


def judged(lake: Lake, newest: Manifest, events: Sequence[DowntimeEvent], now: datetime) -> list[Judgement]:
    """Each event against what the plan `newest` knows of it."""
    context = newest.pins.context
    name = f"raw.{TABLE}"
    entry = newest.pins.inputs.get(name)
    known = {} if entry is None else known_events(read_input(lake, name, entry), context.plant.zone)
    stakes = stakes_of(lake, newest)
    return [
        judge(
            event, known.get(event.event), as_of=context.as_of, now=now, policy=context.policy.capacity, stakes=stakes
        )
        for event in events
    ]  # fmt: skip


def answer(
    lake: Lake,
    plant: str,
    events: Sequence[DowntimeEvent],
    *,
    now: datetime,
    store: Decisions | None = None,
    clock: Clock = utc_now,
) -> Manifest | None:
    """The finished rerun that `events`, all that are known by `now`, lead to; None where none of them is major.

    Raises LakeError where `plant` has no finished night.
    """
    newest = records.newest_manifest(lake, plant)
    if not any(found.major for found in judged(lake, newest, events, now)):
        return None
    run = open_rerun(lake, newest, events, store=store, actor="rerun", clock=clock)
    for stage in NIGHT_STAGES:
        run_stage(run, stage)
    return close(run)
