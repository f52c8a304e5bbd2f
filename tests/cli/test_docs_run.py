"""Every command in docs/governance.md and docs/playbook.md runs, in the order of the pages, on a generated plant."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from recon_platform.cli.app import execute
from recon_platform.plantsim import generate
from tests.governance.night_lake import few_moves

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("governance.md", "playbook.md")
SECRET_SHOWN = re.compile(
    r"secret of (\w+), shown this once: (\S+)|^(\w+) added as .* shown this once: (\S+)", re.MULTILINE
)
NUMBER_SHOWN = re.compile(r"^request (\d+): ", re.MULTILINE)
CHANGE = "[policy.capacity]\nstability_weight = 0.2\n"


def commands(page: str) -> Iterator[str]:
    """The commands of a page: lines `$ recon …` in its console blocks."""
    for block in re.findall(r"```console\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            assert line.startswith("$ recon "), line
            yield line.removeprefix("$ recon ")


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
        arguments = shlex.split(line.replace("NUMBER", self.number))
        self._who = arguments[arguments.index("--home") + 1] if "--home" in arguments else ""
        code = execute(arguments)
        printed = self._capsys.readouterr()
        assert code == 0, f"recon {line}: {printed.err}"
        for init_name, init_secret, name, secret in SECRET_SHOWN.findall(printed.out):
            self.secrets[init_name or name] = init_secret or secret
        if arguments[:2] == ["user", "secret"]:
            self.secrets[self._who] = "a secret of my own making"
        found = NUMBER_SHOWN.findall(printed.out)
        if found and arguments[0] != "approve":
            self.number = found[-1]
        return printed.out


@pytest.mark.timeout(900)
def test_the_commands_of_both_pages_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few_moves(generate(tmp_path / "landing", orders=40, nights=2).nights)
    (tmp_path / "change.toml").write_text(CHANGE)
    reader = Reader(capsys)
    monkeypatch.setattr(typer, "prompt", reader.ask)
    said = {line: reader.run(line) for page in PAGES for line in commands(page)}
    outputs = "\n".join(said.values())
    for expected in (
        "schedule version 1 of", "schedule version 3 of", "identical", "the trail holds", "stability_weight",
        "sam is confirmed", "Customer lines whose ship date moves",
    ):  # fmt: skip
        assert expected in outputs, expected
