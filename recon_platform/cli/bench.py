"""Benchmarks: how long, how well, how robust. Each prints a table; `--json` gives the figures to programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    benches = typer.Typer(help="Benchmarks: how long, how well, how robust.", no_args_is_help=True)
    benches.command("night")(night)
    benches.command("drift")(drift)
    benches.command("conform")(conform)
    benches.command("faults")(faults)
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


@needs(None)
def drift(
    landing: Annotated[Path | None, typer.Option("--landing", help="A landing folder, or a folder of such.")] = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="Its truth: a file, or a folder of such.")] = None,
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of a generated plant.")] = 5_000,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many generated plants.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Score what the data gates and rules find of planted errors, kind by kind: recall and precision."""
    from recon_platform.bench.drift import as_frame, run, score_folders, table

    if (landing is None) != (truth is None):
        raise typer.BadParameter("give --landing and --truth together, or neither for generated plants")
    with output.progress(None if landing else seeds, quiet=as_json) as step:
        if landing is not None and truth is not None:
            step("scoring")
            scores = score_folders(landing, truth)
        else:
            scores = run(orders, seeds=range(1, seeds + 1), say=step)
    if as_json:
        output.print_json(as_frame(scores).to_dicts())
    else:
        output.say(table(scores))


@needs(None)
def conform(
    rows: Annotated[list[int], typer.Option("--rows", min=1, help="Operation rows; may be given more than once.")] = [  # noqa: B006
        100_000,
        1_000_000,
    ],
    as_json: JsonOption = False,
) -> None:
    """Time conforming: operation rows per second and peak memory."""
    from recon_platform.bench.conform import run, table

    with output.progress(len(rows), quiet=as_json) as step:
        figures = run(rows, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))


@needs(None)
def faults(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Processes killed.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed kills after the same times.")] = 1,
    url: Annotated[str | None, typer.Option("--url", help="An empty PostgreSQL database; default: SQLite.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Kill processes that decide and publish at random points; count losses, duplicates and half publishes."""
    from recon_platform.bench.faults import run

    with output.progress(rounds // 10 + 1, quiet=as_json) as step:
        figures = run(rounds, seed=seed, url=url, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.print_rows("", ("figure", "value"), list(output.plain(figures).items()))
    if figures.lost or figures.duplicates or figures.half_publishes:
        raise typer.Exit(1)
