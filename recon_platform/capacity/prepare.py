"""From tables to a `Problem`: numbers instead of keys, minutes instead of instants, records instead of frames.

Belongs here: putting together what `backlog`, `machines`, `changeovers`, `people`, `kept` and `approved` read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from recon_platform.capacity.approved import Approved, read_approved, redirect, with_pins
from recon_platform.capacity.backlog import read_backlog
from recon_platform.capacity.causes import FENCE, MATERIAL, RELEASE
from recon_platform.capacity.causes import NOW as AT_ONCE
from recon_platform.capacity.changeovers import SETTING_UP, build_changeovers
from recon_platform.capacity.clock import minute_up, origin_of
from recon_platform.capacity.kept import KEPT_BY, Kept, what_is_kept
from recon_platform.capacity.latest import set_latest
from recon_platform.capacity.left import load_minutes_left, under_way, vendor_minutes_left
from recon_platform.capacity.machines import Machines, read_machines
from recon_platform.capacity.people import in_small_numbers, people_by_minute, staffed
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
    sealed,
)
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only

MOST_SUPPLIERS = 32_000  # orders that feed one operation; the record counts them in 16 bits
OPEN_TIME = ("work_centers", "machines", "working_time", "downtime_events")
PEOPLE = ("labour", "labour_exceptions", "calendars", "calendar_exceptions")
SETUP = ("setup_matrix", "setup_attributes", "lots", "items")
"""Tables that the steps of preparing read, and none besides."""
FOR_EVER = 10_000.0  # days: beyond any horizon


@dataclass(frozen=True, slots=True)
class Prepared:
    """A problem and what turns its solution back into tables; `operations` has one row per operation, in its order."""

    problem: Problem
    operations: pl.DataFrame
    orders: pl.DataFrame
    machines: Machines
    kept: Kept
    refused: pl.DataFrame
    approved: Approved
    origin: datetime


def prepare(frames: Frames, context: PlanContext, *, held: bool = False, reuse: Reuse | None = None) -> Prepared:
    """Read everything the scheduler needs from conformed, reconciled and material tables.

    `held`: machines and sequence in force are kept through the whole horizon as the frozen ones are, though an operation may
    start earlier than in force where what stood before it is gone. With nothing new the schedule in force comes out.
    `reuse`: what was prepared before; steps that read the same as then are not done again.
    """
    reuse = reuse or Reuse()
    of = pl.DataFrame.select
    origin = origin_of(context.as_of)
    approved = read_approved(frames, context)
    operations, orders, refused = read_backlog(frames, context, reuse)
    machines = reuse.of(read_machines, only(frames, *OPEN_TIME), context, approved.overtime)
    operations = reuse.of(_where_approved, operations, approved.siblings, approved.pins, machines)
    operations, orders, refused = _placeable(
        operations, orders, refused, reuse.of(_unplaceable, of(operations, _PLACED_BY), machines)
    )
    orders = orders.with_row_index("order").with_columns(pl.col("order").cast(pl.Int32))
    of_orders, of_centers = orders.select(_OF_ORDERS), machines.centers.select(_OF_CENTERS)
    operations = reuse.of(_facts, operations, of_orders, of_centers, origin)
    names, by_minute = reuse.of(
        people_by_minute, only(frames, *PEOPLE), context, machines.horizon + 1, approved.overtime
    )
    kinds, people, tool_ptr, kind_of = reuse.of(
        _kinds, of(operations, _OF_KIND), only(frames, "tools"), names, by_minute
    )
    operations = reuse.of(_of_kind, operations, kind_of)
    in_force = only(frames, "published.schedule")
    days = FOR_EVER if held else context.policy.capacity.match_up_days
    kept = reuse.of(
        what_is_kept, of(operations, KEPT_BY), machines.machines, in_force, context, approved.released, days
    )
    pool_ptr, staff = reuse.of(staffed, people)
    changeovers = reuse.of(
        build_changeovers,
        of(operations, SETTING_UP),
        machines.machines,
        machines.centers.height,
        only(frames, *SETUP),
        reuse,
    )
    grouped = of(operations, _TOGETHER)
    group, group_ptr, group_op = reuse.of(_groups, grouped, kept, only(frames, "order_links"))
    records = _operation_records(operations, orders, kept, changeovers.operation_family, group, context, origin, held)
    order_records, link_to = _order_records(orders, operations, frames, records, origin)
    machine_records, kept_ops = _machine_records(machines, kept, changeovers.machine_family)
    problem = sealed(Problem(
        operation=records, order=order_records, link_to=link_to, family=changeovers.family,
        family_value=changeovers.value, family_code=changeovers.code, matrix_at=changeovers.matrix_at,
        matrix_size=changeovers.matrix_size, matrix=changeovers.matrix, kind=kinds, machine=machine_records,
        open_start=machines.intervals["start"].to_numpy(), open_end=machines.intervals["end"].to_numpy(),
        kept=kept_ops.astype(np.int32), center=_center_records(machines, changeovers.family[: changeovers.families]), group_ptr=group_ptr, group_op=group_op,
        pool_ptr=pool_ptr, staff=staff, tool_ptr=tool_ptr, end_of_time=machines.horizon + 1,
        batch_wait=int(context.policy.capacity.batch_wait_minutes), sibling_pull=int(approved.sibling_pull),
    ))  # fmt: skip
    stretch = machines.centers["elapsed_per_working"].to_numpy()[operations["center"].to_numpy()]
    set_latest(problem, stretch.astype(np.float32))
    return Prepared(problem, operations, orders, machines, kept, refused, approved, origin)


def _where_approved(
    operations: pl.DataFrame, siblings: pl.DataFrame, pins: pl.DataFrame, machines: Machines
) -> pl.DataFrame:
    """`operations` at the work centers and on the machines that people decided."""
    return with_pins(redirect(operations, siblings, machines.centers), pins, machines.machines)


def _of_kind(operations: pl.DataFrame, kind_of: Array) -> pl.DataFrame:
    return operations.with_columns(pl.Series("kind", kind_of))


def _placeable(
    operations: pl.DataFrame, orders: pl.DataFrame, refused: pl.DataFrame, bad: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Take the orders of `bad` (work_order, reason) out of the backlog and count them among the refused."""
    if bad.is_empty():
        return operations, orders, refused
    refused = pl.concat([refused, bad]).unique("work_order", keep="first", maintain_order=True).sort("work_order")
    keep = operations.join(bad, on="work_order", how="anti", maintain_order="left")
    return keep, orders.join(bad, on="work_order", how="anti", maintain_order="left"), refused


