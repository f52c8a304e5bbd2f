"""Look for a secret in everything that a run left behind: raw bytes, and what is packed inside Parquet."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pyarrow import parquet


def places_of(secret: str, folder: Path) -> list[str]:
    """Files below `folder` that hold `secret`."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _holds(path, secret)
    ]


def _holds(path: Path, secret: str) -> bool:
    if secret.encode() in path.read_bytes():
        return True
    if path.suffix != ".parquet":
        return False
    told = parquet.read_metadata(path).metadata or {}
    if any(secret.encode() in value for value in told.values()):
        return True
    texts = pl.read_parquet(path).select(pl.selectors.string())
    return any(column.str.contains(secret, literal=True).any() for column in texts)
