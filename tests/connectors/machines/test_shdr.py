"""A recorded SHDR stream is replayed to the collector over a socket; lines are read as MTConnect means them."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recon_platform.connectors.machines.journal import Journal, read_journal
from recon_platform.connectors.machines.shdr import Adapter, ShdrCollector, ShdrMachine
from recon_platform.connectors.machines.states import Stop, by_machine, intervals, stops
from tests.connectors.machines.conftest import eventually

RECORDED = """* shdrVersion: 1.7
2026-03-02T06:00:00.000Z|avail|UNAVAILABLE|execution|UNAVAILABLE|functionalmode|UNAVAILABLE|partcount|UNAVAILABLE
2026-03-02T06:00:05.000Z|avail|AVAILABLE
2026-03-02T06:00:05.100Z|execution|READY|functionalmode|SETUP
2026-03-02T06:20:00.000Z|functionalmode|PRODUCTION|execution|ACTIVE|program|O1234
2026-03-02T06:20:01Z|partcount|1
2026-03-02T07:00:00.000Z|system|WARNING|1001|2||Coolant low
2026-03-02T07:10:00.000Z|system|FAULT|2031|1|HIGH|Spindle drive: over current|execution|INTERRUPTED
2026-03-02T07:10:05.000Z|message|M1|Call maintenance
2026-03-02T07:40:00.000Z|system|NORMAL|2031||||
2026-03-02T07:45:00.000Z@12.5|execution|ACTIVE
2026-03-02T08:00:00.000Z|execution|PROGRAM_COMPLETED
2026-03-02T08:05:00.000Z|execution|SOMETHING_NEW
2026-03-02T08:06:00.000Z|other:execution|ACTIVE
2026-03-02T08:10:00.000Z|avail|UNAVAILABLE
"""
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def at(hour: int, minute: int, second: int = 0, milli: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, milli * 1000, tzinfo=UTC)


class Replay:
    """An adapter that says the recording to whoever connects, answers pings, and hangs up when it is told."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.calls, self.pings = 0, 0
        self._link: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            link, _ = self._server.accept()
            self.calls += 1
            self._link = link
            for part in (RECORDED[:300], RECORDED[300:]):  # a line may come in two pieces
                link.sendall(part.encode())
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        while received := link.recv(1024):
            self.pings += received.count(b"* PING\n")
            link.sendall(b"* PONG 10000\n")

    def hang_up(self) -> None:
        assert self._link is not None
        self._link.shutdown(socket.SHUT_RDWR)


@pytest.mark.timeout(300)
def test_a_recording_lands_as_states_and_stops_and_again_after_a_break_without_doubles(tmp_path: Path) -> None:
    replay = Replay()
    journal = Journal(tmp_path / "journal", tmp_path / "events", lambda: NOW)
    collector = ShdrCollector(Adapter("MILL-1", "127.0.0.1", replay.port, device="mill"), journal, lambda: NOW)
    collector.start()
    eventually(lambda: replay.pings > 0 and "MILL-1" in journal.newest() and journal.newest()["MILL-1"].at == at(8, 10))
    first = read_journal(tmp_path / "journal")
    assert [(one.state, one.start) for one in intervals(by_machine(first)["MILL-1"])] == [
        ("unknown", at(6, 0)), ("setup", at(6, 0, 5, 100)), ("run", at(6, 20)), ("down", at(7, 10)), ("idle", at(7, 40)),
        ("run", at(7, 45)), ("idle", at(8, 0)), ("unknown", at(8, 5)),
    ]  # fmt: skip
    assert stops(by_machine(first)["MILL-1"]) == [Stop("MILL-1", at(7, 10), at(7, 40), "Spindle drive: over current")]
    assert sum(path.read_text().count("2026-03-02T07:40:00.000Z") for path in (tmp_path / "events").glob("*.csv")) == 1
    replay.hang_up()
    eventually(lambda: replay.calls == 2)
    eventually(lambda: replay.pings > 1)
    collector.stop()
    assert [one.state for one in intervals(by_machine(read_journal(tmp_path / "journal"))["MILL-1"])] == [
        one.state for one in intervals(by_machine(first)["MILL-1"])
    ]


def test_an_adapter_that_is_gone_leaves_its_machine_unknown(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", tmp_path / "events", lambda: NOW)
    machine = ShdrMachine(Adapter("MILL-1", "127.0.0.1", 1))
    for line in RECORDED.splitlines()[:5]:
        seen = machine.line(line, NOW)
        if seen is not None:
            journal.add([seen])
    assert journal.newest()["MILL-1"].state == "run"
    collector = ShdrCollector(machine.adapter, journal, lambda: NOW)
    collector.start()
    eventually(lambda: journal.newest()["MILL-1"].state == "unknown")
    collector.stop()
    assert list((tmp_path / "events").glob("*.csv")) == []


def test_the_clock_of_an_adapter_that_is_ahead_is_not_believed() -> None:
    machine = ShdrMachine(Adapter("MILL-1", "127.0.0.1", 1))
    seen = machine.line("2031-01-01T00:00:00Z|avail|AVAILABLE|execution|ACTIVE", NOW)
    assert seen is not None
    assert (seen.at, seen.state) == (NOW, "run")
    assert machine.line("* PONG 10000", NOW) is None
    assert machine.line("2026-03-02T06:00:00Z|partcount|7", NOW) is None
