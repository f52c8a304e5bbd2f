"""One step of the night as a Dagster multi-asset: run the stage through the nights API, record what it wrote.

Belongs here: the translation between a stage and Dagster's events. A stage validates its tables before it commits any
of them; where one fails, the failing checks are recorded with counts and rows, nothing is written, and the run stops.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.catalog import stage_specs
from assets.checks import check_result, check_specs
from assets.description import description
from assets.night_stages import night_stage
from resources.nights import NightsResource, Step
from resources.partitions import NIGHTS

Event = dg.MaterializeResult | dg.AssetCheckResult
MOST_FAILURES_NAMED = 3


def step_asset(name: str, specs: Sequence[dg.AssetSpec], stage: str, meaning: str) -> dg.AssetsDefinition:
    """The multi-asset `name` that makes the tables of `specs` by running `stage` of the night of its partition."""

    @dg.multi_asset(
        name=name, specs=specs, check_specs=check_specs(specs), partitions_def=NIGHTS, description=meaning,
        can_subset=True, op_tags={"recon/stage": stage},
    )  # fmt: skip
    def step(context: dg.AssetExecutionContext, nights: NightsResource) -> Iterator[Event]:
        keys = {key.path[-1]: key for key in context.selected_asset_keys}
        outcome = nights.step(context, stage, frozenset(keys))
        yield from recorded(outcome, keys)

    return step


def stage_asset(name: str) -> dg.AssetsDefinition:
    """The multi-asset of stage `name`."""
    found = night_stage(name)
    return step_asset(asset_name(name), stage_specs(found), name, found.meaning)


def asset_name(stage: str) -> str:
    """What the step is called in a run: the stage's name, `conformed` and so on where the field has a better word."""
    return {"conform": "conformed", "reconcile": "reconciled", "load": "required_load"}.get(stage, stage)


def recorded(outcome: Step, keys: dict[str, dg.AssetKey]) -> Iterator[Event]:
    """Dagster's events of a step: checks and materializations, or the failing checks and then the failure."""
    if outcome.refused:
        for table, verdict in outcome.verdicts.items():
            if table in keys and not verdict.passed:
                yield check_result(keys[table], verdict)
        failed = [name for name, verdict in outcome.verdicts.items() if not verdict.passed]
        raise dg.Failure(
            description=f"{', '.join(failed[:MOST_FAILURES_NAMED])} would break its schema; nothing was written. {outcome.refused}",
            allow_retries=False,
        )
    for table, key in sorted(keys.items()):
        written = outcome.written[table]
        yield dg.MaterializeResult(
            asset_key=key,
            metadata=description(
                table, outcome.frames[table], version=written.version, digest=written.digest, inputs=outcome.inputs
            ),
            data_version=dg.DataVersion(written.digest),
            check_results=[check_result(key, outcome.verdicts[table])],
        )  # fmt: skip
