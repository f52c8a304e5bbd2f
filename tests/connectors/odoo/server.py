"""A small Odoo 17 over HTTP: answers JSON-RPC from records in memory and behaves as the live server was seen to.

Traps: one write of both dates of a work order that is not planned yet lets the finish be recomputed (+ 1 h 57 min 21 s);
`date_start` of a planned order without `force_date` wipes the dates of its work orders; started orders refuse it; a
finish before its start is refused for work orders and taken for orders; methods that give nothing leave `result` out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FORMAT = "%Y-%m-%d %H:%M:%S"
PASSWORD = "let-me-in-please"
ROBOT = [7, "Planning Robot"]
Record = dict[str, Any]


class Odoo:
    """Records by model, and the rules of writing."""

    def __init__(self, records: dict[str, list[Record]], types: dict[str, dict[str, str]]) -> None:
        self.records, self.types = records, types
        self.second = datetime(2026, 12, 1, 8, tzinfo=UTC)
        self.calls: list[tuple[str, str]] = []
        self.asks, self.stubborn = True, False
        self.before_call: Callable[[str, str], None] = lambda model, method: None

    def find(self, model: str, **wanted: Any) -> Record:
        return next(row for row in self.records[model] if all(row[name] == value for name, value in wanted.items()))

    def login(self, database: str, user: str, password: str) -> int | bool:
        return ROBOT[0] if (database, user, password) == ("plant", "robot", PASSWORD) else False

    def execute(self, model: str, method: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        self.calls.append((model, method))
        self.before_call(model, method)
        if model not in self.types:
            raise ValueError(f"Object {model} doesn't exist")
        if method == "fields_get":
            return {name: {"type": kind} for name, kind in self.types[model].items()}
        if method == "search_read":
            rows = [row for row in sorted(self.records[model], key=lambda r: r["id"]) if _fits(row, arguments[0])]
            fields = ["id", *keywords["fields"]]
            for name in fields:
                if name not in self.types[model] and name != "id":
                    raise ValueError(f"Invalid field '{name}' on model '{model}'")
            return [{name: row[name] for name in fields} for row in rows[: keywords.get("limit")]]
        if method == "write":
            for number in arguments[0]:
                self.write(model, self.find(model, id=number), arguments[1], keywords.get("context", {}), ROBOT)
            return True
        if model == "mrp.production" and method in ("button_mark_done", "action_cancel"):
            return self._workflow(self.find(model, id=arguments[0][0]), method, keywords.get("context", {}))
        raise ValueError(f"no method {method}")

    def _workflow(self, row: Record, method: str, context: Record) -> Any:
        """Closing asks a question where less was consumed than planned; cancelling gives True, whatever it did."""
        if method == "action_cancel":
            if row["state"] == "done":
                raise ValueError("You cannot cancel a manufacturing order that is already done.")
            row["state"] = "cancel"
            return True
        if self.asks and not context.get("skip_consumption"):
            return {"type": "ir.actions.act_window", "res_model": "mrp.consumption.warning"}
        if not self.stubborn:
            row["state"] = "done"
        return None

    def write(self, model: str, row: Record, values: Record, context: Record, user: list[Any]) -> None:
        unknown = [name for name in values if name not in row]
        if unknown:
            raise ValueError(f"Invalid field '{unknown[0]}' on model '{model}'")
        self.second += timedelta(seconds=1)
        if model == "mrp.workorder":
            if values.get("date_finished", "9") < values.get("date_start", ""):
                raise ValueError("The planned end date of the work order cannot be prior to the planned start date")
            planned = bool(row["leave_id"])
            row.update(values)
            if not planned or not context.get("bypass_duration_calculation"):
                finish = datetime.fromisoformat(row["date_finished"]) + timedelta(hours=1, minutes=57, seconds=21)
                row["date_finished"] = finish.strftime(FORMAT)
                row["leave_id"] = [900 + row["id"], row["name"]]
        elif model == "mrp.production" and "date_start" in values and not context.get("force_date"):
            steps = [w for w in self.records["mrp.workorder"] if w["production_id"][0] == row["id"]]
            if any(w["state"] in ("progress", "done") for w in steps):
                raise ValueError(
                    "You cannot move a manufacturing order once it has started: it'd be a shame to waste all that progress, right?"
                )
            for step in steps:
                step.update(date_start=False, date_finished=False, leave_id=False)
            row.update(values)
        else:
            row.update(values)
        row["write_date"], row["write_uid"] = self.second.strftime(FORMAT), list(user)


def _fits(row: Record, domain: list[Any]) -> bool:
    for field, operator, value in domain:
        found = row[field][0] if isinstance(row[field], list) else row[field]
        if not (found == value if operator == "=" else found > value):
            return False
    return True


class _Handler(BaseHTTPRequestHandler):
    odoo: Odoo

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service, arguments = asked["params"]["service"], asked["params"]["args"]
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            if service == "common":
                said["result"] = self.odoo.login(*arguments)
            else:
                assert arguments[2] == PASSWORD
                result = self.odoo.execute(*arguments[3:7])
                if result is not None:
                    said["result"] = result
        except ConnectionAbortedError:
            self.close_connection = True
            return  # the connection ends without an answer, as when the server is killed
        except ValueError as error:
            said["error"] = {"code": 200, "message": "Odoo Server Error", "data": {"message": str(error)}}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(odoo: Odoo) -> Iterator[str]:
    """Serve on a free port of this machine; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"odoo": odoo}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
