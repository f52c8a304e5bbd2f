"""One demo plant, one console and one browser for all tests of the console that share what they look at."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from recon_platform.cli.app import execute
from tests.console.openid_provider import SECRET

PLANT = "FASTENER"
ORDERS = "40"
PATIENCE = float(os.environ.get("RECON_TEST_PATIENCE", "180"))
expect.set_options(timeout=PATIENCE * 1000)  # a slow machine is no failure


@dataclass
class Served:
    """A running console over a demo plant of its own."""

    home: Path
    url: str
    people: dict[str, str]

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def base(self) -> str:
        return f"{self.url}/p/{PLANT}"


@pytest.fixture(scope="session")
def demo_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo plant: its people, one night in force, the next proposed."""
    home = tmp_path_factory.mktemp("demo") / "demo"
    assert execute(["demo", "--home", str(home), "--orders", ORDERS]) == 0
    return home


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an OpenID Connect provider, a process of its own."""
    port, log = _free_port(), tmp_path_factory.mktemp("provider") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.console.openid_provider", str(port)], stdout=out, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}", process, log, "/keys")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def served(demo_once: Path, provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`recon serve` as its own process, on a copy of the demo plant."""
    home = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(demo_once, home)
    port, secret = _free_port(), home / "client.secret"
    secret.write_text(SECRET)
    log = (home / "serve.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "recon_platform.cli", "serve", "--lake", str(home / "lake"), "--port", str(port),
         "--demo-people", str(home / "people.json"), "--openid-issuer", provider, "--openid-secret-file", str(secret)],
        stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, home / "serve.log")
        yield Served(home, url, json.loads((home / "people.json").read_text()))
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        log.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium: the one that RECON_CHROMIUM names, or the host's."""
    path = os.environ.get("RECON_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail(
            "NO CHROMIUM FOUND: these tests need a real browser. Install Debian's `chromium`, or name one with "
            "RECON_CHROMIUM=/path/to/chromium"
        )
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield made
        made.close()


@pytest.fixture(scope="session")
def requested() -> list[str]:
    """Every address that any page of these tests asked for."""
    return []


@pytest.fixture
def sign_in(served: Served, browser: Browser, requested: list[str]) -> Iterator[SignIn]:
    """Open a browser window of its own for a person and sign in."""
    made = SignIn(served, browser, requested)
    yield made
    made.close()


class SignIn:
    """Windows of people. Whatever the page's console complains of is kept in `complaints`."""

    def __init__(self, served: Served, browser: Browser, requested: list[str]) -> None:
        self.served, self.browser, self.requested = served, browser, requested
        self.complaints: list[str] = []
        self._pages: list[Page] = []

    def __call__(self, name: str, **options: object) -> Page:
        page = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}).new_page()
        self._pages.append(page)
        page.set_default_timeout(PATIENCE * 1000)
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.served.url + "/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(self.served.people[name])
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.locator(".answer").wait_for()
        return page

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 409" not in text and "status of 403" not in text:
            self.complaints.append(text)

    def close(self) -> None:
        for page in self._pages:
            page.context.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, path: str = "/health") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url + path, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the console did not answer within {PATIENCE:.0f} s\n{log.read_text()}")
