"""Nightly schedules, one per plant in the plant's own time zone, with readiness before start and a deadline.

Between start and deadline the schedule looks every few minutes whether the night has landed and every feed is fresh.
The first look that finds it so starts the night; at the deadline the night is refused, with what was missing, and the
last approved schedule stays in force.
"""

from datetime import time
from zoneinfo import ZoneInfo

import dagster as dg

from resources.landing import LandingResource
from resources.nights import NightsResource
from resources.partitions import night_key
from sensors.tags import REASON, asked_again, of_plant, planning_under_way

START_HOUR = 2
DEADLINE_HOUR = 5
LOOK_EVERY_MINUTES = 10


def nightly_schedule(plant: str, zone: ZoneInfo) -> dg.ScheduleDefinition:
    """The schedule of one plant: every ten minutes from 02:00 to 05:00 of its own clock."""

    @dg.schedule(
        name=of_plant("nightly", plant), job_name="night", execution_timezone=zone.key,
        cron_schedule=[f"*/{LOOK_EVERY_MINUTES} {START_HOUR}-{DEADLINE_HOUR - 1} * * *", f"0 {DEADLINE_HOUR} * * *"],
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Plans {plant} every night between 02:00 and 05:00 {zone.key}, as soon as its feeds are fresh.",
    )  # fmt: skip
    def nightly(
        context: dg.ScheduleEvaluationContext, landing: LandingResource, nights: NightsResource
    ) -> dg.RunRequest | dg.SkipReason:
        local = context.scheduled_execution_time.astimezone(zone)
        planning_date = local.date()
        if nights.planned(plant, planning_date):
            return dg.SkipReason(f"{planning_date} is planned")
        busy = planning_under_way(context.instance, plant)
        if busy is not None:
            return dg.SkipReason(f"run {busy.run_id} is planning {plant}")
        missing = landing.unready(plant, planning_date, local)
        if not missing:
            return dg.RunRequest(
                run_key=asked_again(context.instance, f"night:{plant}:{planning_date}"),
                partition_key=night_key(plant, planning_date), tags={REASON: "nightly"},
            )  # fmt: skip
        if local.timetz() >= time(DEADLINE_HOUR, tzinfo=zone):
            refusal = f"refused: {'; '.join(missing)} at the deadline {DEADLINE_HOUR:02d}:00"
            nights.fallback(plant, planning_date, run_id=f"schedule:{planning_date}", reason=refusal, now=local)
            return dg.SkipReason(refusal)
        return dg.SkipReason(f"waiting: {'; '.join(missing)}")

    return nightly


def weekly_maintenance() -> dg.ScheduleDefinition:
    """Sunday noon, when no plant plans and none is about to."""
    return dg.ScheduleDefinition(
        name="weekly_maintenance", job_name="maintenance", cron_schedule="0 12 * * 0", execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING, description="Tidies the lake once a week.",
    )  # fmt: skip


def daily_audit_export() -> dg.ScheduleDefinition:
    """Each morning, where a folder off this host is named."""

    @dg.schedule(
        name="daily_audit_export", job_name="audit_export", cron_schedule="0 6 * * *", execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Takes the audit trail and its sealed head off this host once a day.",
    )  # fmt: skip
    def daily(context: dg.ScheduleEvaluationContext, nights: NightsResource) -> dg.RunRequest | dg.SkipReason:
        if not nights.audit_export:
            return dg.SkipReason("RECON_AUDIT_EXPORT names no folder; `recon audit export` does it by hand")
        return dg.RunRequest(run_key=f"audit:{context.scheduled_execution_time.date()}")

    return daily
