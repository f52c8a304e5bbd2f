"""Landing tables as they came, in a form that is the same every night: text, in contract order.

A CSV cell is text already; what a Parquet file holds typed becomes its ISO text. So a raw table never changes its
schema, whatever a source sends, and a plan from the lake reads exactly what a plan of the same night read before.
Columns that the contract does not know are kept together as JSON.
"""

from __future__ import annotations

import json

import polars as pl

from recon_platform.lake.lake import RAW_KEY
from recon_platform.tables.model import Column, Kind, Layer, Table
from recon_platform.tables.registry import table as described

UNKNOWN = "_unknown"
ROW = "_row"
UOM = "uom"


def raw_text(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Raw table `name` with every cell as text, columns in contract order, unknown ones behind by name, `_…` last.

    A column that may be absent and holds nothing is left out: absent and empty are the same to whoever reads it. So is
    an unknown one that holds nothing; its name stands in the notes of the run.
    """
    contract = described(name)
    kept = []
    for column in contract.columns:
        if column.name not in frame.columns:
            continue
        may_be_absent = column.nullable or column.name == UOM
        if not (may_be_absent and frame[column.name].null_count() == frame.height):
            kept.append(_text(column.name, frame.schema[column.name]))
    for other in sorted(set(frame.columns) - set(contract.column_names)):
        if other == ROW:
            kept.append(pl.col(other).cast(pl.Int64))
        elif other.startswith("_") or frame[other].null_count() < frame.height:
            kept.append(_text(other, frame.schema[other]))
    text = frame.select(kept)
    own = [column for column in text.columns if column.startswith("_")]
    return text.select([column for column in text.columns if not column.startswith("_")] + own)


def packed(name: str, text: pl.DataFrame) -> tuple[Table, pl.DataFrame]:
    """The table and frame as they are stored: every contract column, unknown ones as one JSON object per row."""
    contract = described(name)
    unknown = [c for c in text.columns if c not in contract.column_names and not c.startswith("_")]
    own = [c for c in text.columns if c.startswith("_")]
    columns = [(pl.col(c) if c in text.columns else pl.lit(None, pl.String).alias(c)) for c in contract.column_names]
    bundle = pl.struct(unknown).struct.json_encode() if unknown else pl.lit(None, pl.String)
    frame = text.select(*columns, *own, bundle.alias(UNKNOWN))
    table = Table(
        name, Layer.LANDING, contract.meaning, tuple(_raw_column(c, contract) for c in frame.columns),
        key=tuple(c for c in RAW_KEY if c in frame.columns), source=contract.source, owner=contract.owner,
    )  # fmt: skip
    return table, frame


def unpacked(name: str, stored: pl.DataFrame) -> pl.DataFrame:
    """What `raw_text` gave, from what `packed` stored."""
    if UNKNOWN not in stored.columns:
        return raw_text(name, stored)
    bundle = stored[UNKNOWN].drop_nulls()
    frame = stored.drop(UNKNOWN)
    if bundle.len():
        names = list(json.loads(bundle[0]))
        dtype = pl.Struct(dict.fromkeys(names, pl.String()))
        frame = frame.hstack(stored[UNKNOWN].str.json_decode(dtype).struct.unnest())
    return raw_text(name, frame)


def _raw_column(name: str, contract: Table) -> Column:
    if name == ROW:
        return Column(name, Kind.WHOLE, "Data row in the file, counted from 1.")
    meaning = contract.column(name).meaning if name in contract.column_names else "As the connector read it."
    return Column(name, Kind.TEXT, meaning, nullable=True)


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    this = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            return this.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        return this.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if dtype == pl.Date:
        return this.dt.strftime("%Y-%m-%d")
    if dtype == pl.Time:
        return this.dt.strftime("%H:%M:%S%.6f")
    if dtype == pl.Binary:
        return this.bin.encode("hex")
    return this.cast(pl.String)
