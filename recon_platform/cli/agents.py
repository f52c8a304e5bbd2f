"""The command that opens the door for outside agents. It is off until somebody starts it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import doors
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, LakeOption
from recon_platform.governance.permissions import Permission

TRANSPORTS = ("stdio", "http")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    agents = typer.Typer(help="Outside agents: read, ask what if, propose. Off unless started.", no_args_is_help=True)
    agents.command("serve")(serve)
    app.add_typer(agents, name="agents")


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
