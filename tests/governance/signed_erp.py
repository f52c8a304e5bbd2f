"""An ERP behind signed HTTP in a process of its own: checks the signature by itself, and does what it is told to.

`python signed_erp.py DATABASE SECRET TROUBLE…`: each TROUBLE is what one request meets, then all goes well: `503`, `hangup`,
`garbage`, `altered` (it stores another finish than it was asked). Prints its port once it listens.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar


class Handler(BaseHTTPRequestHandler):
    database = ""
    secret = b""
    troubles: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key, at = self.headers.get("Idempotency-Key", ""), self.headers.get("Recon-Timestamp", "0")
        wanted = hmac.new(self.secret, f"{at}.{key}.".encode() + body, hashlib.sha256).hexdigest()
        if self.headers.get("Recon-Signature") != f"sha256={wanted}" or abs(time.time() - int(at)) > 300 or not key:
            self._say(401, b'{"detail": "who are you"}')
            return
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble == "503":
            self._say(503, b"later")
            return
        answers = self._apply(json.loads(body)["writes"], altered=trouble == "altered")
        if trouble == "hangup":
            self.connection.close()
            return
        self._say(200, b"<html>" if trouble == "garbage" else json.dumps({"answers": answers}).encode())

    def _apply(self, writes: list[dict[str, object]], *, altered: bool) -> list[dict[str, object]]:
        answers = []
        with sqlite3.connect(self.database) as connection:
            for write in writes:
                key, stored = str(write["idempotency_key"]), dict(write["content"])  # type: ignore[call-overload]
                known = connection.execute("SELECT 1 FROM effects WHERE key = ?", (key,)).fetchone()
                if altered:
                    stored["planned_end"] = "2026-03-02T13:57:21+00:00"
                elif "planned_end" in stored:  # the same instant, written by a server of another zone
                    stored["planned_end"] = str(stored["planned_end"]).replace("12:00:00+00:00", "13:00:00+01:00")
                if not known:
                    connection.execute("INSERT INTO effects VALUES (?, ?)", (key, json.dumps(stored)))
                answers.append({"idempotency_key": key, "status": "known" if known else "written", "stored": stored})
        return answers

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    Handler.database, Handler.secret, Handler.troubles = sys.argv[1], sys.argv[2].encode(), sys.argv[3:]
    with sqlite3.connect(Handler.database) as made:
        made.execute("CREATE TABLE IF NOT EXISTS effects (key TEXT, stored TEXT)")  # no constraint: doubles would show
    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
