"""The command that tells who makes the messages of a simulated plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


@needs(None)
def noise(
    nights: Annotated[int, typer.Option("--nights", min=2, help="Nights to run.")] = 30,
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders, about.")] = 1_500,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same world.")] = 1,
    drift: Annotated[float, typer.Option("--drift", min=0, max=1, help="Share of open orders reported wrong.")] = 0.05,
    edits: Annotated[
        float,
        typer.Option("--edits", min=0, max=1, help="Share of items per night whose planning parameters are edited."),
    ] = 0.01,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder (docs) whose noise.md is written anew.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated plant and say what made its reschedule messages, and what leaving each cause out would save."""
    from recon_platform.nights.noise import Habits, measure_noise, savings
    from recon_platform.nights.noise_report import report_text, self_inflicted, write_noise

    with output.progress(2 * nights, quiet=as_json) as step:
        found = measure_noise(nights, orders, seed, drift, Habits(edits), step)
    if report is not None:
        write_noise(report, found)
    if as_json:
        output.print_json(
            {
                "shares": found.shares,
                "savings": savings(found),
                "self_inflicted": self_inflicted(found),
                "counts": found.counts,
            }
        )
    else:
        output.say(report_text(found))
