"""Writing back to an ERP: what is written, what it answers, and an ERP behind HTTP.

Belongs here: the door that every ERP adapter implements, and the adapter for an ERP (or a middleware) that takes JSON
over HTTP. When and how often something is sent is the relay's. A write carries an idempotency key, and the version of
the ERP's row as the plan read it: an adapter must refuse a row that has changed since, never overwrite it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from recon_platform.connectors.signing import signed

TIMEOUT_SECONDS = 20.0
ACCEPTED = ("written", "known")


class WriteBackError(OSError):
    """The ERP could not be asked or did not answer fully; what it did with the writes is not known."""


@dataclass(frozen=True, slots=True)
class Write:
    """One change to one row of the ERP: `kind` is `finite_dates` or `order_changes`."""

    key: str
    kind: str
    subject: str
    content: Mapping[str, Any]
    expected_version: str | None


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """What the ERP said: written now, or known from before; else refused, and why."""

    accepted: bool
    text: str


class WriteBack(Protocol):
    """An ERP that can be written to."""

    def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One answer per write, in order. Raises WriteBackError where the outcome is not known."""


class HttpErp:
    """An ERP that takes `POST {address}` with `{"writes": […]}` and answers `{"answers": […]}`.

    Each write: idempotency_key, kind, subject, expected_version, content. Each answer: idempotency_key, status
    (`written`, `known`, or anything else for refused), detail, and `stored`: the content as the ERP reads it back, which
    is compared with what was asked. `headers` carry whatever signs in; with `secret` the body is signed (see `signing`).
    """

    def __init__(
        self,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret: str | None = None,
        ca_file: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise ValueError(f"an ERP address is http://… or https://…, found {address!r}")
        self._parts, self._headers, self._timeout = parts, dict(headers or {}), timeout_seconds
        self._secret, self._ca_file, self._clock = secret, ca_file, clock

    def write(self, writes: Sequence[Write]) -> Sequence[WriteAnswer]:
        """One request for all of `writes`."""
        body = json.dumps({
            "writes": [
                {
                    "idempotency_key": write.key, "kind": write.kind, "subject": write.subject,
                    "expected_version": write.expected_version, "content": dict(write.content),
                }
                for write in writes
            ]
        })  # fmt: skip
        said = self._post(body.encode(), hashlib.sha256("\n".join(write.key for write in writes).encode()).hexdigest())
        try:
            answers = {row["idempotency_key"]: row for row in json.loads(said)["answers"]}
            return [_answer(write, answers[write.key]) for write in writes]
        except (ValueError, KeyError, TypeError) as error:
            raise WriteBackError(f"the ERP's answer cannot be read: {said[:120]!r}") from error

    def _post(self, body: bytes, key: str) -> str:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca_file)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        headers = {"Content-Type": "application/json", **self._headers}
        if self._secret is not None:
            headers |= signed(self._secret, key, body, self._clock())
        try:
            connection.request("POST", self._parts.path or "/", body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise WriteBackError(f"the ERP at {self._parts.netloc} did not answer: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise WriteBackError(f"the ERP at {self._parts.netloc} answered {response.status}: {text[:200]}")
        return text


def _answer(write: Write, row: Mapping[str, Any]) -> WriteAnswer:
    status, detail = str(row["status"]), str(row.get("detail") or "")
    stored = row.get("stored")
    if status in ACCEPTED and isinstance(stored, Mapping):
        for name, value in stored.items():
            if name in write.content and not _same(value, write.content[name]):
                return WriteAnswer(False, f"altered: the ERP stored {name} {value}, asked was {write.content[name]}")
    return WriteAnswer(status in ACCEPTED, f"{status}: {detail}" if detail else status)


def _same(stored: object, asked: object) -> bool:
    """Whether two values say the same; instants may be written with another offset."""
    if stored == asked:
        return True
    try:
        one, two = datetime.fromisoformat(str(stored)), datetime.fromisoformat(str(asked))
    except ValueError:
        return str(stored) == str(asked)
    return one.tzinfo is not None and two.tzinfo is not None and one == two
