"""Writing back to an ERP: what is written, what it answers, and an ERP behind HTTP.

Belongs here: the door that every ERP adapter implements, and the adapter for an ERP (or a middleware) that takes JSON
over HTTP. When and how often something is sent is the relay's. A write carries an idempotency key, and the version of
the ERP's row as the plan read it: an adapter must refuse a row that has changed since, never overwrite it.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

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
    (`written`, `known`, or anything else for refused), detail. `headers` carry whatever signs in.
    """

    def __init__(
        self, address: str, *, headers: Mapping[str, str] | None = None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or parts.hostname is None:
            raise ValueError(f"an ERP address is http://… or https://…, found {address!r}")
        self._parts, self._headers, self._timeout = parts, dict(headers or {}), timeout_seconds

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
        said = self._post(body)
        try:
            answers = {row["idempotency_key"]: row for row in json.loads(said)["answers"]}
            return [_answer(answers[write.key]) for write in writes]
        except (ValueError, KeyError, TypeError) as error:
            raise WriteBackError(f"the ERP's answer cannot be read: {said[:120]!r}") from error

    def _post(self, body: str) -> str:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(str(self._parts.hostname), self._parts.port, timeout=self._timeout)
        headers = {"Content-Type": "application/json", **self._headers}
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


def _answer(row: Mapping[str, Any]) -> WriteAnswer:
    status, detail = str(row["status"]), str(row.get("detail") or "")
    return WriteAnswer(status in ACCEPTED, f"{status}: {detail}" if detail else status)
