"""Jobs over nights that are past: audit replay, backtest of a candidate policy, maintenance of the lake.

None of them publishes, and none writes a table of a night. A backfill of `replay` over a range of partitions is the
audit replay; `backtest` on the same partitions is the evidence of a change request. They run after everything else.
"""

import dagster as dg

from assets.description import as_markdown
from resources.clock import ClockResource
from resources.nights import CHANGES_NOTHING, NightsResource
from resources.partitions import NIGHTS, night_of

BEHIND_EVERYTHING = {"dagster/priority": "-10"}
LAST_DIFFERENCES = 5


class Candidate(dg.Config):
    """What a backtest changes: policy settings by `section.setting`, as text that JSON can read."""

    changes: dict[str, str]


@dg.op(description="Plans every finished run of the partition again from its manifest and compares every table.")
def replay_night(context: dg.OpExecutionContext, nights: NightsResource) -> None:
    from recon_platform.nights import records
    from recon_platform.nights.replay import replay

    plant, planning_date = night_of(context.partition_key)
    lake = nights.lake()
    runs = records.manifests(lake, plant, planning_date)
    if not runs:
        raise dg.Failure(f"{plant} {planning_date} has no finished run to replay", allow_retries=False)
    differing = []
    for manifest in runs:
        report = replay(lake, manifest.run_id)
        context.log.info(f"{report.run_id}: {report.tables} tables, {len(report.differences)} differ")
        if not report.identical:
            differing.append(report)
    context.add_output_metadata({"runs": len(runs), "runs that differ": len(differing)})
    if differing:
        first = differing[0]
        raise dg.Failure(
            f"{first.run_id} does not replay: {first.differences[0]}",
            metadata={
                "differences": dg.MetadataValue.json([str(found) for found in first.differences[:LAST_DIFFERENCES]]),
                "changed since": dg.MetadataValue.json(list(first.changed)),
            },
            allow_retries=False,
        )


@dg.op(description="Plans the night of the partition again under a changed policy, beside what it was.")
def backtest_night(context: dg.OpExecutionContext, config: Candidate, nights: NightsResource) -> None:
    import json

    from recon_platform.nights import records
    from recon_platform.nights.backtest import backtest

    plant, planning_date = night_of(context.partition_key)
    manifest = records.latest(nights.lake(), plant, planning_date)
    if manifest is None:
        raise dg.Failure(f"{plant} {planning_date} has no finished run to compare with", allow_retries=False)
    changes = {name: json.loads(value) for name, value in config.changes.items()}
    rows = backtest(nights.lake(), [manifest], changes)
    context.add_output_metadata({"run": manifest.run_id, "comparison": dg.MetadataValue.md(as_markdown(rows))})


@dg.op(description="Removes what no kept manifest names; keeps what an audit or a replay may ask for.")
def tidy_lake(context: dg.OpExecutionContext, nights: NightsResource, clock: ClockResource) -> None:
    from recon_platform.nights.maintenance import maintain

    done = maintain(nights.lake(), now=clock.now())
    context.add_output_metadata(
        {
            "tables": len(done), "files removed": sum(table.files_removed for table in done),
            "files compacted": sum(table.files_compacted for table in done),
        }
    )  # fmt: skip


@dg.job(
    name="replay", partitions_def=NIGHTS, tags={**BEHIND_EVERYTHING, **CHANGES_NOTHING},
    description="Audit replay of past nights: run a backfill over the dates in question. Writes nothing.",
)  # fmt: skip
def replay_job() -> None:
    replay_night()


@dg.job(
    name="backtest", partitions_def=NIGHTS, tags={**BEHIND_EVERYTHING, **CHANGES_NOTHING},
    description="Past nights under a candidate policy, side by side with what they were. Writes nothing.",
)  # fmt: skip
def backtest_job() -> None:
    backtest_night()


@dg.job(name="maintenance", tags=BEHIND_EVERYTHING, description="Weekly tidying of the lake, driven by the manifests.")
def maintenance_job() -> None:
    tidy_lake()


@dg.op(
    description="Checks the trail against every head exported before, then exports it; fails where it does not hold."
)
def export_trail(context: dg.OpExecutionContext, nights: NightsResource) -> None:
    found = nights.export_audit()
    context.add_output_metadata({"rows": found.rows, "holds": found.holds, "folder": nights.audit_export})
    if not found.holds:
        raise dg.Failure(f"the audit trail does not hold: {found.problem}", allow_retries=False)


@dg.job(
    name="audit_export", tags={**BEHIND_EVERYTHING, **CHANGES_NOTHING},
    description="The audit trail and its sealed head to a folder off this host, checked against those exported before.",
)  # fmt: skip
def audit_export_job() -> None:
    export_trail()


JOBS = [replay_job, backtest_job, maintenance_job, audit_export_job]
