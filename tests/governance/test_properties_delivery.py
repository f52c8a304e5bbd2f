"""The properties that concern delivery, by their numbers in the design: 14 to 16. Real servers, really killed."""

from __future__ import annotations

import http.server
import json
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from recon_platform.connectors.write_back import HttpErp, WriteBackError
from recon_platform.governance import service
from recon_platform.governance.mail import MailServer
from recon_platform.governance.outbox import Message, put
from recon_platform.governance.relay import LEASE, Delivered
from recon_platform.nights.delivery import deliver
from tests.governance.plant import PLANT, Governed

HERE = Path(__file__).parent
RELAY = service("relay", "1")


@contextmanager
def server(name: str, *arguments: str) -> Iterator[int]:
    """A server process; gives its port. Ended at the end if it has not ended itself."""
    process = subprocess.Popen([sys.executable, str(HERE / name), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def queue(governed: Governed, count: int = 6, expected_version: str | None = "v1") -> None:
    """Finite dates of some orders, waiting."""
    with governed.store.writing() as tx:
        put(
            tx, PLANT, 1,
            [
                Message(f"{PLANT}/1/WO-{n}/10", "finite_dates", "erp", f"WO-{n}", {"op_seq": 10}, expected_version)
                for n in range(count)
            ],
        )  # fmt: skip


def effects(database: Path) -> Counter[str]:
    with sqlite3.connect(database) as connection:
        return Counter(row[0] for row in connection.execute("select key from effects"))


@pytest.mark.parametrize("point", ["before", "during", "after"])
def test_14_an_erp_killed_around_the_send_has_one_effect_per_key(
    governed: Governed, tmp_path: Path, point: str
) -> None:
    queue(governed)
    database = tmp_path / "erp.db"
    with server("erp_server.py", str(database), point) as port:
        first = deliver(governed.store, RELAY, erp=HttpErp(f"http://127.0.0.1:{port}/"))
    assert first == Delivered(postponed=6)
    assert governed.store.outbox.counts() == {"waiting": 6}
    assert len(effects(database)) == {"before": 0, "during": 3, "after": 6}[point]
    governed.clock.move(minutes=1)
    with server("erp_server.py", str(database), "never") as port:
        second = deliver(governed.store, RELAY, erp=HttpErp(f"http://127.0.0.1:{port}/"))
    assert second == Delivered(accepted=6)
    assert sorted(effects(database).values()) == [1] * 6
    said = Counter(str(message.answer) for message in governed.store.outbox.find())
    assert said == Counter(
        {"written": 6 - len_known(point), **({"known": len_known(point)} if len_known(point) else {})}
    )


def len_known(point: str) -> int:
    """How many of six writes the ERP had made before it died."""
    return {"before": 0, "during": 3, "after": 6}[point]


def test_14_a_relay_killed_between_claim_and_answer_leaves_the_message_due_again(
    governed: Governed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(governed)
    database = tmp_path / "erp.db"
    with server("erp_server.py", str(database), "never") as port:
        erp = HttpErp(f"http://127.0.0.1:{port}/")
        with monkeypatch.context() as patch:
            patch.setattr("recon_platform.governance.relay._keep", _killed)
            with pytest.raises(KeyboardInterrupt):
                deliver(governed.store, RELAY, erp=erp)
        assert deliver(governed.store, RELAY, erp=erp) == Delivered()  # somebody may still be at it
        governed.clock.at += LEASE
        assert deliver(governed.store, RELAY, erp=erp) == Delivered(accepted=6)
    assert sorted(effects(database).values()) == [1] * 6


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_15_a_row_changed_in_the_erp_meanwhile_is_refused_and_raised(governed: Governed, tmp_path: Path) -> None:
    with governed.store.engine.begin() as connection:
        connection.execute(text("update users set contact = 'paula@works.example' where name = 'paula'"))
    queue(governed, 3)
    database = tmp_path / "erp.db"
    with server("erp_server.py", str(database), "never") as port:
        with sqlite3.connect(database) as connection:
            connection.execute("insert into rows values ('WO-1', 'v2')")
        done = deliver(governed.store, RELAY, erp=HttpErp(f"http://127.0.0.1:{port}/"), channels=False)
        assert done == Delivered(accepted=2, refused=1)
        governed.clock.move(days=1)
        assert deliver(governed.store, RELAY, erp=HttpErp(f"http://127.0.0.1:{port}/"), channels=False) == Delivered()
    assert f"{PLANT}/1/WO-1/10" not in effects(database)
    refused = governed.store.outbox.find(state="refused")
    assert [(m.subject, m.answer) for m in refused] == [("WO-1", "changed: row is at v2, expected v1")]
    notice = [m for m in governed.store.outbox.find() if m.kind == "notice"]
    assert [(m.content["event"], m.content["to"]) for m in notice] == [("refused", "paula@works.example")]


def test_15_two_relays_at_once_take_no_message_twice(governed: Governed, tmp_path: Path) -> None:
    queue(governed, 40)
    database, done = tmp_path / "erp.db", []
    with server("erp_server.py", str(database), "never") as port:
        erp = HttpErp(f"http://127.0.0.1:{port}/")
        threads = [threading.Thread(target=lambda: done.append(deliver(governed.store, RELAY, erp=erp))) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(d.accepted for d in done) == 40
    assert sorted(effects(database).values()) == [1] * 40


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"not json"), (200, b'{"answers": []}'), (302, b"")])
def test_14_an_answer_that_cannot_be_read_is_no_answer(answer: tuple[int, bytes]) -> None:
    class Odd(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    odd = http.server.HTTPServer(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=odd.handle_request)
    thread.start()
    from recon_platform.connectors.write_back import Write

    with pytest.raises(WriteBackError):
        HttpErp(f"http://127.0.0.1:{odd.server_port}/").write([Write("k", "finite_dates", "WO-1", {}, None)])
    thread.join()
    odd.server_close()


@pytest.mark.parametrize("point", ["rcpt", "stored"])
def test_16_a_mail_server_killed_mid_message_delivers_once_per_event(
    governed: Governed, tmp_path: Path, point: str
) -> None:
    ian = governed.actor("ian")
    governed.store.notices.subscribe(ian, "sales", "sales@works.example", ["proposed"])
    governed.store.notices.subscribe(ian, "former", "gone@works.example", ["proposed"])
    governed.night()
    governed.night()  # resumed: the same event is not told again
    kept = tmp_path / "mails"
    with server("mail_server.py", str(kept), point) as port:
        assert deliver(governed.store, RELAY, mail=MailServer("127.0.0.1", port)).accepted == 0
    governed.clock.move(minutes=5)
    with server("mail_server.py", str(kept), "never") as port:
        assert deliver(governed.store, RELAY, mail=MailServer("127.0.0.1", port)).accepted == 1
        assert deliver(governed.store, RELAY, mail=MailServer("127.0.0.1", port)) == Delivered()
    mails = [json.loads(line) for line in kept.read_text().splitlines()]
    assert {mail["to"][0] for mail in mails} == {"sales@works.example"}
    assert len({mail["id"] for mail in mails}) == 1  # whoever got it twice sees it once
    assert "waits for decisions" in mails[0]["subject"]
    assert governed.store.outbox.counts() == {"delivered": 1, "refused": 1}


def test_16_a_channel_is_told_too(governed: Governed) -> None:
    told: list[dict[str, str]] = []

    class Channel(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    channel = http.server.HTTPServer(("127.0.0.1", 0), Channel)
    thread = threading.Thread(target=channel.handle_request)
    thread.start()
    address = f"json://127.0.0.1:{channel.server_port}/hook"
    governed.store.notices.subscribe(governed.actor("ian"), "team", address, ["proposed"])
    governed.night()
    assert deliver(governed.store, RELAY) == Delivered(accepted=1)
    thread.join()
    channel.server_close()
    assert "waits for decisions" in told[0]["title"]
