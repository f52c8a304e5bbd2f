"""Commands on nights: run one into a lake, replay one, publish one that was approved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import Door, needs
from recon_platform.cli.options import (
    GovernanceOption,
    HomeOption,
    JsonOption,
    LakeOption,
    PlantOption,
    RunOption,
)
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("night")(night)
    app.command("replay")(replay)
    app.command("publish")(publish)


@needs(Permission.RUN)
def night(
    landing: Annotated[Path, typer.Argument(help="Landing folder of the night.")],
    lake: LakeOption,
    sequence: Annotated[
        int | None,
        typer.Option("--sequence", min=0, help="0 for the nightly run, 1, 2 … for reruns; default: the next."),
    ] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    all_lines: Annotated[bool, typer.Option("--all", help="Show every customer line that moves.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a whole night into the lake, and print what a planner wants to know of it."""
    from recon_platform.cli.night_report import as_json as report_json
    from recon_platform.cli.night_report import render
    from recon_platform.connectors import read_landing
    from recon_platform.governance.clock import system_clock
    from recon_platform.lake import Lake
    from recon_platform.nights.night import run_night
    from recon_platform.nights.proposing import propose
    from recon_platform.nights.report import night_report
    from recon_platform.proposal.stages import NIGHT_STAGES

    door = doors.enter_if_governed(Permission.RUN, lake, governance, home)
    store = None if door is None else door.store
    stored = Lake(lake)
    with output.progress(len(NIGHT_STAGES) + 2, quiet=as_json) as step, fallback_told(door, stored, landing.name):
        step("reading")
        received = read_landing(landing)
        follow_plant(store, received.as_of)
        result = run_night(
            stored, received, store=store, sequence=sequence, progress=step,
            actor="night" if door is None else door.actor.name, clock=system_clock if store is None else store.clock,
        )  # fmt: skip
        if store is not None:
            propose(stored, store, result.manifest)
            copy_audit(store, stored)
    report = night_report(result.frames, result.manifest.pins.context)
    if as_json:
        output.print_json({"run": result.run_id, **report_json(report)})
        return
    render(report, all_lines=all_lines)
    output.say(f"\nrun {result.run_id} is in {lake}; where to look next:")
    for line in next_commands(lake, governed=door is not None):
        output.say(f"  {line}")


@contextmanager
def fallback_told(door: Door | None, lake: Lake, night: str) -> Iterator[None]:
    """When what runs inside fails, say in the trail and to people what stays in force; the error goes on."""
    from recon_platform.nights.failure import tell_failure
    from recon_platform.nights.records import manifests

    try:
        yield
    except (ValueError, OSError) as error:
        plants = {str(manifest.pins.plant["code"]) for manifest in manifests(lake)}
        if door is not None and len(plants) == 1:
            words = tell_failure(door.store, lake, door.actor, plants.pop(), night=night, reason=str(error))
            copy_audit(door.store, lake)
            output.note(words)
        raise


