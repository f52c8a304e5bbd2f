"""Plan a proposal again with the moves that were approved, before it is published.

A move was signed for the effect that was shown. What comes into force is the plan with all approved moves together; where
that is not what was shown (`agreement`), they go back to people with what they bring together. So does a move of work
that the floor has begun meanwhile (`floor`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.governance.actors import Actor
from recon_platform.governance.coming_back import Together, come_back
from recon_platform.governance.errors import StaleError
from recon_platform.governance.publications import approved_requests
from recon_platform.lake import Lake
from recon_platform.nights import floor
from recon_platform.nights.night import DECISIONS, read_input
from recon_platform.nights.records import Manifest, TableVersion
from recon_platform.planning import STAGES, Stage, run_stages
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.lines import CUSTOMER_LINE

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.requests import Request
    from recon_platform.tables.model import Frames

LAST = "promises"  # the stage that says what each customer line gets


@dataclass(frozen=True, slots=True)
class Solved:
    """What will be published: the schedule, the decisions it rests on, and the moves that are in it."""

    schedule: pl.DataFrame
    unscheduled: pl.DataFrame
    decisions: TableVersion
    moves: tuple[str, ...]


def solve(lake: Lake, store: Store, manifest: Manifest, *, actor: Actor) -> Solved | None:
    """The run's plan with its approved moves in it; None where none was approved and the plan stands as it was made.

    Writes the decisions it used as a version of `decisions_in_force`, so that the schedule can be made again. Raises
    StaleError where an operation of an approved move has begun since, or the plan differs in any figure from what was shown
    of the moves: they then wait for a new decision.
    """
    approved = [request for request in approved_requests(store, manifest.run_id) if request.kind == "move"]
    if not approved:
        return None
    decisions = with_moves(lake, store, manifest, approved)
    frames = solve_with(lake, manifest, decisions)
    overtaken = _overtaken(lake, store, manifest, approved, frames["schedule"])
    if overtaken:
        returned = floor.said(come_back(store, actor, overtaken))
        raise StaleError(f"the floor has begun what was to be moved: {returned}; decide on them, then publish again")
    _check_effect(lake, store, manifest, approved, frames, actor=actor)
    pins = manifest.pins
    written = lake.write(
        DECISIONS_IN_FORCE.layer, DECISIONS_IN_FORCE, decisions, plant=pins.plant["code"],
        planning_date=date.fromisoformat(pins.planning_date), sequence=pins.sequence, run_id=manifest.run_id,
        metadata={"why": "published with approved moves"},
    )  # fmt: skip
    version = TableVersion(
        str(DECISIONS_IN_FORCE.layer), DECISIONS_IN_FORCE.name, pins.plant["code"], pins.planning_date,
        written.version, written.rows, written.digest,
    )  # fmt: skip
    moves = tuple(sorted(_move(request) for request in approved))
    return Solved(frames["schedule"], frames["unscheduled"], version, moves)


def solve_with(lake: Lake, manifest: Manifest, decisions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every table of the run's plan up to the promises, made with `decisions` in force instead of those it had.

    What no decision can change is read as the run wrote it.
    """
    ahead, stages = _split()
    frames = {
        name: read_input(lake, name, entry)
        for name, entry in manifest.pins.inputs.items()
        if any(name in stage.reads for stage in stages) and name != DECISIONS
    }
    frames |= {name: manifest.read(lake, name) for stage in ahead for name in stage.writes}
    return run_stages(stages, {**frames, DECISIONS: decisions}, manifest.pins.context)


def with_moves(lake: Lake, store: Store, manifest: Manifest, approved: Sequence[Request]) -> pl.DataFrame:
    """The decisions the run was made with, and those that its approved moves put in force, as of the instant of its plan.

    People approve in the morning what a plan of two at night proposed: for that plan the move holds from its own instant.
    """
    entry = manifest.pins.inputs[DECISIONS]
    standing = entry.read(lake)
    moves = {_move(request) for request in approved}
    now = store.decisions_in_force(manifest.pins.plant["code"], store.clock())
    named = [
        decision
        for decision, value in now.filter(kind="approved_move").select("decision", "value").iter_rows()
        if json.loads(value).get("move") in moves
    ]
    added = now.filter(pl.col("decision").is_in(named)).join(standing, on="decision", how="anti")
    as_of = pl.lit(manifest.pins.context.as_of, dtype=added.schema["valid_from"])
    added = added.with_columns(valid_from=pl.min_horizontal("valid_from", as_of))
    return pl.concat([standing, added]).sort("decision")


