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
    nulls = ordered.null_count().row(0) if ordered.width else ()
    holds = {name: count for name, count in sorted(zip(ordered.columns, nulls, strict=True)) if count < ordered.height}
    forms = {name: _form(name, ordered.schema[name]) for name in holds}
    # All columns at once: a table of forty columns and as many rows would else cost more in calls than in bytes.
    values = ordered.select(value.alias(name) for name, (_, value) in forms.items())
    absent = ordered.select(pl.col(name).is_null() for name, count in holds.items() if count)
    texts = ordered.select(
        pl.col(name).cast(pl.String).str.join("") for name, (kind, _) in forms.items() if kind == TEXT
    )
    for name, (kind, _) in forms.items():
        header = f"{name}\0{kind}\0".encode()
        digest.update(len(header).to_bytes(4, "little") + header)
        flags = absent[name].to_numpy() if holds[name] else np.zeros(ordered.height, bool)
        digest.update(np.packbits(flags).tobytes())
        digest.update(_bytes(kind, values[name]))
        if kind == TEXT:
            digest.update(texts[name].item().encode())
    return digest.hexdigest()


TEXT, FLAG, NUMBER = "text", "flag", "number"


def _form(name: str, dtype: pl.DataType) -> tuple[str, pl.Expr]:
    """The kind of a column, and its values as bytes are made of them: nulls as zero, of texts the lengths."""
    this = pl.col(name)
    if dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum):
        return TEXT, this.cast(pl.String).str.len_bytes().fill_null(0)
    if dtype == pl.Boolean:
        return FLAG, this.fill_null(False)
    if dtype.is_float():
        return NUMBER, this.cast(pl.Float64).fill_null(0.0)
    if dtype.is_integer():
        kind = "whole"
    elif isinstance(dtype, pl.Datetime):
        kind, this = f"instant {dtype.time_zone or 'local'}", this.dt.timestamp("us")
    elif dtype in (pl.Date, pl.Time):
        kind, this = "day" if dtype == pl.Date else "clock", this.to_physical()
    else:
        raise TypeError(f"column {name} is {dtype}; tables hold text, numbers, flags, dates and instants only")
    return kind, this.cast(pl.Int64).fill_null(0)


def _bytes(kind: str, values: pl.Series) -> bytes:
    found = values.to_numpy()
    if kind == FLAG:
        return np.packbits(found).tobytes()
    if kind == NUMBER:
        # -0.0 equals 0.0, and every not-a-number is one: adding 0.0 and one fixed pattern make their bytes equal.
        found = found + 0.0
        return np.where(np.isnan(found), np.nan, found).astype("<f8").tobytes()
    return found.astype("<u4" if kind == TEXT else "<i8", copy=False).tobytes()
