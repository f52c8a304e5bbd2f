"""Every command in docs/governance.md, docs/playbook.md and docs/agents.md runs, in the order of the pages, on a generated plant."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import typer

from recon_platform.cli.app import execute
from recon_platform.lake import Lake
from recon_platform.nights.records import newest_manifest
from recon_platform.plantsim import generate
from tests.governance.night_lake import few_moves

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("governance.md", "playbook.md", "agents.md")
SECRET_SHOWN = re.compile(
    r"secret of (\w+), shown this once: (\S+)|^(\w+) added as .* shown this once: (\S+)", re.MULTILINE
)
NUMBER_SHOWN = re.compile(r"^request (\d+): ", re.MULTILINE)
ON_POSTGRESQL = ("pg_dump", "psql")
"""Lines that `tests/governance/test_restore.py` runs on a PostgreSQL."""
RUN_ELSEWHERE = {"signature", "bench faults", "user disable", "agents serve", "outbox replay", "bench sabotage"}
"""A generated night needs no signature: `test_properties_people.py`. Kills: `test_properties_publishing.py`. Outside agents: `tests/agents`.
A dead message: `test_people.py`. A rule made wrong: `tests/bench/test_sabotage.py`."""
CHANGE = "[policy.capacity]\nstability_weight = 0.2\n"


def commands(page: str) -> Iterator[str]:
    """The commands of a page in order: lines `$ recon …` of its console blocks, lines of its shell blocks as they stand."""
    for kind, block in re.findall(r"```(console|sh)\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            assert kind == "sh" or line.startswith("$ recon "), line
            if not line.startswith(ON_POSTGRESQL):
                yield line


def mentioned(page: str) -> set[str]:
    """Commands that the text of a page names between backticks: their first word, or two where the second is a word too."""
    text = re.sub(r"```.*?```", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"`recon ([a-z]+(?: [a-z]+)?)", text))


class Reader:
    """Somebody who follows the pages: types secrets when asked, and keeps the number the last command printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.secrets: dict[str, str] = {}
        self.number = ""
        self._who = ""

    def ask(self, prompt: str, **_: object) -> str:
        """What the reader types."""
        if prompt.startswith("Secret of "):
            return self.secrets[prompt.removeprefix("Secret of ")]
        if prompt == "New secret":
            return "a secret of my own making"
        return self.secrets[self._who]

    def run(self, line: str) -> str:
        """Run one command, which must succeed; gives what it prints."""
        if not line.startswith("$ recon "):
            subprocess.run(line, shell=True, check=True)
            return ""
        line = line.removeprefix("$ recon ").replace("NUMBER", self.number)
        if "WORK_ORDER" in line:
            line = line.replace("WORK_ORDER OPERATION MACHINE", _later_operation())
        if "MESSAGE" in line:
            line = line.replace("MESSAGE", _overdue_message())
        arguments = shlex.split(line)
        self._who = arguments[arguments.index("--home") + 1] if "--home" in arguments else ""
        code = execute(arguments)
        printed = self._capsys.readouterr()
        assert code == 0, f"recon {line}: {printed.err} {printed.out}"
        for init_name, init_secret, name, secret in SECRET_SHOWN.findall(printed.out):
            self.secrets[init_name or name] = init_secret or secret
        if arguments[:2] == ["user", "secret"]:
            self.secrets[self._who] = "a secret of my own making"
        found = NUMBER_SHOWN.findall(printed.out)
        if found and arguments[0] != "approve":
            self.number = found[-1]
        return printed.out


def _later_operation() -> str:
    """An operation of an order the ERP knows, with the machine it is planned on: the last one to start."""
    lake = Lake("lake")
    newest = newest_manifest(lake)
    known = newest.read(lake, "reconciled_operations").select("work_order", "op_seq")
    schedule = newest.read(lake, "schedule").join(known, on=known.columns, how="semi")
    schedule = schedule.filter(pl.col("machine").is_not_null()).sort("start")
    return " ".join(str(value) for value in schedule.select("work_order", "op_seq", "machine").row(-1))


def _overdue_message() -> str:
    """A message that will ask for the same tomorrow: an order that is overdue stays so until somebody acts."""
    messages = newest_manifest(Lake("lake")).read(Lake("lake"), "action_messages")
    return str(messages.filter(pl.col("code") == "PAST_DUE_SUPPLY").sort("from_date").get_column("message")[0])


def test_every_command_that_the_text_names_is_run() -> None:
    run = {
        line.removeprefix("$ recon ") for page in PAGES for line in commands(page) if line.startswith("$ recon ")
    } | RUN_ELSEWHERE
    for page in PAGES:
        named = mentioned(page)
        assert named
        assert not {name for name in named if not any(line == name or line.startswith(f"{name} ") for line in run)}


@pytest.mark.timeout(900)
def test_the_commands_of_the_pages_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    nights = generate(tmp_path / "landing", orders=40, nights=2).nights
    few_moves(nights)
    for night in nights:
        with (night / "plant.toml").open("a") as file:
            file.write("\n[policy.material]\nmaster_schedule_frozen_days = 5\n")
    (tmp_path / "change.toml").write_text(CHANGE)
    reader = Reader(capsys)
    monkeypatch.setattr(typer, "prompt", reader.ask)
    said = {line: reader.run(line) for page in PAGES for line in commands(page)}
    change = '[{"verb": "remove", "table": "master_schedule", "where": {"item": "I1"}}]'
    reader.run(f"$ recon override I1 --change '{change}' --reason 'no longer sold' --lake lake --home paula")
    assert execute(["approve", reader.number, "--reason", "agreed", "--lake", "lake", "--home", "sam"]) != 0
    assert "takes the role manager" in capsys.readouterr().err
    aside = (
        newest_manifest(Lake("lake")).read(Lake("lake"), "action_messages").filter(pl.col("visibility") == "SNOOZED")
    )
    assert aside.get_column("suppressed_by").str.starts_with("snoozed by paula until ").to_list() == [True]
    outputs = "\n".join(said.values())
    for expected in (
        "schedule version 1 of", "schedule version 3 of", "identical", "the trail holds", "stability_weight",
        "sam is confirmed", "Customer lines whose ship date moves", "rows came back from the lake", "trail.resumed",
    ):  # fmt: skip
        assert expected in outputs, expected
