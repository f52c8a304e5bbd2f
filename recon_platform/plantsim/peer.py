"""The fair peer: a planner who knows the true status and plans capacity every night by the best of simple rules.

Every night the coming two weeks are run on paper, machine by machine, with standard times and the stops that are known,
under earliest due date and under critical ratio, both minding set-ups, with and without orders started early, with and
without a hot list (Silver, Pyke & Thomas 2017, chapter 16; Vollmann et al. 2005, chapter 11). The rule that leaves the
least lateness holds until tomorrow. On Fridays a Saturday shift is called where the same run on paper says that it
saves more than it costs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.chasing import chased, remaining_minutes, working_minutes_to_due
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.deciding import (
    Decision,
    due_minutes_of_orders,
    first_everywhere,
    overtime_centers,
    saturday_shifts,
    standard_minutes,
    tomorrow_is_saturday,
)
from recon_platform.plantsim.executing import Landed, Plant
from recon_platform.plantsim.floor import Floor, free_choice, run_until
from recon_platform.plantsim.floor_kernel import Dispatch
from recon_platform.plantsim.history import working_intervals
from recon_platform.plantsim.overtime import Shifts, on_intervals

AHEAD_DAYS = 14
SETUP_WEIGHT = 1.0  # minutes of due date given up for a minute of set-up saved
RATIO_MIN = 3.0 * DAY_MIN  # minutes of due date that one point of critical ratio is worth beside set-ups
LATE_ORDER_COST = 150.0  # of an order late at all, and again of every day it is late; as the platform's class B
OVERTIME_HOUR_COST = 57.0
EXTRA_SHIFTS = 4  # work centers tried on a Friday


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of dispatch: `by` is `due` or `ratio`; `early`: before the release date; `hot`: chased orders first."""

    by: str
    early: bool
    hot: bool


RULES = tuple(itertools.starmap(Rule, itertools.product(("due", "ratio"), (True, False), (True, False))))


class FairPeer:
    """Finite earliest-due-date and critical-ratio planning every night on the true status."""

    name = "fair_peer"

    def needs_landing(self, plant: Plant) -> bool:
        return False

    def decide(self, plant: Plant, landed: Landed | None) -> Decision:
        paper = on_paper(plant, frozenset())
        runs = {rule: run_until(paper, dispatch_by(plant, rule), _horizon(plant)) for rule in RULES}
        best = min(RULES, key=lambda rule: lateness_cost(plant, runs[rule]))
        shifts: Shifts = frozenset()
        if tomorrow_is_saturday(plant):
            shifts, runs[best] = _worth_a_saturday(plant, dispatch_by(plant, best), runs[best])
        return Decision(dispatch_by(plant, best), shifts, _as_plan(plant, runs[best]))


def dispatch_by(plant: Plant, rule: Rule) -> Dispatch:
    """The rule as priorities of the floor."""
    order = plant.floor.arrays.op_order
    material = np.maximum(plant.material, plant.history.book.orders["created"].to_numpy())
    release = material if rule.early else np.maximum(plant.release, material)
    if rule.by == "due":
        priority = due_minutes_of_orders(plant).astype(np.float64)
    else:
        need = np.maximum(remaining_minutes(plant), 1)
        left = working_minutes_to_due(plant)
        priority = RATIO_MIN * np.where(left > 0, left / need, left / DAY_MIN)
    dispatch = free_choice(plant.floor, priority[order], release, SETUP_WEIGHT)
    return first_everywhere(dispatch, chased(plant)[order]) if rule.hot else dispatch


def on_paper(plant: Plant, shifts: Shifts) -> Floor:
    """The floor as a planner sees it: standard times, planned stops and those that have begun, no others."""
    history, now = plant.history, plant.now
    stops = history.stops.filter(pl.col("planned") | (pl.col("start") <= now))
    floor = on_intervals(
        plant.floor, history.intervals, working_intervals(history.world, stops, history.overtime | shifts)
    )
    arrays = floor.arrays._replace(op_minutes=standard_minutes(plant), op_external=_standard_vendor(plant))
    return Floor(arrays, floor.state, now)


def _standard_vendor(plant: Plant) -> npt.NDArray[np.int64]:
    days: npt.NDArray[np.int64] = plant.history.operations["external_days"].to_numpy() * DAY_MIN
    return days


def _horizon(plant: Plant) -> int:
    return plant.now + AHEAD_DAYS * DAY_MIN


def lateness_cost(plant: Plant, run: Floor) -> float:
    """Money of the lateness that a run on paper leaves: orders due inside it that end after their due day."""
    due, horizon = due_minutes_of_orders(plant), _horizon(plant)
    last = plant.floor.arrays.op_ptr[1:] - 1
    ended = np.where(run.state.ended[last] >= 0, run.state.ended[last], horizon)
    created = plant.history.book.orders["created"].to_numpy() <= plant.now
    mine = (
        created & (due <= horizon) & ((plant.floor.state.ended[last] < 0) | (plant.floor.state.ended[last] > plant.now))
    )
    late = np.maximum(ended - due, 0)[mine]
    return float(LATE_ORDER_COST * ((late > 0).sum() + late.sum() / DAY_MIN))


def _worth_a_saturday(plant: Plant, dispatch: Dispatch, run: Floor) -> tuple[Shifts, Floor]:
    """Shifts of tomorrow that each save more than they cost, the work centers where late orders wait longest first."""
    state, arrays, due = run.state, run.arrays, due_minutes_of_orders(plant)
    late = (due[arrays.op_order] < _horizon(plant)) & (state.setup_start > plant.now)
    waited = np.bincount(
        arrays.op_wc, weights=np.where(late & (state.arrived >= 0), state.setup_start - state.arrived, 0),
        minlength=len(plant.history.world.parameters.work_centers),
    )  # fmt: skip
    tried = sorted(overtime_centers(plant), key=lambda center: -waited[center])[:EXTRA_SHIFTS]
    called: Shifts = frozenset()
    cost = lateness_cost(plant, run)
    for center in tried:
        more = called | saturday_shifts(plant, [center])
        with_it = run_until(on_paper(plant, more), dispatch, _horizon(plant))
        after = lateness_cost(plant, with_it)
        if cost - after > overtime_cost(plant, center):
            called, cost, run = more, after, with_it
    return called, run


def overtime_cost(plant: Plant, center: int) -> float:
    """What a Saturday shift at a work center costs: its people for eight hours."""
    machines = int((plant.history.world.machines["wc"] == center).sum())
    people = plant.history.world.parameters.work_centers[center].run_people or 0.0
    return 8.0 * machines * people * OVERTIME_HOUR_COST


def _as_plan(plant: Plant, run: Floor) -> pl.DataFrame:
    """The run on paper as a schedule of the operations that are not done."""
    world, ops, state = plant.history.world, plant.history.operations, run.state
    at = np.flatnonzero((state.setup_start >= 0) & (state.ended > plant.now))
    names = world.machines["machine"].gather(np.maximum(state.machine[at], 0))
    codes = pl.Series([center.code for center in world.parameters.work_centers])
    return pl.DataFrame(
        {
            "work_order": plant.history.book.orders["work_order"].gather(ops["order"].gather(at)),
            "op_seq": ops["op_seq"].gather(at), "work_center": codes.gather(ops["wc"].gather(at)),
            "machine": names.zip_with(pl.Series(state.machine[at] >= 0), pl.Series([None], dtype=pl.String).new_from_index(0, len(at))),
            "start": world.clock.instants(state.started[at]), "end": world.clock.instants(state.ended[at]),
        }
    )  # fmt: skip
