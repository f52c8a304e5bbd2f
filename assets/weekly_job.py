"""The weekly report as a job: made from a plant's nights and queued to its readers; the relay delivers it."""

import dagster as dg

from resources.nights import CHANGES_NOTHING, NightsResource
from sensors.weekly import JOB, OP

SENDER = "weekly report"


class WeeklyReport(dg.Config):
    """Whose report."""

    plant: str


@dg.op(
    name=OP,
    description="Queues the report of the newest night's week, once per week and reader, however often it runs.",
)
def queue_weekly_report(context: dg.OpExecutionContext, config: WeeklyReport, nights: NightsResource) -> None:
    from recon_platform.console.services.nights import Nights
    from recon_platform.console.weekly import send, week
    from recon_platform.governance import service
    from recon_platform.nights.versions import code_version

    store = nights.store()
    if store is None:
        raise dg.Failure("no governance store: there is nobody to send a report to", allow_retries=False)
    planned = Nights(nights.lake()).all(config.plant)
    if not planned:
        raise dg.Failure(f"no night of {config.plant} is planned: there is nothing to report", allow_retries=False)
    told = send(store, service(SENDER, code_version()), planned)
    nights.copy_audit(store)
    context.add_output_metadata({"week": week(planned[-1]), "queued to": told})


@dg.job(
    name=JOB, tags=CHANGES_NOTHING,
    description="The week's measures as PDF to managers and subscribers, by the outbox and its relay.",
)  # fmt: skip
def weekly_report_job() -> None:
    queue_weekly_report()
