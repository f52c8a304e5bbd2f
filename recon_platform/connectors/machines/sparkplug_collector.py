"""Collect machine states from MQTT Sparkplug B: births, data, deaths; broker and nodes may come and go.

A device whose node or broker is gone is unknown from then on, until a birth says what it does. A gap in a node's numbers,
or an alias of a birth that was not heard, asks the node for its births again. A message is acknowledged after the journal
has it, and the broker keeps what comes while the collector is away (persistent session, QoS 1).
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt  # type: ignore[import-untyped]

from recon_platform.connectors.machines.journal import Journal, now_utc, put_whole
from recon_platform.connectors.machines.sparkplug import (
    NAMESPACE,
    Metric,
    Payload,
    SparkplugError,
    Topic,
    decode,
    rebirth,
)
from recon_platform.connectors.machines.states import DOWN, UNKNOWN, Observation
from recon_platform.connectors.machines.worker import Worker

LOG = logging.getLogger(__name__)
DAY_MS = 86_400_000
SECOND_MS = 1_000
BIRTHS_AHEAD = 128  # of 256: numbers of births go round


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, who asks, and how states are told from metrics.

    `nodes` (GROUP/NODE) are asked for births at each start; others are once they are heard, and remembered.
    `words` says what the values of metric `state` mean; any other value is unknown. `names` gives machines by place
    (GROUP/NODE/DEVICE); without, a device is the machine of its name.
    """

    host: str
    port: int
    client_id: str
    groups: tuple[str, ...]
    words: Mapping[str, str]
    state: str = "State"
    reason: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    user: str | None = None
    password: str | None = None
    tls: bool = True
    ca_file: str | None = None
    longest_pause: int = 30


@dataclass(slots=True)
class _Born:
    """What the last births of a node said: names by alias per place, its number of birth, its message counter."""

    names: dict[str, dict[int, str]] = field(default_factory=dict)
    birth: int | None = None
    seq: int | None = None


