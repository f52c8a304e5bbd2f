"""JSON over HTTP to a system of the plant: TLS verified, so many calls a second, and its own limits respected.

A system that answers 429 or 503 has not taken the call; it is asked again after the pause that it names.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError

TIMEOUT_SECONDS = 60.0
BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
PATIENCE = 6
LONGEST_PAUSE_SECONDS = 60.0


class JsonHttp:
    """One server. `called` is what messages call it; at most `per_second` calls a second."""

    def __init__(
        self,
        name: str,
        called: str,
        url: str,
        secrets: Secrets,
        *,
        per_second: float = 20.0,
        ca_file: str | None = None,
    ) -> None:
        self.name, self._called, self._secrets = name, called, secrets
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, verify=ca_file or True)
        self._pause, self._last = 1 / per_second, 0.0

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer, whatever its status but 429 and 503, which are waited out. Raises DoorError where none comes."""
        for attempt in range(PATIENCE):
            time.sleep(max(0.0, self._last + self._pause - time.monotonic()))
            self._last = time.monotonic()
            try:
                response = self._http.post(path, json=body, headers=dict(headers or {}))
            except httpx.HTTPError as error:
                raise DoorError(f"{self.name}: {self._called} did not answer: {self.hide(error)}") from None
            if response.status_code not in BUSY:
                return response
            time.sleep(_named_pause(response, attempt))
        raise DoorError(f"{self.name}: {self._called} answered {response.status_code} {PATIENCE} times: it is too busy")

    def json(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """What a good answer says. Raises DoorError for any other."""
        response = self.post(path, body, headers)
        try:
            response.raise_for_status()
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DoorError(f"{self.name}: {self._called} did not answer: {self.hide(error)}") from None

    def hide(self, said: object) -> str:
        """`said` in one line without secrets."""
        return self._secrets.hide(" ".join(str(said).split()))[:300]


def _named_pause(response: httpx.Response, attempt: int) -> float:
    """Seconds of `Retry-After`; where none is named, longer each time."""
    named = response.headers.get("Retry-After", "")
    return min(float(named) if named.isdigit() else 0.5 * 2**attempt, LONGEST_PAUSE_SECONDS)
