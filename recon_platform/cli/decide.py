"""Commands on requests: what waits for a decision, and deciding it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import Door, needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption, ReasonOption
from recon_platform.cli.people import signing_secret
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.requests import Request

RequestsArgument = Annotated[list[str], typer.Argument(help="Numbers of requests, or `base` for the plan itself.")]
DigestOption = Annotated[
    str | None, typer.Option("--digest", help="Digest of what you looked at; a request that has changed is refused.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("exceptions")(exceptions)
    app.command("approve")(approve)
    app.command("reject")(reject)


@needs(Permission.READ)
def exceptions(
    lake: LakeOption,
    plant: PlantOption = None,
    state: Annotated[
        str, typer.Option("--state", help="open, approved, rejected, superseded, withdrawn or all.")
    ] = "open",
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only base, move, correction, sample, pin, override … requests.")
    ] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for a decision: the base plan, each exception with its effect, each correction of the ERP."""
    door = doors.enter(Permission.READ, lake, governance, home)
    found = door.store.requests.find(door.actor, plant=plant, state=None if state == "all" else state, kind=kind)
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        "",
        (
            "request",
            "kind",
            "what",
            "lines won",
            "lost",
            "overtime h",
            "cost",
            "moves",
            "who decides",
            "digest",
            "state",
        ),
        [_row(request) for request in found],
    )


@needs(Permission.APPROVE)
def approve(
    requests: RequestsArgument,
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    digest: DigestOption = None,
    meaning: Annotated[
        str, typer.Option("--meaning", help="What your signature means, where one is needed.")
    ] = "approval of this exception",
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read your secret to sign from standard input.")
    ] = False,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve requests that somebody else proposed; signs where a signature is needed."""
    from recon_platform.governance.signatures import Signing

    door = doors.enter(Permission.READ, lake, governance, home)
    chosen = _chosen(door, requests, plant)
    secret = signing_secret(secret_stdin) if any(request.signature for request in chosen) else None
    made = []
    for request in chosen:
        show(request, quiet=as_json)
        signing = Signing(secret, meaning) if secret is not None and request.signature else None
        made.append(
            door.store.decisions.approve(
                door.actor, request.request, digest=digest or request.digest, reason=reason, signing=signing
            )
        )
        if not as_json:
            output.say(f"request {request.request} approved by {door.actor.name}" + (", signed" if signing else ""))
    after(door, lake)
    if as_json:
        output.print_json(made)


@needs(Permission.APPROVE)
def reject(
    requests: RequestsArgument,
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    digest: DigestOption = None,
    days: Annotated[int, typer.Option("--days", min=0, help="How long the same advice is kept away.")] = 7,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject requests; a rejected exception does not come back for some days."""
    door = doors.enter(Permission.READ, lake, governance, home)
    made = []
    for request in _chosen(door, requests, plant):
        show(request, quiet=as_json)
        made.append(
            door.store.decisions.reject(
                door.actor, request.request, digest=digest or request.digest, reason=reason, lock=timedelta(days=days)
            )
        )
        if not as_json:
            output.say(f"request {request.request} rejected by {door.actor.name}")
    after(door, lake)
    if as_json:
        output.print_json(made)


def show(request: Request, *, quiet: bool = False) -> None:
    """The decision card: what would change, why, its effect, who proposed it, until when it is valid."""
    if quiet:
        return
    content = request.content
    output.say(f"\nrequest {request.request}: {request.title}")
    output.say(f"  why: {request.reason}")
    if request.kind == "move":
        output.say(
            f"  effect: {content['lines_won']} lines won, {content['lines_lost']} lost; {content['operations_moved']} "
            f"operations move; overtime {content['overtime_hours']:+.1f} h; cost {content['cost']:+,.0f}"
        )
    for change in content.get("changes", []) if request.kind == "correction" else []:
        output.say(
            f"  {change['work_order']}: {change['change']} {change['field'] or ''} {change['from']} → {change['to']} "
            f"({change['reason']})"
        )
    for row in content.get("impact", []):
        before, then = output.cell(row["in_force"]), output.cell(row["proposed"])
        output.say(f"  {row['measure'].replace('_', ' ')}: {before} → {then} {row['unit']}")
    for row in content.get("differences", []):
        output.say(f"  {row['setting']}: {row['from']} → {row['to']}")
    version = "" if request.proposer_version is None else f" (version {request.proposer_version[:12]})"
    until = "" if request.valid_until is None else f", valid until {request.valid_until:%a %d %b %H:%M} UTC"
    if request.signed is not None:
        output.say(f"  {request.signed}")
    output.say(f"  proposed by {request.proposer}{version}{until}; digest {request.digest[:16]}…")


def after(door: Door, lake: str) -> None:
    """Copy what was just decided to the lake's audit trail."""
    from recon_platform.cli.nights import copy_audit
    from recon_platform.lake import Lake

    copy_audit(door.store, Lake(lake))


def _chosen(door: Door, names: list[str], plant: str | None) -> list[Request]:
    chosen: list[Request] = []
    for name in names:
        if name == "base":
            found = door.store.requests.find(door.actor, plant=plant, kind="base")
            if not found:
                raise ValueError(
                    "no base plan waits for a decision; `recon exceptions --state all` shows what was decided"
                )
            if len({request.plant for request in found}) > 1:
                raise ValueError("base plans of several plants wait; say which with --plant")
            chosen.append(found[-1])
        elif name.isdigit():
            chosen.append(door.store.requests.get(door.actor, int(name)))
        else:
            raise ValueError(f"{name!r} is no request; give its number from `recon exceptions`, or `base`")
    return chosen


def _row(request: Request) -> tuple[object, ...]:
    content = request.content
    effect = [content.get(name) for name in ("lines_won", "lines_lost", "overtime_hours", "cost", "operations_moved")]
    if request.kind == "base":
        effect[-1] = content.get("changes")
    who = "manager" if request.needs == Permission.APPROVE_HIGH else "supervisor"
    decider = f"{who}, signs" if request.signature else who
    return (str(request.request), request.kind, request.title, *effect, decider, request.digest[:12], request.state)