class SparkplugCollector(Worker):
    """One broker."""

    def __init__(
        self, broker: Broker, journal: Journal, remembered: Path, clock: Callable[[], datetime] = now_utc
    ) -> None:
        super().__init__("sparkplug")
        self._broker, self._journal, self._clock, self._remembered = broker, journal, clock, remembered
        known = remembered.read_text(encoding="utf-8").splitlines() if remembered.is_file() else []
        self._nodes: dict[str, _Born] = {node: _Born() for node in dict.fromkeys((*broker.nodes, *known))}
        self._machines: set[str] = set()
        self._reasons: dict[str, str | None] = {}
        self._stamps: dict[str, datetime] = {}
        self._client = mqtt.Client(broker.client_id, clean_session=False)
        self._client.on_connect, self._client.on_disconnect = self._connected, self._disconnected
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, broker.longest_pause)
        if broker.user is not None:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            self._client.tls_set(ca_certs=broker.ca_file, cert_reqs=ssl.CERT_REQUIRED)

    def start(self) -> None:
        """Begin; a broker that is not there yet is waited for."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=15)
        super().start()

    def stop(self) -> None:
        """End; the broker keeps what comes meanwhile."""
        self._client.disconnect()
        super().stop()

    def run(self) -> None:
        """Listen until the end."""
        self._client.loop_forever(retry_first_connection=True)

    def _connected(self, client: mqtt.Client, _: Any, __: Any, code: int) -> None:
        if code != 0:
            LOG.error("the broker refuses %s: %s", self._broker.client_id, mqtt.connack_string(code))
            return
        client.subscribe([(f"{NAMESPACE}/{group}/#", 1) for group in self._broker.groups])
        for node in self._nodes:
            self._ask(node)

    def _disconnected(self, _: mqtt.Client, __: Any, code: int) -> None:
        if code != 0:
            LOG.warning("the broker is gone; machines are unknown until it is back")
        self._journal.lose(self._machines, "the broker is gone")

    def _message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        topic = Topic.read(message.topic)
        if topic is None or topic.kind not in HANDLERS:
            return
        try:
            payload = decode(message.payload)
        except SparkplugError as error:
            LOG.warning("%s: no Sparkplug B: %s", message.topic, error)
            return
        HANDLERS[topic.kind](self, topic, payload)

    def _node(self, topic: Topic) -> _Born:
        """What is known of the node of a message; a node that is new is remembered beyond this process."""
        node = f"{topic.group}/{topic.node}"
        if node not in self._nodes:
            self._nodes[node] = _Born()
            put_whole(self._remembered, "\n".join(sorted(self._nodes)) + "\n")
        return self._nodes[node]

    def _node_birth(self, topic: Topic, payload: Payload) -> None:
        born = self._node(topic)
        self._journal.lose(self._below(topic), "the node was born again", self._at(payload.timestamp_ms))
        born.names, born.birth, born.seq = {}, _birth_number(payload), payload.seq
        self._learn(topic, payload)

    def _device_birth(self, topic: Topic, payload: Payload) -> None:
        self._count(topic, payload)
        self._learn(topic, payload)

    def _learn(self, topic: Topic, payload: Payload) -> None:
        born = self._node(topic)
        born.names[topic.place] = {m.alias: m.name for m in payload.metrics if m.alias is not None and m.name}
        self._observe(topic, payload, birth=True)

    def _data(self, topic: Topic, payload: Payload) -> None:
        self._count(topic, payload)
        self._observe(topic, payload, birth=False)

    def _node_death(self, topic: Topic, payload: Payload) -> None:
        born, number = self._node(topic), _birth_number(payload)
        if born.birth is None or number is None or (number - born.birth) % 256 < BIRTHS_AHEAD:
            self._journal.lose(self._below(topic), "the node is gone")  # else: the will of an earlier life

    def _device_death(self, topic: Topic, payload: Payload) -> None:
        self._count(topic, payload)
        self._journal.lose([self._machine(topic)], "the device is gone")

    def _observe(self, topic: Topic, payload: Payload, *, birth: bool) -> None:
        """Keep what the metrics say of the state. A birth without a state says that it is unknown."""
        machine, found = self._machine(topic), []
        names = self._node(topic).names.get(topic.place, {})
        values: dict[str, Metric] = {}
        for metric in payload.metrics:
            name = metric.name or names.get(-1 if metric.alias is None else metric.alias)
            if name is None:
                self._ask(f"{topic.group}/{topic.node}")
            else:
                values[name] = metric
        if self._broker.reason in values:
            told = values[self._broker.reason].value
            self._reasons[machine] = None if told in (None, "") else str(told)
        state = values.get(self._broker.state)
        if state is not None:
            word = self._broker.words.get(str(state.value).casefold(), UNKNOWN)
            at = self._at(state.timestamp_ms or payload.timestamp_ms)
            if not state.historical and at >= self._stamps.get(machine, at):
                self._stamps[machine] = (
                    at  # the newest that the device says counts now, even if its clock is behind ours
                )
                at = max(at, self._journal.since(machine) or at)
            found.append(Observation(at, machine, word, self._reasons.get(machine) if word == DOWN else None))
        elif birth and topic.device is not None:
            found.append(Observation(self._at(payload.timestamp_ms), machine, UNKNOWN))
        if found:
            self._machines.add(machine)
            self._journal.add(found)

    def _count(self, topic: Topic, payload: Payload) -> None:
        """Ask for births where the node is not known, or a message of it was lost."""
        born = self._node(topic)
        if born.seq is None or (payload.seq is not None and payload.seq != (born.seq + 1) % 256):
            self._ask(f"{topic.group}/{topic.node}")
        born.seq = payload.seq

    def _ask(self, node: str) -> None:
        group, name = node.split("/", 1)
        now = int(self._clock().timestamp() * SECOND_MS)
        self._client.publish(f"{NAMESPACE}/{group}/NCMD/{name}", rebirth(now), qos=0)

    def _below(self, topic: Topic) -> list[str]:
        """Machines of a node, itself and its devices."""
        places = {*self._node(topic).names, topic.place}
        return [self._named(place) for place in sorted(places)]

    def _machine(self, topic: Topic) -> str:
        return self._named(topic.place)

    def _named(self, place: str) -> str:
        return self._broker.names.get(place, place.rsplit("/", 1)[-1])

    def _at(self, milliseconds: int | None) -> datetime:
        """When; a clock that is ahead of ours, or far behind, is not believed."""
        now = self._clock()
        if milliseconds is None:
            return now
        at = datetime.fromtimestamp(min(milliseconds, int(now.timestamp() * SECOND_MS) + DAY_MS) / SECOND_MS, UTC)
        return at if now - timedelta(days=7) < at <= now else now


HANDLERS: Mapping[str, Callable[[SparkplugCollector, Topic, Payload], None]] = {
    "NBIRTH": SparkplugCollector._node_birth, "DBIRTH": SparkplugCollector._device_birth,
    "NDATA": SparkplugCollector._data, "DDATA": SparkplugCollector._data,
    "NDEATH": SparkplugCollector._node_death, "DDEATH": SparkplugCollector._device_death,
}  # fmt: skip


def _birth_number(payload: Payload) -> int | None:
    found = next((metric.value for metric in payload.metrics if metric.name == "bdSeq"), None)
    return found if isinstance(found, int) else None