_PLACED_BY = (
    "work_order", "op_seq", "work_center", "qty", "run_min_per_unit", "batch_minutes", "pausable",
)  # fmt: skip


def _unplaceable(operations: pl.DataFrame, machines: Machines) -> pl.DataFrame:
    """work_order, reason: orders with an operation no machine can ever do, as there is none, it never works, or the run is
    too long to pause."""
    longest = (
        machines.machines.join(
            machines.intervals.group_by("index").agg((pl.col("end") - pl.col("start")).max().alias("longest")),
            on="index", how="left",
        )
        .group_by("work_center")
        .agg(pl.col("longest").max(), pl.col("speed").max(), pl.col("machine").count().alias("count"))
    )  # fmt: skip
    facts = machines.centers.select("work_center", "external", "efficiency")
    checked = (
        operations.join(longest, on="work_center", how="left")
        .join(facts, on="work_center", how="left")
        .sort("work_order", "op_seq")
    )
    run = pl.when(pl.col("batch_minutes").is_not_null()).then("batch_minutes").otherwise(
        pl.col("qty") * pl.col("run_min_per_unit") / pl.col("efficiency")
    ) / pl.col("speed")
    where: list[str | pl.Expr] = ["operation ", pl.col("op_seq").cast(pl.String), " at ", pl.col("work_center"), ": "]
    reason = (
        pl.when(pl.col("external")).then(None)
        .when(pl.col("count").is_null()).then(_text(*where, "no machine there; add machines or another routing"))
        .when(pl.col("longest").is_null()).then(_text(*where, "no working time; check its calendar"))
        .when(~pl.col("pausable") & (run > pl.col("longest") + 1e-6))
        .then(_text(*where, "may not pause and needs ", run.ceil().cast(pl.Int64).cast(pl.String),
                    " min, longest working time is ", pl.col("longest").cast(pl.String), " min; allow a pause or split"))
        .otherwise(None)
    )  # fmt: skip
    return (
        checked.with_columns(reason.alias("reason"))
        .drop_nulls("reason")
        .unique("work_order", keep="first", maintain_order=True)
        .select("work_order", "reason")
    )


