"""The weekly report: read back from its PDF, and delivered by mail to a real server, once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zlib
from email import message_from_bytes
from pathlib import Path

import pytest

from recon_platform.console.app import create_app
from recon_platform.console.services.value import series
from recon_platform.console.settings import ConsoleSettings
from recon_platform.console.weekly import send, week, weekly_report
from recon_platform.console.words import number
from recon_platform.governance.actors import Actor, service
from recon_platform.governance.errors import PermissionDeniedError
from recon_platform.governance.mail import MailServer
from recon_platform.nights.delivery import deliver

PLANT = "FASTENER"
SERVER = """
import asyncio, sys
from aiosmtpd.smtp import SMTP
class Keep:
    async def handle_DATA(self, server, session, envelope):
        with open(sys.argv[1], 'ab') as file:
            file.write(envelope.content + b'\\n====\\n')
        return '250 kept'
async def serve():
    made = await asyncio.get_running_loop().create_server(lambda: SMTP(Keep()), '127.0.0.1', 0)
    print(made.sockets[0].getsockname()[1], flush=True)
    await made.serve_forever()
asyncio.run(serve())
"""


ESCAPED = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(pdf: bytes) -> str:
    """The words of a PDF: glyphs of its fonts, turned into letters by the tables that it carries, font by font."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.S)
    tables = [
        {int(a, 16): chr(int(b, 16)) for a, b in re.findall(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>\n", stream)}
        for stream in streams if b"beginbfchar" in stream
    ]  # fmt: skip
    said, letters = [], tables[0]
    for page in (zlib.decompress(stream) for stream in streams if stream[:1] == b"x"):
        for font, shown in re.findall(rb"/F(\d) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", page, re.S):
            if font:
                letters = tables[int(font) - 1]
                continue
            raw = re.sub(rb"\\(.)", lambda found: ESCAPED.get(found[1], found[1]), shown, flags=re.S)
            said.append("".join(letters[int.from_bytes(raw[at : at + 2])] for at in range(0, len(raw), 2)))
    return " ".join(said)


def test_the_report_is_on_paper_and_in_the_mail_once(demo_once: Path, tmp_path: Path) -> None:
    home = tmp_path / "demo"
    shutil.copytree(demo_once, home)
    lake, people = home / "lake", json.loads((home / "people.json").read_text())
    app = create_app(ConsoleSettings(str(lake), str(lake / "governance.db"), lake / "governance.key"))
    console = app.state.console
    nights, store = console.nights.all(PLANT), console.store
    made = weekly_report(nights)
    assert made == weekly_report(nights)
    said = text_of(made)
    for one in series(nights):
        assert one.label in said and number(one.known[-1]) in said
    assert nights[-1].run_id in said and "no proof of its cause" in said

    def actor(name: str) -> Actor:
        return store.sessions.authenticate(store.sessions.login(name, people[name]).token)

    store.notices.subscribe(actor("admin"), "works council", "council@works.example", ["weekly"], PLANT)
    with pytest.raises(PermissionDeniedError):
        send(store, actor("manager"), nights)
    assert send(store, actor("admin"), nights) == 1
    assert send(store, actor("admin"), nights) == 0  # once a week, however often it is asked for
    kept = tmp_path / "mails"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(kept)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        mail = MailServer("127.0.0.1", int(server.stdout.readline()))
        for _ in range(2):
            deliver(store, service("relay", "1"), erp=None, mail=mail)
    finally:
        server.kill()  # a SIGTERM that some library blocks in this process is blocked in its children too
        server.wait(timeout=30)
    mails = [message_from_bytes(raw) for raw in kept.read_bytes().split(b"\n====\n") if raw.strip()]
    weekly = [found for found in mails if "weekly report" in str(found["Subject"])]
    assert len(weekly) == 1 and weekly[0]["To"] == "council@works.example"
    (attached,) = [part for part in weekly[0].walk() if part.get_filename()]
    assert attached.get_filename() == f"{PLANT}-{week(nights[-1])}.pdf"
    assert attached.get_payload(decode=True) == made
    console.jobs.close()
    store.close()
