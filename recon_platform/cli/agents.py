"""The command that opens the door for outside agents. It is off until somebody starts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.change import say_made
from recon_platform.cli.doors import needs
from recon_platform.cli.nights import plant_code
from recon_platform.cli.options import (
    GovernanceOption,
    HomeOption,
    JsonOption,
    LakeOption,
    PlantOption,
    ReasonOption,
    json_object,
)
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.requests import Draft

AgentArgument = Annotated[str, typer.Argument(help="Agent, as `recon agents list` names it.")]
AgentOrAllArgument = Annotated[str, typer.Argument(help="Agent of the platform or from outside, or `all`.")]
TRANSPORTS = ("stdio", "http")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    agents = typer.Typer(
        help="The platform's agents: rows, scores, autonomy, switches; and the door for outside agents.",
        no_args_is_help=True,
    )
    agents.command("list")(list_agents)
    agents.command("propose")(propose)
    agents.command("off")(off)
    agents.command("on")(on)
    agents.command("serve")(serve)
    app.add_typer(agents, name="agents")


@needs(Permission.READ)
def list_agents(
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each agent: how far it may go, within which limits, who answers for it, and its score by people's decisions."""
    from recon_platform.lake import Lake
    from recon_platform.nights.autonomy import whole
    from recon_platform.nights.effects import board

    door = doors.enter(Permission.READ, lake, governance, home)
    code = plant_code(lake, plant, door)
    found = board(Lake(lake), door.store, door.actor, code)
    rows = door.store.agents(door.actor, code)
    if as_json:
        output.print_json([{**row, **whole(rows[row["agent"]])} for row in found.iter_rows(named=True)])
        return
    output.print_rows(
        "", ("agent", "state", "may", "owner", "quota", "proposed", "accepted", "rejected", "precision", "promised", "kept", "hours saved"),
        [
            (
                row["agent"], "on" if row["on"] else "off", row["levels"], rows[row["agent"]].owner,
                rows[row["agent"]].quota, row["proposed"], row["accepted"], row["rejected"], row["precision"],
                row["promised_lines"], f"{row['kept_lines']} of {row['measured_lines']}", row["hours_saved"],
            )
            for row in found.iter_rows(named=True)
        ],
    )  # fmt: skip


@needs(Permission.PROPOSE_CHANGE)
def propose(
    name: AgentArgument,
    change: Annotated[
        str,
        typer.Option(
            "--change",
            help='JSON: {"actions": {"correction": "propose"}, "limits": {"value": 5000}, "quota": 20, "owner": …}',
        ),
    ],
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for more or less autonomy of an agent; its score goes along as evidence, somebody else approves."""
    import polars as pl

    from recon_platform.lake import Lake
    from recon_platform.nights.autonomy import draft, row_of
    from recon_platform.nights.effects import board

    door = doors.enter(Permission.PROPOSE_CHANGE, lake, governance, home)
    code = plant_code(lake, plant, door)
    row = row_of(door.store.agents(door.actor, code), name)
    score = board(Lake(lake), door.store, door.actor, code).row(by_predicate=pl.col("agent") == name, named=True)
    asked = draft(row, code, json_object("--change", change), reason, score)
    say_made(door, lake, door.store.requests.propose(door.actor, asked), as_json)


@needs(Permission.APPROVE_CHANGE)
def off(
    name: AgentOrAllArgument,
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Switch an agent off, or all of them; counts at once."""
    door = doors.enter(Permission.APPROVE_CHANGE, lake, governance, home)
    say_made(
        door,
        lake,
        door.store.decisions.lower(door.actor, _switch(lake, plant, name, reason, on=False)).request,
        as_json,
    )


@needs(Permission.PROPOSE_CHANGE)
def on(
    name: AgentOrAllArgument,
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for an agent, or all of them, to be switched on again; somebody else approves."""
    door = doors.enter(Permission.PROPOSE_CHANGE, lake, governance, home)
    say_made(door, lake, door.store.requests.propose(door.actor, _switch(lake, plant, name, reason, on=True)), as_json)


@needs(Permission.READ)
def serve(
    lake: LakeOption,
    transport: Annotated[
        str,
        typer.Option("--transport", help="stdio: one agent, the one signed in here. http: a bearer token per agent."),
    ] = "stdio",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the http transport.")] = 8765,
    what_ifs: Annotated[
        int, typer.Option("--what-ifs", min=0, help="Plans that one agent may ask for in 24 hours.")
    ] = 50,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Serve the Model Context Protocol on this machine: tools to read, to ask what if and to propose, none to decide."""
    try:
        from recon_platform.agents.server import http_server, stdio_server
    except ModuleNotFoundError as error:
        if error.name != "mcp":
            raise
        raise ValueError("the door for agents is an extra: install recon-platform[agents]") from error
    from recon_platform.agents.desk import Desk
    from recon_platform.lake import Lake

    if transport not in TRANSPORTS:
        raise ValueError(f"--transport: expected {' or '.join(TRANSPORTS)}, found {transport!r}")
    desk = Desk(Lake(lake), doors.open_store(lake, governance, home), what_ifs)
    if transport == "http":
        http_server(desk, f"http://127.0.0.1:{port}").run("streamable-http", host="127.0.0.1", port=port)
        return
    session: Path = doors.session_file(lake, home)
    desk.enter(doors.enter(Permission.READ, lake, governance, home).actor, Permission.READ)
    stdio_server(desk, lambda: doors.read_token(session)).run("stdio")


def _switch(lake: str, plant: str | None, name: str, reason: str, *, on: bool) -> Draft:
    from recon_platform.governance.agents import switch

    return switch(plant_code(lake, plant), name, reason, on=on)