def _text(*parts: str | pl.Expr) -> pl.Expr:
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts], ignore_nulls=True)


_ONE_LOAD = (
    "batch_minutes", "batch_max", "batch_min", "setup_skill", "setup_people", "run_skill", "run_people", "pausable",
)  # fmt: skip
"""What operations must have in common to share a load, besides their set-up."""


_OF_ORDERS = ("work_order", "order", "item", "lot", "campaign")
_OF_CENTERS = ("work_center", "center", "external", "efficiency", "continuity")


def _facts(operations: pl.DataFrame, orders: pl.DataFrame, centers: pl.DataFrame, origin: datetime) -> pl.DataFrame:
    """Everything about an operation that needs its order (`_OF_ORDERS`) or work center (`_OF_CENTERS`), and its row number."""
    joined = (
        operations.join(centers, on="work_center", how="left", maintain_order="left")
        .join(orders, on="work_order", maintain_order="left")
        .sort("order", "op_seq")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int32))
    )
    external = pl.col("external") & pl.col("external_days").is_not_null()
    furnace = pl.col("batch_minutes").is_not_null() & ~pl.col("external")
    most = pl.when(pl.col("batch_max") > 0).then("batch_max").otherwise(None)
    loads = pl.max_horizontal((pl.col("qty") / most - 1e-9).ceil(), pl.lit(1.0)).fill_null(1.0)
    run = (
        pl.when(furnace & under_way())
        .then(load_minutes_left(origin, most))
        .when(furnace)
        .then(loads * pl.col("batch_minutes"))
        .otherwise(pl.col("qty") * pl.col("run_min_per_unit") / pl.col("efficiency"))
    )
    rounded = pl.when((run - run.round()).abs() < 1e-6).then(run.round()).otherwise(run)
    shared = furnace & ~under_way() & (loads <= 1.0) & most.is_not_null() & pl.col("tool").is_null()
    elapsed = (
        pl.when(external)
        .then(vendor_minutes_left(origin))
        .when(pl.col("external"))
        .then((pl.col("setup_min") + run).ceil())
        .otherwise(-1)
    )
    joined = joined.with_columns(
        pl.when(pl.col("external")).then(0.0).otherwise(rounded.clip(1.0)).alias("run"),
        elapsed.cast(pl.Int32).alias("elapsed"),
        shared.alias("shared"),
        pl.when(shared).then(pl.concat_str(
            [pl.col(name).cast(pl.String).fill_null("-") for name in _ONE_LOAD], separator="/"
        )).alias("batch_key"),
        pl.when(pl.col("external") | (pl.col("status").is_in(["running", "paused"]))).then(0.0).otherwise("setup_min")
        .alias("setup_min"),
    )  # fmt: skip
    following = pl.col("order").shift(-1) == pl.col("order")
    overlap = (
        following & (pl.col("overlap_qty") > 0) & (pl.col("overlap_qty") < pl.col("qty")) & (pl.col("elapsed") < 0)
        & ~pl.col("shared") & ~furnace & (pl.col("elapsed").shift(-1) < 0) & pl.col("batch_minutes").shift(-1).is_null()
    )  # fmt: skip
    lag = pl.col("move_min") + pl.col("queue_min").shift(-1, fill_value=0.0)
    wait_before = (
        pl.when(pl.col("order").shift(1) == pl.col("order"))
        .then(pl.when(pl.col("elapsed").shift(1) < 0).then(pl.col("max_wait_min").shift(1)))
        .otherwise(None)
    )
    waits_after = following & pl.col("max_wait_min").is_not_null() & (pl.col("elapsed") < 0)
    return joined.with_columns(
        (waits_after | wait_before.is_not_null()).fill_null(False).alias("chained"),
        pl.when(following).then(lag.ceil()).otherwise(0.0).cast(pl.Int32).alias("lag"),
        pl.when(overlap.fill_null(False) & (pl.col("max_wait_min").is_null()))
        .then(pl.col("overlap_qty") / pl.col("qty")).otherwise(1.0).alias("share"),
        pl.when(wait_before.is_null()).then(-1)
        .otherwise(pl.max_horizontal(wait_before.floor(), (lag.shift(1)).ceil())).cast(pl.Int32).alias("max_wait"),
    )  # fmt: skip


