"""The command that asks history: what was valid on a date, what was known then, what a night changed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("history")(history)


@needs(Permission.READ)
def history(
    table: Annotated[
        str, typer.Argument(help="items, routings, bom_lines, work_centers, supplier_items or parameters.")
    ],
    lake: LakeOption,
    on: Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="What holds for this date.")] = None,
    known_on: Annotated[
        datetime | None, typer.Option("--known-on", formats=["%Y-%m-%d"], help="As it was known on this date.")
    ] = None,
    changes: Annotated[
        datetime | None, typer.Option("--changes", formats=["%Y-%m-%d"], help="What became known on this night.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Only rows of this item, work center or parameter.")] = None,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what of a master table was valid on a date; without a date, every state it ever had."""
    import polars as pl

    from recon_platform.cli.nights import plant_code
    from recon_platform.lake import Lake
    from recon_platform.nights.history import changed_on, history_of, valid_on

    if changes is not None and (on is not None or known_on is not None):
        raise ValueError("--changes asks of one night; give it without --on and --known-on")
    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    if door is not None and (plant is not None or door.plants is not None):
        plant = plant_code(lake, plant, door)
    if changes is not None:
        rows, title = changed_on(stored, table, changes.date(), plant=plant), f"{table}: changed on {changes:%d %b %Y}"
    elif on is None and known_on is None:
        rows, title = history_of(stored, table, plant=plant), f"{table}: every state"
    else:
        asked = on or known_on
        assert asked is not None  # one of the two was given
        known = None if known_on is None else known_on.date()
        rows = valid_on(stored, table, asked.date(), plant=plant, known_on=known)
        title = f"{table}: valid on {asked:%d %b %Y}" + ("" if known is None else f" as known on {known:%d %b %Y}")
    if key is not None:
        rows = rows.filter(pl.col(rows.columns[0]) == key)
    if as_json:
        output.print_json({"table": table, "rows": rows})
        return
    shown = rows.select(column.name for column in rows if column.null_count() < rows.height or rows.is_empty())
    output.print_frame(title, shown)
