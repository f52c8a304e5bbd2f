"""People on the command line: made without a default secret, signed in by secret only, kept in private files."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from recon_platform.cli.app import REFUSED, execute
from recon_platform.connectors.write_back import HttpErp
from recon_platform.governance import Store, relay, service
from recon_platform.governance.outbox import Message, put
from recon_platform.nights.delivery import deliver


class Terminal:
    """Runs commands against one lake; gives what they print."""

    def __init__(self, lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.lake, self._capsys, self._monkeypatch = lake, capsys, monkeypatch

    def run(self, *arguments: str, typed: str = "", code: int = 0, home: str | None = None) -> str:
        """Output of a command that must end with `code`; the error line where it must fail."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        options = ["--lake", str(self.lake), *(["--home", str(self.lake / home)] if home else [])]
        assert execute([*arguments, *options]) == code, self._capsys.readouterr()
        printed = self._capsys.readouterr()
        return printed.out if code == 0 else printed.err

    def json(self, *arguments: str, **options: Any) -> Any:
        return json.loads(self.run(*arguments, "--json", **options))

    def login(self, user: str, secret: str, code: int = 0) -> str:
        return self.run("login", "--user", user, "--secret-stdin", typed=secret + "\n", code=code, home=user)


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(tmp_path / "lake", capsys, monkeypatch)


def test_first_start_prints_secrets_once_and_keeps_only_hashes(terminal: Terminal) -> None:
    made = terminal.json("init", "--manager", "mia")
    assert set(made["secrets"]) == {"admin", "mia"}
    content = (terminal.lake / "governance.db").read_bytes()
    for secret in made["secrets"].values():
        assert secret.encode() not in content
    for name in ("governance.db", "governance.key"):
        assert stat.S_IMODE((terminal.lake / name).stat().st_mode) == 0o600
    assert "already" in terminal.run("init", code=REFUSED)


def test_an_identity_comes_from_a_secret_only(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = terminal.json("init", "--manager", "mia")["secrets"]
    for variable in ("USER", "LOGNAME", "RECON_USER", "RECON_TOKEN"):
        monkeypatch.setenv(variable, "mia")
    assert "nobody is signed in" in terminal.run("user", "list", code=REFUSED)
    assert "not right" in terminal.login("mia", "a guess of mine", code=REFUSED)
    terminal.login("mia", secrets["mia"])
    assert [user["name"] for user in terminal.json("user", "list", home="mia")] == ["admin", "mia"]
    session = terminal.lake / "mia" / "session.json"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    session.chmod(0o644)
    assert "can be read by others" in terminal.run("user", "list", home="mia", code=REFUSED)


def test_a_new_user_changes_the_secret_and_is_confirmed_by_an_approver(terminal: Terminal) -> None:
    secrets = terminal.json("init", "--manager", "mia")["secrets"]
    terminal.login("admin", secrets["admin"])
    terminal.login("mia", secrets["mia"])
    added = terminal.json("user", "add", "sam", "--full-name", "Sam Supervisor", "--role", "supervisor", home="admin")
    terminal.login("sam", added["secret"])
    assert "change it first" in terminal.run("user", "confirm", "sam", home="mia", code=REFUSED)
    typed = f"{added['secret']}\nquite another secret\n"
    terminal.run("user", "secret", "--secret-stdin", typed=typed, home="sam")
    assert "takes the role" in terminal.run("user", "confirm", "sam", home="admin", code=REFUSED)
    terminal.run("user", "confirm", "sam", home="mia")
    users = {user["name"]: user for user in terminal.json("user", "list", home="sam")}
    assert users["sam"]["credential"] == "confirmed"
    terminal.run("user", "disable", "sam", home="admin")
    assert "session has ended" in terminal.run("user", "list", home="sam", code=REFUSED)


def test_signing_out_ends_the_session(terminal: Terminal) -> None:
    secrets = terminal.json("init")["secrets"]
    terminal.login("admin", secrets["admin"])
    kept = (terminal.lake / "admin" / "session.json").read_bytes()
    terminal.run("logout", home="admin")
    (terminal.lake / "admin" / "session.json").write_bytes(kept)
    (terminal.lake / "admin" / "session.json").chmod(0o600)
    assert "session has ended" in terminal.run("user", "list", home="admin", code=REFUSED)


def test_a_person_sends_a_dead_message_again(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = terminal.json("init", "--manager", "mia")["secrets"]
    terminal.login("admin", secrets["admin"])
    store = Store(str(terminal.lake / "governance.db"), key=(terminal.lake / "governance.key").read_bytes())
    with store.writing() as tx:
        put(tx, "P", 1, [Message("P/1/W/10", "finite_dates", "erp", "W", {"op_seq": 10}, "v1")])
    monkeypatch.setattr(relay, "MOST_ATTEMPTS", 1)
    nobody = HttpErp("http://127.0.0.1:1/", secret="s")
    for _ in range(2):
        deliver(store, service("relay", "1"), erp=nobody, channels=False)
    assert [message.state for message in store.outbox.find()] == ["dead"]
    said = terminal.run("outbox", "replay", "P/1/W/10", "--reason", "the ERP is back", home="admin")
    assert "1 wait again" in said
    assert [message.state for message in store.outbox.find()] == ["waiting"]
    assert "no message" in terminal.run("outbox", "replay", "P/1/X/10", "--reason", "x", home="admin", code=REFUSED)