def published_inputs(manifest: Manifest, record: Mapping[str, Any]) -> dict[str, TableVersion]:
    """What a published schedule was made from: the inputs of its run, with the decisions approved after it."""
    inputs = dict(manifest.pins.inputs)
    if record.get("decisions") is not None:
        inputs[DECISIONS] = TableVersion(**record["decisions"])
    return inputs


def record_of(solved: Solved | None) -> dict[str, Any]:
    """What the record of a publication says about being solved again."""
    if solved is None:
        return {"moves": [], "decisions": None}
    return {"moves": list(solved.moves), "decisions": asdict(solved.decisions)}


def _split() -> tuple[list[Stage], list[Stage]]:
    """The stages before the first that reads decisions, and from there to the promises."""
    first = next(number for number, stage in enumerate(STAGES) if DECISIONS in stage.reads)
    last = next(number for number, stage in enumerate(STAGES) if stage.name == LAST)
    return list(STAGES[:first]), list(STAGES[first : last + 1])


def _overtaken(
    lake: Lake, store: Store, manifest: Manifest, approved: Sequence[Request], solved: pl.DataFrame
) -> dict[int, list[str]]:
    """The approved moves of work that the floor has begun since the run, with what has begun, by request."""
    begun = floor.begun_since(lake, manifest, store.clock())
    if begun.is_empty():
        return {}
    moves = {request.request: request.content for request in approved}
    return floor.overtaken(moves, begun, manifest.read(lake, "schedule"), solved)


def _check_effect(
    lake: Lake, store: Store, manifest: Manifest, approved: Sequence[Request], solved: Frames, *, actor: Actor
) -> None:
    """Let the approved moves come back where the plan with them is not what was shown.

    A plant that tolerates late lines (`effect_tolerance_lines`) lets other figures pass as long as no more are late.
    """
    from recon_platform.nights import agreement  # noqa: PLC0415 - loads compiled kernels

    now = agreement.brought(lake, manifest, approved, solved)
    found = agreement.differing(lake, manifest, approved, solved, now)
    late, after = late_lines(manifest.read(lake, "order_promises")), late_lines(solved["order_promises"])
    shown = [json.loads(request.content["lines"]) for request in approved]
    if not found or tolerated(late, shown, after, manifest.pins.context.policy.publish.effect_tolerance_lines):
        return
    moves = sorted(_move(request) for request in approved)
    together = Together(moves, now, agreement.said(moves, now))
    again = floor.said(come_back(store, actor, dict.fromkeys((one.request for one in approved), ()), together))
    raise StaleError(
        f"with its approved moves, run {manifest.run_id} is not what was shown ({agreement.differences(found)}): {again}; decide on "
        f"them as they are together, then publish again"
    )


def tolerated(late: set[str], shown: Sequence[Mapping[str, list[str]]], after: set[str], tolerance: int) -> bool:
    """Whether a plant that tolerates so many late lines more than signed for lets a plan pass.

    `late` lines of the plan without moves and `after` with them; `shown`: the lines won and lost that each was signed for.
    """
    signed = late.difference(*(lines["won"] for lines in shown)).union(*(lines["lost"] for lines in shown))
    return tolerance > 0 and len(after) <= len(signed) + tolerance


def late_lines(promises: pl.DataFrame) -> set[str]:
    """The customer lines (`order/line`) that ship late, or not at all."""
    late = promises.filter(pl.col("projected_ship").is_null() | (pl.col("late_days") > 0))
    return set(late.select(CUSTOMER_LINE).to_series())


def _move(request: Request) -> str:
    return str(request.content["move"])
