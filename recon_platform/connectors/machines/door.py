"""What the collectors landed, as a source: `machine_states` from the journal, `downtime_events` from the events folder."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.connectors.door import DoorError, Reading, SourceTable
from recon_platform.connectors.files import landing_tables
from recon_platform.connectors.machines.journal import now_utc, read_journal
from recon_platform.connectors.machines.states import by_machine, intervals, stamp

STATES, EVENTS = "machine_states", "downtime_events"
LANDED_DAYS = 14
REQUIRED = ("event", "started_at", "reported_at")
Look = Callable[[], tuple[bool, str]]


class MachineDoor:
    """The journal in `folder` and the event files in `events`; `looks` try what the collectors listen to, by name."""

    def __init__(
        self, name: str, folder: Path, events: Path, looks: Mapping[str, Look],
        clock: Callable[[], datetime] = now_utc,
    ) -> None:  # fmt: skip
        self.name = name
        self._folder, self._events, self._looks, self._clock = folder, events, looks, clock

    def tables(self) -> Mapping[str, SourceTable]:
        """States and stops, read whole: what was observed late belongs where it happened."""
        return {name: SourceTable(name, "mes") for name in (STATES, EVENTS)}

    def open(self) -> datetime:
        """The time of this machine. Raises DoorError where no collector ever ran."""
        if not self._folder.is_dir():
            raise DoorError(f"{self.name}: {self._folder} is not there; start `recon connect collect`")
        return self._clock()

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """States of the last days, or every report of every stop."""
        yield self._states() if table == STATES else self._reports()

    def keys(self, table: str) -> pl.DataFrame:
        """No table is incremental, so nobody asks."""
        raise DoorError(f"{self.name}: {table} is read whole")

    def assumptions(self) -> Mapping[str, str]:
        """None."""
        return {}

    def close(self) -> None:
        """Nothing is held."""

    def landed(self) -> None:
        """Nothing is put away."""

    def check(self) -> Sequence[Reading]:
        """Whether what the collectors listen to answers, and what is known of each machine now."""
        found = [Reading(name, *look()) for name, look in self._looks.items()]
        known = by_machine(read_journal(self._folder)) if self._folder.is_dir() else {}
        found += [
            Reading(machine, True, f"{seen[-1].state} since {stamp(seen[-1].at)}") for machine, seen in known.items()
        ]
        return [*found, Reading(STATES, True, f"{len(known)} machines in the journal {self._folder}")]

    def _states(self) -> pl.DataFrame:
        first = self._clock() - timedelta(days=LANDED_DAYS)
        rows = [
            (one.machine, one.state, stamp(one.start), None if one.end is None else stamp(one.end))
            for seen in by_machine(read_journal(self._folder)).values()
            for one in intervals(seen)
            if one.end is None or one.end > first
        ]
        schema = dict.fromkeys(landing_tables()[STATES].column_names, pl.String)
        return pl.DataFrame(rows, schema=schema, orient="row").sort("machine", "from_at")

    def _reports(self) -> pl.DataFrame:
        names = landing_tables()[EVENTS].column_names
        rows = []
        for path in sorted(self._events.glob(f"{EVENTS}*.csv")):
            with path.open(encoding="utf-8-sig", newline="") as file:
                read = csv.DictReader(file)
                missing = [name for name in REQUIRED if name not in (read.fieldnames or ())]
                if missing:
                    raise DoorError(
                        f"{self.name}: column {missing[0]} is missing in {path.name}; mend or move the file"
                    )
                rows += [[row.get(name) or None for name in names] for row in read]
        made = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
        return made.unique().sort("event", "reported_at")
