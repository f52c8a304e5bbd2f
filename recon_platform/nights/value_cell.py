"""One cell of a value study: a works, a seed and a policy, night after night, measured every Monday.

Belongs here: the loop land → decide → call overtime → run the floor, and reruns after major stops. Does not belong here:
what is measured (`value_measured`), the grid of cells and its lake (`value_study`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.nights.value_bound import run_unlimited
from recon_platform.nights.value_measured import MONDAY, UNLIMITED, Cell, Progress, Result, Rows
from recon_platform.nights.value_platform import VARIANTS, PlatformDecider, plan_inputs, settings_of
from recon_platform.nights.value_programme import as_measures, recommended
from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim.as_is import AsIs
from recon_platform.plantsim.chasing import chased
from recon_platform.plantsim.deciding import Decider, Decision
from recon_platform.plantsim.executing import Landed, Plant, begin, land, next_night, run_on
from recon_platform.plantsim.peer import FairPeer
from recon_platform.plantsim.policies import order_numbers

MAJOR_STOP_MIN = 240  # a stop of the constraint line so long has the platform plan again
NOTICED_MIN = 15  # after it began


def run_cell(cell: Cell, progress: Progress | None = None) -> Result:
    """Run a cell from its first night to its last."""
    if cell.policy == UNLIMITED:
        return run_unlimited(cell)
    began = time.process_time()
    nights = 7 * cell.weeks
    plant = begin(orders=cell.orders, nights=nights, seed=cell.seed, drift=cell.drift, plant=cell.parameters)
    decider = _decider(cell.policy)
    start, rows, reruns = plant.day, Rows(plant.history.book), 0
    opened: pl.DataFrame | None = None  # the plan of the last night, in force when its day opened
    in_force: pl.DataFrame | None = None  # the last plan, that of a rerun where there was one
    while (plant.day - start).days <= nights:
        number = (plant.day - start).days
        if progress is not None:
            progress(f"{cell.works} seed {cell.seed} {cell.policy}: night {number} of {nights}")
        monday = plant.day.isoweekday() == MONDAY and number > 0
        landed = land(plant) if monday or decider.needs_landing(plant) else None
        plant = replace(plant, expedited=plant.expedited | frozenset(np.flatnonzero(chased(plant)).tolist()))
        if number == nights:
            break
        rows.adherence(plant, opened)
        decision = decider.decide(plant, landed)
        rows.stability(plant, in_force, decision.plan)
        if monday and landed is not None:
            rows.week(plant, landed, _findings(decider, plant, landed))
        plant, opened, in_force = _take(plant, decision), decision.plan, decision.plan
        again = _major_stop(plant) if isinstance(decider, PlatformDecider) else None
        if again is not None:
            plant = run_on(plant, decision.dispatch, again)
            decision = decider.decide(plant, land(plant))
            plant, in_force = _take(plant, decision), decision.plan
            reruns += 1
        if isinstance(decider, PlatformDecider):
            plant = plant.with_corrected(order_numbers(pl.Series(decider.corrected, dtype=pl.String)))
        plant = replace(run_on(plant, decision.dispatch, next_night(plant)), day=plant.day + timedelta(days=1))
    if landed is not None:
        rows.week(plant, landed, _findings(decider, plant, landed, last=True))
    measured = rows.frame()
    if not isinstance(decider, PlatformDecider):
        return Result(measured, time.process_time() - began, nights, reruns, 0)
    if decider.context is not None:
        found = recommended(decider.causes, decider.frames, decider.context, start)
        measured = pl.concat([as_measures(found), measured], how="vertical_relaxed")
    return Result(measured, time.process_time() - began, nights, reruns, decider.failed_nights)


def _decider(policy: str) -> Decider:
    if policy == "as_is":
        return AsIs()
    return FairPeer() if policy == "fair_peer" else PlatformDecider(policy)


def _take(plant: Plant, decision: Decision) -> Plant:
    """The plant once a decision holds: overtime called, reserves as decided, orders whose frozen days were broken chased."""
    called = plant.with_overtime(decision.overtime)
    if decision.buffers is not None and decision.buffers != called.reserve:
        called = called.with_buffers(decision.buffers)
    return replace(called, expedited=called.expedited | frozenset(decision.broken))


def _major_stop(plant: Plant) -> int | None:
    """The minute at which the first major stop before the next night is known, or none."""
    history = plant.history
    parameters = history.world.parameters
    mine = [i for i, center in enumerate(parameters.work_centers) if center.line == parameters.constraint_line]
    machines = history.world.machines.filter(pl.col("wc").is_in(mine))["index"]
    stops = history.stops.filter(
        ~pl.col("planned") & pl.col("machine").is_in(machines.implode())
        & (pl.col("end") - pl.col("start") >= MAJOR_STOP_MIN)
        & (pl.col("start") > plant.now) & (pl.col("start") < next_night(plant) - 2 * NOTICED_MIN)
    )  # fmt: skip
    return None if stops.is_empty() else int(stops["start"].to_numpy().min()) + NOTICED_MIN


def _findings(
    decider: Decider, plant: Plant, landed: Landed, *, last: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Findings and orders of a night: the platform's own where it reconciles, else its reconciliation run beside, for the
    count alone."""
    if isinstance(decider, PlatformDecider) and decider.can.reconciliation and decider.frames and not last:
        return decider.frames["findings"], decider.frames["reconciled_orders"]
    frames, context = plan_inputs(plant, landed, settings_of(VARIANTS["platform"]))
    made = run_stages(STAGES[:2], frames, context)
    return made["findings"], made["reconciled_orders"]
