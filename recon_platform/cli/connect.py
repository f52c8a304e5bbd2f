"""Commands on the plant's systems: what can be read of each, and a night's landing folder from all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption

PlantFileOption = Annotated[Path, typer.Option("--plant-file", help="The plant.toml with sections [connect.NAME].")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    box = typer.Typer(help="The plant's systems: ERP, MES, databases, machines.", no_args_is_help=True)
    box.command("test")(test)
    box.command("extract")(extract)
    box.command("collect")(collect)
    app.add_typer(box, name="connect")


@needs(None)
def test(
    plant_file: PlantFileOption,
    name: Annotated[str | None, typer.Argument(help="One system; default: all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a system, and say table by table what can be read and what cannot. Changes nothing."""
    from recon_platform.connectors.connect_file import connections, source
    from recon_platform.connectors.credentials import Secrets
    from recon_platform.connectors.door import Reading

    secrets = Secrets()
    found = connections(plant_file)
    if name is not None and name not in found:
        raise ValueError(f"{plant_file} has no [connect.{name}]; it has {', '.join(found) or 'none'}")
    said = {}
    for each, section in found.items():
        if name in {None, each}:
            door = source(each, section, secrets, plant_file)
            said[each] = [Reading("nothing", True, "takes writes only")] if door is None else list(door.check())
    if as_json:
        output.print_json(said)
    else:
        for each, readings in said.items():
            rows = [(r.table, "yes" if r.readable else "NO", r.text) for r in readings]
            output.print_rows(f"{each} ({found[each]['kind']})", ("table", "readable", "what was found"), rows)
    if any(not reading.readable for readings in said.values() for reading in readings):
        raise typer.Exit(1)


@needs(None)
def extract(
    plant_file: PlantFileOption,
    out: Annotated[Path, typer.Option("--out", help="Landing folder to make; it appears when it is whole.")],
    state: Annotated[
        Path | None, typer.Option("--state", help="Folder that remembers what was read; default: beside plant.toml.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every table whole.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every table of every system into one landing folder; incrementally where key and watermark are known."""
    from recon_platform.connectors.connect_file import connections, source
    from recon_platform.connectors.credentials import Secrets
    from recon_platform.connectors.extraction import extract_night

    secrets = Secrets()
    found = [source(name, section, secrets, plant_file) for name, section in connections(plant_file).items()]
    doors = [door for door in found if door is not None]
    if not doors:
        raise ValueError(f"{plant_file}: no [connect.NAME] hands over tables; see docs/connect.md")
    with output.progress(None, quiet=as_json) as step:
        step("extracting")
        made = extract_night(doors, plant_file, out, state or plant_file.parent / "connect-state", full=full)
    if as_json:
        output.print_json(made)
        return
    columns = ("table", "from", "rows", "read", "how")
    output.print_rows("", columns, [(t.table, t.door, t.rows, t.read, t.how) for t in made.tables])
    for change in made.changes:
        output.say(f"changed at the source: {change}")
    output.say(f"next: recon night {out} --lake LAKE")


@needs(None)
def collect(plant_file: PlantFileOption) -> None:
    """Listen to machines (MQTT Sparkplug B, MTConnect SHDR, webhook) and land states and stops, until it is ended."""
    import signal
    from threading import Event

    from recon_platform.connectors.connect_file import collectors
    from recon_platform.connectors.credentials import Secrets

    made, ended = collectors(plant_file, Secrets()), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    for one in made:
        one.start()
    output.say(f"{len(made)} collectors at work; end with SIGTERM")
    while not ended.wait(1.0):
        if not all(one.alive for one in made):
            raise RuntimeError("a collector has died; its last lines say why, a restart goes on where it was")
    for one in made:
        one.stop()
