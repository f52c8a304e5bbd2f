"""A broker, a collector as a process of its own, and looks at what it landed."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from recon_platform.connectors.machines.journal import read_journal
from recon_platform.connectors.machines.states import by_machine

PATIENCE_SECONDS = 90.0
BROKER = """listeners:
  default:
    type: tcp
    bind: 127.0.0.1:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def eventually(look: Callable[[], bool], what: object = "") -> None:
    """Wait until `look` holds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@dataclass
class Broker:
    """An amqtt broker on a port of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        config = self.folder / "broker.yaml"
        config.write_text(BROKER.format(port=self.port))
        with (self.folder / "broker.log").open("ab") as log:
            program = [str(Path(sys.executable).with_name("amqtt")), "-c", str(config)]
            self.process = subprocess.Popen(program, stdout=log, stderr=log)
        eventually(lambda: answers(self.port), "the broker does not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Collector:
    """`recon connect collect`, and what it knows."""

    plant_file: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.plant_file.parent / "collector.log").open("ab") as log:
            program = [
                sys.executable,
                "-m",
                "recon_platform.cli",
                "connect",
                "collect",
                "--plant-file",
                str(self.plant_file),
            ]
            self.process = subprocess.Popen(program, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def states(self) -> dict[str, str]:
        folder = self.plant_file.parent / "collected" / "machines"
        return {machine: seen[-1].state for machine, seen in by_machine(read_journal(folder)).items()}

    def await_states(self, **wanted: str) -> None:
        eventually(lambda: all(self.states().get(m) == state for m, state in wanted.items()), (wanted, self.states()))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path, free_port())
    made.start()
    yield made
    made.kill()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path / "plant.toml")
    yield made
    made.kill()
