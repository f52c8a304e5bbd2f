"""Tryton's JSON-RPC: sign in, search and read, write with its own optimistic lock.

Values come as Tryton sends them and are turned to text: days, instants (UTC, with `Z`), durations in seconds, decimals.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import count
from typing import Any

import httpx

from recon_platform.connectors.door import DoorError
from recon_platform.connectors.json_http import JsonHttp
from recon_platform.connectors.model_door import Record, RefusedError

PAGE_ROWS = 1_000
STALE = "ConcurrencyException"


class StaleError(RefusedError):
    """A record was written by somebody else since its timestamp was read; nothing was done."""


class TrytonClient:
    """One user of one Tryton database. Names are read in English, whatever the user's language: they are mapped."""

    def __init__(self, http: JsonHttp, *, database: str, user: str, password: str) -> None:
        self.name, self._http = http.name, http
        self._path, self._user, self._password = f"/{database}/", user, password
        self._numbers = count(1)
        self._session: tuple[int, dict[str, str]] | None = None
        self._context: dict[str, Any] = {}

    @property
    def uid(self) -> int:
        """The id of the user, signed in on first use. Raises DoorError where Tryton does not let it in."""
        return self._signed_in()[0]

    def fields(self, model: str) -> dict[str, str]:
        """Type of every field of a model, by name, `_timestamp` (its version) among them."""
        if not self.call("model.ir.model", "search_count", [["model", "=", model]]):
            raise RefusedError(f"there is no model {model}; its module is not installed")
        found = self.call(f"model.{model}", "fields_get")
        return {name: str(entry["type"]) for name, entry in found.items()} | {"_timestamp": "timestamp"}

    def search_read(
        self, model: str, domain: Sequence[Any], fields: Sequence[str], *, limit: int | None = None
    ) -> list[Record]:
        """Every record of `domain`, inactive ones too, by id, in pages; values as text or numbers, references as ids."""
        found: list[Record] = []
        size = min(PAGE_ROWS, limit or PAGE_ROWS)
        while True:
            after = [["id", ">", found[-1]["id"]]] if found else []
            page = self.call(
                f"model.{model}", "search_read", [*domain, *after], 0, size, [["id", "ASC"]], list(fields),
                context={"active_test": False},
            )  # fmt: skip
            found += [{name: _plain(value) for name, value in record.items()} for record in page]
            if len(page) < size or limit is not None:
                return found

    def write(self, model: str, number: int, values: Mapping[str, Any], timestamp: str) -> None:
        """Change a record that still has `timestamp`. Raises StaleError, RefusedError, DoorError."""
        self.call(
            f"model.{model}", "write", [number], dict(values), context={"_timestamp": {f"{model},{number}": timestamp}}
        )

    def call(self, thing: str, method: str, *arguments: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Call a method. A session that ran out is opened again; nothing of the refused call had been done."""
        for _ in range(2):
            _, headers = self._signed_in()
            response = self._post(f"{thing}.{method}", [*arguments, self._context | dict(context or {})], headers)
            if response.status_code not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                return self._result(response)
            self._session = None
        raise RefusedError(f"{self._user} may not call {thing}.{method}")

    def _signed_in(self) -> tuple[int, dict[str, str]]:
        if self._session is None:
            response = self._post("common.db.login", [self._user, {"password": self._password}], {})
            if response.status_code == httpx.codes.UNAUTHORIZED:
                raise DoorError(f"{self.name}: Tryton does not let {self._user} in")
            uid, session = self._result(response)[:2]
            token = base64.b64encode(f"{self._user}:{uid}:{session}".encode()).decode()
            self._session = uid, {"Authorization": f"Session {token}"}
            wanted = self.call("model.res.user", "get_preferences", True)
            self._context = {name: wanted[name] for name in ("company", "employee") if wanted.get(name)}
            self._context["language"] = "en"
        return self._session

    def _post(self, method: str, parameters: Sequence[Any], headers: Mapping[str, str]) -> httpx.Response:
        body = {"id": next(self._numbers), "method": method, "params": list(parameters)}
        return self._http.post(self._path, body, headers)

    def _result(self, response: httpx.Response) -> Any:
        try:
            response.raise_for_status()
            said = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DoorError(f"{self.name}: Tryton did not answer: {self._http.hide(error)}") from None
        if "error" in said:
            kind, *rest = said["error"] if isinstance(said["error"], list) else [said["error"]]
            text = self._http.hide(
                ": ".join(str(part[0] if isinstance(part, list) else part) for part in (kind, *rest))
            )
            raise (StaleError if kind == STALE else RefusedError)(text)
        return said["result"]


def day(value: date) -> dict[str, Any]:
    """A day as Tryton takes it."""
    return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}


def _plain(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kind = value.get("__class__")
    if kind is None:
        return value
    if kind == "date":
        return f"{value['year']:04}-{value['month']:02}-{value['day']:02}"
    if kind == "datetime":
        at = [value[part] for part in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
        return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z".format(*at)
    return value["seconds"] if kind == "timedelta" else value.get("decimal")
