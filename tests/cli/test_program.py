"""The program as a whole: fast help, errors in one line, a complete page, declared permissions."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from recon_platform.cli import app as program
from recon_platform.cli.app import commands, execute
from recon_platform.cli.docs import PAGE, page
from recon_platform.cli.doors import need_of

NAMES = [name for name, _ in commands()]


def test_every_command_declares_what_it_needs() -> None:
    undeclared = []
    for name, command in commands():
        try:
            need_of(command.callback)
        except KeyError:
            undeclared.append(name)
    assert undeclared == []


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again with `make docs`"


def test_help_imports_nothing_heavy() -> None:
    heavy = "polars, sqlalchemy, deltalake, numba, pandera, pyarrow, duckdb, alembic, argon2, numpy"
    code = (
        "import sys; from recon_platform.cli.app import execute; execute(['--help']); "
        f"print(sorted(set({heavy.split(', ')!r}) & set(sys.modules)), file=sys.stderr)"
    )
    started = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr.strip() == "[]"
    assert "exceptions" in done.stdout
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*name.split(), "--help"]) == 0
    assert "Usage: recon" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plann"], "No such command 'plann'"),
        (["plan"], "Missing parameter"),
        (["plan", "nowhere", "--out", "out"], "nowhere"),
        (["replay", "--lake", "nowhere"], "no complete night"),
        (["audit", "show", "--lake", "nowhere"], "make one with `recon init`"),
        (["approve", "1", "--lake", "nowhere", "--reason", "x"], "make one with `recon init`"),
        (["approve", "1", "--lake", "s3://bucket/lake", "--reason", "x"], "--home"),
        (["exceptions", "--lake", "nowhere", "--governance", "mysql://host/x"], "SQLite or PostgreSQL"),
        (["explain", "X", "--lake", "nowhere"], "no complete night"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert execute(arguments) == program.REFUSED
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in lines[0]
