"""Commands on learned parameters: what the nights learned, and asking for a learned value to be planned with."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption, ReasonOption
from recon_platform.governance.permissions import Permission

COLUMNS = ("kind", "subject", "current", "proposed", "p50", "p80", "samples", "unit", "stale")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    parameters = typer.Typer(
        help="Lead times, run and set-up times, yields, downtime as they were measured.", no_args_is_help=True
    )
    parameters.command("show")(show)
    parameters.command("propose")(propose)
    app.add_typer(parameters, name="parameters")


@needs(Permission.READ)
def show(
    lake: LakeOption,
    stale: Annotated[bool, typer.Option("--stale", help="Only values the planned one contradicts.")] = False,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the newest night learned beside what is planned with."""
    import polars as pl

    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored: Lake = Lake(lake)
    rows = newest_manifest(stored, plant, door).read(stored, "parameter_proposals").select(COLUMNS)
    rows = rows.filter(pl.col("stale") | pl.lit(not stale))
    if as_json:
        output.print_json(rows)
    else:
        output.print_frame("Learned parameters", rows)


@needs(Permission.PROPOSE_CHANGE)
def propose(
    kind: Annotated[str, typer.Argument(help="lead_time, run_time, setup_time, yield or downtime.")],
    subject: Annotated[str, typer.Argument(help="As `recon parameters show` names it, such as SUPPLIER/ITEM.")],
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask to plan with a learned value; whoever decides sees the messages the change would make."""
    from recon_platform.cli.decide import after
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights.learned import propose_learned

    door = doors.enter(Permission.PROPOSE_CHANGE, lake, governance, home)
    stored: Lake = Lake(lake)
    newest = newest_manifest(stored, plant, door)
    made = propose_learned(stored, door.store, door.actor, newest, kind=kind, subject=subject, reason=reason)
    after(door, lake)
    if as_json:
        output.print_json(made)
        return
    effects = made.content["effects"]
    output.say(
        f"request {made.request}: {made.title}; it would change {effects['planned_orders']} planned orders and bring or clear "
        f"{sum(row['messages'] for row in effects['messages'])} messages; somebody else decides it with "
        f"`recon approve {made.request}`"
    )
