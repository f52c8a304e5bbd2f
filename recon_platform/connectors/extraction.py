"""Extract a night: every table of every door into one landing folder, whole or not at all, incrementally where it can.

The state of a plant's doors is a folder: the tables as last read (`mirror-…/`) and `state.json`, which names the mirror,
the watermark and the columns of each table. It is replaced by one rename, after the landing folder is in place; so a kill
at any point leaves either the night and state before, or a finished night, and the next start reads again what was lost.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from recon_platform.connectors.door import DoorError, SourceDoor, SourceTable
from recon_platform.connectors.files import UOM, landing_tables
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import FILE as PLANT_FILE
from recon_platform.connectors.plant_file import landing_text

STATE = "state.json"
REPORT = "_extraction.json"  # a leading underscore: no table


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A column that came or went at a source since it was last read."""

    door: str
    table: str
    column: str
    change: str  # added | gone

    def __str__(self) -> str:
        return f"column {self.column} of {self.table} is {'new' if self.change == 'added' else 'gone'} at {self.door}"


@dataclass(frozen=True, slots=True)
class ExtractedTable:
    """One table of an extraction: rows handed over, rows read for it, and how."""

    table: str
    door: str
    rows: int
    read: int
    how: str  # whole | incremental
    watermark: str | None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extraction made."""

    out: str
    tables: tuple[ExtractedTable, ...]
    changes: tuple[SourceChange, ...] = ()
    at: Mapping[str, str] = field(default_factory=dict)  # door → its time


def extract_night(
    doors: Sequence[SourceDoor], plant_toml: Path, out: Path, state: Path, *, full: bool = False
) -> Extraction:
    """Read all tables of `doors` into landing folder `out`; `state` remembers what was read. `full`: forget it first.

    The landing is the same whether it was read whole or incrementally. Raises LandingError where `out` exists, two doors
    hand over one table, or a column that the contract needs is gone; DoorError where a system does not answer.
    """
    if out.exists():
        raise LandingError(f"{out} exists already", action="a night is extracted once; name another folder")
    owners: dict[str, str] = {}
    for door in doors:
        for name in door.tables():
            if name in owners:
                raise LandingError(f"table {name} comes from {owners[name]} and from {door.name}", file=PLANT_FILE)
            owners[name] = door.name
    state.mkdir(parents=True, exist_ok=True)
    before = {} if full else _read_state(state)
    part, mirror = (
        out.with_name(f".{out.name}.part"),
        state / f"mirror-{os.getpid()}-{datetime.now(UTC):%Y%m%d%H%M%S%f}",
    )
    for folder in (part, mirror):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    made, changes, at = [], [], {}
    assumed: dict[str, str] = {}
    known: dict[str, Any] = {}
    for door in doors:
        at[door.name] = _stamp(door.open())
        try:
            for name, table in door.tables().items():
                last = before.get("tables", {}).get(name)
                old = state / before["mirror"] / f"{name}.parquet" if last is not None else None
                done = _table(door, table, last, old, mirror / f"{name}.parquet")
                columns = list(pl.read_parquet_schema(mirror / f"{name}.parquet"))
                changes += _changes(door.name, name, last, columns)
                made.append(done)
                known[name] = {"watermark": done.watermark, "columns": columns, "rows": done.rows}
                shutil.copyfile(mirror / f"{name}.parquet", part / f"{name}.parquet")
            assumed |= {f"{door.name}_{name}": text for name, text in door.assumptions().items()}
        finally:
            door.close()
    _feeds(doors, made, at).write_csv(part / "feeds.csv")
    notes = {f"source_change_{number}": str(change) for number, change in enumerate(changes, 1)}
    (part / PLANT_FILE).write_text(landing_text(plant_toml, assumed | notes), encoding="utf-8")
    result = Extraction(str(out), tuple(made), tuple(changes), at)
    (part / REPORT).write_text(json.dumps(asdict(result), indent=1), encoding="utf-8")
    out.parent.mkdir(parents=True, exist_ok=True)
    part.rename(out)
    _replace_state(state, {"mirror": mirror.name, "tables": known})
    for door in doors:
        door.landed()
    return result


def _table(
    door: SourceDoor, table: SourceTable, last: Mapping[str, Any] | None, old: Path | None, to: Path
) -> ExtractedTable:
    """One table, written to `to`."""
    key = list(table.key)
    since = last["watermark"] if last is not None and table.incremental else None
    new = to.with_suffix(".new")
    read, watermark = _stream(door, table, since, new)
    columns = list(pl.read_parquet_schema(new))
    if since is None or old is None or not old.is_file() or columns != last["columns"]:  # type: ignore[index]
        if since is not None:  # the columns changed: rows read before lack what is new
            read, watermark = _stream(door, table, None, new)
        _require(door, table, list(pl.read_parquet_schema(new)))
        if key:  # one order, however it was read
            pl.scan_parquet(new).sort(key).sink_parquet(to)
            new.unlink()
        else:
            new.rename(to)
        return ExtractedTable(table.name, door.name, read, read, "whole", watermark)
    fresh = pl.read_parquet(new)
    kept = pl.read_parquet(old).join(fresh, on=key, how="anti", nulls_equal=True)
    there = door.keys(table.name)
    merged = pl.concat([kept, fresh]).join(there.unique(), on=key, how="semi", nulls_equal=True)
    if merged.height != there.height:  # rows without a unique key, or that changed without a new watermark
        return _table(door, table, None, None, to)
    merged.sort(key).write_parquet(to)
    new.unlink()
    return ExtractedTable(
        table.name, door.name, merged.height, read, "incremental", max(filter(None, (watermark, since)), key=_order)
    )


def _stream(door: SourceDoor, table: SourceTable, since: str | None, to: Path) -> tuple[int, str | None]:
    """Stream a table to a Parquet file of text columns, never holding more than one part; gives rows and watermark."""
    rows, newest, writer = 0, None, None
    try:
        for frame in door.extract(table.name, since):
            arrow = frame.to_arrow().cast(pa.schema([(name, pa.large_string()) for name in frame.columns]))
            if writer is None:
                writer = parquet.ParquetWriter(to, arrow.schema, compression="zstd", compression_level=1)
            writer.write_table(arrow)
            rows += frame.height
            if table.watermark is not None and frame.height:
                newest = max(filter(None, (newest, _newest(frame[table.watermark]))), key=_order, default=None)
    except pl.exceptions.ColumnNotFoundError:
        raise LandingError(f"watermark {table.watermark} is no column of {table.name} at {door.name}") from None
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise DoorError(f"{door.name}: table {table.name} gave neither rows nor columns")
    return rows, newest


def _newest(values: pl.Series) -> str | None:
    """The greatest watermark of a part, as text."""
    numbers = values.cast(pl.Float64, strict=False)
    at = (values if numbers.null_count() > values.null_count() else numbers).arg_max()
    return None if at is None else values[at]


def _order(value: str) -> tuple[int, float, str]:
    """How watermarks sort: numbers by value, instants by text (one source writes them in one form)."""
    try:
        return 0, float(value), ""
    except ValueError:
        return 1, 0.0, value


def _require(door: SourceDoor, table: SourceTable, columns: Sequence[str]) -> None:
    contract = landing_tables()[table.name].columns
    needed = [column.name for column in contract if not column.nullable and column.name != UOM]
    for name in (*needed, *table.key):
        if name not in columns:
            raise LandingError(
                f"column {name} of {table.name} does not come from {door.name}; found {', '.join(columns)}",
                action="correct the query, or the view that somebody changed",
            )  # fmt: skip


def _changes(door: str, table: str, last: Mapping[str, Any] | None, columns: Sequence[str]) -> list[SourceChange]:
    if last is None:
        return []
    was, now = ([name for name in names if not name.startswith("_")] for names in (last["columns"], columns))
    added = [SourceChange(door, table, name, "added") for name in now if name not in was]
    return added + [SourceChange(door, table, name, "gone") for name in was if name not in now]


def _feeds(doors: Sequence[SourceDoor], made: Sequence[ExtractedTable], at: Mapping[str, str]) -> pl.DataFrame:
    sources = {name: table.source for door in doors for name, table in door.tables().items()}
    return pl.DataFrame(
        [(t.table, sources[t.table], at[t.door], at[t.door], t.rows) for t in made],
        schema=["table", "source", "extracted_at", "watermark", "rows"], orient="row",
    )  # fmt: skip


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _replace_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Put the new state in place, then drop mirrors that it does not name."""
    part = folder / f".{STATE}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(state, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / STATE)
    for path in folder.glob("mirror-*"):
        if path.name != state["mirror"]:
            shutil.rmtree(path, ignore_errors=True)
