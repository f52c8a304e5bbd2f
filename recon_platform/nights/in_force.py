"""The schedule in force of a plant: the last one published, whatever failed since, and how old it is.

Read from the lake alone, so that it can be served while governance store, engine and orchestrator are down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recon_platform.lake import Lake, MissingTableError
from recon_platform.nights.records import TableVersion
from recon_platform.tables.runs import PUBLISHED_SCHEDULE


@dataclass(frozen=True, slots=True)
class ScheduleInForce:
    """One published schedule: which version, made by which run, published when, and where its rows lie."""

    plant: str
    schedule_version: int
    run_id: str
    as_of: datetime
    published_at: datetime
    publication: str
    rows: TableVersion

    def age(self, now: datetime) -> timedelta:
        """How old the data behind it are."""
        return now - self.as_of


def schedule_in_force(lake: Lake, plant: str, *, but: str | None = None) -> ScheduleInForce | None:
    """The last schedule published for `plant`, leaving out the publication `but`; None before the first."""
    return next((found for found in published_schedules(lake, plant) if found.publication != but), None)


def published_version(lake: Lake, plant: str, version: int) -> ScheduleInForce | None:
    """The schedule of `plant` that was published as `version`; None where there never was one."""
    return next((found for found in published_schedules(lake, plant) if found.schedule_version == version), None)


def published_schedules(lake: Lake, plant: str) -> Iterator[ScheduleInForce]:
    """Every schedule published for `plant`, the newest first."""
    layer, name = PUBLISHED_SCHEDULE.layer, PUBLISHED_SCHEDULE.name
    try:
        commits = lake.commits(layer, name)
    except MissingTableError:
        return
    for commit in commits:  # newest first
        if commit.get("plant") == plant and "schedule_version" in commit:
            rows = TableVersion(
                layer=str(layer), table=name, plant=plant, planning_date=commit["planning_date"],
                version=int(commit["version"]), rows=int(commit["rows"]), digest=commit["digest"],
            )  # fmt: skip
            yield ScheduleInForce(
                plant=plant, schedule_version=int(commit["schedule_version"]), run_id=commit["run"],
                as_of=datetime.fromisoformat(commit["as_of"]), publication=commit["publication"],
                published_at=datetime.fromtimestamp(commit["timestamp"] / 1000, UTC), rows=rows,
            )  # fmt: skip
