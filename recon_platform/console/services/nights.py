"""The nights of the lake as pages read them: tables of finished runs, kept in memory as long as there is room.

A finished run's table never changes: it is known by its Delta version and digest, so what was read once stays right.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from deltalake import DeltaTable

from recon_platform.console.refusals import NotHereError
from recon_platform.lake import Lake, MissingTableError
from recon_platform.nights import records
from recon_platform.nights.in_force import ScheduleInForce, schedule_in_force
from recon_platform.nights.night import read_input
from recon_platform.nights.records import Manifest, TableVersion
from recon_platform.tables.context import PlanContext, Plant
from recon_platform.tables.runs import PUBLISHED_SCHEDULE, RUN_MANIFESTS

CACHE_BYTES = 1 << 30


def no_plant(plant: str) -> str:
    """What is said of a plant that is not here, or not the visitor's."""
    return f"there is no plant {plant} here, or no night of it was planned yet"


class FrameCache:
    """Frames and what was made of them, the least recently used let go beyond `limit` bytes."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any, make: Any, size: Any) -> Any:
        """What is kept under `key`, made now where it is not."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        made = make()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (made, size(made))
                self._size += self._kept[key][1]
            while self._size > self._limit and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1][1]
        return made


@dataclass(frozen=True, slots=True)
class Night:
    """One finished run: its context and its tables."""

    manifest: Manifest
    lake: Lake
    cache: FrameCache

    @property
    def run_id(self) -> str:
        return self.manifest.run_id

    @property
    def context(self) -> PlanContext:
        return self.manifest.pins.context

    def read(self, table: str) -> pl.DataFrame:
        """One of its tables; an empty frame without columns where the run has none of that name."""
        entry = self.manifest.outputs.get(table)
        return pl.DataFrame() if entry is None else self._kept(table, entry)

    def previous(self, table: str) -> pl.DataFrame | None:
        """A table of the run before it; None where there is none."""
        entry = self.manifest.pins.inputs.get(f"previous.{table}")
        return None if entry is None else self._kept(table, entry)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Everything it read and made, by the names under which stages read it: what planning again starts from."""
        inputs = {
            name: read_input(self.lake, name, entry)
            for name, entry in self.manifest.pins.inputs.items()
            if not name.startswith("raw.")
        }
        return {**inputs, **{name: self.read(name) for name in self.manifest.outputs}}

    def derived(self, name: str, make: Any, size: int = 1 << 20) -> Any:
        """Something made of its tables alone, kept like a table."""
        return self.cache.get((self.run_id, name), make, lambda _made: size)

    def _kept(self, table: str, entry: TableVersion) -> pl.DataFrame:
        key = (entry.layer, table, entry.plant, entry.planning_date, entry.version)
        made: pl.DataFrame = self.cache.get(key, lambda: entry.read(self.lake), lambda frame: frame.estimated_size())
        return made


class Nights:
    """Finding nights."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._opened: dict[tuple[str, str], DeltaTable] = {}
        self._lock = threading.Lock()
        self.cache = FrameCache()

    def plants(self) -> list[str]:
        """Codes of the plants that have a finished night."""
        return sorted(self._newest())

    def plant(self, code: str) -> Plant | None:
        """The plant as its newest night knew it; None where there is none."""
        found = self._newest().get(code)
        return None if found is None else found.pins.context.plant

    def newest(self, plant: str) -> Night:
        """The newest finished run of `plant`; NotHereError where there is none."""
        found = self._newest().get(plant)
        if found is None:
            raise NotHereError(no_plant(plant))
        return Night(found, self._lake, self.cache)

    def all(self, plant: str) -> list[Night]:
        """Every finished run of `plant`, oldest first."""
        return [
            Night(found, self._lake, self.cache) for found in self._manifests() if found.pins.plant["code"] == plant
        ]

    def run(self, plant: str, run_id: str) -> Night:
        """One run of `plant`; NotHereError where it is not there, or of another plant."""
        for night in self.all(plant):
            if night.run_id == run_id:
                return night
        raise NotHereError(f"there is no finished run {run_id} of {plant}")

    def in_force(self, plant: str) -> ScheduleInForce | None:
        """The schedule in force, from the lake alone."""
        layer, name = PUBLISHED_SCHEDULE.layer, PUBLISHED_SCHEDULE.name
        version = self._version(layer, name)
        found: ScheduleInForce | None = self.cache.get(
            ("in_force", plant, version), lambda: schedule_in_force(self._lake, plant), lambda _found: 1_000
        )
        return found

    def published(self, schedule: ScheduleInForce) -> pl.DataFrame:
        """The rows of a published schedule."""
        entry = schedule.rows
        made: pl.DataFrame = self.cache.get(
            ("published", entry.plant, entry.version),
            lambda: entry.read(self._lake),
            lambda rows: rows.estimated_size(),
        )
        return made

    def _newest(self) -> Mapping[str, Manifest]:
        return {str(found.pins.plant["code"]): found for found in self._manifests()}

    def _manifests(self) -> list[Manifest]:
        version = self._version(records.RUNS, RUN_MANIFESTS.name)
        made: list[Manifest] = self.cache.get(
            ("manifests", version), lambda: records.manifests(self._lake), lambda found: 20_000 * len(found)
        )
        return made

    def _version(self, layer: str, table: str) -> int:
        """The newest version; -1 before the first. A table once opened is only asked what is new in its log."""
        with self._lock:
            known = self._opened.get((layer, table))
            if known is None:
                try:
                    known = self._opened[layer, table] = self._lake.delta(layer, table)
                except MissingTableError:
                    return -1
            else:
                known.update_incremental()
            return known.version()
