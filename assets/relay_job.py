"""The relay as a job: one round over the outbox, in a run of its own so that its answers and failures are seen."""

import dagster as dg

from resources.delivery import DeliveryResource
from resources.nights import NightsResource


@dg.op(description="Delivers everything due, once; keeps each answer. What could not be delivered is due again later.")
def deliver_outbox(context: dg.OpExecutionContext, nights: NightsResource, delivery: DeliveryResource) -> None:
    store = nights.store()
    if store is None:
        raise dg.Failure("no governance store: there is no outbox", allow_retries=False)
    done = delivery.deliver(store)
    nights.copy_audit(store)
    context.add_output_metadata(
        {"delivered": done.accepted, "refused": done.refused, "to be tried again": done.postponed}
    )


@dg.job(name="relay", description="Finite dates to the ERP, notices to people: at least once, one effect per key.")
def relay_job() -> None:
    deliver_outbox()
