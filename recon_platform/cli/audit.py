"""Commands on the audit trail: see it, verify it, take its sealed head off the host."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, ReasonOption
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    trail = typer.Typer(help="The audit trail: who, when, what, why.", no_args_is_help=True)
    trail.command("show")(show)
    trail.command("verify")(verify)
    trail.command("export")(export)
    trail.command("resume")(resume)
    app.add_typer(trail, name="audit")


@needs(Permission.READ_AUDIT)
def show(
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Only this request, user or schedule version.")
    ] = None,
    action: Annotated[str | None, typer.Option("--action", help="Only this action.")] = None,
    who: Annotated[str | None, typer.Option("--who", help="Only what this user or service did.")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="At most so many rows, the newest.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show the audit trail, newest rows last."""
    from recon_platform.governance.audit import detail

    door = doors.enter(Permission.READ_AUDIT, lake, governance, home)
    rows = door.store.audit.rows(door.actor, subject=subject, action=action, who=who, limit=last)
    if as_json:
        output.print_json(rows)
        return
    output.print_rows(
        "",
        ("row", "at (UTC)", "who", "did", "to", "detail"),
        [
            (
                str(row["sequence"]),
                row["at"][:19].replace("T", " "),
                row["actor"],
                row["action"],
                row["subject"],
                detail(row),
            )
            for row in rows.iter_rows(named=True)
        ],
    )


@needs(Permission.READ_AUDIT)
def verify(
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    heads: Annotated[Path | None, typer.Option("--heads", help="Folder of heads that were exported before.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every row of the trail, its copy in the lake, and both against exported heads; names the first bad row."""
    from recon_platform.governance.audit import read_heads
    from recon_platform.lake import Lake
    from recon_platform.nights.audit_trail import LakeAudit

    door = doors.enter(Permission.READ_AUDIT, lake, governance, home)
    exported = [] if heads is None else read_heads(heads)
    verdict = door.store.audit.verify(door.actor, copy=LakeAudit(Lake(lake)), heads=exported)
    if as_json:
        output.print_json({**output.plain(verdict), "holds": verdict.holds, "heads": len(exported)})
    elif verdict.holds:
        against = f", {len(exported)} exported head(s)" if exported else ""
        output.say(f"the trail holds: {verdict.rows:,} rows checked in the store and the lake{against}")
        for sequence in verdict.clock_set_back:
            output.say(f"the clock was set back before row {sequence}")
    else:
        output.say(f"the trail does not hold: {verdict.problem}")
    if not verdict.holds:
        raise typer.Exit(1)


@needs(Permission.READ_AUDIT)
def export(
    lake: LakeOption,
    to: Annotated[Path, typer.Option("--to", help="Folder off this host, for example a mounted share.")],
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole trail and its sealed head to a folder that this host cannot change later."""
    door = doors.enter(Permission.READ_AUDIT, lake, governance, home)
    trail, head = door.store.audit.export(door.actor, to)
    if as_json:
        output.print_json({"trail": trail, "head": head})
        return
    output.say(f"trail: {trail}\nsealed head: {head}")


@needs(Permission.RUN)
def resume(
    lake: LakeOption,
    reason: ReasonOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """After a store was restored from a backup: take up its trail again where the lake's copy ends."""
    from recon_platform.governance.resuming import resume as take_up
    from recon_platform.lake import Lake
    from recon_platform.nights.audit_trail import LakeAudit

    door = doors.enter(Permission.RUN, lake, governance, home)
    copy = LakeAudit(Lake(lake))
    found = take_up(door.store, door.actor, copy, reason)
    door.store.audit.copy_to(copy)
    if as_json:
        output.print_json(found)
        return
    output.say(
        f"{found.recovered:,} rows came back from the lake, behind them {found.since:,} written since the restore; "
        "what the recovered rows decided is decided again"
    )
