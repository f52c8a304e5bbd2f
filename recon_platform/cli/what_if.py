"""The command that shows what a change would do to material before anybody makes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import (
    GovernanceOption,
    HomeOption,
    JsonOption,
    LakeOption,
    PlantOption,
    RunOption,
    json_changes,
)
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.material.what_if import Effects

FORMS = {
    "withdraw": "ITEM=QTY",
    "demand": "ITEM@DATE=QTY[:SOURCE]",
    "parameter": "ITEM.PARAMETER=VALUE",
    "supply": "ORDER=DATE or ORDER=QTY",
}


@needs(Permission.READ)
def what_if(
    lake: LakeOption,
    withdraw: Annotated[
        list[str], typer.Option("--withdraw", help=f"{FORMS['withdraw']}: take so much out of stock.")
    ] = [],  # noqa: B006
    demand: Annotated[
        list[str],
        typer.Option("--demand", help=f"{FORMS['demand']}: master schedule; source forecast unless given, 0 removes."),
    ] = [],  # noqa: B006
    parameter: Annotated[
        list[str],
        typer.Option("--parameter", help=f"{FORMS['parameter']}: lead time, lot rule, safety stock and such."),
    ] = [],  # noqa: B006
    supply: Annotated[
        list[str], typer.Option("--supply", help=f"{FORMS['supply']}: an open order moved or resized, 0 cancels.")
    ] = [],  # noqa: B006
    change: Annotated[
        Path | None, typer.Option("--change", help="JSON file with a list of changes, as `recon override` takes them.")
    ] = None,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changes would do to messages, orders, load, tools, people, vendors and money. Changes nothing."""
    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake
    from recon_platform.material.what_if import what_if as effects_of
    from recon_platform.nights.trial import material_frames
    from recon_platform.planning.decisions import apply_changes

    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored: Lake = Lake(lake)
    found = chosen_manifest(stored, plant, run, door)
    if not (withdraw or demand or parameter or supply or change):
        raise typer.BadParameter("say what to try: " + ", ".join(f"--{name} {form}" for name, form in FORMS.items()))
    frames = material_frames(stored, found)
    changed: dict[str, pl.DataFrame] = tried(frames, withdraw, demand, parameter, supply)
    if change is not None:
        changed = dict(apply_changes(changed, json_changes(change.read_text(encoding="utf-8"))))
    effects = effects_of(frames, changed, found.pins.context)
    if as_json:
        output.print_json({"run": found.run_id, **_as_json(effects)})
    else:
        render(effects, found.run_id)


def tried(
    frames: dict[str, pl.DataFrame], withdraw: list[str], demand: list[str], parameter: list[str], supply: list[str]
) -> dict[str, pl.DataFrame]:
    """`frames` with the changes of the command line made. Raises ValueError where one is not in its form."""
    from recon_platform.material import trial

    changed = frames
    for text in withdraw:
        item, qty = _parted("withdraw", text)
        changed = trial.withdrawal(changed, item, _number("withdraw", text, qty))
    for text in demand:
        key, value = _parted("demand", text)
        item, _, day = key.rpartition("@")
        qty, _, source = value.partition(":")
        when = _day(day)
        if not item or when is None:
            raise ValueError(f"--demand: expected {FORMS['demand']}, found {text!r}")
        changed = trial.demand_of(changed, item, when, _number("demand", text, qty), source or "forecast")
    for text in parameter:
        key, value = _parted("parameter", text)
        item, _, column = key.rpartition(".")
        changed = trial.parameter(changed, item, column, value)
    for text in supply:
        order, value = _parted("supply", text)
        when = _day(value)
        amount = None if when is not None else _number("supply", text, value)
        changed = trial.supply(changed, order, when, amount)
    return changed


def _parted(option: str, text: str) -> tuple[str, str]:
    key, found, value = text.rpartition("=")
    if not found or not key:
        raise ValueError(f"--{option}: expected {FORMS[option]}, found {text!r}")
    return key, value


def _number(option: str, text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"--{option}: expected {FORMS[option]}, found {text!r}; {value!r} is no number") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _as_json(effects: Effects) -> dict[str, Any]:
    parts = {name: getattr(effects, name) for name in effects.__dataclass_fields__ if name != "tables"}
    causes = effects.tables["message_causes"].filter(~effects.tables["message_causes"].get_column("carried"))
    return {**parts, "infeasible": effects.infeasible, "causes": causes}


def render(effects: Effects, run: str) -> None:
    """Print effects for people."""
    import polars as pl

    output.say(f"against the plan of run {run}; nothing is changed")
    output.say(
        f"{effects.infeasible} messages that cannot be carried out in time; planned orders {effects.money:+,.2f} in value;"
        f" {effects.frozen} changed orders start inside the frozen days, {effects.fenced} fall inside a planning fence"
    )
    output.print_frame("Messages", effects.messages)
    output.print_frame("Planned orders", effects.orders.drop("order"))
    output.print_frame("By level", effects.levels)
    output.print_frame("Work centers, hours", effects.load_hours)
    for title, frame in (("Tools", effects.tools), ("People", effects.skills), ("Vendors", effects.vendors)):
        if frame.height:
            output.print_frame(title, frame)
    shown = effects.tables["action_messages"].filter(
        pl.col("lifecycle").is_in(["NEW", "CHANGED", "FLIPPED"]) & (pl.col("code") != "ORDER_NEW")
    )
    output.print_frame(
        "Orders that would be messaged",
        shown.select("code", "order", "item", "from_date", "to_date", "feasible").sort("code", "order"),
    )
