"""MTConnect adapters over SHDR: lines of `TIME|ITEM|VALUE|…`, turned into states.

UNAVAILABLE is no data, never a stop. A machine is down while a fault is raised and it is not executing; which item of
the adapter is which comes from `plant.toml`. When the adapter is gone or no longer answers, the machine is unknown.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from recon_platform.connectors.machines.journal import Journal, now_utc
from recon_platform.connectors.machines.states import DOWN, IDLE, RUN, SETUP, UNKNOWN, Observation
from recon_platform.connectors.machines.worker import Worker

LOG = logging.getLogger(__name__)
UNAVAILABLE = "UNAVAILABLE"
WAITING = frozenset({
    "READY", "INTERRUPTED", "FEED_HOLD", "STOPPED", "OPTIONAL_STOP", "PROGRAM_STOPPED", "PROGRAM_COMPLETED", "PROGRAM_OPTIONAL_STOP",
    "WAIT",
})  # fmt: skip
CONDITION_FIELDS = 6  # item, level, native code, native severity, qualifier, text
PING_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter and the machine behind it; item names are the adapter's own. `device` picks one of several."""

    machine: str
    host: str
    port: int
    availability: str = "avail"
    execution: str = "execution"
    mode: str = "functionalmode"
    faults: tuple[str, ...] = ("system",)
    device: str | None = None


@dataclass(slots=True)
class ShdrMachine:
    """What the lines so far say of a machine."""

    adapter: Adapter
    values: dict[str, str] = field(default_factory=dict)
    raised: dict[tuple[str, str], str] = field(default_factory=dict)  # (item, native code) → text

    def line(self, text: str, now: datetime) -> Observation | None:
        """What the machine does after this line; None where the line says nothing of it."""
        parts = text.rstrip("\r\n").split("|")
        if text.startswith("*") or len(parts) < 3:
            return None
        at, rest, touched = _instant(parts[0], now), parts[1:], False
        while len(rest) > 1:
            device, _, item = rest[0].rpartition(":")
            mine = not device or self.adapter.device is None or device == self.adapter.device
            if item in self.adapter.faults:
                if mine:
                    self._condition(item, rest)
                    touched = True
                rest = rest[CONDITION_FIELDS:]
                continue
            if mine and item in (self.adapter.availability, self.adapter.execution, self.adapter.mode):
                self.values[item] = rest[1].strip().upper()
                touched = True
            rest = rest[2:]
        return Observation(at, self.adapter.machine, *self.state()) if touched else None

    def state(self) -> tuple[str, str | None]:
        """State and, of a stop, its reason."""
        executing = self.values.get(self.adapter.execution, UNAVAILABLE)
        setting_up = self.values.get(self.adapter.mode) == "SETUP"
        if self.values.get(self.adapter.availability) == UNAVAILABLE or executing == UNAVAILABLE:
            return UNKNOWN, None
        if executing == "ACTIVE":
            return (SETUP if setting_up else RUN), None
        if executing not in WAITING:
            return UNKNOWN, None
        if self.raised:
            return DOWN, next(iter(self.raised.values())) or None
        return (SETUP if setting_up else IDLE), None

    def _condition(self, item: str, rest: list[str]) -> None:
        level, code, text = rest[1].strip().upper(), *(rest[at].strip() if len(rest) > at else "" for at in (2, 5))
        if level == "FAULT":
            self.raised[item, code] = text
        elif level == "NORMAL" and code:
            self.raised.pop((item, code), None)
        elif level in ("NORMAL", UNAVAILABLE):
            self.raised = {key: said for key, said in self.raised.items() if key[0] != item}
        else:
            self.raised.pop((item, code), None)  # a fault that became a warning


class ShdrCollector(Worker):
    """One adapter, connected to again and again."""

    def __init__(self, adapter: Adapter, journal: Journal, clock: Callable[[], datetime] = now_utc) -> None:
        super().__init__(f"shdr-{adapter.machine}")
        self._adapter, self._journal, self._clock = adapter, journal, clock

    def run(self) -> None:
        """Listen until the end."""
        pause = 1.0
        while not self.ended.is_set():
            try:
                machine = ShdrMachine(self._adapter)
                for line in self._lines():
                    pause = 1.0
                    seen = machine.line(line, self._clock())
                    if seen is not None:
                        self._journal.add([seen])
            except OSError as error:
                LOG.warning("adapter of %s: %s", self._adapter.machine, error)
            self._journal.lose([self._adapter.machine], "the adapter is gone")
            self.ended.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _lines(self) -> Iterator[str]:
        """Lines of one connection; OSError where it breaks, or where a ping is not answered in twice its time."""
        with socket.create_connection((self._adapter.host, self._adapter.port), timeout=PING_SECONDS) as link:
            link.settimeout(1.0)
            heard, pinged, every, rest = time.monotonic(), 0.0, PING_SECONDS, b""
            while not self.ended.is_set():
                if time.monotonic() - pinged > every:
                    link.sendall(b"* PING\n")
                    pinged = time.monotonic()
                if time.monotonic() - heard > 2 * every + 1:
                    raise TimeoutError(f"no answer for {2 * every:.0f} s")
                try:
                    received = link.recv(LONGEST_LINE_BYTES)
                except TimeoutError:
                    continue
                if not received:
                    raise ConnectionError("the adapter hung up")
                heard = time.monotonic()
                *lines, rest = (rest + received).split(b"\n")
                if len(rest) > LONGEST_LINE_BYTES:
                    raise ConnectionError("a line does not end")
                for line in (raw.decode("utf-8", "replace") for raw in lines):
                    every = _beat(line) or every
                    yield line


def _beat(line: str) -> float | None:
    """Seconds between pings that `* PONG 10000` asks for."""
    words = line.split()
    if words[:2] != ["*", "PONG"] or len(words) < 3 or not words[2].isdigit():
        return None
    return max(1.0, int(words[2]) / 1000)


def _instant(text: str, now: datetime) -> datetime:
    """The time of a line (`…@DURATION` may follow); ours where it has none, or one that is ahead of us."""
    try:
        at = datetime.fromisoformat(text.partition("@")[0].strip())
    except ValueError:
        return now
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(at.astimezone(UTC), now)
