"""The finite schedule of a night: prepare, try a portfolio of dispatch passes, improve, write down.

Belongs here: the order of these steps. Each step has a module of its own.
"""

from __future__ import annotations

import polars as pl

from recon_platform.capacity.improve import improve
from recon_platform.capacity.load import capacity_load, required_load, scheduled_load
from recon_platform.capacity.machines import read_machines
from recon_platform.capacity.portfolio import NO_BIAS, best_of, run_pass
from recon_platform.capacity.prepare import prepare
from recon_platform.capacity.results import dispatch_table, placements, schedule_table, unscheduled_table
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

STAY = 0.5
"""How much better (index) than the head of the sequence in force an operation must be to go first, per 0.1 of
stability weight."""


def schedule(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """`schedule`, `unscheduled`, `capacity_load` (both bases) and `dispatch_list` of one night.

    Reads reconciled_operations, reconciled_orders, supply_orders, order_links, the conformed master tables,
    `published.schedule` and `decisions_in_force` where present. Deterministic; no clock, no randomness but the seed of
    the policy.
    """
    prepared = prepare(frames, context)
    policy = context.policy.capacity
    weight = policy.stability_weight
    setting, _ = best_of(prepared.problem, policy.portfolio_passes, stay=STAY * weight / 0.1, pull=weight)
    bias = NO_BIAS
    if policy.improvement_moves > 0:
        bias, _, _ = improve(prepared.problem, setting, policy.improvement_moves, seed=policy.seed)
    state = run_pass(prepared.problem, setting, record=True, bias=bias)
    placed = placements(prepared, state)
    base = read_machines(frames, context) if prepared.approved.overtime.height else None
    required = frames.get("required_load")
    if required is None:
        required = required_load(frames, context)["required_load"]
    return {
        "schedule": schedule_table(prepared, placed),
        "unscheduled": unscheduled_table(prepared, placed),
        "capacity_load": capacity_load(required, scheduled_load(placed, prepared.machines, context, base)),
        "dispatch_list": dispatch_table(prepared, placed),
    }