_OF_KIND = (
    "setup_skill", "run_skill", "setup_people", "run_people", "tool", "elapsed", "shared", "batch_max", "batch_min", "pausable",
)  # fmt: skip


def _kinds(
    operations: pl.DataFrame, frames: Frames, names: list[str], people: Array
) -> tuple[Array, Array, Array, Array]:
    """(kind records, people by minute, copies of tools, kind of each operation); `people` of the skills `names` by minute."""
    pool = {name: k for k, name in enumerate(names)}
    tools = frames.get("tools")
    known = tools.filter(pl.col("copies") > 0).sort("tool") if tools is not None else None
    tool_names = known["tool"].to_list() if known is not None else []
    copies = known["copies"].to_list() if known is not None else []
    tool_ptr = np.concatenate([[0], np.cumsum(copies)]).astype(np.int32)
    number = {name: k for k, name in enumerate(tool_names)}
    inside = pl.col("elapsed") < 0
    columns = operations.select(
        pl.when(inside).then(pl.col("setup_skill").replace_strict(pool, default=-1, return_dtype=pl.Int32)).alias("setup_pool"),
        pl.when(inside).then(pl.col("run_skill").replace_strict(pool, default=-1, return_dtype=pl.Int32)).alias("run_pool"),
        (pl.col("setup_people").fill_null(1.0) * 100).round().cast(pl.Int32).alias("setup_people"),
        (pl.col("run_people").fill_null(1.0) * 100).round().cast(pl.Int32).alias("run_people"),
        pl.when(inside).then(pl.col("tool").replace_strict(number, default=-1, return_dtype=pl.Int32)).alias("tool"),
        pl.when("shared").then("batch_max").otherwise(0.0).fill_null(0.0).alias("batch_max"),
        pl.when("shared").then("batch_min").otherwise(0.0).fill_null(0.0).alias("batch_min"),
        pl.col("pausable").fill_null(True).cast(pl.UInt8).alias("pausable"),
    ).with_columns(pl.col("setup_pool", "run_pool", "tool").fill_null(-1))  # fmt: skip
    columns = columns.with_columns(
        pl.when(pl.col("setup_people") > 0).then("setup_pool").otherwise(-1).alias("setup_pool"),
        pl.when(pl.col("run_people") > 0).then("run_pool").otherwise(-1).alias("run_pool"),
    )
    unique = columns.unique().sort(columns.columns).with_row_index("kind")
    kind_of = (
        columns.join(unique, on=columns.columns, how="left", maintain_order="left")["kind"].cast(pl.Int32).to_numpy()
    )
    kinds = np.zeros(max(1, unique.height), KIND)
    if unique.height:
        for name in columns.columns:
            kinds[name] = unique[name].to_numpy()
    return kinds, in_small_numbers(people, kinds) if names else people, tool_ptr, kind_of