@needs(Permission.RUN)
def replay(
    lake: LakeOption,
    run: RunOption = None,
    plant: PlantOption = None,
    environment: Annotated[
        Path | None,
        typer.Option("--environment", help="Python of an environment with the run's own code and lock: replay in it."),
    ] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a past night again from the versions it read, and compare the digest of every output table."""
    from recon_platform.lake import Lake
    from recon_platform.nights.original import replay_in
    from recon_platform.nights.records import manifest
    from recon_platform.nights.replay import replay as replay_run
    from recon_platform.proposal.stages import NIGHT_STAGES

    door = doors.enter_if_governed(Permission.RUN, lake, governance, home)
    stored = Lake(lake)
    if environment is not None:
        asked = chosen_manifest(stored, plant, run, door).run_id
        options = ["--lake", lake, "--run", asked, *(["--governance", governance] if governance else [])]
        options += [*(["--home", str(home)] if home else []), *(["--json"] if as_json else [])]
        raise typer.Exit(replay_in(environment, manifest(stored, asked), options))
    with output.progress(len(NIGHT_STAGES), quiet=as_json) as step:
        report = replay_run(stored, chosen_manifest(stored, plant, run, door).run_id, progress=step)
    if as_json:
        output.print_json({**output.plain(report), "identical": report.identical})
    elif report.identical:
        output.say(f"run {report.run_id}: all {report.tables} tables are identical")
    else:
        output.say(f"run {report.run_id}: {len(report.differences)} of {report.tables} tables differ")
        for difference in report.differences:
            output.say(f"  {difference}")
    if not as_json:
        for change in report.changed:
            output.say(f"  not as it was then: {change}")
        if report.changed:
            output.say("  `--environment PYTHON` replays it with the code and the lock of then: docs/replay.md")
    if not report.identical:
        raise typer.Exit(1)


@needs(Permission.PUBLISH)
def publish(
    lake: LakeOption,
    run: RunOption = None,
    rollback: Annotated[
        int | None, typer.Option("--rollback", help="Carry out this approved rollback request instead of a night.")
    ] = None,
    floor: Annotated[
        Path | None,
        typer.Option("--floor", help="A newer extract: what has begun since sends moves of it back to people."),
    ] = None,
    plant: PlantOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an approved night in force: one commit, its audit row, and what has to reach the ERP and people."""
    from recon_platform.lake import Lake
    from recon_platform.nights.floor import land
    from recon_platform.nights.publish import publish as publish_run
    from recon_platform.nights.rollback import rollback as publish_rollback

    door = doors.enter(Permission.PUBLISH, lake, governance, home)
    stored = Lake(lake)
    with output.progress(None, quiet=as_json) as step:
        step("publishing")
        if rollback is not None:
            made = publish_rollback(stored, door.store, rollback, actor=door.actor)
        else:
            chosen = chosen_manifest(stored, plant, run, door)
            if floor is not None:
                land(stored, chosen, floor)
            made = publish_run(stored, door.store, chosen.run_id, actor=door.actor)
    copy_audit(door.store, stored)
    if as_json:
        output.print_json(made)
        return
    output.say(f"schedule version {made.schedule_version} of {made.plant} is in force (run {made.run_id})")


def newest_manifest(lake: Lake, plant: str | None, door: Door | None = None) -> Manifest:
    """The manifest of the newest complete run of the plants that whoever stands in `door` works for.

    Raises ValueError where there is none, or plants are several and none is named; PermissionDeniedError where `plant` is not theirs.
    """
    from recon_platform.nights.records import manifests

    if door is not None and plant is not None:
        door.see(plant)
    found = manifests(lake, plant)
    if door is not None and plant is None:
        theirs = {code for code in {str(manifest.pins.plant["code"]) for manifest in found} if door.sees(code)}
        found = [manifest for manifest in found if manifest.pins.plant["code"] in theirs]
    if not found:
        raise ValueError(f"no complete night in {lake.root}; run one with `recon night`")
    plants = sorted({str(manifest.pins.plant["code"]) for manifest in found})
    if len(plants) > 1:
        raise ValueError(f"the lake holds the plants {', '.join(plants)}; say which with --plant")
    return found[-1]


def chosen_manifest(lake: Lake, plant: str | None, run: str | None, door: Door | None = None) -> Manifest:
    """The manifest of `run`, or of the newest complete run where none is named; raises as `newest_manifest`."""
    from recon_platform.nights.records import manifest, night_of

    if run is None:
        return newest_manifest(lake, plant, door)
    if door is not None:
        door.see(night_of(run)[0])
    return manifest(lake, run)


def plant_code(lake: str, plant: str | None, door: Door | None = None) -> str:
    """The plant meant: `plant`, or the only one of the lake; raises as `newest_manifest`."""
    from recon_platform.lake import Lake

    return str(newest_manifest(Lake(lake), plant, door).pins.plant["code"])


def follow_plant(store: Store | None, as_of: datetime) -> None:
    """Let the clock of a generated plant's store follow its nights; a real plant's store is left as it is."""
    from recon_platform.governance import plant_time
    from recon_platform.governance.clock import system_clock

    if store is not None and plant_time.is_anchored(store):
        plant_time.anchor(store, as_of, system_clock)


def copy_audit(store: Store | None, lake: Lake) -> None:
    """Bring the audit trail's copy in the lake up to date."""
    from recon_platform.nights.audit_trail import LakeAudit

    if store is not None:
        store.audit.copy_to(LakeAudit(lake))


def next_commands(lake: str, *, governed: bool) -> list[str]:
    """What people do after a night."""
    if not governed:
        return [
            f"recon init --lake {lake}      people, approval and publishing",
            f"recon replay --lake {lake}    prove the night",
        ]
    return [
        f"recon exceptions --lake {lake}               what waits for a decision",
        f"recon approve base --lake {lake} --reason …  release the plan (a supervisor)",
        f"recon publish --lake {lake}                  put it in force",
        f"recon explain ORDER --lake {lake}            why an order is when it is",
    ]
