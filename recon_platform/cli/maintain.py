"""Commands that keep an installation going: the outbox and who gets what."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    box = typer.Typer(help="What has to reach the ERP and people, and what was answered.", no_args_is_help=True)
    box.command("show")(outbox_show)
    app.add_typer(box, name="outbox")


@needs(Permission.READ)
def outbox_show(
    lake: LakeOption,
    plant: PlantOption = None,
    state: Annotated[str | None, typer.Option("--state", help="waiting, delivered or refused.")] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the outbox: messages, attempts and answers."""
    door = doors.enter(Permission.READ, lake, governance, home)
    counts, found = door.store.outbox.counts(plant), door.store.outbox.find(plant=plant, state=state)
    if as_json:
        output.print_json({"counts": counts, "messages": found})
        return
    output.say(", ".join(f"{count:,} {name}" for name, count in counts.items()) or "the outbox is empty")
    output.print_rows(
        "",
        ("position", "kind", "target", "about", "state", "attempts", "answer"),
        [(str(m.position), m.kind, m.target, m.subject, m.state, m.attempts, m.answer) for m in found],
        shown=output.SHOWN_ROWS,
    )
