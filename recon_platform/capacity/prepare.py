"""From tables to a `Problem`: numbers instead of keys, minutes instead of instants, records instead of frames.

Belongs here: putting together what `backlog`, `machines`, `changeovers`, `people`, `kept` and `approved` read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from recon_platform.capacity.approved import Approved
from recon_platform.capacity.changeovers import code_families, family_columns
from recon_platform.capacity.clock import minute_up, origin_of
from recon_platform.capacity.giving_way import set_latest_giving_way
from recon_platform.capacity.kept import Hold, Kept, fence_minutes, sequence_of
from recon_platform.capacity.leaving import leave_the_fence
from recon_platform.capacity.machines import Machines
from recon_platform.capacity.numbering import numbered_again
from recon_platform.capacity.own import Given, own_of, what_is_given
from recon_platform.capacity.own_work import KIND_COLUMNS, OF_FAMILY, OF_KIND
from recon_platform.capacity.people import in_small_numbers, staffed
from recon_platform.capacity.problem import (
    CENTER,
    FREE,
    HELD,
    KIND,
    MACHINE,
    OPERATION,
    ORDER,
    SOFT,
    Array,
    Problem,
    on_cache_lines,
    sealed,
)
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

MOST_SUPPLIERS = 32_000  # orders that feed one operation; the record counts them in 16 bits


@dataclass(frozen=True, slots=True)
class Prepared:
    """A problem and what turns its solution back into tables; `operations` has one row per operation, in its order.
    `gave_way`: by order, whether it is sequenced as if due later."""

    problem: Problem
    operations: pl.DataFrame
    orders: pl.DataFrame
    machines: Machines
    kept: Kept
    refused: pl.DataFrame
    approved: Approved
    origin: datetime
    gave_way: Array


def prepare(
    frames: Frames,
    context: PlanContext,
    *,
    hold: Hold = Hold.AS_POLICY,
    reuse: Reuse | None = None,
    given: Given | None = None,
) -> Prepared:
    """Read everything the scheduler needs from conformed, reconciled and material tables.

    `hold`: how firmly machines and sequence in force are kept. With nothing new, `Hold.ALL` gives the schedule in force.
    `reuse`: what was prepared before; only orders that differ from those first prepared are read again. `given`: what of
    these tables was read ahead with those of other plans (`read_together`).
    """
    reuse = reuse or Reuse()
    given = given or what_is_given(frames, context, hold=hold, reuse=reuse)
    own = own_of(given, reuse)
    approved, machines, rules, origin = given.approved, given.machines, given.rules, origin_of(context.as_of)
    operations, orders, times = own.operations, own.orders, own.times
    kind, kind_of = numbered_again(
        own.by_order, [OF_KIND + name for name in KIND_COLUMNS], reuse, own.differing, given.shared
    )
    kinds, people = reuse.of(_kind_records, kind, given.people, len(given.skills))
    pool_ptr, staff = reuse.of(staffed, people, len(given.skills))
    of_family = [OF_FAMILY + name for name in family_columns(rules)]
    family, family_of = numbered_again(own.by_order, of_family, reuse, own.differing, given.shared)
    changeovers = reuse.of(
        code_families,
        family.rename(lambda name: name.removeprefix(OF_FAMILY)),
        rules,
        machines.machines,
        machines.centers.height,
    )
    kept = Kept(times, sequence_of(times))
    group, group_ptr, group_op = _groups(operations, times["state"], frames["order_links"], reuse)
    records = _operation_records(operations, times, kind_of, family_of, group, hold)
    order_records, link_to = _order_records(orders, operations, frames["order_links"], records, origin)
    fence = machines.centers.select(fence_minutes(context, pl.col("work_center"))).to_series().to_numpy()
    center = _center_records(machines, changeovers.family[: changeovers.families], fence)
    leave_the_fence(records, order_records, link_to, fence[operations["center"].to_numpy()])
    machine_records, kept_ops = _machine_records(machines, kept, changeovers.machine_family)
    problem = sealed(Problem(
        operation=records, order=order_records, link_to=link_to, family=changeovers.family,
        family_value=changeovers.value, family_code=changeovers.code, matrix_at=changeovers.matrix_at,
        matrix_size=changeovers.matrix_size, matrix=changeovers.matrix, kind=kinds, machine=machine_records,
        open_start=machines.intervals["start"].to_numpy(), open_end=machines.intervals["end"].to_numpy(),
        kept=kept_ops.astype(np.int32), center=center, group_ptr=group_ptr, group_op=group_op,
        pool_ptr=pool_ptr, staff=staff, tool_ptr=given.tool_ptr, end_of_time=machines.horizon + 1,
        batch_wait=int(context.policy.capacity.batch_wait_minutes), sibling_pull=int(approved.sibling_pull),
    ))  # fmt: skip
    stretch = machines.centers["elapsed_per_working"].to_numpy()[operations["center"].to_numpy()]
    gave_way = set_latest_giving_way(problem, stretch.astype(np.float32), context.policy.capacity.give_way_days)
    return Prepared(problem, operations, orders, machines, kept, own.refused, approved, origin, gave_way)


def _kind_records(alike: pl.DataFrame, people: pl.DataFrame, limited: int) -> tuple[Array, pl.DataFrame]:
    """Kind records, and the people there in the unit the records count them in; `limited`: how many skills are."""
    kinds = np.zeros(max(1, alike.height), KIND)
    if alike.height:
        for name in KIND_COLUMNS:
            kinds[name] = alike[OF_KIND + name].to_numpy()
    return kinds, in_small_numbers(people, limited, kinds) if limited else people


_GROUPED_BY = ("row", "work_order", "op_seq", "center", "continuity", "campaign", "lot")


def _groups(
    operations: pl.DataFrame, state: pl.Series, feeds: pl.DataFrame, reuse: Reuse
) -> tuple[Array, Array, Array]:
    """Continuity groups: operations of one lot, coil or campaign at a work center that keeps them together.

    Operations in force, pinned, at a vendor, under a maximum wait, or of orders that feed another made order are left out; one
    sequence step each. So no member ever waits for another.
    """
    group, none = np.full(operations.height, -1, np.int32), np.zeros(0, np.int32)
    kept, alone, elapsed, pinned = (
        operations.get_column(name) for name in ("continuity", "chained", "elapsed", "pinned")
    )
    rows = np.flatnonzero((kept.is_not_null() & ~alone & (state == FREE) & (elapsed < 0) & (pinned < 0)).to_numpy())
    if not rows.size:
        return group, np.zeros(1, np.int32), none
    alike = pl.DataFrame([operations.get_column(name)[rows] for name in _GROUPED_BY])
    members = reuse.of(_members, alike, feeds.select("supply_order", "demand_order"))
    if members.is_empty():
        return group, np.zeros(1, np.int32), none
    of_group, row = (members.get_column(name).to_numpy() for name in ("group", "row"))
    group[row] = of_group
    return group, np.concatenate([[0], np.cumsum(np.bincount(of_group))]).astype(np.int32), row.astype(np.int32)


def _members(operations: pl.DataFrame, feeds: pl.DataFrame) -> pl.DataFrame:
    """group, row: members of groups of two and more among `operations` (`_GROUPED_BY`) that may be grouped."""
    together = (
        pl.when(pl.col("continuity") == "campaign").then("campaign")
        .when(pl.col("continuity") == "lot").then("lot")
        .when(pl.col("continuity") == "coil").then("lot")
        .otherwise(None)
    )  # fmt: skip
    members = operations.lazy().with_columns(together.alias("together"))
    for end in ("supply_order", "demand_order"):
        members = members.join(feeds.lazy(), left_on="work_order", right_on=end, how="anti", maintain_order="left")
    return (
        members.filter(pl.col("together").is_not_null())
        .with_columns(pl.len().over("center", "together", "op_seq").alias("size"))
        .filter(pl.col("size") > 1)
        .with_columns((pl.struct("center", "together", "op_seq").rank("dense") - 1).cast(pl.Int32).alias("group"))
        .sort("group", "row")
        .select("group", "row")
        .collect()
    )


def _operation_records(
    operations: pl.DataFrame, times: pl.DataFrame, kind: Array, family: Array, group: Array, hold: Hold
) -> Array:
    records = on_cache_lines(operations.height, OPERATION)
    records["latest"] = 0  # to be set
    for name in ("order", "run", "lag", "share", "max_wait", "qty", "elapsed"):
        records[name] = operations[name].to_numpy()
    for name in ("state", "ready", "ready_cause", "urgency"):
        records[name] = times[name].to_numpy()
    for name in ("home", "not_before"):
        records[name] = times[name].fill_null(-1).to_numpy()
    records["kind"], records["family"], records["group"] = kind, family, group
    records["preds"] = ~times["first"].to_numpy()
    if hold is Hold.ALL:
        records["state"][records["state"] == SOFT] = HELD
    return records


def _order_records(
    orders: pl.DataFrame, operations: pl.DataFrame, order_links: pl.DataFrame, records: Array, origin: datetime
) -> tuple[Array, Array]:
    """Order records and links; a component feeds the operation that consumes it, or the head of its waiting chain."""
    count = orders.height
    records_of = np.zeros(count + 1, ORDER)
    records_of["first"][1:] = np.cumsum(orders["operations"].to_numpy())
    due = orders.select(minute_up("due_at", origin).clip(-1_000_000_000, 1_000_000_000))["due_at"].to_numpy()
    records_of["due"][:count] = due
    records_of["weight"][:count] = orders["weight"].to_numpy()
    number = orders.lazy().select("work_order", "order")
    links = (
        order_links.lazy()
        .select("supply_order", "demand_order", "op_seq")
        .join(number.rename({"work_order": "supply_order", "order": "supply"}), on="supply_order")
        .join(number.rename({"work_order": "demand_order", "order": "demand"}), on="demand_order")
        .filter(pl.col("supply") != pl.col("demand"))
        .select(pl.col("supply", "demand").cast(pl.Int64), "op_seq")
        .collect()
    )
    supply, target = links["supply"].to_numpy(), _consuming(links, operations, records_of, records)
    size = np.int64(max(1, operations.height))
    pairs = np.unique(supply * size + target)
    supply, target = pairs // size, pairs % size
    most = int(np.bincount(target).max(initial=0))
    if most > MOST_SUPPLIERS:
        raise ValueError(
            f"order_links: expected at most {MOST_SUPPLIERS} orders that feed one operation, found {most}; check for a dummy order"
        )
    records["preds"] += np.bincount(target, minlength=records.shape[0]).astype(records["preds"].dtype)
    counts = np.bincount(supply, minlength=count + 1)
    records_of["link_ptr"] = np.concatenate([[0], np.cumsum(counts[:count])])
    feeds = np.zeros(count + 1, bool)
    feeds[supply] = True
    records_of["scored"] = ~feeds
    return records_of, target.astype(np.int32)


OP_BITS = 32


def _consuming(links: pl.DataFrame, operations: pl.DataFrame, order_records: Array, records: Array) -> Array:
    """The operation each link feeds: the first of the order at `op_seq` or later, its first where there is none."""
    if links.is_empty():
        return np.zeros(0, np.int64)
    place = (records["order"].astype(np.int64) << OP_BITS) + operations["op_seq"].to_numpy()
    demand = links["demand"].to_numpy()
    target = np.searchsorted(place, (demand << OP_BITS) + links["op_seq"].fill_null(0).to_numpy())
    first, end = order_records["first"][demand], order_records["first"][demand + 1]
    target = np.where(target < end, target, first).astype(np.int64)
    for _ in range(64):
        behind = (records["max_wait"][target] >= 0) & (target > first)
        if not behind.any():
            break
        target = np.where(behind, target - 1, target)
    return target


def _machine_records(machines: Machines, kept: Kept, standing: Array) -> tuple[Array, Array]:
    frame = machines.machines
    records = np.zeros(frame.height + 1, MACHINE)
    count = frame.height
    records["center"][:count] = frame["center"].to_numpy()
    records["speed"][:count] = frame["speed"].to_numpy()
    records["speed"][count] = 1.0
    records["family"][:count] = standing
    opens = (
        np.bincount(machines.intervals["index"].to_numpy(), minlength=count)
        if machines.intervals.height
        else np.zeros(count)
    )
    records["open_ptr"] = np.concatenate([[0], np.cumsum(opens)])
    index = kept.sequence["index"].to_numpy()
    keeps = np.bincount(index, minlength=count) if index.size else np.zeros(count)
    records["kept_ptr"] = np.concatenate([[0], np.cumsum(keeps)])
    return records, kept.sequence["row"].cast(pl.Int32).to_numpy()


def _center_records(machines: Machines, family: Array, fence: Array) -> Array:
    centers = machines.centers
    records = np.zeros(centers.height + 1, CENTER)
    count = centers.height
    of_machines = np.bincount(machines.machines["center"].to_numpy(), minlength=count)
    of_families = np.bincount(family["center"], minlength=count) if family.size else np.zeros(count)
    records["machines"] = np.concatenate([[0], np.cumsum(of_machines)])
    records["families"] = np.concatenate([[0], np.cumsum(of_families)])
    groups = centers.select(pl.col("sibling_group").rank("dense").cast(pl.Int64) - 1)["sibling_group"].fill_null(-1)
    records["sibling"][:count] = groups.to_numpy()
    records["sibling"][count] = -1
    records["sibling_speed"][:count] = centers["sibling_speed"].to_numpy()
    records["fence"][:count] = fence
    return records
