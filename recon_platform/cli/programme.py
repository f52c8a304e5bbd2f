"""`recon programme`: why lines missed their promise, and the levers that would have saved most of them."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("programme")(programme)


@needs(Permission.READ)
def programme(
    lake: LakeOption,
    weeks: Annotated[int, typer.Option("--weeks", min=1, help="Weeks of lines to judge, the last a week ago.")] = 13,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why customers' lines missed their first promise, and what would have saved most of them: vendors, order quantities, records."""
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights import programme as nights

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    made = nights.programme(stored, newest_manifest(stored, plant, door), weeks)
    if as_json:
        output.print_json({
            "nights": made.nights, "from": made.period.start.isoformat(), "to": made.period.end.isoformat(),
            "causes": made.causes.to_dicts(), "levers": made.levers.to_dicts(),
        })  # fmt: skip
        return
    missed = int(made.causes["lines"].sum())
    output.say(
        f"{missed} lines due {made.period.start} to {made.period.end} missed their first promise; {made.nights} nights say why"
    )
    output.print_frame("Why", made.causes, shown=None)
    output.print_frame("What would have saved lines", made.levers, shown=None)
