"""Odoo's JSON-RPC: sign in, search and read, write. XML-RPC is not used: it raises a fault after success where a method
gives nothing, and JSON-RPC then just leaves the result out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from recon_platform.connectors.door import DoorError
from recon_platform.connectors.json_http import JsonHttp
from recon_platform.connectors.model_door import Record, RefusedError

PAGE_ROWS = 1_000


class OdooClient:
    """One user of one Odoo database."""

    def __init__(self, http: JsonHttp, *, database: str, user: str, password: str) -> None:
        self.name, self._http = http.name, http
        self._database, self._user, self._password = database, user, password
        self._numbers = count(1)
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
        """Call a method of a model; None where it gives nothing. Raises RefusedError, DoorError."""
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
        body = {
            "jsonrpc": "2.0", "method": "call", "id": next(self._numbers),
            "params": {"service": service, "method": method, "args": list(arguments)},
        }  # fmt: skip
        said = self._http.json("/jsonrpc", body)
        if "error" in said:
            data = said["error"].get("data") or {}
            text = str(data.get("message") or said["error"].get("message"))
            raise RefusedError(self._http.hide(text))
        return said.get("result")
