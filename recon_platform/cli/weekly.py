"""`recon weekly`: the week's measures as PDF, to a file or by mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, LakeOption, PlantOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("weekly")(weekly)


@needs(Permission.READ)
def weekly(
    lake: LakeOption,
    out: Annotated[Path | None, typer.Option("--out", help="File to write the report to.")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Queue it to managers and subscribers, once a week; takes the right to run.")
    ] = False,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """The weekly report of a plant as PDF: this week against the week before and the baseline, with run charts."""
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.console import weekly as report
    from recon_platform.console.services.nights import Nights
    from recon_platform.lake import Lake

    if out is None and not send:
        raise typer.BadParameter("give --out FILE, --send, or both")
    door = doors.enter(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    nights = Nights(stored).all(str(newest_manifest(stored, plant, door).pins.plant["code"]))
    if out is not None:
        out.write_bytes(report.weekly_report(nights))
        output.say(f"{out} holds the report of {report.week(nights[-1])}")
    if send:
        told = report.send(door.store, door.actor, nights)
        output.say(
            f"the report of {report.week(nights[-1])} is queued to {told} of those concerned; `recon deliver` sends it"
        )
