"""Odoo's JSON-RPC: sign in, search and read, write. XML-RPC is not used: it raises a fault after success where a method
gives nothing, and JSON-RPC then just leaves the result out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import httpx

from recon_platform.connectors.credentials import Secrets
from recon_platform.connectors.door import DoorError

TIMEOUT_SECONDS = 60.0
PAGE_ROWS = 1_000
Record = dict[str, Any]


class OdooRefusedError(Exception):
    """Odoo said no to one call: a rule of its own, or a right that is missing. Nothing of the call was done."""


class OdooClient:
    """One user of one Odoo database. TLS certificates are verified; at most `per_second` calls a second."""

    def __init__(
        self, name: str, url: str, *, database: str, user: str, password: str, secrets: Secrets,
        per_second: float = 20.0, ca_file: str | None = None,
    ) -> None:  # fmt: skip
        self.name, self._database, self._user, self._password, self._secrets = name, database, user, password, secrets
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, verify=ca_file or True)
        self._pause, self._last, self._numbers = 1 / per_second, 0.0, count(1)
        self._uid: int | None = None

    @property
    def uid(self) -> int:
        """The id of the user, signed in on first use. Raises DoorError where Odoo does not know it."""
        if self._uid is None:
            found = self._call("common", "login", [self._database, self._user, self._password])
            if not isinstance(found, int) or isinstance(found, bool):
                raise DoorError(f"{self.name}: Odoo does not let {self._user} in to database {self._database}")
            self._uid = found
        return self._uid

    def execute(
        self, model: str, method: str, arguments: Sequence[Any], keywords: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a method of a model; None where it gives nothing. Raises OdooRefusedError, DoorError."""
        uid = self.uid
        return self._call(
            "object", "execute_kw",
            [self._database, uid, self._password, model, method, list(arguments), dict(keywords or {})],
        )  # fmt: skip

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, limit: int | None = None
    ) -> list[Record]:
        """Every record of `domain` (archived ones too), by id, in pages."""
        found: list[Record] = []
        while True:
            after = [["id", ">", found[-1]["id"]]] if found else []
            size = min(PAGE_ROWS, limit or PAGE_ROWS)
            page = self.execute(
                model, "search_read", [[*domain, *after]],
                {"fields": list(fields), "limit": size, "order": "id", "context": {"active_test": False}},
            )  # fmt: skip
            found += page
            if len(page) < size or limit is not None:
                return found

    def fields(self, model: str) -> dict[str, str]:
        """Type of every field of a model, by name."""
        found = self.execute(model, "fields_get", [], {"attributes": ["type"]})
        return {name: str(entry["type"]) for name, entry in found.items()}

    def _call(self, service: str, method: str, arguments: Sequence[Any]) -> Any:
        wait = self._last + self._pause - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last = time.monotonic()
        body = {
            "jsonrpc": "2.0", "method": "call", "id": next(self._numbers),
            "params": {"service": service, "method": method, "args": list(arguments)},
        }  # fmt: skip
        try:
            response = self._http.post("/jsonrpc", json=body)
            response.raise_for_status()
            said = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DoorError(f"{self.name}: Odoo did not answer: {self._secrets.hide(str(error))[:300]}") from None
        if "error" in said:
            data = said["error"].get("data") or {}
            text = str(data.get("message") or said["error"].get("message"))
            raise OdooRefusedError(self._secrets.hide(" ".join(text.split()))[:300])
        return said.get("result")
