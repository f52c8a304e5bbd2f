"""Approval is data: when a night's base plan has been approved, this sensor launches publishing.

Publishing checks permissions, the digest and the gates again by itself; the sensor only notices. A publication that was
begun and interrupted is resumed the same way.
"""

import dagster as dg

from resources.nights import NightsResource
from resources.partitions import night_key
from sensors.tags import PLAN_RUN, PRIORITY, REASON, URGENT, asked_again


def approvals_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """Requests job `publish` for each approved night that is not in force yet; once per set of approvals."""

    @dg.sensor(
        name="approvals", job_name="publish", minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Publishes a night's plan once its base plan is approved, with the moves approved by then.",
    )  # fmt: skip
    def approvals(context: dg.SensorEvaluationContext, nights: NightsResource) -> dg.SensorResult:
        waiting = nights.publishable()
        requests = [
            dg.RunRequest(
                run_key=asked_again(context.instance, found.key), partition_key=night_key(found.plant, found.planning_date),
                tags={PRIORITY: URGENT, REASON: found.reason[:250], PLAN_RUN: found.run_id},
            )
            for found in waiting
        ]  # fmt: skip
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else dg.SkipReason("nothing approved waits to be published"),
        )

    return approvals
