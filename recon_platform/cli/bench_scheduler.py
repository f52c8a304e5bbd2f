"""Benchmarks of the scheduler that take a size or a workload folder: the full model, and the peer's workload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


@needs(None)
def schedule(
    operations: Annotated[list[int], typer.Option("--operations", min=100, help="May be given more than once.")] = [  # noqa: B006
        10_000,
        100_000,
    ],
    passes: Annotated[int, typer.Option("--passes", min=1, help="Dispatch passes of the portfolio.")] = 8,
    moves: Annotated[
        int, typer.Option("--moves", min=0, help="Moves of the improvement, at up to 20,000 operations.")
    ] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plants.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Schedule plants with the full model at several sizes; exit code 1 where a plan breaks a constraint."""
    from recon_platform.bench.schedule import lines, run

    rows = []
    with output.progress(len(operations), quiet=as_json) as step:
        for size in operations:
            step(f"{size:,} operations")
            rows.append(run(size, passes=passes, seed=seed, moves=moves))
    if as_json:
        output.print_json(rows)
    else:
        output.say("\n".join(lines(rows)))
    if any(row.violations for row in rows):
        raise typer.Exit(1)


@needs(None)
def peer(
    folder: Annotated[Path, typer.Argument(help="Folder of a peer workload as CSV.")],
    out: Annotated[Path, typer.Option("--out", help="Where operationplans.csv and demands.csv are written.")],
    as_json: JsonOption = False,
) -> None:
    """Plan the workload that other planners were run on, and set the figures beside the published ones."""
    from recon_platform.bench.peer import published_row, run

    figures = run(folder, out)
    plain = output.plain(figures)
    published = published_row(figures.orders)
    if as_json:
        output.print_json({"ours": plain, "peer": published})
        return
    output.print_rows(
        "", ("figure", "ours", "peer"), [(name, value, (published or {}).get(name)) for name, value in plain.items()]
    )
