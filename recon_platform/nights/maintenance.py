"""Maintenance of the lake, driven by the manifests: what a kept run names is never removed.

Kept are every version that a manifest within the retention period names, read or written; every published schedule,
whatever its age; and all that an open run has pinned or written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from recon_platform.lake import Lake, MissingTableError
from recon_platform.lake.maintenance import SAFE, Tidied, tidy
from recon_platform.nights import records
from recon_platform.nights.records import OPEN, Pins, TableVersion
from recon_platform.tables.model import Layer
from recon_platform.tables.runs import PUBLISHED_SCHEDULE, RUN_STEPS

RETENTION = timedelta(days=400)
OPEN_RUN_LIFE = timedelta(days=7)
"""A run that was begun and not finished for longer is given up: a second start makes its tables again."""

GROWING = frozenset({Layer.RUNS})
"""Layers whose tables only grow: their small files are put together, their versions are named by nobody."""


def maintain(
    lake: Lake, *, now: datetime, retention: timedelta = RETENTION, safe: timedelta = SAFE, dry_run: bool = False
) -> list[Tidied]:
    """Tidy every table of the lake; with `dry_run` only say what would be removed."""
    named = named_versions(lake, now=now, retention=retention)
    done = []
    for layer, table in lake.tables():
        keep = named.get((layer, table), set())
        if layer == Layer.PUBLISHED:
            keep = keep | {int(commit["version"]) for commit in _published(lake)}
        done.append(tidy(lake, layer, table, keep, compact=layer in GROWING, safe=safe, dry_run=dry_run))
    return done


def named_versions(lake: Lake, *, now: datetime, retention: timedelta = RETENTION) -> dict[tuple[str, str], set[int]]:
    """Layer and table → the versions that a kept manifest or an open run names."""
    found: dict[tuple[str, str], set[int]] = defaultdict(set)

    def keep(entries: Iterable[TableVersion]) -> None:
        for entry in entries:
            found[entry.layer, entry.table].add(entry.version)

    for commit in _published(lake):
        record = json.loads(commit.get("record", "{}"))
        if record.get("decisions"):
            keep([TableVersion(**record["decisions"])])
    finished = set()
    for manifest in records.manifests(lake):
        finished.add(manifest.run_id)
        if manifest.finished_at >= now - retention:
            keep(manifest.pins.inputs.values())
            keep(manifest.outputs.values())
    for row in _open_steps(lake, now).iter_rows(named=True):
        if row["run_id"] in finished:
            continue
        if row["step"] == OPEN:
            keep(Pins.from_json(row["detail"]).inputs.values())
        else:
            keep(TableVersion(**entry) for entry in json.loads(row["detail"]).values())
    return dict(found)


def _published(lake: Lake) -> list[dict[str, Any]]:
    try:
        return lake.history(PUBLISHED_SCHEDULE.layer, PUBLISHED_SCHEDULE.name)
    except MissingTableError:
        return []


def _open_steps(lake: Lake, now: datetime) -> pl.DataFrame:
    try:
        return lake.read(records.RUNS, RUN_STEPS).filter(pl.col("at") >= now - OPEN_RUN_LIFE)
    except MissingTableError:
        return RUN_STEPS.empty()
