"""A planner keeps an operation on a machine: at once where that is no exception, else as a request."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.governance.actors import Actor
from recon_platform.governance.requests import Draft, Request
from recon_platform.lake import Lake
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.records import Manifest

if TYPE_CHECKING:
    from recon_platform.governance import Store


def pin(
    lake: Lake,
    store: Store,
    actor: Actor,
    manifest: Manifest,
    *,
    work_order: str,
    op_seq: int,
    machine: str,
    reason: str,
) -> Request:
    """Keep operation `op_seq` of `work_order` on `machine` from the next plan on; gives the request.

    Its state is `entered` where the operation lies outside the frozen horizon of the schedule in force, else `open`:
    somebody else decides it. Raises ValueError for an operation or machine that the newest plan does not know, or a
    machine of another work center.
    """
    operations = manifest.read(lake, "reconciled_operations").filter(
        pl.col("work_order") == work_order, pl.col("op_seq") == op_seq
    )
    if operations.is_empty():
        raise ValueError(f"run {manifest.run_id} knows no operation {op_seq} of {work_order} that is still to be done")
    center = operations.get_column("work_center")[0]
    machines = manifest.read(lake, "machines").filter(pl.col("work_center") == center).get_column("machine").sort()
    if machine not in machines.to_list():
        raise ValueError(f"{machine} is no machine of {center}; those are {', '.join(machines)}")
    change = {
        "verb": "set", "table": "work_order_operations", "where": {"work_order": work_order, "op_seq": op_seq},
        "values": {"machine": machine},
    }  # fmt: skip
    plant = str(manifest.pins.plant["code"])
    draft = Draft(
        "pin", plant, f"{work_order}/{op_seq}", f"keep {work_order}/{op_seq} on {machine}", reason, {"change": [change]}
    )
    if frozen(lake, manifest, work_order, op_seq, center):
        return store.requests.propose(actor, draft)
    return store.decisions.enter(actor, draft).request


def frozen(lake: Lake, manifest: Manifest, work_order: str, op_seq: int, work_center: str) -> bool:
    """Whether the schedule in force starts the operation inside the frozen horizon of its work center."""
    context = manifest.pins.context
    in_force = schedule_in_force(lake, str(manifest.pins.plant["code"]))
    if in_force is None:
        return False
    policy = context.policy.capacity
    hours = policy.frozen_hours_by_work_center.get(work_center, policy.frozen_hours)
    starts = (
        in_force.rows.read(lake)
        .filter(pl.col("work_order") == work_order, pl.col("op_seq") == op_seq)
        .get_column("start")
    )
    return any(start < context.as_of + timedelta(hours=hours) for start in starts)
