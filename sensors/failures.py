"""When a run fails the last approved schedule stays in force, and everybody can see that it does, and how old it is."""

import dagster as dg

from recon_platform.tables.runs import PUBLISHED_SCHEDULE
from resources.clock import ClockResource
from resources.nights import CHANGES_NOTHING, NightsResource
from resources.partitions import PLANT, night_of
from sensors.tags import will_be_retried

PARTITION = "dagster/partition"
PUBLISHED = dg.AssetKey([str(PUBLISHED_SCHEDULE.layer), PUBLISHED_SCHEDULE.name])


def failure_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """Records the fallback after a failed night, rerun or publication, not after a failed replay or backtest; publishes nothing and rolls nothing back."""

    @dg.run_failure_sensor(
        name="fallback", minimum_interval_seconds=interval_seconds, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records that the last approved schedule stays in force after a failed run, with its age.",
    )  # fmt: skip
    def fallback(
        context: dg.RunFailureSensorContext, nights: NightsResource, clock: ClockResource
    ) -> dg.SkipReason | None:
        run = context.dagster_run
        partition = run.tags.get(PARTITION)
        if partition is None or run.tags.get(f"{PARTITION}/{PLANT}") is None:
            return dg.SkipReason(f"run {run.run_id} of {run.job_name} belongs to no night")
        if CHANGES_NOTHING.items() <= run.tags.items():
            return dg.SkipReason(f"run {run.run_id} of {run.job_name} only looks: no schedule waits for it")
        if will_be_retried(run):
            return dg.SkipReason(f"run {run.run_id} of {run.job_name} died and is started again")
        plant, planning_date = night_of(partition)
        why = context.failure_event.message or "the run failed"
        record = nights.fallback(plant, planning_date, run_id=run.run_id, reason=why, now=clock.now())
        context.instance.report_runless_asset_event(
            dg.AssetObservation(
                PUBLISHED, partition=partition,
                metadata={
                    "status": "the last approved schedule stays in force", "failed_run": run.run_id,
                    "job": run.job_name,
                    "reason": why, "schedule_version": record.schedule_version or "none",
                    "published_at": "" if record.published_at is None else record.published_at.isoformat(),
                    "age_hours": record.age_hours,
                },
            )
        )  # fmt: skip
        context.log.warning(record.message)
        return None

    return fallback
