"""The door to a system of the plant: read its tables, and say beforehand what can be read and what cannot.

Belongs here: what every connector promises. Writing has its own door, `write_back.WriteBack`. A system of any kind hands
over landing tables, so that nothing behind a door knows which system it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl


class DoorError(OSError):
    """A system could not be asked, or its answer cannot be read. One line; names the system, never a secret."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a test of the door found about one table: how far it can be read, and what to do where it cannot."""

    table: str
    readable: bool
    text: str


@dataclass(frozen=True, slots=True)
class SourceTable:
    """How one landing table comes out of a system.

    `key` and `watermark` name columns of the table as it lands; with both it can be read incrementally: rows whose
    watermark is newer, and the keys that still exist. `source` is `erp` or `mes`.
    """

    name: str
    source: str = "erp"
    key: tuple[str, ...] = ()
    watermark: str | None = None

    @property
    def incremental(self) -> bool:
        return bool(self.key) and self.watermark is not None


class SourceDoor(Protocol):
    """A system that landing tables are read from. Between `open` and `close` all tables are of one moment if it can."""

    name: str

    def tables(self) -> Mapping[str, SourceTable]:
        """Landing tables that the system hands over."""

    def open(self) -> datetime:
        """Begin one extraction; gives the system's own time, UTC: how new what follows is. Raises DoorError."""

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """Rows as text columns, in parts; with `since` those whose watermark is later. Raises DoorError."""

    def keys(self, table: str) -> pl.DataFrame:
        """The keys that exist now, as text: what incremental reading needs to notice deleted rows."""

    def assumptions(self) -> Mapping[str, str]:
        """What the door declares in place of what the system does not say; printed, and stored with the night."""

    def close(self) -> None:
        """End the extraction."""

    def landed(self) -> None:
        """The night that was extracted is in place: what was handed over for it may be put away."""

    def check(self) -> Sequence[Reading]:
        """Try every table, a few rows of each, and say what was found. Raises DoorError where nothing answers."""


def text_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Every cell as landing text: instants ISO 8601 (with `Z` where they have a zone), days, `true`/`false`, numbers."""
    return frame.select(_text(name, dtype) for name, dtype in frame.schema.items())


def _text(name: str, dtype: pl.DataType) -> pl.Expr:
    this = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone:
            return this.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        return this.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if dtype == pl.Date:
        return this.dt.strftime("%Y-%m-%d")
    if dtype == pl.Time:
        return this.dt.strftime("%H:%M:%S")
    if dtype == pl.Binary:
        return this.bin.encode("hex")
    return this.cast(pl.String)
