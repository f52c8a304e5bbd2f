"""The digest of a frame: one number for its content, the same whatever the row order, process or library version.

Belongs here: how values become bytes. Only the values count, not how Polars holds them in memory or how Parquet stores
them, so a digest outlives an upgrade of either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from recon_platform.tables.order import canonical_order

FORM = b"recon frame digest 1"


def frame_digest(frame: pl.DataFrame, key: Sequence[str] = ()) -> str:
    """SHA-256 of column names, kinds and values, rows in ascending order of `key` (ties, or no key: of all columns).

    A column that holds nothing does not count: one that a table gains later leaves older digests as they are.

    Raises TypeError for a column of a kind that no table has (lists, structs).
    """
    return ordered_digest(canonical_order(frame, tuple(key)))


def ordered_digest(ordered: pl.DataFrame) -> str:
    """The digest of a frame whose rows stand in canonical order already."""
    digest = hashlib.sha256(FORM)
    digest.update(ordered.height.to_bytes(8, "little"))
    for name in sorted(ordered.columns):
        if ordered[name].null_count() == ordered.height:
            continue
        kind, parts = _content(ordered[name])
        header = f"{name}\0{kind}\0".encode()
        digest.update(len(header).to_bytes(4, "little") + header)
        for part in parts:
            digest.update(part)
    return digest.hexdigest()


def _content(series: pl.Series) -> tuple[str, list[bytes]]:
    """The kind of a column and its values as bytes: which are null, then the values with nulls as zero."""
    dtype = series.dtype
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        text = series.cast(pl.String).fill_null("")
        lengths = text.str.len_bytes().to_numpy().astype("<u4").tobytes()
        kind, values = "text", [lengths, (text.str.join("").item() if text.len() else "").encode()]
    elif dtype == pl.Boolean:
        kind, values = "flag", [np.packbits(series.fill_null(False).to_numpy()).tobytes()]
    elif dtype.is_float():
        # -0.0 equals 0.0, and every not-a-number is one: adding 0.0 and one fixed pattern make their bytes equal.
        numbers = series.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
        kind, values = "number", [np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()]
    elif dtype.is_integer():
        kind, values = "whole", [_whole(series)]
    elif dtype == pl.Date:
        kind, values = "day", [_whole(series.to_physical())]
    elif isinstance(dtype, pl.Datetime):
        kind, values = f"instant {dtype.time_zone or 'local'}", [_whole(series.dt.timestamp("us"))]
    elif dtype == pl.Time:
        kind, values = "clock", [_whole(series.to_physical())]
    elif dtype == pl.Null:
        kind, values = "null", []
    else:
        raise TypeError(f"column {series.name} is {dtype}; tables hold text, numbers, flags, dates and instants only")
    return kind, [np.packbits(series.is_null().to_numpy()).tobytes(), *values]


def _whole(series: pl.Series) -> bytes:
    return series.cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes()
