"""A small ERP in a process of its own, to be killed: takes writes over HTTP, keeps each effect and key in SQLite.

Started as `python erp_server.py DATABASE DIE`, where DIE says at which point the process ends itself by SIGKILL in its
first request: `before` it reads, `during` its work (half of the rows committed), `after` all is committed and before
it answers, or `never`. Prints its port once it listens.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def _die(point: str, wanted: str) -> None:
    if point == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


class Handler(BaseHTTPRequestHandler):
    database = ""
    wanted = "never"

    def do_POST(self) -> None:
        _die("before", self.wanted)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        answers = []
        for number, write in enumerate(body["writes"]):
            if number * 2 >= len(body["writes"]):
                _die("during", self.wanted)
            answers.append({"idempotency_key": write["idempotency_key"], **self._apply(connection, write)})
        _die("after", self.wanted)
        self._answer(json.dumps({"answers": answers}).encode())

    def _apply(self, connection: sqlite3.Connection, write: dict[str, str]) -> dict[str, str]:
        connection.execute("BEGIN IMMEDIATE")
        known = connection.execute("SELECT 1 FROM effects WHERE key = ?", (write["idempotency_key"],)).fetchone()
        row = connection.execute("SELECT version FROM rows WHERE subject = ?", (write["subject"],)).fetchone()
        if known:
            said = {"status": "known"}
        elif write["expected_version"] is not None and row is not None and row[0] != write["expected_version"]:
            said = {"status": "changed", "detail": f"row is at {row[0]}, expected {write['expected_version']}"}
        else:
            connection.execute("INSERT INTO effects VALUES (?, ?)", (write["idempotency_key"], write["subject"]))
            said = {"status": "written"}
        connection.execute("COMMIT")
        return said

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(database: str, wanted: str) -> None:
    """Make the tables, print the port, serve."""
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE IF NOT EXISTS effects (key TEXT, subject TEXT)")  # no constraint: duplicates show
    connection.execute("CREATE TABLE IF NOT EXISTS rows (subject TEXT PRIMARY KEY, version TEXT)")
    connection.close()
    Handler.database, Handler.wanted = database, wanted
    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
