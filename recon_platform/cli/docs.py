"""`docs/cli.md`, written from the commands themselves: what each prints for `--help`, and who may run it.

Run as `python -m recon_platform.cli.docs` (`make docs`); a test holds the file and the commands together.
"""

from __future__ import annotations

from pathlib import Path

import typer
import typer.main

from recon_platform.cli.app import app, commands
from recon_platform.cli.doors import need_of
from recon_platform.governance.permissions import GRANTS

WIDTH = 110
PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
HEAD = """# The command line

Written by `make docs` from the commands themselves. Every command ends with exit code 0 only on success: 1 where it
found something wrong that it was asked to look for (a replay that differs, an audit trail that does not hold), 2
where it was refused or its input is wrong, in one line on the error stream; 130 where it was stopped. `--json` prints
one JSON document on the output stream; progress goes to the error stream.

A command that needs a permission asks who is signed in (`recon login`). A lake without a governance store
(`recon init`) is open to whoever can read its files; nothing can be decided or published in it.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, command in commands():
        context = typer.Context(command, info_name=f"recon {name}", terminal_width=WIDTH, max_content_width=WIDTH)
        need = need_of(command.callback)
        if need is None:
            who = "Anyone."
        else:
            roles = ", ".join(role.value for role, granted in GRANTS.items() if need in granted)
            who = f"Permission `{need.value}`: {roles}."
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        parts.append(f"## recon {name}\n\n{who}\n\n```\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    typer.echo(f"written: {PAGE} ({len(list(commands()))} commands of {app.info.name})")
