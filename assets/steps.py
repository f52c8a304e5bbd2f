"""One step of the night as a Dagster multi-asset: run the stage through the nights API, record what it wrote.

Belongs here: the translation between a stage and Dagster's events. A stage validates its tables before it commits any
of them; where one fails, the failing checks are recorded with counts and rows, nothing is written, and the run stops.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from assets.catalog import stage_specs
from assets.checks import check_specs, pandera_check, sent_check, sent_specs, violation_check
from assets.description import description
from assets.lineage import column_lineage, quarantine_counts
from assets.night_stages import night_stage
from recon_platform.tables.model import Table
from recon_platform.tables.registry import output_table
from resources.nights import EVENT_AT, NightsResource, Step
from resources.partitions import NIGHTS, night_of

Event = dg.MaterializeResult | dg.AssetCheckResult


def step_asset(
    name: str, specs: Sequence[dg.AssetSpec], stage: str, meaning: str, tables: dict[str, Table]
) -> dg.AssetsDefinition:
    """The multi-asset `name` that makes the tables of `specs` by running `stage` of the night of its partition."""

    @dg.multi_asset(
        name=name, specs=specs, check_specs=check_specs(specs) if tables else sent_specs(specs), partitions_def=NIGHTS,
        description=meaning, can_subset=True, op_tags={"recon/stage": stage},
    )  # fmt: skip
    def step(context: dg.AssetExecutionContext, nights: NightsResource) -> Iterator[Event]:
        keys = {key.path[-1]: key for key in context.selected_asset_keys}
        outcome = nights.step(context, stage, frozenset(keys))
        yield from recorded(outcome, keys, tables, since_event(context) if outcome.closed else {})

    return step


def stage_asset(name: str) -> dg.AssetsDefinition:
    """The multi-asset of stage `name`."""
    found = night_stage(name)
    tables = {table: output_table(table) for table in found.writes}
    return step_asset(asset_name(name), stage_specs(found), name, found.meaning, tables)


def asset_name(stage: str) -> str:
    """What the step is called in a run: the stage's name, `conformed` and so on where the field has a better word."""
    return {"conform": "conformed", "reconcile": "reconciled", "load": "required_load"}.get(stage, stage)


def since_event(context: dg.AssetExecutionContext) -> dict[str, dg.MetadataValue]:
    """How long it took from the event that asked for a rerun to its finished proposal."""
    from recon_platform.nights.telemetry import proposed_after

    dropped = context.run.tags.get(EVENT_AT)
    if dropped is None:
        return {}
    seconds = (datetime.now(UTC) - datetime.fromisoformat(dropped)).total_seconds()
    proposed_after(night_of(context.partition_key)[0], seconds)
    return {"seconds_from_event_to_proposal": dg.MetadataValue.float(round(seconds, 1))}


def recorded(
    outcome: Step, keys: dict[str, dg.AssetKey], tables: dict[str, Table], notes: dict[str, dg.MetadataValue]
) -> Iterator[Event]:
    """Dagster's events of a step: materializations with their checks, or the failed checks and then the failure."""
    if outcome.violations:
        broken = [name for name in sorted(keys) if any(found.table == name for found in outcome.violations)]
        for name in broken:
            mine = [found for found in outcome.violations if found.table == name]
            yield violation_check(keys[name], max(found.count for found in mine), mine)
        raise dg.Failure(f"{', '.join(broken)} would break its schema; nothing was written", allow_retries=False)
    for name, key in sorted(keys.items()):
        written = outcome.written[name]
        frame = outcome.frames[name]
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                **description(name, frame, version=written.version, digest=written.digest, inputs=outcome.inputs),
                **({"dagster/column_lineage": column_lineage(name)} if name in tables else {}),
                **quarantine_counts(name, outcome.frames),
                **notes,
            },
            data_version=dg.DataVersion(written.digest),
            check_results=[
                pandera_check(key, tables[name], frame)
                if name in tables
                else sent_check(key, frame.height, outcome.sent.get(name))
            ],
        )  # fmt: skip
