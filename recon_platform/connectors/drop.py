"""Dropped files as a source: CSV, Parquet and Excel by the names of landing tables, or anything by a mapping profile."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from recon_platform.connectors.delimited import PROBLEM, ROW, read_csv, read_parquet
from recon_platform.connectors.door import DoorError, Reading, SourceTable, text_cells
from recon_platform.connectors.files import SUFFIXES, UOM, landing_tables
from recon_platform.connectors.landing_error import LandingError
from recon_platform.connectors.mapping import REPORT_FILE, Value, apply_profile
from recon_platform.connectors.pick_up import Delivery, Inbox
from recon_platform.connectors.plant_file import FILE as PLANT_FILE
from recon_platform.connectors.workbook import SUFFIXES as EXCEL
from recon_platform.connectors.workbook import sheets_to_csv

IGNORED = (PLANT_FILE, REPORT_FILE, "feeds.csv", "manifest.json")


@dataclass(slots=True)
class _Taken:
    """One delivery: its copy, the files of each table, and what the profile assumed."""

    holder: tempfile.TemporaryDirectory[str]
    delivery: Delivery
    files: dict[str, list[Path]]
    origin: dict[Path, str]  # file that is read → name in the inbox
    at: datetime
    assumed: dict[str, str] = field(default_factory=dict)


class DropDoor:
    """An inbox that landing tables are read from; what lies there is one delivery, read whole."""

    def __init__(
        self, inbox: Inbox, *, profile: str | Path | None = None, assume: Mapping[str, Value] | None = None,
        source: str | None = None,
    ) -> None:  # fmt: skip
        self.name = inbox.name
        self._inbox, self._profile, self._assume, self._source = inbox, profile, dict(assume or {}), source
        self._taken: _Taken | None = None

    def tables(self) -> Mapping[str, SourceTable]:
        """Landing tables of the delivery that lies there."""
        contract = landing_tables()
        return {name: SourceTable(name, self._source or contract[name].source or "erp") for name in self._take().files}

    def open(self) -> datetime:
        """Take what lies there; gives when the newest of it was written. Raises DoorError, LandingError."""
        return self._take().at

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """The rows of `table`, file by file. A file that cannot be read goes to the quarantine: LandingError says why."""
        taken = self._take()
        needed = [c.name for c in landing_tables()[table].columns if not c.nullable and c.name != UOM]
        frames = []
        for path in taken.files[table]:
            try:
                frames.append(_read(path, needed))
            except LandingError as error:
                kept = self._aside(taken.origin.get(path), error)
                raise LandingError(f"{self.name}: {error}{kept}") from None
        yield pl.concat(frames, how="diagonal")

    def keys(self, table: str) -> pl.DataFrame:
        """No table is incremental, so nobody asks."""
        raise DoorError(f"{self.name}: files are read whole")

    def assumptions(self) -> Mapping[str, str]:
        """What the profile declares in place of what the files do not say."""
        return self._take().assumed

    def landed(self) -> None:
        """The night is in place: the files go to the archive."""
        if self._taken is not None:
            self._inbox.put_away(self._taken.delivery)

    def close(self) -> None:
        """Forget nothing yet: the files are put away when the night is in place."""

    def check(self) -> Sequence[Reading]:
        """What lies there, table by table; nothing is moved."""
        try:
            taken = self._take()
        except DoorError as error:
            return [Reading("delivery", False, str(error))]
        found = []
        for name, files in taken.files.items():
            needed = [c.name for c in landing_tables()[name].columns if not c.nullable and c.name != UOM]
            try:
                rows = sum(_read(path, needed).height for path in files)
            except LandingError as error:
                found.append(Reading(name, False, str(error)))
                continue
            found.append(Reading(name, True, f"{rows:,} rows in {', '.join(path.name for path in files)}"))
        return found

    def _take(self) -> _Taken:
        if self._taken is None:
            holder = tempfile.TemporaryDirectory(prefix=f"{self.name}-")
            copy = Path(holder.name) / "copy"
            copy.mkdir()
            delivery = self._inbox.take(copy)
            newest = max((self._inbox.folder / name).stat().st_mtime for name in delivery.names)
            made = _Taken(
                holder,
                delivery,
                {},
                {copy / name: name for name in delivery.names},
                datetime.fromtimestamp(newest, UTC),
            )
            self._open_workbooks(made, copy)
            self._find(made, self._mapped(made, copy, Path(holder.name) / "landing"))
            self._taken = made
        return self._taken

    def _open_workbooks(self, taken: _Taken, copy: Path) -> None:
        for path in sorted(copy.rglob("*")):
            if path.suffix.lower() in EXCEL:
                try:
                    made = sheets_to_csv(path, path.parent)
                except LandingError as error:
                    kept = self._aside(taken.origin.get(path), error)
                    raise LandingError(f"{self.name}: {error}{kept}") from None
                taken.origin |= {path.parent / name: taken.origin[path] for name in made}

    def _mapped(self, taken: _Taken, copy: Path, out: Path) -> Path:
        """The folder with landing tables: the copy, or what the profile makes of it."""
        if self._profile is None:
            return copy
        report = apply_profile(self._profile, copy, out, assume=self._assume)
        taken.assumed |= {assumption.name: str(assumption) for assumption in report.assumptions}
        return out

    def _find(self, taken: _Taken, folder: Path) -> None:
        contract = landing_tables()
        for path in sorted(folder.iterdir()):
            parts = sorted(path.iterdir()) if path.is_dir() else [path]
            files = [part for part in parts if part.suffix in SUFFIXES and not part.name.startswith((".", "_"))]
            name = path.name if path.is_dir() else path.stem
            if path.name in IGNORED or not files:
                continue
            if name not in contract:
                raise LandingError(
                    f"{self.name}: {path.name} is no table of the contract", file=path.name,
                    action="name it as the table that it holds, or map it with a profile",
                )  # fmt: skip
            taken.files.setdefault(name, []).extend(files)
        if not taken.files:
            raise DoorError(f"{self.name}: no file in {self._inbox.folder} is a table")

    def _aside(self, name: str | None, error: LandingError) -> str:
        if name is None:  # a file that the profile made: its sources are not at fault one by one
            return ""
        kept = self._inbox.set_aside(name, str(error))
        return f"; {name} is in quarantine: {kept}"


def _read(path: Path, needed: Sequence[str]) -> pl.DataFrame:
    """The rows of a file as text, with `_problem` where a row is malformed."""
    if path.suffix == ".csv":
        frame = read_csv(path.read_bytes(), path.name, needed)
    else:
        frame = text_cells(read_parquet(path.read_bytes(), path.name, needed))
    return frame.drop(ROW) if frame[PROBLEM].null_count() < frame.height else frame.drop(ROW, PROBLEM)
