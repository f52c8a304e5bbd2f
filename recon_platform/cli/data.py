"""Commands on data alone, without lake or governance: generate a plant, plan a landing folder, map an extract."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption

if TYPE_CHECKING:
    import polars as pl

INPUT_PREFIXES = ("raw.", "previous.", "published.")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("generate")(generate)
    app.command("plan")(plan)
    app.command("map")(map_extract)


@needs(None)
def generate(
    out: Annotated[Path, typer.Argument(help="Folder to write to: one folder per night, and truth/.")],
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open customer and work orders, about.")] = 1_500,
    nights: Annotated[int, typer.Option("--nights", min=1, help="Consecutive nights.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    drift: Annotated[
        float, typer.Option("--drift", min=0, max=1, help="Share of records that are reported wrong.")
    ] = 0.05,
    plant: Annotated[str, typer.Option("--plant", help="Kind of plant.")] = "fastener",
    start: Annotated[datetime | None, typer.Option("--start", formats=["%Y-%m-%d"], help="First night.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Generate a simulated plant: ERP and MES files for consecutive nights, and the truth beside them."""
    from recon_platform.plantsim import generate as generate_plant
    from recon_platform.plantsim.generate import DEFAULT_START

    with output.progress(None, quiet=as_json) as step:
        step("simulating")
        first = DEFAULT_START if start is None else start.date()
        made = generate_plant(out, orders=orders, nights=nights, seed=seed, drift=drift, plant=plant, start=first)
    if as_json:
        output.print_json(made)
        return
    folders = sorted(path for path in out.iterdir() if (path / "plant.toml").exists())
    output.say(
        f"{len(folders)} night(s) in {out}: {', '.join(path.name for path in folders)}; the truth is in {out / 'truth'}"
    )
    output.say(f"next: recon plan {folders[0]} --out PLAN   or   recon night {folders[0]} --lake LAKE")


@needs(None)
def plan(
    landing: Annotated[Path, typer.Argument(help="Landing folder: one file per table and plant.toml.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for every output table.")],
    previous: Annotated[
        Path | None, typer.Option("--previous", help="Output folder of the run before (causes, delta view, stability).")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv/--no-csv", help="Write CSV beside Parquet.")] = True,
    all_lines: Annotated[bool, typer.Option("--all", help="Show every customer line that moves.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Plan a landing folder with the core alone: no lake, no orchestrator, no approval."""
    from recon_platform.cli.night_report import as_json as report_json
    from recon_platform.cli.night_report import render
    from recon_platform.connectors import read_landing
    from recon_platform.nights.context import landing_context
    from recon_platform.nights.report import night_report
    from recon_platform.planning import inputs, run_stages
    from recon_platform.proposal.stages import NIGHT_STAGES

    before = None if previous is None else read_tables(previous)
    with output.progress(len(NIGHT_STAGES) + 2, quiet=as_json) as step:
        step("reading")
        received = read_landing(landing)
        context = landing_context(received)
        published = None if before is None or "schedule" not in before else {"schedule": before["schedule"]}
        frames = run_stages(NIGHT_STAGES, inputs(received.frames, None, before, published), context, step)
        step("writing")
        made = {name: frame for name, frame in frames.items() if not name.startswith(INPUT_PREFIXES)}
        write_tables(made, out, csv=csv)
    report = night_report(frames, context)
    if as_json:
        output.print_json({**report_json(report), "assumptions": dict(received.assumptions), "out": out})
        return
    render(report, all_lines=all_lines)
    for subject, assumption in received.assumptions.items():
        output.say(f"assumed, not handed over: {subject}: {assumption}")
    output.say(f"\n{len(made)} tables in {out}")


@needs(None)
def map_extract(
    profile: Annotated[str, typer.Argument(help="Mapping profile: a name that ships with the program, or a file.")],
    source: Annotated[Path, typer.Argument(help="Folder of the extract.")],
    out: Annotated[Path, typer.Option("--out", help="Landing folder to write.")],
    assume: Annotated[
        list[str] | None,
        typer.Option("--assume", help="NAME=VALUE: another value for an assumption the profile declares."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn any extract into landing tables, by one SQL query per table and declared assumptions."""
    from recon_platform.connectors.mapping import apply_profile

    with output.progress(None, quiet=as_json) as step:
        step("mapping")
        made = apply_profile(profile, source, out, assume=dict(_named_value(text) for text in assume or []))
    if as_json:
        output.print_json(made)
        return
    for line in made.lines():
        output.say(line)
    output.say(f"next: recon plan {out} --out PLAN")


def _named_value(text: str) -> tuple[str, str | int | float]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"--assume {text!r}: expected NAME=VALUE")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def write_tables(frames: dict[str, pl.DataFrame], out: Path, *, csv: bool) -> None:
    """Write every table to `out` as Parquet, and as CSV where asked for."""
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.write_parquet(out / f"{name}.parquet")
        if csv:
            frame.write_csv(out / f"{name}.csv")


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """Every table in the output folder of an earlier `recon plan`; ValueError where there is none."""
    import polars as pl

    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; --previous names the --out folder of the run before")
    found = {path.stem: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    if "schedule" not in found:
        raise ValueError(f"{folder}: no schedule.parquet; --previous names the --out folder of the run before")
    return found
