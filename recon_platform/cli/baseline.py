"""`recon baseline`: the weeks before go-live, captured once, and the newest week beside them."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("baseline")(baseline)


@needs(Permission.READ)
def baseline(
    lake: LakeOption,
    capture: Annotated[
        bool,
        typer.Option(
            "--capture",
            help="Keep the weeks that the newest night was handed, once and for good; takes the right to run.",
        ),
    ] = False,
    weeks: Annotated[int, typer.Option("--weeks", min=2, help="Whole weeks before the newest night to capture.")] = 12,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The last week of a plant beside its weeks before go-live; with --capture, keep those weeks first."""
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights import baseline as kept

    door = doors.enter_if_governed(Permission.RUN if capture else Permission.READ, lake, governance, home)
    stored = Lake(lake)
    manifest = newest_manifest(stored, plant, door)
    code = str(manifest.pins.plant["code"])
    if capture:
        if door is not None:
            door.store.allow(door.actor, Permission.RUN, code)
        kept.capture(stored, manifest, weeks, "nobody (no governance)" if door is None else door.actor.name)
    captured, week = kept.baseline(stored, code), kept.week_of(stored, manifest)
    if as_json:
        output.print_json({"baseline": captured.to_dicts(), "week": week.to_dicts()})
        return
    said = kept.span(captured) if captured.height else "not captured yet"
    output.say(f"baseline of {code}: {said}")
    output.print_frame("The last whole week", week, shown=None)
