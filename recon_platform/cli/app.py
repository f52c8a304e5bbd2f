"""The command tree, and what becomes of an error: one clear line and exit code 2, never a traceback for a known one."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer
import typer.core

from recon_platform.cli import (
    agents,
    audit,
    baseline,
    bench,
    change,
    connect,
    data,
    decide,
    demo,
    look,
    maintain,
    nights,
    parameters,
    people,
    programme,
    remedy,
    serve,
    simulate,
    value,
    weekly,
    workbook,
)

OK, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
FOREIGN_ERRORS = ("sqlalchemy.exc", "deltalake.exceptions", "polars.exceptions", "_internal", "duckdb")
"""Modules whose exceptions mean that the data or the machine is at fault, not the program."""

app = typer.Typer(
    name="recon",
    help="Make ERP and MES agree, plan material and capacity, propose, let people approve, publish, prove.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for topic in (
    data,
    connect,
    nights,
    decide,
    change,
    look,
    remedy,
    workbook,
    parameters,
    audit,
    people,
    bench,
    maintain,
    simulate,
    value,
    baseline,
    programme,
    agents,
    demo,
    serve,
    weekly,
):
    topic.register(app)


def run() -> None:
    """Run the program and end the process with its exit code."""
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: list[str]) -> int:
    """Run one command; gives its exit code. Errors that say what is wrong with the input end in one line."""
    command = typer.main.get_command(app)
    try:
        result = command.main(arguments, prog_name="recon", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        return _say("stopped", INTERRUPTED)
    except typer.TyperException as error:
        return _say(f"{one_line(error)}; see `recon --help`", REFUSED)
    except (ValueError, OSError) as error:
        return _say(one_line(error), REFUSED)
    except Exception as error:
        if type(error).__module__.startswith(FOREIGN_ERRORS):
            return _say(one_line(error), REFUSED)
        raise
    return result if isinstance(result, int) else OK


def one_line(error: BaseException) -> str:
    """The error in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or text}"
    return text


def _say(message: str, code: int) -> int:
    print(f"recon: {message}", file=sys.stderr)  # noqa: T201 - the one place that prints errors
    return code


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command that does something, with its full name (`schedule show`), in the order of the help."""
    yield from _walk("", typer.main.get_command(app))


def _walk(prefix: str, command: object) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    if isinstance(command, typer.core.TyperGroup):
        for name, child in command.commands.items():
            yield from _walk(f"{prefix} {name}".strip(), child)
    elif isinstance(command, typer.core.TyperCommand):
        yield prefix, command
