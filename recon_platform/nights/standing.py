"""What stands: for each plant the schedule in force, its age, and what became of the newest night.

Read from the lake alone, so that it can be told while governance store, engine and orchestrator are down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recon_platform.lake import Lake
from recon_platform.nights import records
from recon_platform.nights.in_force import schedule_in_force

STALE_HOURS = 36.0  # a night was missed


@dataclass(frozen=True, slots=True)
class Standing:
    """One plant. `state`: `current`, `waiting` (a newer plan waits for approval), `stale`, `none`."""

    plant: str
    state: str
    schedule_version: int | None
    run_id: str | None
    as_of: datetime | None
    age_hours: float | None
    newest_run: str | None
    words: str


def standings(lake: Lake, now: datetime, plant: str | None = None) -> list[Standing]:
    """What stands in every plant of the lake at `now`, by plant."""
    newest = {str(found.pins.plant["code"]): found for found in records.manifests(lake, plant)}
    return [standing(lake, code, now, found.run_id) for code, found in sorted(newest.items())]


def standing(lake: Lake, plant: str, now: datetime, newest_run: str | None) -> Standing:
    """What stands in one plant."""
    in_force = schedule_in_force(lake, plant)
    if in_force is None:
        words = f"{plant}: nothing was ever published; work by the manual procedure"
        return Standing(plant, "none", None, None, None, None, newest_run, words)
    age = in_force.age(now).total_seconds() / 3600
    said = f"{plant}: schedule version {in_force.schedule_version} is in force, its data are {age:.1f} hours old"
    state, more = "current", ""
    if age > STALE_HOURS:
        state, more = "stale", f"; that is more than {STALE_HOURS:.0f} hours: a night is missing, it stays in force"
    if newest_run is not None and newest_run != in_force.run_id:
        state = "stale" if state == "stale" else "waiting"
        more += f"; run {newest_run} is not published"
    return Standing(
        plant, state, in_force.schedule_version, in_force.run_id, in_force.as_of, round(age, 1), newest_run, said + more
    )
