"""A webhook for downtime and machine states: signed JSON in, files out, a second delivery harmless.

`POST /` with `{"downtime_events": [...], "machine_states": [...]}`. Answers: 200 `landed` or `known`; 400 where a row is
wrong, nothing of it kept; 401 where the signature does not fit; 409 where a key comes with another body.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from recon_platform.connectors.machines.journal import KEPT_DAYS, Journal, now_utc, put_whole
from recon_platform.connectors.machines.states import STATES, Observation, stamp
from recon_platform.connectors.machines.worker import Worker
from recon_platform.connectors.signing import SignatureError, verify

LARGEST_BODY_BYTES = 1024 * 1024
EVENT_COLUMNS = (
    "event", "machine", "work_center", "started_at", "ended_at", "expected_end", "planned", "reason", "reported_at",
)  # fmt: skip
INSTANTS = ("started_at", "ended_at", "expected_end", "reported_at")
Answer = tuple[HTTPStatus, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the webhook listens, and the secret that callers share. With a certificate it speaks TLS itself."""

    host: str
    port: int
    secret: str
    certificate: str | None = None
    key: str | None = None


class Webhook(Worker):
    """Takes what machines report, and lands it."""

    def __init__(
        self, listening: Listening, journal: Journal, folder: Path, events: Path,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:  # fmt: skip
        super().__init__("webhook")
        self._secret, self._journal, self._clock, self._lock = listening.secret, journal, clock, Lock()
        self._folder, self._events = folder, events
        folder.mkdir(parents=True, exist_ok=True)
        oldest = clock() - timedelta(days=KEPT_DAYS)
        for taken in folder.glob("*.txt"):  # a key is known for as long as the journal goes back
            if taken.stat().st_mtime < oldest.timestamp():
                taken.unlink()
        self._server = ThreadingHTTPServer((listening.host, listening.port), _handler(self))
        self._server.daemon_threads = True
        if listening.certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(listening.certificate, listening.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def run(self) -> None:
        """Listen until the end."""
        self._server.serve_forever()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        super().stop()

    def take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one call. What it says is on disk before it is said; killed before, the caller calls again."""
        try:
            key = verify(self._secret, headers, body, self._clock().timestamp())
        except SignatureError as error:
            return HTTPStatus.UNAUTHORIZED, {"status": "refused", "detail": str(error)}
        name, digest = hashlib.sha256(key.encode()).hexdigest()[:32], hashlib.sha256(body).hexdigest()
        taken = self._folder / f"{name}.txt"
        with self._lock:
            if taken.is_file():
                if taken.read_text() == digest:
                    return HTTPStatus.OK, {"status": "known"}
                return HTTPStatus.CONFLICT, {"status": "refused", "detail": "this key came with another body"}
            try:
                events, states = _read(body, self._clock())
            except ValueError as error:
                return HTTPStatus.BAD_REQUEST, {"status": "refused", "detail": str(error)}
            if events:
                put_whole(self._events / f"downtime_events-webhook-{name}.csv", _csv(events))
            self._journal.add(states)
            put_whole(taken, digest)
        return HTTPStatus.OK, {"status": "landed"}


def _read(body: bytes, now: datetime) -> tuple[list[dict[str, str]], list[Observation]]:
    """Rows of a body; ValueError says which row and column is wrong, and how."""
    try:
        told = json.loads(body)
    except (ValueError, UnicodeDecodeError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(told, dict) or set(told) - {"downtime_events", "machine_states"} or not told:
        raise ValueError("the body is an object with downtime_events or machine_states")
    events = [_event(row, at, now) for at, row in enumerate(_rows(told, "downtime_events"), 1)]
    return events, [_state(row, at) for at, row in enumerate(_rows(told, "machine_states"), 1)]


def _rows(told: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = told.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} is a list of objects")
    return rows


def _event(row: Mapping[str, Any], at: int, now: datetime) -> dict[str, str]:
    where = f"downtime_events, row {at}"
    unknown = sorted(set(row) - set(EVENT_COLUMNS))
    if unknown:
        raise ValueError(f"{where}: column {unknown[0]} is not known; known are {', '.join(EVENT_COLUMNS)}")
    made = {name: "" if row.get(name) is None else str(row[name]) for name in EVENT_COLUMNS}
    made["reported_at"] = made["reported_at"] or stamp(now)
    if not made["event"] or not (made["machine"] or made["work_center"]):
        raise ValueError(f"{where}: event, and machine or work_center, must be given")
    for name in INSTANTS:
        if made[name] or name == "started_at":
            made[name] = stamp(_instant(made[name], where, name))
    return made


def _state(row: Mapping[str, Any], at: int) -> Observation:
    where = f"machine_states, row {at}"
    if set(row) - {"machine", "state", "at", "reason"} or not row.get("machine"):
        raise ValueError(f"{where}: columns are machine, state, at, reason")
    if row.get("state") not in STATES:
        raise ValueError(f"{where}: state is one of {', '.join(STATES)}, found {str(row.get('state'))[:40]!r}")
    reason = row.get("reason")
    return Observation(
        _instant(row.get("at"), where, "at"), str(row["machine"]), str(row["state"]), str(reason) if reason else None
    )


def _instant(value: object, where: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"{where}, column {name}: expected an instant with its zone, found {str(value)[:40]!r}")
    return found


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, EVENT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version, timeout = "recon", "", 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > LARGEST_BODY_BYTES:
                self.close_connection = True
                said: Answer = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"status": "refused", "detail": "at most 1 MiB"}
            else:
                said = webhook.take(dict(self.headers.items()), self.rfile.read(int(length)))
            body = json.dumps(said[1]).encode()
            self.send_response(said[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what a caller sends is not for logs."""

    return Handler
