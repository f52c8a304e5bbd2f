"""Commands on the planner's workbook: write the night as Excel, measure the proposals written into it, propose them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption, RunOption
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

WorkbookFile = Annotated[
    Path, typer.Argument(help="Workbook (.xlsx) with the sheet “my proposals”, or a CSV file with its headings.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    workbook = typer.Typer(help="The planner's workbook: out as Excel, proposals back in.", no_args_is_help=True)
    workbook.command("export")(workbook_export)
    workbook.command("check")(workbook_check)
    workbook.command("propose")(workbook_propose)
    app.add_typer(workbook, name="workbook")


@needs(Permission.READ)
def workbook_export(
    file: Annotated[Path, typer.Argument(help="Excel file to write (.xlsx).")],
    lake: LakeOption,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Write moves, changes and customer lines of a night as an Excel workbook with a sheet for your own proposals."""
    from recon_platform.nights.workbook import write_workbook
    from recon_platform.proposal.workbook import SHOWN

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored, found = _night(lake, plant, run, door)
    frames = {name: found.read(stored, name) for name in SHOWN}
    write_workbook(file, frames, found.run_id, found.pins.context.plant.zone)
    output.say(f"run {found.run_id}: {file} written; put proposals on its sheet, then `recon workbook check {file}`")


@needs(Permission.READ)
def workbook_check(
    file: WorkbookFile,
    lake: LakeOption,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan again with each proposal of a workbook alone and show its effect; wrong cells are named. Nothing is kept."""
    from recon_platform.proposal.workbook import measured

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored, found = _night(lake, plant, run, door)
    lines, rows = _measured(stored, found, file)
    if as_json:
        output.print_json({"run": found.run_id, "proposals": rows})
        return
    output.print_frame(f"Run {found.run_id}: {lines.height} proposals, each measured alone", measured(lines, rows))


@needs(Permission.PROPOSE)
def workbook_propose(
    file: WorkbookFile,
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for a decision on every proposal of a workbook, each with its measured effect; all of them or none."""
    from recon_platform.cli.decide import after
    from recon_platform.governance.requests import move_draft

    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    stored, found = _night(lake, plant, None, door)
    _, rows = _measured(stored, found, file)
    made = door.store.requests.propose_all(door.actor, [move_draft(row, found.identity) for row in rows])
    after(door, lake)
    if as_json:
        output.print_json(made)
        return
    for request in made:
        output.say(f"request {request.request}: {request.title}; somebody else decides it")


def _night(lake: str, plant: str | None, run: str | None, door: doors.Door | None) -> tuple[Lake, Manifest]:
    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake

    stored: Lake = Lake(lake)
    return stored, chosen_manifest(stored, plant, run, door)


def _measured(stored: Lake, found: Manifest, file: Path) -> tuple[pl.DataFrame, list[dict[str, object]]]:
    """The lines of `file` and the rows of `exception_moves` they would be."""
    from recon_platform.nights.trial import night_frames
    from recon_platform.nights.workbook import read_lines
    from recon_platform.proposal.own import evaluate_own
    from recon_platform.proposal.workbook import candidates

    lines = read_lines(file, found.pins.context.plant.zone)
    frames = night_frames(stored, found)
    return lines, evaluate_own(frames, found.pins.context, candidates(frames, lines))
