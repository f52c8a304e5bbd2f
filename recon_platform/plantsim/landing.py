"""Landing folders written to disk: one CSV (or Parquet) per table, `plant.toml`, and the watermarks of the feeds.

Belongs here: text of instants, flags and clocks. Does not belong here: what the tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl

from recon_platform.tables import landing_erp, landing_mes
from recon_platform.tables.model import Kind, Table

LANDING: dict[str, Table] = {table.name: table for table in (*landing_erp.TABLES, *landing_mes.TABLES)}


def typed(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the contract's columns, in its order."""
    return LANDING[name].frame(frame)


def as_text(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as the text a file holds: instants in UTC with `Z`, flags `true`/`false`, clocks `HH:MM`."""
    table = LANDING[name]
    columns = []
    for column in table.columns:
        value = pl.col(column.name)
        if column.kind is Kind.INSTANT:
            value = value.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        elif column.kind is Kind.DAY:
            value = value.dt.strftime("%Y-%m-%d")
        elif column.kind is Kind.CLOCK:
            value = value.dt.strftime("%H:%M")
        else:
            value = value.cast(pl.String)
        columns.append(value.alias(column.name))
    return frame.select(columns)


def without_empty_columns(frame: pl.DataFrame) -> pl.DataFrame:
    """Optional columns that hold nothing are left out, as an export would."""
    keep = [c for c in frame.columns if frame.height == 0 or frame[c].null_count() < frame.height]
    return frame[keep] if keep else frame


def feeds(frames: Mapping[str, pl.DataFrame], watermarks: Mapping[str, datetime]) -> pl.DataFrame:
    """One row per table handed over."""
    rows = [
        {
            "table": name,
            "source": LANDING[name].source,
            "extracted_at": watermarks[str(LANDING[name].source)],
            "watermark": watermarks[str(LANDING[name].source)],
            "rows": frame.height,
        }
        for name, frame in sorted(frames.items())
    ]
    return LANDING["feeds"].frame(pl.DataFrame(rows))


def write_folder(folder: Path, frames: Mapping[str, pl.DataFrame], *, plant_toml: str, parquet: bool) -> None:
    """Write text frames (as from `as_text`) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in sorted(frames.items()):
        shown = without_empty_columns(frame)
        if parquet:
            shown.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
        else:
            shown.write_csv(folder / f"{name}.csv")
    (folder / "plant.toml").write_text(plant_toml, encoding="utf-8")
