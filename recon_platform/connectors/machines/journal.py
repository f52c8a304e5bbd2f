"""The journal of a collector: every observation on disk before it is acknowledged, and every stop as a file.

`journal-DATE.csv` is only ever added to; what a collector knows after a start is what the journal says. Stops land in the
events folder of the plant, one file per report, whole or not there, so the downtime sensor never reads half a file. Killed
between the two, the next start writes the event file that is missing; a second delivery of an observation changes nothing.
"""

from __future__ import annotations

import csv
import io
import os
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock

from recon_platform.connectors.machines.states import (
    DOWN,
    UNKNOWN,
    Observation,
    Stop,
    by_machine,
    in_order,
    recent,
    stamp,
    stops,
)
from recon_platform.connectors.machines.worker import Worker

KEPT_DAYS = 35
RECALLED_DAYS = 8
BEAT_SECONDS = 5.0
COLUMNS = ("at", "machine", "state", "reason")
EVENT_COLUMNS = ("event", "machine", "started_at", "ended_at", "reason", "reported_at")


def now_utc() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


class Journal:
    """The journal in `folder`, and the stops it leads to in `events`. Safe to use from several threads.

    From when a collector last was alive until it is again, nothing is known of its machines.
    """

    def __init__(self, folder: Path, events: Path, clock: Callable[[], datetime] = now_utc) -> None:
        self._folder, self._events, self._clock, self._lock = folder, events, clock, RLock()
        folder.mkdir(parents=True, exist_ok=True)
        events.mkdir(parents=True, exist_ok=True)
        self._day = ""
        self._known: dict[str, list[Observation]] = dict(by_machine(read_journal(folder)))
        self._told = self._reports()
        for event, (end, reason) in self._told.items():
            if end is None:  # a stop that lasts longer than the journal goes back
                self._keep(Observation(_start(event), event.rpartition("@")[0], DOWN, reason))
        for machine in self._known:
            self._land(machine)
        self._alive = folder / "alive"
        if self._alive.is_file():
            last = datetime.fromtimestamp(self._alive.stat().st_mtime, UTC)
            self.lose(self._known, "nobody listened", last)
        self.beat()

    def add(self, observations: Iterable[Observation]) -> int:
        """Keep what is new, on disk when this returns; gives how many were new."""
        with self._lock:
            rounded = [replace(o, at=o.at.replace(microsecond=o.at.microsecond // 1000 * 1000)) for o in observations]
            new = [one for one in dict.fromkeys(rounded) if not self._has(one)]
            if new:
                self._append(new)
            for one in new:
                seen = self._keep(one)
                repeats = len(seen) > 1 and seen[-1] is one and seen[-2].state == one.state and one.state != DOWN
                if not repeats:
                    self._land(one.machine)
            return len(new)

    def lose(self, machines: Iterable[str], why: str, at: datetime | None = None) -> None:
        """From `at` (now) on nothing is known of `machines`; of those that are unknown already nothing is written."""
        with self._lock:
            newest = {machine: self._known[machine][-1] for machine in machines if machine in self._known}
            self.add([
                Observation(max(at or self._clock(), last.at), machine, UNKNOWN, why)
                for machine, last in newest.items() if last.state != UNKNOWN
            ])  # fmt: skip

    def newest(self) -> dict[str, Observation]:
        """The newest observation of each machine."""
        with self._lock:
            return {machine: seen[-1] for machine, seen in self._known.items()}

    def since(self, machine: str) -> datetime | None:
        """When the newest observation of a machine is of; None where there is none."""
        with self._lock:
            seen = self._known.get(machine)
            return seen[-1].at if seen else None

    def beat(self) -> None:
        """Say that the collector is alive."""
        self._alive.touch()

    def _keep(self, one: Observation) -> list[Observation]:
        """What is known of its machine, with an observation that may be known already."""
        seen = self._known.setdefault(one.machine, [])
        if not self._has(one):
            insort(seen, one, key=in_order)
        return seen

    def _has(self, one: Observation) -> bool:
        seen = self._known.get(one.machine, [])
        same = slice(bisect_left(seen, one.at, key=in_order), bisect_right(seen, one.at, key=in_order))
        return one in seen[same]

    def _append(self, new: Iterable[Observation]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows((stamp(o.at), o.machine, o.state, o.reason or "") for o in new)
        day = f"{self._clock():%Y-%m-%d}"
        path = self._folder / f"journal-{day}.csv"
        if day != self._day:
            self._tidy()
            self._day = day
        with path.open("ab") as file:
            if file.tell() and not _ends_whole(path):
                file.write(b"\n")  # what a kill cut short stays, on a line of its own
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())

    def _land(self, machine: str) -> None:
        """An event file with the stops of a machine whose end or reason was not told yet."""
        seen = self._known[machine]
        rows: list[tuple[str, ...]] = []
        found = {stop.event: stop for stop in stops(seen)}
        told = [event for event in self._told if event.rpartition("@")[0] == machine]
        for event in told:  # an earlier beginning became known: what was told of this one is taken back
            if event not in found and (start := _start(event)) >= seen[0].at:
                found[event] = Stop(machine, start, start, "part of a stop that began earlier")
        for event, stop in found.items():
            says = (None if stop.end is None else stamp(stop.end), stop.reason)
            if self._told.get(event) != says:
                rows.append((event, machine, stamp(stop.start), says[0] or "", stop.reason or ""))
                self._told[event] = says
        if rows:
            self._write(rows)

    def _write(self, rows: list[tuple[str, ...]]) -> None:
        at = self._clock()
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([EVENT_COLUMNS, *((*row, stamp(at)) for row in rows)])
        number = 0
        while (path := self._events / f"{self._prefix}{at:%Y%m%dT%H%M%S%f}-{number}.csv").exists():
            number += 1
        put_whole(path, text.getvalue())

    @property
    def _prefix(self) -> str:
        return f"downtime_events-{self._folder.name}-"

    def _reports(self) -> dict[str, tuple[str | None, str | None]]:
        """End and reason of each stop as last told, from the event files of this collector."""
        found: dict[str, tuple[str | None, str | None]] = {}
        for path in sorted(self._events.glob(f"{self._prefix}*.csv")):
            found |= _events(path)
        return found

    def _ended(self, event: str) -> bool:
        return self._told.get(event, ("", None))[0] is not None

    def _tidy(self) -> None:
        """Once a day: journals and reports of stops of long ago go, and of what is in mind all but what a stop that lasts needs."""
        oldest = self._clock() - timedelta(days=KEPT_DAYS)
        for path in self._folder.glob("journal-*.csv"):
            if path.name < f"journal-{oldest:%Y-%m-%d}.csv":
                path.unlink()
        for path in self._events.glob(f"{self._prefix}*.csv"):
            if path.stat().st_mtime < oldest.timestamp() and all(self._ended(event) for event in _events(path)):
                path.unlink()
        for machine, seen in self._known.items():
            self._known[machine] = recent(seen, self._clock() - timedelta(days=RECALLED_DAYS))


class Heartbeat(Worker):
    """Says every few seconds that the collectors of a journal are alive."""

    def __init__(self, journal: Journal) -> None:
        super().__init__("heartbeat")
        self._journal = journal

    def run(self) -> None:
        """Beat until the end."""
        while not self.ended.wait(BEAT_SECONDS):
            self._journal.beat()


def _events(path: Path) -> dict[str, tuple[str | None, str | None]]:
    """End and reason by event, as one report tells them."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["event"]: (row["ended_at"] or None, row["reason"] or None) for row in csv.DictReader(file)}


def put_whole(path: Path, text: str) -> None:
    """Write a file that is whole or not there."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def read_journal(folder: Path) -> list[Observation]:
    """The observations of a journal folder, in the order they came; a line that a kill cut short is left out."""
    found: list[Observation] = []
    for path in sorted(folder.glob("journal-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [
                Observation(datetime.fromisoformat(row[0]), row[1], row[2], row[3] or None)
                for row in csv.reader(file)
                if len(row) == len(COLUMNS) and row[0].endswith("Z")
            ]
    return found


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _start(event: str) -> datetime:
    return datetime.fromisoformat(event.rpartition("@")[2])
