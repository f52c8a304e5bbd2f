"""Commands that keep an installation going: delivery, what stands when a night fails, and who is told what."""

from __future__ import annotations

from pathlib import Path
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
    box.command("replay")(outbox_replay)
    app.add_typer(box, name="outbox")
    app.command("deliver")(deliver)
    app.command("maintain")(maintain)
    stands = typer.Typer(help="What stays in force when a night fails.", no_args_is_help=True)
    stands.command("status")(fallback_status)
    app.add_typer(stands, name="fallback")
    told = typer.Typer(help="Who is told what, besides the roles that always are.", no_args_is_help=True)
    told.command("add")(notice_add)
    told.command("list")(notice_list)
    told.command("remove")(notice_remove)
    app.add_typer(told, name="notice")


@needs(Permission.READ)
def outbox_show(
    lake: LakeOption,
    plant: PlantOption = None,
    state: Annotated[str | None, typer.Option("--state", help="waiting, delivered, refused or dead.")] = None,
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


@needs(Permission.RUN)
def outbox_replay(
    lake: LakeOption,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Messages that are dead or were refused.")],
    reason: Annotated[str, typer.Option("--reason", help="Why they will be taken now; kept in the audit trail.")],
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Send dead or refused messages again, as they are: their keys and row versions still protect the ERP."""
    from recon_platform.governance.dead_letters import replay

    door = doors.enter(Permission.RUN, lake, governance, home)
    output.say(f"{replay(door.store, door.actor, keys, reason):,} wait again; `recon deliver` sends them")


@needs(Permission.RUN)
def deliver(
    lake: LakeOption,
    erp: Annotated[str | None, typer.Option("--erp", help="Address that takes writes over HTTP.")] = None,
    plant_file: Annotated[
        Path | None, typer.Option("--plant-file", help="plant.toml whose [connect.NAME.write_back] takes finite dates.")
    ] = None,
    smtp: Annotated[str | None, typer.Option("--smtp", help="Mail server, HOST or HOST:PORT.")] = None,
    sender: Annotated[str, typer.Option("--sender", help="Address that mail comes from.")] = "recon@localhost",
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Deliver what waits in the outbox, once; what could not be delivered stays and is tried again next time."""
    from recon_platform.cli.nights import copy_audit
    from recon_platform.connectors.connect_file import plant_write_back
    from recon_platform.connectors.credentials import Secrets
    from recon_platform.connectors.write_back import HttpErp, WriteBack
    from recon_platform.governance.mail import MailServer
    from recon_platform.lake import Lake
    from recon_platform.nights.delivery import deliver as deliver_round

    door = doors.enter(Permission.RUN, lake, governance, home)
    host, _, port = (smtp or "").partition(":")
    if port and not port.isdigit():
        raise ValueError(f"--smtp is HOST or HOST:PORT, found {smtp!r}")
    mail = MailServer(host, int(port or 25), sender) if smtp else None
    if erp and plant_file:
        raise ValueError("give --erp or --plant-file, not both")
    target: WriteBack | None = HttpErp(erp) if erp else None
    if plant_file is not None:
        target = plant_write_back(plant_file, Secrets())
    done = deliver_round(door.store, door.actor, erp=target, mail=mail)
    copy_audit(door.store, Lake(lake))
    if as_json:
        output.print_json(done)
    else:
        output.say(f"{done.accepted:,} delivered, {done.refused:,} refused, {done.postponed:,} to be tried again")


@needs(Permission.READ)
def fallback_status(
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which schedule is in force, how old its data are, and whether a night is missing or waits for approval."""
    from recon_platform.governance.clock import system_clock
    from recon_platform.lake import Lake
    from recon_platform.nights.standing import standings

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    now = system_clock() if door is None else door.store.clock()
    if door is not None and plant is not None:
        door.see(plant)
    found = [standing for standing in standings(Lake(lake), now, plant) if door is None or door.sees(standing.plant)]
    if as_json:
        output.print_json(found)
        return
    for standing in found:
        output.say(standing.words)
    if not found:
        output.say("no night was ever finished in this lake")


@needs(Permission.MANAGE_USERS)
def notice_add(
    name: Annotated[str, typer.Argument(help="Whom it is for, for example `sales`.")],
    to: Annotated[
        str, typer.Option("--to", help="Mail address, or a channel: msteams://…, slack://…, json://… (Apprise).")
    ],
    event: Annotated[list[str], typer.Option("--event", help="proposed, published, refused, fallback or security.")],
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Tell an address or channel of events, each once."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    door.store.notices.subscribe(door.actor, name, to, event, plant)
    output.say(f"{name} is told of {', '.join(event)}")


@needs(Permission.READ)
def notice_list(
    lake: LakeOption, governance: GovernanceOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List who is told what."""
    door = doors.enter(Permission.READ, lake, governance, home)
    found = door.store.notices.subscribed(door.actor)
    if as_json:
        output.print_json(found)
        return
    output.print_rows("", ("name", "event", "address", "plant"), [tuple(row.values()) for row in found])


@needs(Permission.MANAGE_USERS)
def notice_remove(
    name: Annotated[str, typer.Argument(help="Name as listed.")],
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Tell somebody nothing any more."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    door.store.notices.unsubscribe(door.actor, name)
    output.say(f"{name} is told nothing any more")


@needs(Permission.RUN)
def maintain(
    lake: LakeOption,
    days: Annotated[
        int, typer.Option("--days", min=1, help="Keep every version that a run of so many days names.")
    ] = 400,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compact tables and remove files that no kept run and no published schedule names."""
    from datetime import timedelta

    from recon_platform.governance.clock import system_clock
    from recon_platform.lake import Lake
    from recon_platform.nights.maintenance import maintain as maintain_lake

    door = doors.enter_if_governed(Permission.RUN, lake, governance, home)
    now = system_clock() if door is None else door.store.clock()
    done = maintain_lake(Lake(lake), now=now, retention=timedelta(days=days), dry_run=dry_run)
    if as_json:
        output.print_json(done)
        return
    removed = sum(entry.files_removed for entry in done)
    output.say(f"{len(done)} tables looked at; {removed:,} files {'would be ' if dry_run else ''}removed")
