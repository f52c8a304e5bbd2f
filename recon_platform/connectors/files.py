"""Read a landing folder: a CSV or Parquet file, or a folder of part files, per contract table, and `plant.toml`.

Belongs here: which files there are, whose rows they hold and when they were extracted. Does not belong here: what a
cell means (that is `conform`); nothing is corrected, nothing is dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from recon_platform.connectors.delimited import PROBLEM, ROW, numbered, read_csv, read_parquet, with_series
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.plant_file import FILE as PLANT_FILE
from recon_platform.connectors.plant_file import PlantFile, parse_instant, read_plant_file
from recon_platform.tables.context import Plant
from recon_platform.tables.model import Layer, Table
from recon_platform.tables.policy import Policy
from recon_platform.tables.registry import TABLES

SUFFIXES = (".csv", ".parquet")
IGNORED = ("README.md", "README.txt", "LICENSE", "LICENSE.txt", "mapping_report.json")
ROW_VERSION = "row_version"  # a column any table may carry: the source's version of the row, for writing back
UOM = "uom"  # may always be left out: the quantity is then in the item's own unit


@dataclass(frozen=True, slots=True)
class Landing:
    """A landing folder as it came.

    Every frame carries, besides the file's own columns, `_source` (`erp` or `mes`), `_file`, `_row` (1-based data row),
    `_extracted_at` (text as the feed gave it, or null) and `_problem` (null, or why the row is malformed).
    """

    frames: Mapping[str, pl.DataFrame]
    plant: Plant
    policy: Policy
    as_of: datetime  # UTC
    digest: str  # SHA-256 over file names and bytes
    unknown_tables: tuple[str, ...] = ()
    unknown_columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()  # required tables the plant declares not to have
    assumptions: Mapping[str, str] = field(default_factory=dict)


def landing_tables() -> dict[str, Table]:
    """The tables of the landing contract, by name."""
    return {name: table for name, table in TABLES.items() if table.layer is Layer.LANDING}


def read_landing(folder: Path) -> Landing:
    """Read every contract table in `folder` and its `plant.toml`.

    Raises LandingError, one line, where the folder or a required file is missing, a file is empty or broken, a header
    lacks a column, or a setting is wrong.
    """
    folder = Path(folder)
    if not folder.exists():
        raise LandingError(f"landing folder {folder} does not exist", action="check the path")
    if not folder.is_dir():
        raise LandingError(
            f"{folder} is a file, expected a landing folder", action="give the folder that holds the files"
        )
    digest = hashlib.sha256()
    plant_file = read_plant_file(_bytes(folder / PLANT_FILE, folder, digest))
    tables = landing_tables()
    unknown = [name for name in plant_file.absent if name not in tables]
    if unknown:
        raise LandingError(
            f"absent names {unknown[0]!r}, which is no table of the contract", file=PLANT_FILE, column="absent"
        )
    found, unknown_tables = _inventory(folder, tables)
    frames: dict[str, pl.DataFrame] = {}
    for name, table in tables.items():
        frame = _read_table(folder, table, found.get(name, []), plant_file, digest)
        if frame is not None:
            frames[name] = frame
    return _landing(frames, plant_file, digest, unknown_tables)


def landing_of(tables: Mapping[str, pl.DataFrame], settings: bytes) -> Landing:
    """A landing that never was a folder: `tables` as its Parquet files would hold them, `settings` as its `plant.toml`.

    Raises LandingError as `read_landing`. The digest is over names and the tables as Arrow streams.
    """
    digest = hashlib.sha256(settings)
    plant_file, contract = read_plant_file(settings), landing_tables()
    frames: dict[str, pl.DataFrame] = {}
    for name, table in contract.items():
        if name in tables:
            file = f"{name}.parquet"
            digest.update(name.encode() + b"\0" + tables[name].write_ipc_stream(None).getvalue())
            frame = _from(table, numbered(tables[name], file, _needed(table)), file)
            _require_rows(frame, table, plant_file, file)
        elif (none := _not_delivered(table, plant_file)) is not None:
            frame = none
        else:
            continue
        frames[name] = frame
    unknown = tuple(sorted(set(tables) - set(contract)))
    return _landing(frames, plant_file, digest, unknown)


def _landing(
    frames: Mapping[str, pl.DataFrame], plant_file: PlantFile, digest: hashlib._Hash, unknown_tables: tuple[str, ...]
) -> Landing:
    tables, feeds = landing_tables(), frames.get("feeds")
    extracted = _extracted(feeds)
    frames = {name: _marked(frame, _extracted_at=extracted.get(name)) for name, frame in frames.items()}
    return Landing(
        frames=frames,
        plant=plant_file.plant,
        policy=plant_file.policy,
        as_of=plant_file.as_of or _newest_watermark(feeds, plant_file.plant),
        digest=digest.hexdigest(),
        unknown_tables=unknown_tables,
        unknown_columns={name: extra for name, frame in frames.items() if (extra := _extra(frame, tables[name]))},
        absent=plant_file.absent,
        assumptions=plant_file.assumptions,
    )


def _inventory(folder: Path, tables: Mapping[str, Table]) -> tuple[dict[str, list[Path]], tuple[str, ...]]:
    """The files of each table, sorted by name, and the names of what belongs to no table."""
    found: dict[str, list[Path]] = {}
    unknown: list[str] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith((".", "_")) or entry.name in IGNORED or entry.name == PLANT_FILE:
            continue
        name = entry.name if entry.is_dir() else entry.stem
        if name not in tables or (entry.is_file() and entry.suffix not in SUFFIXES):
            unknown.append(entry.name)
            continue
        if name in found:
            raise LandingError(
                f"table {name} is delivered twice ({found[name][0].name} and {entry.name})",
                file=entry.name,
                action="keep one",
            )
        if entry.is_dir():
            parts = sorted(part for part in entry.iterdir() if not part.name.startswith((".", "_")))
            wrong = [part.name for part in parts if part.suffix not in SUFFIXES or not part.is_file()]
            if wrong:
                raise LandingError("a part file must be .csv or .parquet", file=f"{entry.name}/{wrong[0]}")
            if not parts:
                raise LandingError("the folder has no part files", file=entry.name, action="deliver one with a header")
            found[name] = parts
        else:
            found[name] = [entry]
    return found, tuple(unknown)


def _read_table(
    folder: Path, table: Table, paths: Sequence[Path], plant_file: PlantFile, digest: hashlib._Hash
) -> pl.DataFrame | None:
    if not paths:
        return _not_delivered(table, plant_file)
    needed = _needed(table)
    parts: list[pl.DataFrame] = []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        read = read_csv if path.suffix == ".csv" else read_parquet
        parts.append(_from(table, read(_bytes(path, folder, digest), name, needed), name))
    frame = parts[0] if len(parts) == 1 else _together(parts, table)
    _require_rows(frame, table, plant_file, paths[0].relative_to(folder).as_posix())
    return frame


def _not_delivered(table: Table, plant_file: PlantFile) -> pl.DataFrame | None:
    if table.name in plant_file.absent:
        return _no_rows(table)
    if table.optional:
        return None
    raise LandingError(
        f"required table {table.name} is missing", file=f"{table.name}.csv",
        action=f'deliver it, or declare absent = ["{table.name}"] in plant.toml',
    )  # fmt: skip


def _require_rows(frame: pl.DataFrame, table: Table, plant_file: PlantFile, file: str) -> None:
    if frame.is_empty() and not table.optional and table.name not in plant_file.absent:
        raise LandingError(
            f"required table {table.name} has no rows", file=file, row=0,
            action=f'deliver rows, or declare absent = ["{table.name}"] in plant.toml',
        )  # fmt: skip


def _needed(table: Table) -> list[str]:
    """Columns that a header must hold."""
    return [column.name for column in table.columns if not column.nullable and column.name != UOM]


def _from(table: Table, rows: pl.DataFrame, file: str) -> pl.DataFrame:
    return _marked(rows, _source=table.source or "erp", _file=file)


def _marked(frame: pl.DataFrame, **marks: str | None) -> pl.DataFrame:
    """`frame` with the same text on every row."""
    return with_series(
        frame, [pl.Series(name, [text], pl.String).new_from_index(0, frame.height) for name, text in marks.items()]
    )


def _no_rows(table: Table) -> pl.DataFrame:
    """What a table declared absent looks like: its columns, and the bookkeeping every frame carries."""
    schema = dict.fromkeys(table.column_names, pl.String) | {ROW: pl.Int64, PROBLEM: pl.String}
    return pl.DataFrame(schema=schema | {"_source": pl.String, "_file": pl.String})


def _together(parts: Iterable[pl.DataFrame], table: Table) -> pl.DataFrame:
    parts = list(parts)
    types: dict[str, set[pl.DataType]] = {}
    for part in parts:
        for name, dtype in part.schema.items():
            types.setdefault(name, set()).add(dtype)
    mixed = [name for name, kinds in types.items() if len(kinds) > 1]
    try:
        return pl.concat(
            [part.with_columns(pl.col(n).cast(pl.String) for n in mixed if n in part.columns) for part in parts],
            how="diagonal",
        )
    except pl.exceptions.PolarsError as error:
        raise LandingError(f"the part files of {table.name} do not fit together ({error})", file=table.name) from None


def _bytes(path: Path, folder: Path, digest: hashlib._Hash) -> bytes:
    name = path.relative_to(folder).as_posix()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LandingError("the file is missing", file=name, action="deliver it with the landing folder") from None
    except OSError as error:
        raise LandingError(
            f"the file cannot be read ({error.strerror})", file=name, action="check its permissions"
        ) from None
    digest.update(name.encode() + b"\0" + len(data).to_bytes(8, "big") + data)
    return data


def _extracted(feeds: pl.DataFrame | None) -> dict[str, str]:
    """The newest extraction that the feed of each table reports, as text."""
    if feeds is None or "extracted_at" not in feeds.columns:
        return {}
    told = pl.DataFrame([feeds["table"].cast(pl.String).str.strip_chars(), _text(feeds["extracted_at"]).alias("at")])
    return dict(told.drop_nulls().group_by("table").agg(pl.col("at").max()).iter_rows())


def _text(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.Datetime):
        return series.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("%:z" if series.dtype.time_zone else ""))
    return series.cast(pl.String)


def _extra(frame: pl.DataFrame, table: Table) -> tuple[str, ...]:
    return tuple(
        name for name in frame.columns if not name.startswith("_") and name not in (*table.column_names, ROW_VERSION)
    )


def _newest_watermark(feeds: pl.DataFrame | None, plant: Plant) -> datetime:
    """The newest watermark of the feeds (or extraction, where a feed gives no watermark), in UTC."""
    instants: list[datetime] = []
    if feeds is not None:
        for column in ("watermark", "extracted_at"):
            if column not in feeds.columns:
                continue
            for text in _text(feeds[column]).drop_nulls().unique().sort():
                try:
                    instants.append(parse_instant(text, plant, setting=column, file="feeds"))
                except LandingError:
                    continue  # conform quarantines the row with its reason; another feed can still tell the time
            if instants:
                break
    if not instants:
        raise LandingError(
            "as_of is unknown: plant.toml does not give it and feeds has no readable watermark", file=PLANT_FILE,
            column="as_of", action="set as_of in plant.toml",
        )  # fmt: skip
    return max(instants)


__all__ = ["PROBLEM", "ROW", "Landing", "LandingError", "landing_of", "landing_tables", "read_landing"]
