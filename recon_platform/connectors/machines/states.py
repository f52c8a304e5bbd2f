"""From observations of a machine to its states and its stops; pure, whatever order they come in.

Silence is `unknown`: never running and never a stop. A stop lasts until something else than `down` is known, so silence
within a stop neither ends it nor begins another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

RUN, SETUP, IDLE, DOWN, UNKNOWN = STATES = ("run", "setup", "idle", "down", "unknown")


@dataclass(frozen=True, slots=True)
class Observation:
    """A machine was in `state` from `at` (UTC) on, as far as this source knows. `reason` is data, never an instruction."""

    at: datetime
    machine: str
    state: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """What a machine did from `start` until `end`; None: still."""

    machine: str
    state: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of a machine. Its name is its beginning, so the same observations name it the same for ever."""

    machine: str
    start: datetime
    end: datetime | None
    reason: str | None

    @property
    def event(self) -> str:
        return f"{self.machine}@{stamp(self.start)}"


def in_order(one: Observation) -> datetime:
    """How observations sort: by time; of one instant, in the order in which they came."""
    return one.at


def by_machine(observations: Iterable[Observation]) -> Mapping[str, list[Observation]]:
    """Observations of each machine in order of time; one that is delivered twice counts once."""
    found: dict[str, list[Observation]] = {}
    for one in sorted(dict.fromkeys(observations), key=in_order):
        found.setdefault(one.machine, []).append(one)
    return found


def intervals(observations: Sequence[Observation]) -> list[Interval]:
    """The states of one machine, from its observations in order of time; equal neighbours are one."""
    became = {one.at: one for one in observations}  # of several at one instant the last is what it became
    changes = [next(group) for _, group in groupby(became.values(), key=lambda one: one.state)]
    ends = [one.at for one in changes[1:]]
    return [Interval(one.machine, one.state, one.at, end) for one, end in zip(changes, [*ends, None], strict=True)]


def stops(observations: Sequence[Observation]) -> list[Stop]:
    """The stops of one machine, from its observations in order of time."""
    made: list[Stop] = []
    open_stop: Stop | None = None
    for one in observations:
        if one.state == DOWN:
            if open_stop is None:
                open_stop = Stop(one.machine, one.at, None, one.reason)
            elif one.reason and not open_stop.reason:
                open_stop = Stop(one.machine, open_stop.start, None, one.reason)
        elif one.state != UNKNOWN and open_stop is not None:
            made.append(Stop(one.machine, open_stop.start, one.at, open_stop.reason))
            open_stop = None
    return made if open_stop is None else [*made, open_stop]


def recent(observations: Sequence[Observation], since: datetime) -> list[Observation]:
    """Those of one machine from `since` on, the one before, and those that began a stop that had not ended by then."""
    before = [one for one in observations if one.at < since]
    open_stop = next((stop for stop in stops(before) if stop.end is None), None)
    kept = [one for one in before if open_stop is not None and one.at >= open_stop.start] or before[-1:]
    return [*kept, *(one for one in observations if one.at >= since)]


def stamp(instant: datetime) -> str:
    """An instant as it lands: UTC, ISO 8601, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
