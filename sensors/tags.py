"""Tags of the runs that schedules and sensors request, and what is under way for a plant."""

import dagster as dg

from resources.nights import EVENT_AT, EVENTS, PLAN_RUN

__all__ = ["EVENTS", "EVENT_AT", "PLAN_RUN", "PRIORITY", "REASON", "UNDER_WAY", "URGENT", "planning_under_way"]

REASON = "recon/reason"
SEQUENCE = "recon/sequence"
PRIORITY = "dagster/priority"
PLANT_PARTITION = "dagster/partition/plant"

URGENT = "10"  # reruns after downtime overtake everything

PLANNING_JOBS = frozenset({"night", "rerun"})
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def planning_under_way(instance: dg.DagsterInstance, plant: str) -> dg.DagsterRun | None:
    """A run that is planning `plant` now, or about to; None when there is none."""
    runs = instance.get_runs(dg.RunsFilter(tags={PLANT_PARTITION: plant}, statuses=UNDER_WAY))
    return next((run for run in runs if run.job_name in PLANNING_JOBS), None)
