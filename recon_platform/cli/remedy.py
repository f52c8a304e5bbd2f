"""Commands of the planner's morning: what changed against the schedule in force, and what a change would do."""

from __future__ import annotations

import json
from typing import Annotated, Any

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

BY = ("cause", "work_order", "work_center", "customer")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("delta")(delta)
    app.command("whatif")(whatif)


@needs(Permission.READ)
def delta(
    lake: LakeOption,
    by: Annotated[str, typer.Option("--by", help="Roll up by cause, work_order, work_center or customer.")] = "cause",
    rows: Annotated[int, typer.Option("--rows", min=1, help="At most so many single changes.")] = 20,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the plan does differently from the schedule in force and why, rolled up and operation by operation."""
    import polars as pl

    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake
    from recon_platform.proposal.rollup import roll_up

    if by not in BY:
        raise ValueError(f"--by is one of {', '.join(BY)}; found {by!r}")
    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    found = chosen_manifest(stored, plant, run, door)
    tables = ("proposal_changes", "schedule", "supply_orders", "sales_orders", "reconciled_operations")
    frames = {name: found.read(stored, name) for name in tables}
    changes = frames["proposal_changes"]
    rolled = roll_up(frames, by)
    if as_json:
        output.print_json({"run": found.run_id, "by": by, "roll_up": rolled, "changes": changes})
        return
    if changes.is_empty():
        output.say(f"run {found.run_id}: nothing differs from the schedule in force, or none is in force")
        return
    output.print_frame(f"Run {found.run_id}: {changes.height:,} changes by {by.replace('_', ' ')}", rolled)
    largest = changes.sort(pl.col("shift_minutes").abs(), "work_order", descending=[True, False], nulls_last=True)
    shown = largest.select("work_order", "op_seq", "what", "from", "to", "otif_effect", "reason", "^further$")
    output.print_frame("Largest changes", shown, shown=rows)


@needs(Permission.READ)
def whatif(
    lake: LakeOption,
    kind: Annotated[
        str | None, typer.Option("--kind", help="firm, resequence, split, rush, sibling or frozen_break.")
    ] = None,
    subject: Annotated[str, typer.Option("--subject", help="Order, or order/operation, it is about.")] = "",
    value: Annotated[str, typer.Option("--value", help="Quantity, instant or work center, as the kind asks.")] = "",
    change: Annotated[
        str | None, typer.Option("--change", help="Instead of a kind: a JSON list of changes, as `recon override`.")
    ] = None,
    plant: PlantOption = None,
    run: RunOption = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan again with a change and show its effect: customer lines, lateness, hours, cost, what moves. Nothing is kept."""
    from recon_platform.cli.nights import chosen_manifest
    from recon_platform.lake import Lake
    from recon_platform.nights.trial import night_frames
    from recon_platform.proposal.own import evaluate_own, override, own_proposal

    if (kind is None) == (change is None):
        raise ValueError("say what to try: either --kind with --subject, or --change")
    door = doors.enter_if_governed(Permission.READ, lake, governance, home)
    stored = Lake(lake)
    found = chosen_manifest(stored, plant, run, door)
    frames = night_frames(stored, found)
    if kind is not None:
        proposal = own_proposal(frames, kind=kind, subject=subject, value=value, reason="what if")
    else:
        proposal = override(subject or "change", json_changes(change or ""), "what if")
    row = evaluate_own(frames, found.pins.context, [proposal])[0]
    if as_json:
        texts = ("change", "evidence", "lines", "effect", "needs", "excludes")
        output.print_json({"run": found.run_id} | {k: json.loads(v) if k in texts else v for k, v in row.items()})
        return
    _render(found.run_id, row)


def _render(run: str, row: dict[str, Any]) -> None:
    lines, effect = json.loads(row["lines"]), json.loads(row["effect"])
    output.say(f"run {run}: {row['kind']} {row['subject']}: {row['from']} → {row['to']}")
    output.print_rows(
        "Effect (with minus without)",
        ("measure", "value"),
        [
            ("customer lines won", ", ".join(lines["won"]) or "none"),
            ("customer lines lost", ", ".join(lines["lost"]) or "none"),
            ("weighted late days saved", str(row["late_days_saved"])),
            ("labour hours", str(row["labour_hours"])),
            ("overtime hours", str(row["overtime_hours"])),
            ("cost less lateness saved", str(row["cost"])),
            ("operations moved", str(row["operations_moved"])),
            *((name.replace("_", " "), json.dumps(value)) for name, value in sorted(effect.items())),
        ],
    )
    output.say(f"digest {row['digest']}")
