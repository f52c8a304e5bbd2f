"""The command that shows what the platform is worth: a study in the simulator that goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("value")(value)


@needs(None)
def value(
    out: Annotated[Path, typer.Argument(help="Folder of the study; what is finished in it is not run again.")],
    part: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="main, random, parts, load, by_due, learning or programme; may be given more than once. All if left out.",
        ),
    ] = None,
    plant: Annotated[
        list[str] | None, typer.Option("--plant", help="fastener, machining or process for part main; all if left out.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Worlds of each plant.")] = 10,
    weeks: Annotated[int, typer.Option("--weeks", min=5, help="Weeks of each world; the first three settle.")] = 13,
    orders: Annotated[int, typer.Option("--orders", min=50, help="Open orders, about.")] = 250,
    limit: Annotated[int | None, typer.Option("--limit", min=0, help="Run at most so many cells now.")] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder (docs) whose value.md and chart are written anew.")
    ] = None,
    known: Annotated[
        Path | None,
        typer.Option(
            "--known", help="Measures of a study (docs/value_measures.parquet) whose cells count as finished."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate plants as they are, under a fair peer and under the platform, and say what the platform is worth."""
    import polars as pl

    from recon_platform.nights.value_findings import by_world, means
    from recon_platform.nights.value_report import write_report
    from recon_platform.nights.value_study import PARTS, cells_of, measures, run_study, take_over
    from recon_platform.plantsim.parameters import PLANTS

    cells = cells_of(part or PARTS, seeds=seeds, weeks=weeks, orders=orders, plants=plant or PLANTS)
    if known is not None:
        take_over(out, pl.read_parquet(known))
    with output.progress(None, quiet=as_json) as step:
        ran = run_study(out, cells, limit=limit, progress=step)
    keys = [cell.key for _, cell in cells]
    found = measures(out).filter(pl.col("cell").is_in(keys))
    if report is not None:
        write_report(report, found, len(set(keys)))
    table = means(by_world(found), ["as_is", "fair_peer", "platform"])
    done = found["cell"].n_unique()
    if as_json:
        output.print_json({"ran": ran, "finished": done, "cells": len(set(keys)), "means": table.to_dicts()})
        return
    output.say(f"{ran} cells run now, {done} of {len(set(keys))} finished")
    output.print_frame("Mean over worlds", table, shown=None)
