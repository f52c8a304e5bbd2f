"""A planner keeps an operation on a machine: at once where that is no exception, else as a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from recon_platform.governance.actors import Actor
from recon_platform.governance.requests import Draft, Request
from recon_platform.lake import Lake
from recon_platform.nights.in_force import schedule_in_force
from recon_platform.nights.records import Manifest
from recon_platform.planning.decisions import Change

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
    effect: Mapping[str, Any] | None = None,
) -> Request:
    """Keep operation `op_seq` of `work_order` on `machine` from the next plan on; gives the request.

    `effect`: what it was found to win and lose, as a move's content names it, for whoever decides. Its state is `entered` where the operation lies outside the frozen horizon of the schedule in force, else `open`:
    somebody else decides it. Raises ValueError for an operation or machine that the newest plan does not know, or a
    machine of another work center.
    """
    operations, machines = (manifest.read(lake, name) for name in ("reconciled_operations", "machines"))
    center, change = pin_change(operations, machines, work_order, op_seq, machine)
    plant = str(manifest.pins.plant["code"])
    draft = Draft(
        "pin", plant, f"{work_order}/{op_seq}", f"keep {work_order}/{op_seq} on {machine}", reason,
        {**(effect or {}), "change": [change]},
    )  # fmt: skip
    if frozen(lake, manifest, work_order, op_seq, center):
        return store.requests.propose(actor, draft)
    return store.decisions.enter(actor, draft).request


def pin_change(
    operations: pl.DataFrame, machines: pl.DataFrame, work_order: str, op_seq: int, machine: str
) -> tuple[str, Change]:
    """Work center of the operation, and the change that keeps it on `machine`.

    Raises ValueError for an operation that is not in `operations` (`reconciled_operations`), or a machine that is not
    one of its work center.
    """
    found = operations.filter(pl.col("work_order") == work_order, pl.col("op_seq") == op_seq)
    if found.is_empty():
        raise ValueError(f"tonight's plan knows no operation {op_seq} of {work_order} that is still to be done")
    center = str(found.get_column("work_center")[0])
    able = machines.filter(pl.col("work_center") == center).get_column("machine").sort()
    if machine not in able.to_list():
        raise ValueError(f"{machine} is no machine of {center}; those are {', '.join(able)}")
    where = {"work_order": work_order, "op_seq": op_seq}
    return center, {"verb": "set", "table": "work_order_operations", "where": where, "values": {"machine": machine}}


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
