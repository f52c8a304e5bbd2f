"""`recon demo`: a generated plant, its people, and two nights, so that there is something to look at."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.governance.permissions import Role

if TYPE_CHECKING:
    from recon_platform.connectors import Landing
    from recon_platform.governance import Store
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

PEOPLE = {
    "admin": ("Ira Admin", Role.IT),
    "planner": ("Paula Planner", Role.PLANNER),
    "supervisor": ("Sam Supervisor", Role.SUPERVISOR),
    "manager": ("Mia Manager", Role.MANAGER),
    "auditor": ("Ava Auditor", Role.AUDITOR),
}


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("demo")(demo)


@needs(None)
def demo(
    home: Annotated[Path, typer.Option("--home", help="Folder to make; one that is there is used again.")] = Path(
        "demo"
    ),
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of the plant.")] = 1_500,
    nights: Annotated[int, typer.Option("--nights", min=1, help="Consecutive nights.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
) -> None:
    """Generate a plant, plan consecutive nights of it, and print what a planner wants to know of the last one."""
    from recon_platform.cli.night_report import render
    from recon_platform.cli.nights import copy_audit, follow_plant
    from recon_platform.connectors import read_landing
    from recon_platform.lake import Lake
    from recon_platform.nights.report import night_report
    from recon_platform.plantsim import generate

    landing_root, lake = home / "landing" / "fastener", Lake(str(home / "lake"))
    with output.progress(None) as step:
        step("generating the plant")
        generated = generate(landing_root, orders=orders, nights=nights, seed=seed)
        store, made = _store(home, read_landing(generated.nights[0]).as_of)
        for position, folder in enumerate(generated.nights):
            step(f"night of {folder.name}")
            received = read_landing(folder)
            follow_plant(store, received.as_of)
            last = _night(store, lake, received)
            if position + 1 < len(generated.nights):
                step(f"publishing {folder.name}")
                _publish(store, lake, home, last.run_id)
        copy_audit(store, lake)
    frames = {name: last.read(lake, name) for name in last.outputs}
    render(night_report(frames, last.pins.context), all_lines=True)
    _where_next(home, made)


def _night(store: Store, lake: Lake, landing: Landing) -> Manifest:
    """The night of this very landing by this very code: as a demo before made it, else run and proposed now."""
    from recon_platform.nights.night import run_night
    from recon_platform.nights.proposing import propose
    from recon_platform.nights.records import manifests
    from recon_platform.nights.versions import code_version

    for manifest in reversed(manifests(lake, landing.plant.code)):
        if (manifest.pins.landing_digest, manifest.pins.code_version) == (landing.digest, code_version()):
            return manifest
    made = run_night(lake, landing, store=store, clock=store.clock).manifest
    propose(lake, store, made)
    return made


def _store(home: Path, as_of: datetime) -> tuple[Store, bool]:
    """The demo's governance store with its people; whether they were made now."""
    from recon_platform.governance import Store, plant_time
    from recon_platform.governance.clock import system_clock

    lake, people = str(home / "lake"), home / "people.json"
    key = doors.key_file(lake, None)
    if not key.exists():
        doors.write_private(key, secrets.token_bytes(32))
    store = Store.create(doors.store_url(lake, None), key=key.read_bytes())
    plant_time.anchor(store, as_of, system_clock)
    if not store.people.is_empty():
        return store, False
    made = {name: secrets.token_urlsafe(15) for name in PEOPLE}
    doors.write_private(people, json.dumps(made, indent=1).encode())
    for name, (full_name, role) in PEOPLE.items():
        store.people.found(name, full_name, [role], made[name])
    return store, True


def _publish(store: Store, lake: Lake, home: Path, run_id: str) -> None:
    """The demo's supervisor releases a night's base plan, so that the next has something in force to differ from."""
    from recon_platform.nights.publish import publish

    secret = json.loads((home / "people.json").read_text(encoding="utf-8"))["supervisor"]
    if store.publications.in_force(run_id.split(".", maxsplit=1)[0]) is not None:
        return  # a demo before did it
    actor = store.sessions.authenticate(store.sessions.login("supervisor", secret).token)
    for request in store.requests.find(actor, kind="base"):
        if request.run_id == run_id:
            store.decisions.approve(actor, request.request, digest=request.digest, reason="demo: first night")
            publish(lake, store, run_id, actor=actor)
    store.sessions.logout(actor)


def _where_next(home: Path, made: bool) -> None:
    lake = home / "lake"
    output.say("\nWhere to look next")
    if made:
        output.say(f"  {home / 'people.json'} holds the demo's people and their secrets (only you can read it)")
    for line in (
        f"recon login --lake {lake} --user supervisor",
        f"recon exceptions --lake {lake}                       what waits for a decision",
        f"recon approve base --lake {lake} --reason 'looks right'",
        f"recon publish --lake {lake}",
        f"recon schedule show --lake {lake}",
        f"recon replay --lake {lake}                           as admin: prove the night",
        "make up                                              the console and the Dagster UI on this plant",
    ):
        output.say(f"  {line}")
