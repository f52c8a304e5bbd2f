"""Read `[connect.NAME]` of kind `machines`: which brokers, adapters and webhook there are, and where they land."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.machines.door import Look, MachineDoor
from recon_platform.connectors.machines.journal import Heartbeat, Journal
from recon_platform.connectors.machines.shdr import Adapter, ShdrCollector
from recon_platform.connectors.machines.sparkplug_collector import Broker, SparkplugCollector
from recon_platform.connectors.machines.states import STATES
from recon_platform.connectors.machines.webhook import Listening, Webhook
from recon_platform.connectors.machines.worker import Worker
from recon_platform.connectors.settings import known, need, wrong

LOOK_SECONDS = 5.0
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Machines:
    """What one section says."""

    name: str
    journal: Path
    events: Path
    broker: Broker | None
    adapters: tuple[Adapter, ...]
    listening: Listening | None

    def door(self) -> MachineDoor:
        """What was collected, as a source."""
        looks: dict[str, Look] = {f"adapter {a.machine}": _reach(a.host, a.port) for a in self.adapters}
        if self.broker is not None:
            looks["broker"] = _reach(self.broker.host, self.broker.port)
        return MachineDoor(self.name, self.journal, self.events, looks)

    def collectors(self) -> list[Worker]:
        """One collector per source, all on one journal; none is started."""
        journal = Journal(self.journal, self.events)
        made: list[Worker] = [Heartbeat(journal), *(ShdrCollector(adapter, journal) for adapter in self.adapters)]
        if self.broker is not None:
            made.append(SparkplugCollector(self.broker, journal, self.journal / "nodes.txt"))
        if self.listening is not None:
            made.append(Webhook(self.listening, journal, self.journal / "taken", self.events))
        return made


def machines(name: str, section: Mapping[str, Any], secrets: Secrets, plant_file: Path) -> Machines:
    """The section, validated; LandingError where a setting is wrong, SecretError where a secret is missing."""
    place = f"connect.{name}"
    known(section, place, "kind", "journal", "events", "sparkplug", "shdr", "webhook")
    home = plant_file.parent
    return Machines(
        name, home / str(section.get("journal", f"collected/{name}")), home / need(section, "events", place),
        _broker(place, section["sparkplug"], secrets) if "sparkplug" in section else None,
        tuple(_adapter(place, machine, entry) for machine, entry in section.get("shdr", {}).items()),
        _listening(place, section["webhook"], secrets, home) if "webhook" in section else None,
    )  # fmt: skip


def _broker(place: str, entry: Mapping[str, Any], secrets: Secrets) -> Broker:
    place = f"{place}.sparkplug"
    known(entry, place, "host", "port", "client", "groups", "state", "reason", "words", "machines", "nodes", "user", "password",
          "tls", "ca_file")  # fmt: skip
    host, groups = need(entry, "host", place), entry.get("groups", ["+"])
    tls = bool(entry.get("tls", host not in LOCAL))
    if not tls and host not in LOCAL:
        raise wrong(f"{place}.tls", "true beyond this machine", False)
    words = {str(word).casefold(): state for word, state in entry.get("words", {}).items()}
    for word, state in words.items():
        if state not in STATES:
            raise wrong(f"{place}.words.{word}", f"one of {', '.join(STATES)}", state)
    return Broker(
        host, int(entry.get("port", 8883 if tls else 1883)), str(entry.get("client", "recon-collector")), tuple(groups),
        words, str(entry.get("state", "State")), entry.get("reason"), dict(entry.get("machines", {})), tuple(entry.get("nodes", ())), entry.get("user"),
        secrets.get(need(entry, "password", place)) if "password" in entry else None, tls, entry.get("ca_file"),
    )  # fmt: skip


def _adapter(place: str, machine: str, entry: Mapping[str, Any]) -> Adapter:
    place = f"{place}.shdr.{machine}"
    known(entry, place, "host", "port", "availability", "execution", "mode", "faults", "device")
    items = {name: str(entry[name]) for name in ("availability", "execution", "mode", "device") if name in entry}
    faults = {"faults": tuple(map(str, entry["faults"]))} if "faults" in entry else {}
    return Adapter(machine, need(entry, "host", place), int(entry.get("port", 7878)), **items, **faults)  # type: ignore[arg-type]


def _listening(place: str, entry: Mapping[str, Any], secrets: Secrets, home: Path) -> Listening:
    place = f"{place}.webhook"
    known(entry, place, "host", "port", "secret", "certificate", "key")
    files = [str(home / entry[name]) if name in entry else None for name in ("certificate", "key")]
    host = str(entry.get("host", "127.0.0.1"))
    if host not in LOCAL and files[0] is None:
        raise wrong(f"{place}.certificate", "a certificate where others than this machine call", None)
    return Listening(host, int(entry.get("port", 8421)), secrets.get(need(entry, "secret", place)), *files)


def _reach(host: str, port: int) -> Look:
    def look() -> tuple[bool, str]:
        try:
            socket.create_connection((host, port), LOOK_SECONDS).close()
        except OSError as error:
            return False, f"{host}:{port} does not answer: {error}"
        return True, f"{host}:{port} answers"

    return look
