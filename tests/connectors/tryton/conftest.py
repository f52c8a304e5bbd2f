"""A live Tryton 7 from its wheels on SQLite: one database made and filled once a day, a copy and a server per test.

Making the database takes about a minute, so it is kept in pytest's cache, named by what it was made of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.json_http import JsonHttp
from recon_platform.connectors.tryton_rpc import TrytonClient

TODAY = datetime.now(UTC).date()
MODULES = ("production_work", "sale", "purchase", "stock_lot", "stock_supply")
SEED = Path(__file__).with_name("seed.py")
ACTIVATE = Path(__file__).with_name("activate.py")
PASSWORD = "a-long-robot-password"
ADMIN = "an-admin-password"
PLANT = """plant = "TRYTON"
timezone = "Europe/Berlin"
as_of = {today}T05:00:00Z
[connect.erp]
kind = "tryton"
url = "http://127.0.0.1:{port}"
database = "plant"
user = "robot"
password = "TRYTON_PASSWORD"
per_second = 10000
[connect.erp.write_back]
sidecar = "sqlite:///{folder}/times.db"
[policy.proposal]
max_moves = 1
"""


@dataclass
class Tryton:
    """A running server, the plant file that names it, and an administrator who works in it meanwhile."""

    folder: Path
    port: int

    @property
    def plant_file(self) -> Path:
        return self.folder / "plant.toml"

    def admin(self) -> TrytonClient:
        http = JsonHttp("admin", "Tryton", f"http://127.0.0.1:{self.port}", Secrets({}), per_second=10_000)
        return TrytonClient(http, database="plant", user="admin", password=ADMIN)

    def order(self, number: str) -> dict[str, Any]:
        fields = ("planned_start_date", "planned_date", "state", "quantity", "_timestamp", "write_uid")
        return self.admin().search_read("production", [["number", "=", number]], fields)[0]


@pytest.fixture(scope="session")
def template(request: pytest.FixtureRequest) -> Path:
    """A filled database of today."""
    packages = ["trytond", *(f"trytond_{name}" for name in MODULES)]
    made_of = [SEED.read_text(), ACTIVATE.read_text(), *(version(package) for package in packages), str(TODAY), ADMIN]
    folder = Path(request.config.cache.mkdir("tryton"))  # type: ignore[union-attr]
    made = folder / f"{hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]}.sqlite"
    if not made.is_file():
        for old in folder.glob("*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        work = folder / f"making-{os.getpid()}"
        work.mkdir()
        _make(work)
        (work / "plant.sqlite").rename(made)
        shutil.rmtree(work)
    return made


def _make(folder: Path) -> None:
    config = _configuration(folder, 0)
    (folder / "plant.sqlite").touch()
    (folder / "admin").write_text(ADMIN)
    admin = [sys.executable, str(ACTIVATE), "-c", str(config), "-d", "plant"]
    environment = {**os.environ, "TRYTONPASSFILE": str(folder / "admin")}
    run = [*admin, "--email", "admin@plant.example", "-u", *MODULES, "--activate-dependencies"]
    subprocess.run(run, check=True, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    subprocess.run([sys.executable, str(SEED), str(config), "plant"], check=True, env=environment, capture_output=True)


def _configuration(folder: Path, port: int) -> Path:
    file = folder / "trytond.conf"
    file.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n")
    return file


@pytest.fixture
def tryton(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tryton]:
    """A server of the test's own, to write to."""
    monkeypatch.setenv("TRYTON_PASSWORD", PASSWORD)
    with _serving(template, tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """One server for the tests that only read."""
    with _serving(template, tmp_path_factory.mktemp("shared")) as started:
        yield started


@pytest.fixture
def read_only(shared: Tryton, monkeypatch: pytest.MonkeyPatch) -> Tryton:
    """The server that nobody writes to."""
    monkeypatch.setenv("TRYTON_PASSWORD", PASSWORD)
    return shared


@contextmanager
def _serving(template: Path, folder: Path) -> Iterator[Tryton]:
    shutil.copyfile(template, folder / "plant.sqlite")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "plant.toml").write_text(PLANT.format(today=TODAY, port=port, folder=folder))
    program = [str(Path(sys.executable).with_name("trytond")), "-c", str(_configuration(folder, port)), "-d", "plant"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=log, env={**os.environ, "TZ": "UTC"})
    try:
        _await(port, process, folder / "server.log")
        yield Tryton(folder, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            httpx.post(
                f"http://127.0.0.1:{port}/", json={"id": 1, "method": "common.server.version", "params": []}
            ).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        return
    raise AssertionError(log.read_text())
