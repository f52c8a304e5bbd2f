"""Rate limits: so many calls a second and no more, and a system that says it is busy is asked again when it said."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recon_platform.connectors import json_http
from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError
from recon_platform.connectors.json_http import JsonHttp


class Busy(BaseHTTPRequestHandler):
    """Answers what it is told, one after the other, then 200; notes when it was asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        server: Server = self.server  # type: ignore[assignment]
        server.asked.append(time.monotonic())
        status, after = server.says.pop(0) if server.says else (200, "")
        self.send_response(status)
        if after:
            self.send_header("Retry-After", after)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    says: list[tuple[int, str]]
    asked: list[float]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Busy)
    made.says, made.asked = [], []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def client(server: Server, per_second: float) -> JsonHttp:
    return JsonHttp("erp", "Odoo", f"http://127.0.0.1:{server.server_port}", Secrets({}), per_second=per_second)


def test_no_more_calls_a_second_than_allowed(server: Server) -> None:
    http = client(server, 20)
    for _ in range(8):
        assert http.json("/", {}) == {}
    gaps = [two - one for one, two in zip(server.asked, server.asked[1:], strict=False)]
    assert server.asked[-1] - server.asked[0] >= 7 / 20 - 0.05
    assert len(gaps) == 7


def test_a_busy_system_is_asked_again_after_the_pause_it_names(server: Server) -> None:
    server.says = [(429, "1"), (503, "1")]
    assert client(server, 1000).json("/", {}) == {}
    assert [two - one >= 0.95 for one, two in zip(server.asked, server.asked[1:], strict=False)] == [True, True]


def test_one_that_stays_busy_is_an_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_http, "PATIENCE", 2)
    server.says = [(429, "0")] * 5
    with pytest.raises(DoorError, match="erp: Odoo answered 429 2 times: it is too busy"):
        client(server, 1000).json("/", {})
