"""Commands that ask for a change somebody else decides: overrides, policy and rules, rollout of a line, going back."""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import Door, needs
from recon_platform.cli.nights import plant_code
from recon_platform.cli.options import (
    GovernanceOption,
    HomeOption,
    JsonOption,
    LakeOption,
    PlantOption,
    ReasonOption,
    json_changes,
)
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.requests import Draft
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

PolicyFile = Annotated[
    Path, typer.Argument(help="TOML with the settings to change, by section, as in plant.toml [policy].")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("pin")(pin)
    app.command("snooze")(snooze)
    app.command("override")(override)
    app.command("withdraw")(withdraw)
    app.command("revoke")(revoke)
    app.command("rollback")(rollback)
    app.command("rollout")(rollout)
    rules = typer.Typer(help="Policy and rules: versions, changes and their backtest.", no_args_is_help=True)
    rules.command("show")(rules_show)
    rules.command("diff")(rules_diff)
    rules.command("propose")(rules_propose)
    rules.command("approve")(rules_approve)
    app.add_typer(rules, name="rules")


@needs(Permission.PROPOSE)
def pin(
    work_order: Annotated[str, typer.Argument(help="Work order.")],
    op: Annotated[int, typer.Argument(help="Operation.")],
    machine: Annotated[str, typer.Argument(help="Machine of its work center.")],
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep an operation on a machine: at once outside the frozen horizon, inside it once somebody else approved."""
    from recon_platform.lake import Lake
    from recon_platform.nights.pins import pin as pin_operation

    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    manifest = _newest(lake, plant, door)
    made = pin_operation(
        Lake(lake), door.store, door.actor, manifest, work_order=work_order, op_seq=op, machine=machine, reason=reason
    )
    say_made(door, lake, made, as_json, entered="no exception, so the next plan does it")


@needs(Permission.PROPOSE)
def snooze(
    message: Annotated[str, typer.Argument(help="Message, as `recon material` and `recon explain` name it.")],
    lake: LakeOption,
    reason: ReasonOption,
    days: Annotated[int, typer.Option("--days", min=1, max=60, help="Shown again after so many days.")] = 7,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a message aside for some days; it comes back at once when it asks for another date."""
    from recon_platform.lake import Lake
    from recon_platform.nights.snooze import snooze as put_aside

    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    manifest = _newest(lake, plant, door)
    made = put_aside(Lake(lake), door.store, door.actor, manifest, message=message, days=days, reason=reason)
    say_made(
        door,
        lake,
        made.request,
        as_json,
        entered=f"from the next night on; `recon revoke {made.decision}` brings it back",
    )


@needs(Permission.PROPOSE)
def override(
    subject: Annotated[str, typer.Argument(help="Order, work center or item it is about.")],
    change: Annotated[
        str,
        typer.Option("--change", help='JSON list of changes: [{"verb": "set", "table": …, "where": …, "values": …}].'),
    ],
    lake: LakeOption,
    reason: ReasonOption,
    hours: Annotated[float, typer.Option("--hours", min=0.5, help="It ends by itself after so many hours.")] = 72,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a manual override: a value set by hand for a while, with a reason."""
    from recon_platform.governance.requests import Draft
    from recon_platform.planning.decisions import in_frozen_schedule

    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    changes = json_changes(change)
    content = {"change": changes, "subject": subject}
    until = door.store.clock() + timedelta(hours=hours)
    pins = _newest(lake, plant, door).pins
    code, high = str(pins.plant["code"]), in_frozen_schedule(changes, pins.context)
    _propose(
        door,
        lake,
        Draft("override", code, subject, f"override {subject}", reason, content, effect_until=until, high=high),
        as_json,
    )


@needs(Permission.PROPOSE)
def withdraw(
    request: Annotated[int, typer.Argument(help="Number of your own open request.")],
    lake: LakeOption,
    reason: ReasonOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Take back a request you made."""
    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    door.store.requests.withdraw(door.actor, request, reason)
    output.say(f"request {request} is withdrawn")


@needs(Permission.APPROVE)
def revoke(
    decision: Annotated[int, typer.Argument(help="Number of a decision in force.")],
    lake: LakeOption,
    reason: ReasonOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """End a lock, pin or override before its time."""
    door = doors.enter(Permission.APPROVE, lake, governance, home)
    door.store.decisions.revoke(door.actor, decision, reason)
    output.say(f"decision {decision} is no longer in force")


@needs(Permission.PROPOSE)
def rollback(
    version: Annotated[int, typer.Argument(help="Schedule version to put in force again.")],
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose to go back to an earlier schedule; once approved, `recon publish --rollback` carries it out."""
    from recon_platform.nights.rollback import propose_rollback

    door = doors.enter(Permission.PROPOSE, lake, governance, home)
    made = propose_rollback(door.store, door.actor, plant_code(lake, plant, door), version, reason)
    say_made(door, lake, made, as_json)


@needs(Permission.PROPOSE_CHANGE)
def rollout(
    line: Annotated[str, typer.Argument(help="Line, as the work centers name it.")],
    state: Annotated[str, typer.Argument(help="shadow (plan and compare, nothing written back), pilot or on.")],
    lake: LakeOption,
    reason: ReasonOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose to switch a line between shadow, pilot and on; counts from the next night after its approval."""
    from recon_platform.governance.requests import Draft
    from recon_platform.nights.policies import LINE, ROLLOUT_STATES

    if state not in ROLLOUT_STATES:
        raise ValueError(f"a line is {', '.join(ROLLOUT_STATES)}; found {state!r}")
    door = doors.enter(Permission.PROPOSE_CHANGE, lake, governance, home)
    code = plant_code(lake, plant, door)
    draft = Draft("switch", code, f"{LINE}{line}", f"line {line} to {state}", reason, {"line": line, "state": state})
    _propose(door, lake, draft, as_json)


@needs(Permission.READ)
def rules_show(
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the policy of the newest night, its digest, and every approved change."""
    from recon_platform.governance.in_force import versions
    from recon_platform.tables.policy import Policy

    door = doors.enter(Permission.READ, lake, governance, home)
    newest = _newest(lake, plant, door)
    policy = newest.pins.context.policy
    made = versions(door.store, str(newest.pins.plant["code"]))
    if as_json:
        output.print_json({"digest": policy.digest, "policy": policy.to_dict(), "versions": made})
        return
    from recon_platform.nights.policies import differences

    output.say(f"policy {policy.digest[:16]}… of run {newest.run_id}; settings that are not at their default:")
    rows = [(row["setting"], row["from"], row["to"]) for row in differences(Policy(), policy)]
    output.print_rows("", ("setting", "default", "in force"), rows)
    output.print_rows(
        "Approved changes",
        ("version", "digest", "approved by", "from (UTC)", "changes"),
        [
            (
                str(v["version"]),
                v["digest"][:12],
                v["approved_by"],
                v["in_force_from"][:16],
                json.dumps(v["content"]["policy"]),
            )
            for v in made
        ],
    )


@needs(Permission.READ)
def rules_diff(
    file: PolicyFile,
    lake: LakeOption,
    nights: Annotated[int, typer.Option("--nights", min=0, help="Past nights to plan again under both.")] = 1,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a change of policy changes: settings, and past nights planned under old and new, side by side."""
    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    content = _candidate(_newest(lake, plant, door), lake, file, nights, quiet=as_json)
    if as_json:
        output.print_json(content)
        return
    _show_candidate(content)


@needs(Permission.PROPOSE_CHANGE)
def rules_propose(
    file: PolicyFile,
    lake: LakeOption,
    reason: ReasonOption,
    nights: Annotated[int, typer.Option("--nights", min=1, help="Past nights to plan again under both.")] = 1,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a change of policy together with its backtest; whoever decides sees both."""
    from recon_platform.governance.requests import Draft

    door = doors.enter(Permission.PROPOSE_CHANGE, lake, governance, home)
    newest = _newest(lake, plant, door)
    content = _candidate(newest, lake, file, nights, quiet=as_json)
    settings = ", ".join(row["setting"] for row in content["differences"])
    if not settings:
        raise ValueError(f"{file} changes nothing")
    draft = Draft("policy", str(newest.pins.plant["code"]), "policy", f"change {settings}", reason, content)
    _propose(door, lake, draft, as_json)


@needs(Permission.APPROVE_CHANGE)
def rules_approve(
    request: Annotated[int, typer.Argument(help="Number of a request to change policy or rules.")],
    lake: LakeOption,
    reason: ReasonOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a change of policy after showing its backtest; it counts from the next night on."""
    from recon_platform.cli.decide import after, show

    door = doors.enter(Permission.READ, lake, governance, home)
    asked = door.store.requests.get(door.actor, request)
    if asked.kind != "policy":
        raise ValueError(f"request {request} is no change of policy; it is a {asked.kind}")
    if not as_json:
        show(asked)
        _show_candidate(asked.content)
    made = door.store.decisions.approve(door.actor, request, digest=asked.digest, reason=reason)
    after(door, lake)
    if as_json:
        output.print_json(made)
    else:
        output.say(f"request {request} approved by {door.actor.name}; the next night plans with it")


def _candidate(newest: Manifest, lake: str, file: Path, nights: int, *, quiet: bool) -> dict[str, Any]:
    from recon_platform.lake import Lake
    from recon_platform.nights.backtest import candidate
    from recon_platform.nights.records import manifests

    changes = tomllib.loads(file.read_text(encoding="utf-8"))
    changes = changes.get("policy", changes)
    stored: Lake = Lake(lake)
    past = manifests(stored, str(newest.pins.plant["code"]))[-nights:] if nights else []
    with output.progress(len(past), quiet=quiet) as step:
        return candidate(stored, newest.pins.context.policy, changes, past, step)


def _show_candidate(content: dict[str, Any]) -> None:
    rows = [(row["setting"], row["from"], row["to"]) for row in content["differences"]]
    output.print_rows("Settings", ("setting", "from", "to"), rows)
    output.print_rows(
        "Past nights under old and new",
        ("night", "measure", "unit", "old", "new"),
        [
            (row["night"], row["measure"], row["unit"], row["old"], row["new"])
            for row in content["backtest"]
            if row["old"] != row["new"]
        ],
    )


def _newest(lake: str, plant: str | None, door: Door | None) -> Manifest:
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake

    return newest_manifest(Lake(lake), plant, door)


def _propose(door: Door, lake: str, draft: Draft, as_json: bool) -> None:
    say_made(door, lake, door.store.requests.propose(door.actor, draft), as_json)


def say_made(door: Door, lake: str, made: Any, as_json: bool, *, entered: str = "in force now") -> None:
    """Tell what was asked for, and who decides it, or what became of it where nobody has to (`entered`); copies the trail."""
    from recon_platform.cli.decide import after

    after(door, lake)
    if as_json:
        output.print_json(made)
    elif made.state == "entered":
        output.say(f"request {made.request}: {made.title}; {entered}")
    else:
        output.say(
            f"request {made.request}: {made.title}; somebody else decides it with `recon approve {made.request}`"
        )
