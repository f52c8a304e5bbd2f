"""A real SMTP server in a process of its own, to be killed. Keeps every mail it took as a line of JSON.

Started as `python mail_server.py FILE DIE`: it ends itself by SIGKILL with its first mail at `rcpt` (mid-message,
nothing kept), at `stored` (kept, and the client never told), or `never`. Prints its port once it listens.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Handler:
    def __init__(self, file: Path, wanted: str) -> None:
        self._file, self._wanted = file, wanted

    def _die(self, point: str) -> None:
        if point == self._wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if address.startswith("gone@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        self._die("rcpt")
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content)
        with self._file.open("a") as file:
            kept = {
                "id": mail["Message-ID"], "to": envelope.rcpt_tos, "subject": str(mail["Subject"]),
                "attached": [part.get_filename() for part in mail.walk() if part.get_filename()],
            }  # fmt: skip
            file.write(json.dumps(kept) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._die("stored")
        return "250 kept"


async def serve(file: Path, wanted: str) -> None:
    """Listen, print the port, serve for ever."""
    handler = Handler(file, wanted)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mail.example"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