_TOGETHER = (
    "row", "work_order", "op_seq", "center", "continuity", "campaign", "lot", "chained", "elapsed", "pinned",
)  # fmt: skip


def _groups(operations: pl.DataFrame, kept: Kept, frames: Frames) -> tuple[Array, Array, Array]:
    """Continuity groups: operations of one lot, coil or campaign at a work center that keeps them together.

    Operations in force, pinned, at a vendor, under a maximum wait, or of orders that feed another made order are left out; one
    sequence step each. So no member ever waits for another.
    """
    n = operations.height
    feeds = frames["order_links"]
    linked = pl.concat(
        [
            feeds.select(pl.col("supply_order").alias("work_order")),
            feeds.select(pl.col("demand_order").alias("work_order")),
        ]
    ).unique()
    key = (
        pl.when(pl.col("continuity") == "campaign").then("campaign")
        .when(pl.col("continuity") == "lot").then("lot")
        .when(pl.col("continuity") == "coil").then("lot")
        .otherwise(None)
    )  # fmt: skip
    members = (
        operations.with_columns(key.alias("together"), kept.rows["state"].alias("state"))
        .filter(
            pl.col("together").is_not_null()
            & ~pl.col("chained")
            & (pl.col("state") == FREE)
            & (pl.col("elapsed") < 0)
            & (pl.col("pinned") < 0)
        )
        .join(linked, on="work_order", how="anti", maintain_order="left")
        .with_columns(pl.len().over("center", "together", "op_seq").alias("size"))
        .filter(pl.col("size") > 1)
    )
    group = np.full(n, -1, np.int32)
    if members.is_empty():
        return group, np.zeros(1, np.int32), np.zeros(0, np.int32)
    numbered = members.with_columns(
        (pl.struct("center", "together", "op_seq").rank("dense") - 1).cast(pl.Int32).alias("group")
    ).sort("group", "row")
    group[numbered["row"].to_numpy()] = numbered["group"].to_numpy()
    counts = np.bincount(numbered["group"].to_numpy())
    return group, np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), numbered["row"].cast(pl.Int32).to_numpy()


def _operation_records(
    operations: pl.DataFrame, orders: pl.DataFrame, kept: Kept, family: Array, group: Array, context: PlanContext,
    origin: datetime, held: bool,
) -> Array:  # fmt: skip
    records = np.zeros(operations.height, OPERATION)
    for name in ("order", "kind", "run", "lag", "share", "max_wait", "qty", "elapsed"):
        records[name] = operations[name].to_numpy()
    records["family"] = family
    records["group"] = group
    rows = kept.rows
    records["state"] = rows["state"].to_numpy()
    records["home"] = rows["home"].fill_null(-1).to_numpy()
    records["not_before"] = rows["not_before"].fill_null(-1).to_numpy()
    pull = int(context.policy.capacity.pull_ahead_days * 1440)
    zone = context.plant.timezone
    start = (
        pl.col("start_date")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    )
    times = orders.select(
        pl.max_horizontal(
            minute_up("earliest_at", origin), minute_up("not_before", origin), pl.lit(0)
        ).fill_null(0).alias("material"),
        pl.when(pl.col("begun") | (pl.col("order_status") == "in_process")).then(0)
        .otherwise(minute_up(start.dt.convert_time_zone("UTC"), origin) - pull).fill_null(0).alias("release"),
    )  # fmt: skip
    index = records["order"]
    first = np.concatenate([[True], index[1:] != index[:-1]]) if operations.height else np.zeros(0, bool)
    material = np.where(first, times["material"].to_numpy()[index], 0)
    waits = (records["state"] == FREE) | (held & (records["state"] == SOFT))
    release = np.where(first & waits, times["release"].to_numpy()[index], 0)
    fence = rows["closed_until"].fill_null(0).to_numpy()
    running = operations["status"].is_in(["running", "setup", "paused"]).to_numpy()
    material = np.where(running, 0, material)
    ready = np.maximum(np.maximum(material, release), np.maximum(fence, 0))
    records["ready"] = np.minimum(ready, 2_000_000_000)
    cause = np.full(operations.height, AT_ONCE, np.uint8)
    cause[ready > 0] = MATERIAL
    cause[(ready > 0) & (release == ready) & (release > material)] = RELEASE
    cause[(ready > 0) & (fence == ready) & (fence > np.maximum(material, release))] = FENCE
    records["ready_cause"] = cause
    weight = orders["weight"].to_numpy()[index]
    records["urgency"] = np.log(weight / np.maximum(records["run"], 1.0))
    records["preds"] = np.where(first, 0, 1)
    if held:
        records["state"][records["state"] == SOFT] = HELD
    return records


