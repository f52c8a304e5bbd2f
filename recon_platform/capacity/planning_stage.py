"""The finite schedule of a night: prepare, try a portfolio of dispatch passes, improve, write down.

Belongs here: the order of these steps. Each step has a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from recon_platform.capacity.approved import Approved, read_approved
from recon_platform.capacity.clock import minute_up
from recon_platform.capacity.improve import improve
from recon_platform.capacity.kept import Hold
from recon_platform.capacity.load import capacity_load, required_load, scheduled_load, work_by_center
from recon_platform.capacity.machines import read_machines
from recon_platform.capacity.own import OPEN_TIME, Given, what_is_given
from recon_platform.capacity.portfolio import (
    GRID,
    NO_BIAS,
    Setting,
    Tried,
    compared,
    grown_later,
    objective,
    run_pass,
)
from recon_platform.capacity.prepare import Prepared, prepare
from recon_platform.capacity.problem import Solution
from recon_platform.capacity.results import (
    dispatch_table,
    placements,
    schedule_table,
    settings_table,
    unscheduled_table,
)
from recon_platform.tables.capacity import setting_taken
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only

HOLDING_MAY_COST = 0.03
"""Share of weighted lateness that holding the sequence in force until the next night may cost; and that a plan which sequences anew
must save, to be preferred over one that moves next to nothing."""
STAY = 0.5
"""How much better (index) than the head of the sequence in force an operation must be to go first, per 0.1 of
stability weight."""


Judge = Callable[[pl.DataFrame], None]
"""Looks at a `schedule` and raises where it may not stand."""


def schedule(
    frames: Frames, context: PlanContext, reuse: Reuse | None = None, judge: Judge | None = None
) -> dict[str, pl.DataFrame]:
    """`schedule`, `unscheduled`, `capacity_load` (both bases), `dispatch_list` and `dispatch_settings` of one night.

    Reads reconciled_operations, reconciled_orders, supply_orders, order_links, the conformed master tables,
    `published.schedule` and `decisions_in_force` where present. Deterministic; no clock, no randomness but the seed of
    the policy. `reuse`: as in `prepare`. `judge` has its say while the other tables are made; what it raises is raised.
    """
    prepared, solution, settings = _planned(frames, context, reuse, record=True)
    placed = placements(prepared, solution)
    made = schedule_table(prepared, solution, placed)
    with ThreadPoolExecutor(1) as pool:
        judged = pool.submit(judge, made) if judge is not None else None
        others = _others(frames, context, prepared, placed, settings)
    if judged is not None:
        judged.result()
    return {"schedule": made, **others}


def _others(
    frames: Frames, context: PlanContext, prepared: Prepared, placed: pl.DataFrame, settings: list[Tried]
) -> dict[str, pl.DataFrame]:
    """The tables beside the schedule that say what follows from it."""
    base = read_machines(frames, context) if prepared.approved.overtime.height else None
    required = frames.get("required_load")
    if required is None:
        required = required_load(frames, context)["required_load"]
    return {
        "unscheduled": unscheduled_table(prepared, placed),
        "capacity_load": capacity_load(required, scheduled_load(placed, prepared.machines, context, base)),
        "dispatch_list": dispatch_table(prepared, placed),
        "dispatch_settings": settings_table(settings),
    }


def read_first(frames: Frames, context: PlanContext, reuse: Reuse) -> None:
    """Read the plan that others are compared with, so that `reuse` knows what of them differs from it."""
    prepare(frames, context, hold=_holds(frames, context, read_approved(frames, context)), reuse=reuse)


def read_alone(frames: Frames, context: PlanContext, reuse: Reuse) -> Given:
    """What `trial_schedule` reads first of a plan."""
    approved = read_approved(frames, context)
    return what_is_given(frames, context, hold=_holds(frames, context, approved), reuse=reuse, approved=approved)


def trial_schedule(
    frames: Frames, context: PlanContext, reuse: Reuse, given: Given | None = None
) -> dict[str, pl.DataFrame]:
    """`schedule` and `capacity_load` of a plan that is compared and not kept: each operation where `schedule` puts it, without
    the terms of the choice; load as scheduled, all days of a work center in one bucket. `given`: of `read_alone`, its orders read
    together with those of other plans (`read_together`) or not."""
    prepared, solution, _ = _planned(frames, context, reuse, record=False, read=given)
    base = (
        reuse.of(read_machines, only(frames, *OPEN_TIME), context, None) if prepared.approved.overtime.height else None
    )
    return {
        "schedule": schedule_table(prepared, solution),
        "capacity_load": work_by_center(prepared, solution, context, base),
    }


def _planned(
    frames: Frames, context: PlanContext, reuse: Reuse | None, *, record: bool, read: Given | None = None
) -> tuple[Prepared, Solution, list[Tried]]:
    """The plan, what it was made of, and the settings tried, the one taken first.

    Where the sequence in force is to be held in turn, that is tried first, and stands unless it makes the orders later by more
    than `HOLDING_MAY_COST` while a plan that sequences anew, as policy says, saves that much.
    """
    approved = read.approved if read else read_approved(frames, context)
    hold = _holds(frames, context, approved)
    prepared = prepare(frames, context, hold=hold, reuse=reuse, given=read)
    if hold is Hold.AS_POLICY:
        settings = _settings(prepared, context)
        return prepared, _solve(prepared, settings[0].setting, context, record=record), settings
    setting = _settings(prepared, context)[0].setting
    solution = _solve(prepared, setting, context, record=record)
    ends = prepared.kept.rows.select(minute_up("previous_end", prepared.origin).fill_null(-1)).to_series().to_numpy()
    if approved.look_ahead is not None or grown_later(prepared.problem, solution, ends) <= HOLDING_MAY_COST:
        return prepared, solution, [Tried(setting, None, in_turn=True)]
    anew = prepare(frames, context, reuse=reuse)
    other = _solve(anew, setting, context, record=record)
    tried = [
        Tried(setting, objective(prepared.problem, solution), in_turn=True),
        Tried(setting, objective(anew.problem, other)),
    ]
    if objective(anew.problem, other) < objective(prepared.problem, solution) * (1 - HOLDING_MAY_COST):
        return anew, other, tried[::-1]
    return prepared, solution, tried


def _holds(frames: Frames, context: PlanContext, approved: Approved) -> Hold:
    """How firmly the plan holds the sequence in force, if there is one: as people approved with its setting, else as its context says."""
    in_force = frames.get("published.schedule")
    in_turn = context.in_turn if approved.look_ahead is None else approved.in_turn
    return Hold.IN_TURN if in_turn and in_force is not None and in_force.height else Hold.AS_POLICY


def _solve(prepared: Prepared, setting: Setting, context: PlanContext, *, record: bool) -> Solution:
    """The plan of a prepared problem with a dispatch setting, improved as far as policy says."""
    policy = context.policy.capacity
    bias = NO_BIAS
    if policy.improvement_moves > 0:
        bias, _, _ = improve(prepared.problem, setting, policy.improvement_moves, seed=policy.seed)
    return run_pass(prepared.problem, setting, record=record, bias=bias)


def held_schedule(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> pl.DataFrame:
    """`schedule` without terms, as the facts alone make it: machines and sequence in force kept, what is new put where it finds room.

    What `schedule` does otherwise is its own doing, worth it or not; with nothing new this is the schedule in force.
    """
    prepared = prepare(frames, context, hold=Hold.ALL, reuse=reuse)
    return schedule_table(prepared, run_pass(prepared.problem, Setting(*GRID[0])))


def look_ahead(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> tuple[float, float]:
    """(k1, k2) that `schedule` takes for these tables: a trial that keeps them moves nothing by changing its rule.

    Where the plan's own `dispatch_settings` are among the tables, that is what they say.
    """
    made = frames.get("dispatch_settings")
    if made is not None:
        return setting_taken(made)
    setting = _settings(prepare(frames, context, reuse=reuse), context)[0].setting
    return setting.k1, setting.k2


def _settings(prepared: Prepared, context: PlanContext) -> list[Tried]:
    """The dispatch settings compared, the one to take first: what people approved, else what the plan keeps, else the best."""
    policy = context.policy.capacity
    stay, pull = STAY * policy.stability_weight / 0.1, policy.stability_weight
    kept = prepared.approved.look_ahead or context.look_ahead
    if kept is not None:
        return [Tried(Setting(*kept, stay, pull))]
    return [Tried(*one) for one in compared(prepared.problem, policy.portfolio_passes, stay=stay, pull=pull)]
