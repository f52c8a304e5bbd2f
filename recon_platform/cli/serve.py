"""`recon serve`: the console on this machine, for a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, LakeOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("serve")(serve)


@needs(None)
def serve(
    lake: LakeOption,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; keep loopback unless behind TLS.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8400,
    origin: Annotated[
        list[str] | None, typer.Option("--origin", help="Address under which browsers reach it through a proxy.")
    ] = None,
    dagster: Annotated[str | None, typer.Option("--dagster", help="Address of the Dagster UI, to link to.")] = None,
    demo_people: Annotated[
        Path | None, typer.Option("--demo-people", help="File of a generated plant's people, named on the login page.")
    ] = None,
    proxy_address: Annotated[
        list[str] | None, typer.Option("--proxy-address", help="Address or network of a proxy that is believed.")
    ] = None,
    proxy_header: Annotated[
        str | None, typer.Option("--proxy-header", help="Header in which that proxy names who is signed in.")
    ] = None,
    openid_issuer: Annotated[
        str | None, typer.Option("--openid-issuer", help="Issuer of the company's OpenID Connect sign-in.")
    ] = None,
    openid_client: Annotated[str, typer.Option("--openid-client", help="The console's client id there.")] = "recon",
    openid_secret_file: Annotated[
        Path | None, typer.Option("--openid-secret-file", help="File that holds the client's secret.")
    ] = None,
    openid_claim: Annotated[
        str, typer.Option("--openid-claim", help="Claim that holds the user's name here.")
    ] = "preferred_username",
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Serve the console: pages and JSON API, until stopped. Whoever uses it signs in there."""
    import uvicorn

    from recon_platform.console.app import create_app
    from recon_platform.console.settings import ConsoleSettings, OpenIdProvider

    if proxy_header is not None and not proxy_address:
        raise typer.BadParameter("--proxy-header is believed from --proxy-address only; give that too")
    provider = None
    if openid_issuer is not None:
        if openid_secret_file is None:
            raise typer.BadParameter("--openid-issuer needs the client's secret: give --openid-secret-file")
        secret = openid_secret_file.read_text(encoding="utf-8").strip()
        provider = OpenIdProvider(openid_issuer, openid_client, secret, openid_claim)

    app = create_app(
        ConsoleSettings(
            lake=lake, governance=doors.store_url(lake, governance), key=doors.key_file(lake, home),
            origins=tuple(origin or ()), dagster_url=dagster, demo_people=demo_people, warm=True,
            proxy_header=proxy_header, proxy_addresses=tuple(proxy_address or ()), openid=provider,
        )
    )  # fmt: skip
    output.note(f"the console is at http://{host}:{port}")
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False, proxy_headers=False
    )
