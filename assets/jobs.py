"""Jobs: what is run together, and how it is retried.

`night` makes everything from raw to metrics; `rerun` only what a downtime event can change; `publish` puts an approved
plan in force. Runs of one partition never overlap (run queue, `dagster_home/dagster.yaml`).
"""

from __future__ import annotations

import dagster as dg

from assets.catalog import derived_key, raw_key
from assets.night_stages import night_stages

# A crash of the worker is worth another try; a table that breaks its schema or a landing that cannot be read is not:
# those fail with `allow_retries=False` and would fail again. See docs/operations.md.
RETRY_AFTER_CRASH = {
    "dagster/max_retries": "2",
    "dagster/retry_strategy": "ALL_STEPS",
    "dagster/retry_on_asset_or_op_failure": "false",
}
LONGEST_RUN_SECONDS = {"dagster/max_runtime": "3600"}

RERUN_STAGES = ("schedule", "promises", "proposal", "metrics")
EVENT_TABLE = "downtime_events"


def night_keys() -> list[dg.AssetKey]:
    """Every table that a stage makes."""
    return [derived_key(name) for stage in night_stages() for name in stage.writes]


def rerun_keys() -> list[dg.AssetKey]:
    """What a downtime event can change: the event itself, and all from the schedule on."""
    changed = [derived_key(name) for stage in night_stages() if stage.name in RERUN_STAGES for name in stage.writes]
    return [raw_key(EVENT_TABLE), derived_key(EVENT_TABLE), *changed]


def jobs(
    raw: list[dg.AssetKey], published: dg.AssetKey, beside: list[dg.AssetKey]
) -> list[dg.UnresolvedAssetJobDefinition]:
    """All asset jobs; `raw` are the keys of the landing tables, `published` that of the schedule in force, `beside` what
    is measured beside a night: the agents, the week."""
    tags = {**RETRY_AFTER_CRASH, **LONGEST_RUN_SECONDS}
    return [
        dg.define_asset_job(
            "night", selection=dg.AssetSelection.assets(*raw, *night_keys(), *beside), tags=tags,
            description="A whole night of one plant: from the landing to the proposal and its measures.",
        ),
        dg.define_asset_job(
            "rerun", selection=dg.AssetSelection.assets(*rerun_keys()), tags=tags,
            description="The latest night planned again after an event; the rest is read at the night's versions.",
        ),
        dg.define_asset_job(
            "publish", selection=dg.AssetSelection.assets(published), tags=tags,
            description="An approved plan put in force: re-anchored, checked, committed, written back.",
        ),
    ]  # fmt: skip
