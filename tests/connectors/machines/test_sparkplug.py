"""A live MQTT broker with Sparkplug B births, data, deaths and a broker restart; the collector is killed too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pysparkplug import DataType, DBirth
from pysparkplug import Metric as TheirMetric

from recon_platform.connectors.connect_file import connections, source
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.machines.journal import Journal
from recon_platform.connectors.machines.sparkplug import Metric, SparkplugError, Topic, decode, rebirth
from recon_platform.connectors.machines.sparkplug_collector import Broker, SparkplugCollector
from recon_platform.nights.downtime import DowntimeEvent, read_events
from tests.connectors.machines.conftest import Broker as MqttBroker
from tests.connectors.machines.conftest import Collector, eventually
from tests.connectors.machines.edge import Edge

PLANT = """plant = "HALL"
as_of = 2026-03-02T05:00:00Z
[connect.machines]
kind = "machines"
events = "landing/HALL/events"
[connect.machines.sparkplug]
host = "127.0.0.1"
port = {port}
groups = ["Hall"]
nodes = ["Hall/Edge1"]
state = "State"
reason = "Stop reason"
words = {{ Running = "run", Idle = "idle", Setup = "setup", Fault = "down" }}
machines = {{ "Hall/Edge1/L2" = "LATHE-2" }}
"""


def events(folder: Path) -> list[DowntimeEvent]:
    """What the downtime sensor reads."""
    found = read_events(folder / "landing" / "HALL" / "events", ZoneInfo("UTC"))
    assert found.problems == ()
    return list(found.events)


@pytest.mark.timeout(600)
def test_births_data_deaths_a_broker_restart_and_a_killed_collector(
    broker: MqttBroker, collector: Collector, tmp_path: Path
) -> None:
    collector.plant_file.write_text(PLANT.format(port=broker.port))
    collector.start()
    edge = Edge(broker.port)
    edge.connect()
    collector.await_states(L1="run", **{"LATHE-2": "idle"})  # births heard, or asked for where they came too early

    edge.data("L1", "Fault", reason="Coil jam")
    collector.await_states(L1="down")
    eventually(lambda: events(tmp_path) != [])  # the journal comes first, the event file follows
    assert [(e.machine, e.ended_at, e.fields["reason"]) for e in events(tmp_path)] == [("L1", None, "Coil jam")]
    first = events(tmp_path)[0]

    broker.kill()
    collector.await_states(L1="unknown", **{"LATHE-2": "unknown"})
    assert events(tmp_path) == [first]  # silence neither ends a stop nor begins one
    edge.states["L1"] = "Running"
    broker.start()
    collector.await_states(L1="run", **{"LATHE-2": "idle"})
    eventually(lambda: events(tmp_path)[0].ended_at is not None)
    assert [event.event for event in events(tmp_path)] == [first.event]

    collector.kill()
    edge.data("L1", "Fault", reason="Blade")
    asked = edge.rebirths
    collector.start()
    collector.await_states(L1="down")
    eventually(lambda: len(events(tmp_path)) == 2)
    assert edge.rebirths > asked  # it remembers the nodes and asks them

    edge.data("L1", "Polishing")  # a word that nobody gave a meaning
    collector.await_states(L1="unknown")
    edge.data("L1", None)
    edge.data("L1", "Running")
    collector.await_states(L1="run")
    edge.device_death("L2")
    collector.await_states(L1="run", **{"LATHE-2": "unknown"})
    asked = edge.rebirths
    edge.skip()
    edge.data("L1", "Setup")
    collector.await_states(L1="setup", **{"LATHE-2": "idle"})  # the gap was noticed, and the births asked for
    assert edge.rebirths > asked
    edge.die()
    collector.await_states(L1="unknown", **{"LATHE-2": "unknown"})
    _the_night_takes_it(collector, tmp_path)


def _the_night_takes_it(collector: Collector, tmp_path: Path) -> None:
    door = source("machines", connections(collector.plant_file)["machines"], Secrets(), collector.plant_file)
    assert door is not None
    door.open()
    states = next(iter(door.extract("machine_states", None)))
    of_l1 = states.filter(pl.col("machine") == "L1")
    assert of_l1["to_at"][:-1].to_list() == of_l1["from_at"][1:].to_list()  # one state after the other, none twice
    assert of_l1["state"].to_list()[:3] == ["run", "down", "unknown"]
    assert of_l1["state"].to_list()[-2:] == ["setup", "unknown"]
    assert states["to_at"].null_count() == 2
    landed = next(iter(door.extract("downtime_events", None)))
    newest = landed.group_by("event").agg(pl.col("ended_at").sort_by("reported_at").last())
    assert newest.height == 2
    assert newest["ended_at"].null_count() == 0
    assert [reading.table for reading in door.check() if not reading.readable] == []


def test_a_payload_of_another_implementation_is_read_as_it_was_meant() -> None:
    metrics = (
        TheirMetric(1_700_000_000_123, "State", DataType.STRING, value="Fäult", alias=3),
        TheirMetric(5, "n", DataType.INT32, value=-5), TheirMetric(5, "u", DataType.UINT64, value=2**63 + 1),
        TheirMetric(5, "x", DataType.DOUBLE, value=-0.25), TheirMetric(5, "y", DataType.FLOAT, value=1.5),
        TheirMetric(5, "b", DataType.BOOLEAN, value=True), TheirMetric(5, "gone", DataType.STRING, is_null=True),
        TheirMetric(5, "old", DataType.INT8, value=-128, is_historical=True),
    )  # fmt: skip
    found = decode(DBirth(timestamp=1_700_000_000_456, seq=200, metrics=metrics).encode())
    assert (found.timestamp_ms, found.seq) == (1_700_000_000_456, 200)
    assert found.metrics[0] == Metric("State", 3, 1_700_000_000_123, "Fäult", False)
    assert {m.name: m.value for m in found.metrics[1:]} == {
        "n": -5, "u": 2**63 + 1, "x": -0.25, "y": 1.5, "b": True, "gone": None, "old": -128,
    }  # fmt: skip
    assert [m.name for m in found.metrics if m.historical] == ["old"]


def test_the_command_that_asks_for_births_is_read_by_another_implementation() -> None:
    from pysparkplug import NCmd

    command = NCmd.decode(rebirth(1_700_000_000_000))
    assert command.timestamp == 1_700_000_000_000
    assert [(m.name, m.datatype, m.value) for m in command.metrics] == [
        ("Node Control/Rebirth", DataType.BOOLEAN, True)
    ]


@pytest.mark.parametrize("raw", [b"\x0a\xff", b"\x12\x05ab", b"\x0f", b"\xff" * 11])
def test_a_broken_payload_is_said(raw: bytes) -> None:
    with pytest.raises(SparkplugError):
        decode(raw)


def test_a_message_that_comes_again_ends_no_stop_and_a_slow_clock_is_heard(tmp_path: Path) -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    journal = Journal(tmp_path / "j", tmp_path / "e", lambda: now)
    words = {"running": "run", "fault": "down"}
    collector = SparkplugCollector(Broker("h", 1, "c", ("+",), words, tls=False), journal, tmp_path / "n", lambda: now)

    def say(state: str, seconds_ago: int, seq: int) -> None:
        at = int((now - timedelta(seconds=seconds_ago)).timestamp() * 1000)
        payload = DBirth(at, seq, (TheirMetric(at, "State", DataType.STRING, value=state),)).encode()
        collector._message(None, None, SimpleNamespace(topic="spBv1.0/Hall/DBIRTH/Edge1/L1", payload=payload))

    say("Running", 60, 1)
    say("Fault", 50, 2)
    say("Running", 60, 1)  # the broker delivers it a second time
    assert journal.newest()["L1"].state == "down"
    journal.lose(["L1"], "the broker is gone")
    say("Running", 40, 3)  # said after that, by a clock that is behind
    assert (journal.newest()["L1"].state, journal.newest()["L1"].at) == ("run", now)


def test_topics() -> None:
    assert Topic.read("spBv1.0/Hall/DDATA/Edge1/L1") == Topic("Hall", "DDATA", "Edge1", "L1")
    assert Topic.read("spBv1.0/STATE/host") is None
    assert Topic.read("other/Hall/DDATA/Edge1") is None
