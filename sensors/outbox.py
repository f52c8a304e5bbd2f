"""What waits in the outbox leaves: the relay is started when a message is due and no relay is under way.

A message that could not be delivered is due again after a pause that grows, so a dead ERP starts few runs, not many.
"""

import dagster as dg

from resources.delivery import DeliveryResource
from resources.nights import NightsResource
from sensors.tags import REASON, UNDER_WAY

RELAY = "relay"


def outbox_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """Requests job `relay` while messages for a target of this installation are due; one run at a time."""

    @dg.sensor(
        name="outbox", job_name=RELAY, minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Delivers what waits in the outbox to the ERP and to people, one relay at a time.",
    )  # fmt: skip
    def outbox(
        context: dg.SensorEvaluationContext, nights: NightsResource, delivery: DeliveryResource
    ) -> dg.RunRequest | dg.SkipReason:
        store = nights.store()
        if store is None:
            return dg.SkipReason("no governance store: nothing is ever queued")
        due = delivery.due(store)
        store.close()
        if not due:
            return dg.SkipReason("no message is due")
        busy = context.instance.get_runs(dg.RunsFilter(job_name=RELAY, statuses=UNDER_WAY), limit=1)
        if busy:
            return dg.SkipReason(f"relay {busy[0].run_id} is under way")
        waiting = ", ".join(f"{count} for {target}" for target, count in sorted(due.items()))
        return dg.RunRequest(tags={REASON: f"due: {waiting}"})

    return outbox
