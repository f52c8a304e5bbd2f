"""A system read model by model over its own API, and made into landing tables by a mapping profile.

What Odoo and Tryton have in common: records of models become one file each, and the profile's queries make landing tables
of the files. A plant may name a profile folder of its own that starts from the shipped one. Such systems have no snapshot
over their API: orders and their operations are read last and close together, and versions are checked again at writing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from recon_platform.connectors.door import DoorError, Reading, SourceTable
from recon_platform.connectors.files import landing_tables
from recon_platform.connectors.mapping import Value, apply_profile

Record = dict[str, Any]
Frame = Callable[[Sequence[Record], Mapping[str, str]], pl.DataFrame]
"""Records with fields of given types as a frame of text columns."""


class RefusedError(Exception):
    """The system said no to one call: a rule of its own, or a right that is missing. Nothing of the call was done."""


class ModelClient(Protocol):
    """A signed-in user of a system that keeps records in models."""

    name: str

    def fields(self, model: str) -> Mapping[str, str]:
        """Type of every field of a model, by name. Raises RefusedError where there is no such model."""

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, limit: int | None = None
    ) -> list[Record]:
        """Every record of `domain`, archived ones too, by id. Raises RefusedError, DoorError."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What is read of a system: fields of each model in this order, by which profile, and what else goes into it.

    Models of `optional` belong to modules that need not be installed: where there is none, its file has no rows. `beside`
    are files that come from elsewhere. `assume` replaces values of the profile's declared assumptions.
    """

    system: str
    models: Mapping[str, tuple[str, ...]]
    profile: str | Path
    frame: Frame
    optional: frozenset[str] = frozenset()
    beside: Mapping[str, Callable[[], pl.DataFrame]] = field(default_factory=dict)
    assume: Mapping[str, Value] = field(default_factory=dict)


class ModelDoor:
    """A system that landing tables are read from; all of them whole."""

    def __init__(self, client: ModelClient, reads: Reads) -> None:
        self.name = client.name
        self._client, self._reads = client, reads
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._tables: dict[str, SourceTable] = {}
        self._assumed: dict[str, str] = {}

    def tables(self) -> Mapping[str, SourceTable]:
        """Landing tables that the profile makes."""
        self._landed()
        return self._tables

    def open(self) -> datetime:
        """Read every model. Gives the time before the first was read: these systems tell no time of their own."""
        began = datetime.now(UTC)
        self.close()
        self._landed()
        return began

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """The rows of `table` as the profile makes them."""
        yield pl.read_csv(self._landed() / f"{table}.csv", infer_schema=False)

    def keys(self, table: str) -> pl.DataFrame:
        """No table is incremental, so nobody asks."""
        raise DoorError(f"{self.name}: tables of {self._reads.system} are read whole")

    def assumptions(self) -> Mapping[str, str]:
        """What the profile declares in place of what the system does not say."""
        self._landed()
        return self._assumed

    def close(self) -> None:
        """Forget what was read."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def landed(self) -> None:
        """Nothing is put away."""

    def check(self) -> Sequence[Reading]:
        """Rights and fields model by model, then what the profile makes of everything."""
        found = [self._look(model, wanted) for model, wanted in self._reads.models.items()]
        if all(reading.readable for reading in found):
            found += [Reading(name, True, "made by the profile") for name in self.tables()]
            found += [Reading("assumed", True, f"{name} = {text}") for name, text in self._assumed.items()]
        absent = [t.name for t in landing_tables().values() if not t.optional and t.name not in self._tables]
        found += [Reading(name, True, "not handed over: declare it absent") for name in absent if name != "feeds"]
        return found

    def _look(self, model: str, wanted: Sequence[str]) -> Reading:
        try:
            there = self._client.fields(model)
            rows = self._client.search_read(model, [], [name for name in wanted if name in there], limit=1)
        except RefusedError as error:
            if model in self._reads.optional:
                return Reading(model, True, f"not there, taken as empty: {error}")
            return Reading(model, False, f"cannot be read: {error}")
        missing = [name for name in wanted if name not in there]
        text = "readable" if rows else "readable, and empty"
        return Reading(model, not missing, text + (f"; field {', '.join(missing)} is missing" if missing else ""))

    def _landed(self) -> Path:
        if self._folder is None:
            folder = tempfile.TemporaryDirectory(prefix=f"{self.name}-")
            source, out = Path(folder.name) / "models", Path(folder.name) / "landing"
            source.mkdir()
            for model, wanted in self._reads.models.items():
                self._model(model, wanted).write_parquet(source / f"{model}.parquet")
            for name, make in self._reads.beside.items():
                make().write_parquet(source / f"{name}.parquet")
            report = apply_profile(self._reads.profile, source, out, assume=self._reads.assume)
            contract = landing_tables()
            self._tables = {
                p.stem: SourceTable(p.stem, contract[p.stem].source or "erp") for p in sorted(out.glob("*.csv"))
            }
            self._assumed = {assumption.name: str(assumption) for assumption in report.assumptions}
            self._folder = folder
        return Path(self._folder.name) / "landing"

    def _model(self, model: str, wanted: Sequence[str]) -> pl.DataFrame:
        system = self._reads.system
        try:
            types = self._client.fields(model)
            gone = [name for name in wanted if name not in types]
            if gone:
                raise DoorError(
                    f"{self.name}: model {model} has no field {gone[0]}; is it {system}, with what the profile needs?"
                )
            records = self._client.search_read(model, [], wanted)
        except RefusedError as error:
            if model in self._reads.optional:
                return self._reads.frame([], dict.fromkeys(wanted, "char"))
            raise DoorError(f"{self.name}: model {model} cannot be read: {error}") from None
        return self._reads.frame(records, {name: types[name] for name in wanted})
