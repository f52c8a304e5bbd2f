"""Printing: JSON for programs, tables for people, progress on the error stream. Instants in the plant's time."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console

SHOWN_ROWS = 30
WIDTH_WITHOUT_TERMINAL = 180


def console(stderr: bool = False) -> Console:
    """A console on the output (or error) stream; wide where the stream is no terminal, so that no cell is cut up."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def print_json(value: Any) -> None:
    """One JSON document on the output stream."""
    sys.stdout.write(json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """`value` in what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(value, "to_dicts"):
        value = value.to_dicts()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def cell(value: Any) -> str:
    """One value as people read it in a table."""
    match value:
        case None:
            text = "–"
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = value.strftime("%a %d %b %H:%M")
        case date():
            text = value.strftime("%a %d %b %Y")
        case float():
            text = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
        case int():
            text = f"{value:,}"
        case _:
            text = str(value)
    return text


def print_rows(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, shown: int | None = None) -> None:
    """A table for people; says how many rows it leaves out."""
    from rich.table import Table

    out = console()
    if title:
        out.print(f"\n[bold]{title}[/bold]")
    if not rows:
        out.print("  none")
        return
    visible = rows if shown is None else rows[:shown]
    table = Table(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for position, name in enumerate(columns):
        numeric = all(isinstance(row[position], int | float | None) for row in visible)
        table.add_column(
            name.replace("_", " "), justify="right" if numeric else "left", no_wrap=position + 1 < len(columns)
        )
    for row in visible:
        table.add_row(*(_escaped(cell(value)) for value in row))
    out.print(table)
    if len(rows) > len(visible):
        out.print(f"  … and {len(rows) - len(visible):,} more")


def print_frame(title: str, frame: pl.DataFrame, *, shown: int | None = SHOWN_ROWS) -> None:
    """A frame as a table for people."""
    print_rows(title, frame.columns, frame.rows(), shown=shown)


def say(text: str) -> None:
    """One line for people."""
    console().print(_escaped(text), soft_wrap=True)


def note(text: str) -> None:
    """One line about the work, on the error stream."""
    console(stderr=True).print(_escaped(text), soft_wrap=True, style="dim")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@contextmanager
def progress(total: int | None, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A progress bar on the error stream; the function it gives is called with the name of each step as it begins."""
    if quiet:
        yield lambda _name: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("starting", total=total)
        begun = False

        def step(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, advance=1 if begun else 0)
            begun = True

        yield step
        bar.update(task, advance=1 if begun else 0)


def json_bytes(value: Any) -> bytes:
    """One JSON document as bytes."""
    return (json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n").encode()