def _order_records(
    orders: pl.DataFrame, operations: pl.DataFrame, frames: Frames, records: Array, origin: datetime
) -> tuple[Array, Array]:
    """Order records and links; a component feeds the operation that consumes it, or the head of its waiting chain."""
    count = orders.height
    records_of = np.zeros(count + 1, ORDER)
    firsts = operations.group_by("order").agg(pl.col("row").min()).sort("order")["row"].to_numpy()
    records_of["first"][:count] = firsts
    records_of["first"][count] = operations.height
    due = orders.select(minute_up("due_at", origin).clip(-1_000_000_000, 1_000_000_000))["due_at"].to_numpy()
    records_of["due"][:count] = due
    records_of["weight"][:count] = orders["weight"].to_numpy()
    number = orders.select("work_order", "order")
    links = (
        frames["order_links"]
        .select("supply_order", "demand_order", "op_seq")
        .unique()
        .join(number.rename({"work_order": "supply_order", "order": "supply"}), on="supply_order")
        .join(number.rename({"work_order": "demand_order", "order": "demand"}), on="demand_order")
        .filter(pl.col("supply") != pl.col("demand"))
        .sort("supply", "demand", "op_seq")
    )
    target = _consuming(links, operations, records_of, records)
    pairs = (
        np.unique(np.stack([links["supply"].to_numpy(), target], axis=1), axis=0)
        if links.height
        else np.zeros((0, 2), int)
    )
    most = int(np.bincount(pairs[:, 1]).max(initial=0))
    if most > MOST_SUPPLIERS:
        raise ValueError(
            f"order_links: expected at most {MOST_SUPPLIERS} orders that feed one operation, found {most}; check for a dummy order"
        )
    np.add.at(records["preds"], pairs[:, 1], 1)
    counts = np.bincount(pairs[:, 0], minlength=count + 1)
    records_of["link_ptr"] = np.concatenate([[0], np.cumsum(counts[:count])])
    feeds = np.zeros(count + 1, bool)
    feeds[np.unique(pairs[:, 0])] = True
    records_of["scored"] = ~feeds
    return records_of, pairs[:, 1].astype(np.int32)


def _consuming(links: pl.DataFrame, operations: pl.DataFrame, order_records: Array, records: Array) -> Array:
    if links.is_empty():
        return np.zeros(0, np.int64)
    rows = operations.select(pl.col("order").alias("demand"), pl.col("op_seq").alias("at"), "row").sort("at")
    found = (
        links.with_row_index("link")
        .sort("op_seq")
        .join_asof(rows, left_on="op_seq", right_on="at", by="demand", strategy="forward", check_sortedness=False)
        .sort("link")
    )
    first = order_records["first"][links["demand"].to_numpy()]
    target = np.where(found["row"].is_null().to_numpy(), first, found["row"].fill_null(0).to_numpy()).astype(np.int64)
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


def _center_records(machines: Machines, family: Array) -> Array:
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
    return records
