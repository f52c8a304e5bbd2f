"""The command that lets a simulated plant run night after night, and draws what came of it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.noise import noise
from recon_platform.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("simulate")(simulate)
    app.command("noise")(noise)


@needs(None)
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder for results and checkpoints; a run that was stopped goes on.")],
    nights: Annotated[int, typer.Option("--nights", min=1, help="Nights to run.")] = 30,
    policy: Annotated[
        list[str], typer.Option("--policy", help="platform, edd, erp or foreman; may be given more than once.")
    ] = ["platform"],  # noqa: B006
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders, about.")] = 1_500,
    seed: Annotated[
        list[int], typer.Option("--seed", help="The same seed gives the same world; may be given more than once.")
    ] = [1],  # noqa: B006
    drift: Annotated[float, typer.Option("--drift", min=0, max=1, help="Share of open orders reported wrong.")] = 0.05,
    plant: Annotated[str, typer.Option("--plant", help="fastener, machining or process.")] = "fastener",
    through: Annotated[
        str,
        typer.Option(
            "--through",
            help="core: plan in memory; lake: whole nights with approval and publishing; none: the floor alone.",
        ),
    ] = "core",
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder (docs) whose simulation.md and chart are written anew.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a simulated plant night after night under each policy, in the same world, and measure what happens."""
    from recon_platform.nights.simulate import Settings
    from recon_platform.nights.simulate import simulate as run
    from recon_platform.nights.simulation_report import summary, write_report

    results = []
    with output.progress(len(policy) * len(seed) * nights, quiet=as_json) as step:
        for world, name in itertools.product(seed, policy):
            settings = Settings(name, nights, orders, seed=world, drift=drift, plant=plant, through=through)
            folder = out / name if len(seed) == 1 else out / f"seed-{world}" / name
            results.append(run(folder, settings, progress=lambda text, name=name: step(f"{name}: {text}")))  # type: ignore[misc]
    if report is not None:
        write_report(report, results)
    table = summary(results)
    if as_json:
        output.print_json({"summary": table.to_dicts(), "seconds": [r.seconds.to_dicts() for r in results]})
        return
    output.print_frame("Last seven nights, mean", table, shown=None)
    for result in results:
        seconds = result.seconds["total"].to_list()
        total, per_night = sum(seconds), sum(seconds) / max(1, len(seconds))
        output.say(
            f"{result.settings.policy}, seed {result.settings.seed}: {total:.1f} s for {result.seconds.height} nights, {per_night:.2f} s a night"
        )
