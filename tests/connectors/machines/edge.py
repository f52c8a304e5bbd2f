"""An edge node for tests: payloads are made by pysparkplug, an implementation of its own, and sent by a bare MQTT client."""

from __future__ import annotations

import time
from itertools import count
from threading import Event

import paho.mqtt.client as mqtt
from pysparkplug import DataType, DBirth, DData, DDeath, Metric, NBirth, NDeath

ALIAS = {"L1": 11, "L2": 12}
REASON = 90


def now_ms() -> int:
    return int(time.time() * 1000)


class Edge:
    """Node `Edge1` of group `Hall` with devices L1 and L2; answers a rebirth command as the specification demands."""

    def __init__(self, port: int) -> None:
        self.states = {"L1": "Running", "L2": "Idle"}
        self.reason = ""
        self.rebirths = 0
        self.connected = Event()
        self._port, self._seq, self._births = port, count(), count(7)
        self._birth = next(self._births)

    def connect(self) -> None:
        self._client = mqtt.Client("edge1")
        self._client.on_connect, self._client.on_message = self._on_connect, self._on_command
        self._client.reconnect_delay_set(1, 1)
        self._client.will_set("spBv1.0/Hall/NDEATH/Edge1", self._death())
        self._client.connect("127.0.0.1", self._port, keepalive=5)
        self._client.loop_start()
        assert self.connected.wait(60)

    def data(self, device: str, state: str | None, *, at: int | None = None, reason: str = "") -> None:
        """The state by alias only, as a data message says it."""
        self.states[device], self.reason = state or "", reason
        metrics = [
            Metric(at or now_ms(), None, DataType.STRING, value=state, alias=ALIAS[device], is_null=state is None)
        ]
        metrics.append(Metric(now_ms(), None, DataType.STRING, value=reason, alias=REASON))
        self._send("DDATA", device, DData(now_ms(), self._next(), tuple(metrics)).encode())

    def skip(self) -> None:
        """A message that got lost."""
        self._next()

    def device_death(self, device: str) -> None:
        self._send("DDEATH", device, DDeath(now_ms(), self._next()).encode())

    def die(self) -> None:
        """Vanish without a word: the broker publishes the will."""
        self._client.loop_stop()
        self._client.socket().close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe("spBv1.0/Hall/NCMD/Edge1", 1)
        self._born()
        self.connected.set()

    def _on_command(self, *_: object) -> None:
        self.rebirths += 1
        self._born()

    def _born(self) -> None:
        self._seq = count()
        number = Metric(now_ms(), "bdSeq", DataType.INT64, value=self._birth)
        self._client.publish("spBv1.0/Hall/NBIRTH/Edge1", NBirth(now_ms(), self._next(), (number,)).encode(), 0)
        for device, state in self.states.items():
            metrics = (
                Metric(now_ms(), "State", DataType.STRING, value=state, alias=ALIAS[device]),
                Metric(now_ms(), "Stop reason", DataType.STRING, value=self.reason, alias=REASON),
                Metric(now_ms(), "Spindle speed", DataType.DOUBLE, value=1200.5, alias=91),
                Metric(now_ms(), "Offset", DataType.INT32, value=-5, alias=92),
            )
            self._send("DBIRTH", device, DBirth(now_ms(), self._next(), metrics).encode())

    def _death(self) -> bytes:
        return NDeath(now_ms(), Metric(now_ms(), "bdSeq", DataType.INT64, value=self._birth)).encode()

    def _send(self, kind: str, device: str, payload: bytes) -> None:
        self._client.publish(f"spBv1.0/Hall/{kind}/Edge1/{device}", payload, 0)

    def _next(self) -> int:
        return next(self._seq) % 256
