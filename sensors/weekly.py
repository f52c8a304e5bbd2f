"""The weekly report goes by itself: a schedule per plant in its own time zone, at the day and hour of its policy.

The schedule looks every full hour, so that an hour at which nothing ran is made up for, and a changed policy counts
without loading anything again. A week's report is requested once; sending is once per week and reader anyway.
"""

from zoneinfo import ZoneInfo

import dagster as dg

from resources.nights import NightsResource
from sensors.tags import REASON, of_plant

JOB, OP = "weekly_report", "queue_weekly_report"


def weekly_report_schedule(plant: str, zone: ZoneInfo) -> dg.ScheduleDefinition:
    """The schedule of one plant: every full hour of its own clock, until the week's report is on its way."""

    @dg.schedule(
        name=of_plant(JOB, plant), job_name=JOB, execution_timezone=zone.key, cron_schedule="0 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Sends the weekly report of {plant} at the day and hour of its policy (report.weekly_day, {zone.key}).",
    )  # fmt: skip
    def weekly(context: dg.ScheduleEvaluationContext, nights: NightsResource) -> dg.RunRequest | dg.SkipReason:
        from recon_platform.console.weekly import waits_for

        newest = nights.latest(plant)
        if newest is None:
            return dg.SkipReason(f"no night of {plant} is planned")
        local = context.scheduled_execution_time.astimezone(zone)
        reason = waits_for(nights.policy_in_force(newest).report, newest.planning_date, local)
        if reason is not None:
            return dg.SkipReason(reason)
        year, week, _ = local.isocalendar()
        return dg.RunRequest(
            run_key=f"weekly:{plant}:{year}-W{week:02d}", tags={REASON: f"the report of week {week}"},
            run_config={"ops": {OP: {"config": {"plant": plant}}}},
        )  # fmt: skip

    return weekly
