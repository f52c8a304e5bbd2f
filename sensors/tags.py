"""Tags of the runs that schedules and sensors request, and what is under way for a plant."""

import dagster as dg

from resources.nights import EVENT_AT, EVENTS, PLAN_RUN

__all__ = [
    "EVENTS", "EVENT_AT", "PLAN_RUN", "PRIORITY", "REASON", "UNDER_WAY", "URGENT", "asked_again", "of_plant",
    "planning_under_way", "will_be_retried",
]  # fmt: skip

REASON = "recon/reason"
SEQUENCE = "recon/sequence"
PRIORITY = "dagster/priority"
PLANT_PARTITION = "dagster/partition/plant"

URGENT = "10"  # reruns after downtime overtake everything

RUN_KEY = "dagster/run_key"
WILL_RETRY = "dagster/will_retry"
FAILURE_REASON = "dagster/failure_reason"
A_STEP_FAILED = "STEP_FAILURE"  # it would fail again; anything else is a process that died
RETRIES_LOOKED_AT = "EVENT_LOG_CONSUMER_CURSOR-PIPELINE_FAILURE"  # where the daemon keeps how far it has come
MOST_TIMES_ASKED = 10

PLANNING_JOBS = frozenset({"night", "rerun"})
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def of_plant(what: str, plant: str) -> str:
    """Name of the schedule that does `what` for `plant`; Dagster takes letters, digits and underscores."""
    return f"{what}_{plant.replace('-', '_')}"


def planning_under_way(instance: dg.DagsterInstance, plant: str) -> dg.DagsterRun | None:
    """A run that is planning `plant` now, or about to; None when there is none."""
    runs = instance.get_runs(dg.RunsFilter(tags={PLANT_PARTITION: plant}, statuses=UNDER_WAY))
    return next((run for run in runs if run.job_name in PLANNING_JOBS), None)


def asked_again(instance: dg.DagsterInstance, key: str) -> str:
    """The run key under which the run of `key` is asked for: `key`, or `key#2` where its processes all died.

    A run key is good for one request. A run that died, and whose retries died too, has answered nothing, so it is asked
    for anew; one in which a step failed, or that somebody ended, is not. Nor does a retry come that the daemon has passed
    over: it starts a retry before it moves its cursor past the failure, but it may read the failure's event before the
    run's status is written, and then starts none. `MOST_TIMES_ASKED` bounds a crash that repeats.
    """
    for attempt in range(1, MOST_TIMES_ASKED):
        asked = key if attempt == 1 else f"{key}#{attempt}"
        looked_at = _failures_looked_at(instance)  # before the runs, so that no retry can start between the two unseen
        runs = instance.get_runs(dg.RunsFilter(tags={RUN_KEY: asked}))
        parents = {run.parent_run_id for run in runs}
        alone = [run for run in runs if run.run_id not in parents and will_be_retried(run)]
        if not runs or not all(_died(run) for run in runs) or _to_come(instance, looked_at, alone):
            return asked
    return f"{key}#{MOST_TIMES_ASKED}"


def _failures_looked_at(instance: dg.DagsterInstance) -> int | None:
    """The last failed run's event for which the daemon has started a retry or has not; None before it ever looked."""
    found = instance.daemon_cursor_storage.get_cursor_values({RETRIES_LOOKED_AT}).get(RETRIES_LOOKED_AT)
    return None if found is None else int(found)


def _to_come(instance: dg.DagsterInstance, looked_at: int | None, died: list[dg.DagsterRun]) -> bool:
    """Whether the daemon has yet to look at the failure of one of the runs that `died`."""
    if not died or looked_at is None:
        return bool(died)
    ahead = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
        after_cursor=looked_at, dagster_event_type=dg.DagsterEventType.PIPELINE_FAILURE
    )
    return not {run.run_id for run in died}.isdisjoint(event.run_id for event in ahead.values())


def will_be_retried(run: dg.DagsterRun) -> bool:
    """Whether the daemon starts the failed `run` again by itself."""
    return run.tags.get(WILL_RETRY) == "true"


def _died(run: dg.DagsterRun) -> bool:
    """Failed because its process died. Its retry, started under the same key, is a run of its own."""
    return run.status == dg.DagsterRunStatus.FAILURE and run.tags.get(FAILURE_REASON) != A_STEP_FAILED
