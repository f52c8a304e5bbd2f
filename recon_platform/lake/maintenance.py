"""Tidying the lake: small files put together, files that no kept version needs removed.

Belongs here: what is done to one table. Which versions somebody may still ask for is known to `nights.maintenance`,
which reads the manifests; a version that is named is never broken.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from deltalake import PostCommitHookProperties
from deltalake.exceptions import DeltaError

from recon_platform.lake.errors import LakeError
from recon_platform.lake.lake import Lake

SAFE = timedelta(hours=24)
"""A file that was replaced more recently may be read by a run that is still open: it stays."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What was done to one table."""

    layer: str
    table: str
    versions_kept: int
    files_removed: int
    files_compacted: int


def tidy(
    lake: Lake, layer: str, table: str, keep: Collection[int], *, compact: bool = False, safe: timedelta = SAFE,
    dry_run: bool = False,
) -> Tidied:  # fmt: skip
    """Remove files that neither the newest version nor one of `keep` needs, once they were replaced `safe` ago or more.

    With `compact` the files of each night are put together first; for tables that only grow, and whose versions nobody
    names. The commit log is never shortened, so every version in `keep` can be opened again.
    """
    try:
        delta = lake.delta(layer, table)
        joined = 0
        if compact and not dry_run:
            joined = int(delta.optimize.compact()["numFilesRemoved"])
            delta = lake.delta(layer, table)
        kept = sorted({*keep, delta.version()})
        hours = int(safe.total_seconds() // 3600)
        removed = delta.vacuum(
            hours, dry_run=dry_run, enforce_retention_duration=False, keep_versions=kept,
            post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
        )  # fmt: skip
    except DeltaError as error:
        raise LakeError(f"table {layer}.{table} was not tidied: {error}") from error
    return Tidied(layer, table, len(kept), len(removed), joined)
