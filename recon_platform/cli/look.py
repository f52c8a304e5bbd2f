"""Commands that only look: the schedule in force or proposed, and why something is as it is."""

from __future__ import annotations

from typing import Annotated

import typer

from recon_platform.cli import doors, history, output
from recon_platform.cli.ask_material import ask_material
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption, PlantOption, RunOption
from recon_platform.cli.what_if import what_if
from recon_platform.governance.permissions import Permission


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    schedules = typer.Typer(help="The schedule in force, and the one proposed.", no_args_is_help=True)
    schedules.command("show")(schedule_show)
    schedules.command("rebuild")(schedule_rebuild)
    app.add_typer(schedules, name="schedule")
    app.command("explain")(explain)
    app.command("material-effects")(what_if)
    app.command("material")(ask_material)
    app.command("signature")(signature)
    app.command("bias")(bias)
    history.register(app)


@needs(Permission.READ)
def schedule_show(
    lake: LakeOption,
    plant: PlantOption = None,
    proposed: Annotated[
        bool, typer.Option("--proposed", help="The newest plan instead of the schedule in force.")
    ] = False,
    work_center: Annotated[str | None, typer.Option("--work-center", help="Only this work center.")] = None,
    work_order: Annotated[str | None, typer.Option("--work-order", help="Only this order.")] = None,
    last: Annotated[int, typer.Option("--rows", min=1, help="At most so many operations.")] = 40,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show operations in the order they start, with the version in force, who approved it and its age."""
    import polars as pl

    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights.in_force import schedule_in_force

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    newest = newest_manifest(stored, plant, door)
    code = str(newest.pins.plant["code"])
    in_force = schedule_in_force(stored, code)
    if proposed or in_force is None:
        rows, title = newest.read(stored, "schedule"), f"{code}: plan {newest.run_id}, not in force"
        version = None
    else:
        rows, version = in_force.rows.read(stored).drop("schedule_version"), in_force.schedule_version
        as_of = in_force.as_of.astimezone(newest.pins.context.plant.zone)
        title = (
            f"{code}: schedule version {version} in force, run {in_force.run_id}, data as of {as_of:%a %d %b %H:%M %Z}"
        )
    if work_center is not None:
        rows = rows.filter(pl.col("work_center") == work_center)
    if work_order is not None:
        rows = rows.filter(pl.col("work_order") == work_order)
    rows = rows.sort("start", "work_center", "machine", "work_order", "op_seq", nulls_last=True)
    if as_json:
        output.print_json({"plant": code, "schedule_version": version, "run": newest.run_id, "operations": rows})
        return
    zone = newest.pins.context.plant.zone.key
    shown = rows.select(
        "work_order", "op_seq", "work_center", "machine",
        *(pl.col(name).dt.convert_time_zone(zone) for name in ("start", "end")), "qty", "frozen", "bound_by",
    )  # fmt: skip
    output.print_frame(title, shown, shown=last)


@needs(Permission.READ)
def explain(
    subject: Annotated[str, typer.Argument(help="A work order, a planned order or an action message.")],
    lake: LakeOption,
    plant: PlantOption = None,
    run: RunOption = None,
    op: Annotated[int | None, typer.Option("--op", help="Operation of the order; default: all.")] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why: what bounds each operation of an order, what its messages mean and what caused them."""
    from recon_platform.cli.explaining import explanation, render
    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    found = chosen_manifest(stored, plant, run, door)
    said = explanation(stored, found, subject, op)
    if as_json:
        output.print_json(said)
    else:
        render(said)


@needs(Permission.READ)
def schedule_rebuild(
    version: Annotated[int, typer.Argument(help="Schedule version that was in force.")],
    lake: LakeOption,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a published schedule again from the versions its record names, and compare it byte for byte."""
    import hashlib

    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights.rebuild import rebuild

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    code = str(newest_manifest(stored, plant, door).pins.plant["code"])
    with output.progress(None, quiet=as_json) as step:
        step("rebuilding")
        made = rebuild(stored, code, version)
    digests = [hashlib.sha256(content).hexdigest() for content in (made.published, made.rebuilt)]
    if as_json:
        output.print_json({
            "plant": code, "schedule_version": version, "run": made.run_id, "operations": made.rows,
            "identical": made.identical, "published_sha256": digests[0], "rebuilt_sha256": digests[1],
        })  # fmt: skip
    elif made.identical:
        output.say(
            f"schedule version {version} of {code}: {made.rows:,} operations made again, identical ({digests[0]})"
        )
    else:
        output.say(
            f"schedule version {version} of {code} comes out otherwise: {digests[0]} published, {digests[1]} rebuilt"
        )
    if not made.identical:
        raise typer.Exit(1)


@needs(Permission.READ)
def signature(
    request: Annotated[int, typer.Argument(help="Number of a request that was signed.")],
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who signed a request, when, meaning what, and whether the signature still holds."""
    from recon_platform.governance.signatures import check

    door = doors.enter(Permission.READ, lake, governance, home)
    found = check(door.store, door.actor, request)
    if as_json:
        output.print_json({**output.plain(found), "line": found.line})
    else:
        output.say(f"request {request}: {found.line}")
        output.say("the signature holds" if found.holds else f"the signature does not hold: {found.problem}")
    if not found.holds:
        raise typer.Exit(1)


@needs(Permission.READ)
def bias(
    lake: LakeOption,
    nights: Annotated[int, typer.Option("--nights", min=1, help="So many of the newest nights.")] = 14,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whether small customers of a class are served later than its large ones, night by night, with an alert."""
    from recon_platform.cli.nights import newest_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights.fairness import bias_by_night, trend

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    code = str(newest_manifest(stored, plant, door).pins.plant["code"])
    found = bias_by_night(stored, code, nights)
    turned = trend(found)
    if as_json:
        output.print_json({"plant": code, "nights": found, "trend": turned})
        return
    output.print_frame("Days later, smallest quarter of a class against its largest", found, shown=None)
    output.print_frame("Trend", turned)
