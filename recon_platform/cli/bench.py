"""Benchmarks: how long, how well, how robust. Each prints a table; `--json` gives the figures to programs."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    benches = typer.Typer(help="Benchmarks: how long, how well, how robust.", no_args_is_help=True)
    benches.command("night")(night)
    app.add_typer(benches, name="bench")


@needs(None)
def night(
    orders: Annotated[list[int], typer.Option("--orders", min=1, help="Open orders; may be given more than once.")] = [  # noqa: B006
        1_000,
        10_000,
    ],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plants.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time a night stage by stage at several sizes: seconds, rows per second, peak memory, growth."""
    from recon_platform.bench.night import run, table

    with output.progress(len(orders), quiet=as_json) as step:
        figures = run(orders, seed=seed, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))
