"""The command that answers a planner's questions about a night's material plan: causes, remedies, balances."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption, RunOption
from recon_platform.governance.permissions import Permission

HELP = (
    "causes: who made the messages. balance: delays against expedites per vendor and work center. counts: what to count "
    "next. lead-times [ITEM]: stacked lead times; what shortening each step saves. lots: dynamic lots that stir up started "
    "orders. vendors: reliability. catch-up ORDER --on DAY: back on schedule? split MESSAGE: the parent's lot in two. "
    "use-up [CHANGE]: when old parts run out; dates of an engineering change."
)


BEFORE = "previous.action_messages"


@needs(Permission.READ)
def ask_material(
    lake: LakeOption,
    question: Annotated[str, typer.Argument(help=HELP)],
    subject: Annotated[str | None, typer.Argument(help="Order, message, item or engineering change.")] = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Day the late order really comes.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="By how much each lead time is shortened.")] = 5,
    by: Annotated[
        str, typer.Option("--by", help="Share of causes by category, event, planner, resource, item, code or label.")
    ] = "category",
    rows: Annotated[int, typer.Option("--rows", min=1, help="At most so many rows of each table.")] = 20,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question about a night's material plan. Proposals only: nothing is changed."""
    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake
    from recon_platform.material.questions import Asked, answer
    from recon_platform.nights.night import read_input
    from recon_platform.nights.trial import material_frames

    doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    found = chosen_manifest(stored, plant, run)
    frames = material_frames(stored, found)
    before = found.pins.inputs.get(BEFORE)
    if before is not None:
        frames[BEFORE] = read_input(stored, BEFORE, before)
    about = Asked(subject, None if on is None else on.date(), days, by)
    told = answer(question, frames, found.pins.context, about)
    if as_json:
        output.print_json({"run": found.run_id, "question": question, "tables": told})
        return
    for title, frame in told.items():
        if frame.is_empty():
            output.say(f"{title}: nothing")
        else:
            output.print_frame(title, frame, shown=rows)
