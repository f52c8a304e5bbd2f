"""How long moves take to be evaluated against a large plan: each is the whole plan again with it, compared with the plan without.

A generated plant is copied side by side until the plan is as large as asked; its own schedule is taken as in force. Every
trial is measured the way a night measures it (`proposal.sets.Evaluator`), by as many processes as asked.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import polars as pl

from recon_platform.bench.side_by_side import side_by_side
from recon_platform.connectors import read_landing
from recon_platform.nights.context import landing_context
from recon_platform.planning import STAGES, inputs, run_stages
from recon_platform.planning.stages import trial_stages
from recon_platform.plantsim import generate
from recon_platform.proposal.candidates import candidates, late_orders
from recon_platform.proposal.order_moves import rushes
from recon_platform.proposal.sets import Evaluator
from recon_platform.tables.context import PlanContext

ORDERS = 600  # of the plant that is copied
FACTS = ("conform", "reconcile")


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one part: how many moves of a kind, and what they took in all."""

    part: str
    moves: int
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a plan of so many operations: making ready for trials (reading the plan without), one what-if, all moves by so many
    processes. What those that were started took counts as processor time."""

    operations: int
    orders: int
    processes: int
    rows: tuple[Row, ...]


def run(
    operations: int, moves: int, *, processes: int = 2, seed: int = 1, say: Callable[[str], None] | None = None
) -> Figures:
    """Plan a plant of about so many operations and evaluate `moves` moves against it, kinds in turn; none is kept."""
    say = say or _quiet
    say("plan")
    frames, context = planned(operations, seed)
    effort = replace(context.policy.proposal, max_moves=max(moves, 1))
    found = candidates(frames, replace(context, policy=replace(context.policy, proposal=effort)))
    clock = _Clock()
    say("one what-if")
    evaluator = Evaluator(frames, context)
    evaluator.effect([])  # the plan itself again: what trials are compared with is read
    rows = [clock.row("ready for trials", 0)]
    asked = list(islice(rushes(frames, context, late_orders(frames)), 2))  # a change anybody may ask about
    for part, one in zip(("the first what-if", "another what-if"), asked, strict=False):
        evaluator.effect([one])
        rows.append(clock.row(part, 1))
    say(f"{len(found)} moves")
    clock = _Clock()
    evaluator.effects([[one] for one in found], processes)
    rows.append(clock.row("all moves", len(found)))
    return Figures(frames["schedule"].height, frames["supply_orders"].height, processes, tuple(rows))


def planned(operations: int, seed: int) -> tuple[dict[str, pl.DataFrame], PlanContext]:
    """A plan of about so many operations, and its context: the schedule in force is the planner's own of the same facts."""
    with tempfile.TemporaryDirectory() as folder:
        landing = read_landing(generate(Path(folder), orders=ORDERS, nights=1, seed=seed).nights[0])
    context = landing_context(landing)
    one = run_stages(
        [stage for stage in STAGES if stage.name in FACTS], inputs(landing.frames, None, None, None), context
    )
    small = run_stages(trial_stages(), one, context)["schedule"].height
    plant = side_by_side(one, max(1, round(operations / small)))
    first = run_stages(trial_stages(), plant, context)
    in_force = {**first, "published.schedule": first["schedule"]}
    return run_stages(
        [stage for stage in trial_stages() if stage.name in ("schedule", "promises")], in_force, context
    ), context


class _Clock:
    """Wall and processor time since it was last looked at."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), _processor_time()

    def row(self, part: str, moves: int) -> Row:
        wall, cpu = time.perf_counter(), _processor_time()
        row = Row(part, moves, round(wall - self.wall, 2), round(cpu - self.cpu, 2))
        self.wall, self.cpu = time.perf_counter(), _processor_time()
        return row


def _processor_time() -> float:
    """Seconds of this process and of those it started that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _quiet(_: str) -> None:
    """Say nothing."""
