"""The frozen horizon looked at once more before a schedule comes into force. Shares no code with the scheduler.

A break is, of an operation that the schedule in force starts inside the fence and that is still to be done: another
work center, an earlier start, another order of the operations on a machine, or being left out. A later start forced by
downtime, a predecessor or material keeps the sequence and is none; what cannot begin inside the fence any more, or waits for
what stands behind it, gives way (`capacity.gave_way`). What the floor has begun is a fact and none, wherever
and whenever it did; nor is an operation whose routing names another work center by now, nor what an approved move asked for.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial

import polars as pl

from recon_platform.lake import Lake
from recon_platform.nights.in_force import ScheduleInForce
from recon_platform.nights.records import Manifest
from recon_platform.tables.policy import CapacityPolicy

SHOWN = 3
EXCUSED_BY = (
    "supply_orders", "order_links", "reconciled_orders", "reconciled_operations", "routings", "machines", "work_centers",
)  # fmt: skip
"""Tables that tell why a frozen operation gave way."""
ON_FLOOR = ("running", "setup", "paused")
MOVING_KINDS = ("frozen_break", "sibling", "rush", "split", "cancel", "override")
BREAKS = {"work_order": pl.String, "op_seq": pl.Int64, "what": pl.String, "from": pl.String, "to": pl.String}


class FenceError(ValueError):
    """A schedule breaks the frozen horizon without an approved move; what is in force stays."""


def fence_breaks(
    in_force: pl.DataFrame,
    proposed: pl.DataFrame,
    still_to_do: pl.DataFrame,
    decisions: pl.DataFrame,
    *,
    as_of: datetime,
    policy: CapacityPolicy,
    gave_way: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Columns work_order, op_seq, what, from, to: every break by `proposed` of the fence of `in_force`; empty is good.

    `still_to_do` names operations that are not complete (work_order, op_seq, status, work_center by their routing tonight);
    `decisions` is `decisions_in_force`; `gave_way` names operations that keep neither machine nor place. A start is that of the set-up, which follows from the operation before.
    """
    hours = pl.col("work_center").replace_strict(
        dict(policy.frozen_hours_by_work_center), default=policy.frozen_hours, return_dtype=pl.Float64
    )
    fence = pl.lit(as_of) + pl.duration(seconds=hours * 3600)
    excused = excused_orders(decisions)
    keys = ["work_order", "op_seq"]
    waiting = still_to_do.filter(~pl.col("status").is_in(ON_FLOOR)).select(*keys, "work_center").unique()
    inside = (
        in_force.filter(pl.col("start") < fence, pl.col("end") > as_of, ~pl.col("work_order").is_in(excused))
        .join(waiting, on=[*keys, "work_center"], how="semi")
        .select(*keys, "work_center", "machine", start="setup_start")
    )
    if gave_way is not None:
        inside = inside.join(gave_way, on=keys, how="anti", maintain_order="left")
    both = inside.join(
        proposed.select(*keys, "work_center", "machine", start="setup_start"),
        on=keys,
        how="left",
        suffix="_new",
        maintain_order="left",
    )
    gone = both.filter(pl.col("start_new").is_null())
    kept = both.filter(pl.col("start_new").is_not_null())
    elsewhere = kept.filter(pl.col("work_center") != pl.col("work_center_new"))
    earlier = kept.filter(
        pl.col("start_new") < pl.col("start") - timedelta(minutes=1), pl.col("start_new") > pl.lit(as_of)
    )
    same = kept.filter(pl.col("machine").eq_missing(pl.col("machine_new")))
    if "external_days" in still_to_do.columns:  # a vendor takes what comes: there is no sequence to keep
        at_vendor = still_to_do.filter(pl.col("external_days").is_not_null())
        same = same.join(at_vendor.select(keys).unique(), on=keys, how="anti", maintain_order="left")
    order = same.sort(
        "machine", "start", "start_new", "work_order", "op_seq"
    )  # what starts together stands in no order
    new = pl.col("start_new")
    overtakes = new < new.cum_max().shift(1).over("machine")
    overtaken = new > new.cum_min(reverse=True).shift(-1).over("machine")
    resequenced = order.filter(overtakes.fill_null(False) | overtaken.fill_null(False))
    return pl.concat([
        _named(gone, "left out", "start", None),
        _named(elsewhere, "work center", "work_center", "work_center_new"),
        _named(earlier, "earlier", "start", "start_new"),
        _named(resequenced, "sequence", "start", "start_new"),
    ]).sort("work_order", "op_seq", "what")  # fmt: skip


def check_fence(
    lake: Lake,
    manifest: Manifest,
    schedule: pl.DataFrame,
    *,
    unscheduled: pl.DataFrame,
    decisions: pl.DataFrame,
    replaced: ScheduleInForce | None,
) -> None:
    """Raise FenceError where `schedule` of run `manifest` breaks the fence of the schedule it would replace.

    `unscheduled` and `decisions` are those that belong to `schedule`.
    """
    if replaced is None:
        return
    context = manifest.pins.context
    operations = manifest.read(lake, "reconciled_operations").filter(pl.col("status") != "complete")
    in_force, still_to_do = replaced.rows.read(lake), operations.join(unscheduled, on="work_order", how="anti")
    breaks = partial(
        fence_breaks, in_force, schedule, still_to_do, decisions, as_of=context.as_of, policy=context.policy.capacity
    )
    found = breaks()
    if found.height:
        from recon_platform.capacity import gave_way  # noqa: PLC0415 - loads compiled kernels

        read = {name: manifest.read(lake, name) for name in EXCUSED_BY}
        planned = {**read, "schedule": schedule, "published.schedule": in_force, "decisions_in_force": decisions}
        found = breaks(gave_way=gave_way(planned, context))
    if found.height:
        shown = "; ".join(
            f"{order}/{op_seq} {what}: {before} → {after or 'nowhere'}"
            for order, op_seq, what, before, after in found.head(SHOWN).iter_rows()
        )
        raise FenceError(
            f"run {manifest.run_id} breaks the frozen horizon of version {replaced.schedule_version} in {found.height} "
            f"operations without an approved move: {shown}; nothing is published"
        )


def excused_orders(decisions: pl.DataFrame) -> list[str]:
    """Work orders that an approved move or override in force may move inside the fence."""
    found: set[str] = set()
    for kind, subject, text in decisions.select("kind", "subject", "value").iter_rows():
        if kind not in {"approved_move", "override", "pin"}:
            continue
        value = json.loads(text)
        if value.get("entered") or (kind == "approved_move" and value.get("kind") not in MOVING_KINDS):
            continue  # a planner's own pin excuses nothing
        about = str(subject).split(":")[1] if kind == "approved_move" and ":" in subject else str(subject)
        found.add(about.split("/")[0])
        for change in value.get("change", []):
            named = (change.get("work_order"), change.get("where", {}).get("work_order"))
            found.update(str(order) for order in named if order is not None)
    return sorted(found)


def _named(rows: pl.DataFrame, what: str, before: str, after: str | None) -> pl.DataFrame:
    then = pl.lit(None, pl.String) if after is None else pl.col(after).cast(pl.String)
    named = {
        "work_order": pl.col("work_order"), "op_seq": pl.col("op_seq"), "what": pl.lit(what),
        "from": pl.col(before), "to": then,
    }  # fmt: skip
    return rows.select(expression.cast(BREAKS[name]).alias(name) for name, expression in named.items())
