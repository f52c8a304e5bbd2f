"""What each order brings to a problem by itself: its operations, with all that other orders have no part in.

Belongs here: the steps that may be made for some orders alone (`Reuse.by_key`), so that a trial makes again only those its change
touches. What needs all orders (numbers, groups, links) stands in `prepare`.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from recon_platform.capacity.approved import redirect, with_pins
from recon_platform.capacity.backlog import read_backlog
from recon_platform.capacity.causes import FENCE, MATERIAL, RELEASE
from recon_platform.capacity.causes import NOW as AT_ONCE
from recon_platform.capacity.changeovers import SETTING_UP, what_sets_up
from recon_platform.capacity.clock import minute_up
from recon_platform.capacity.kept import Hold, what_is_kept
from recon_platform.capacity.left import load_minutes_left, under_way, vendor_minutes_left
from recon_platform.capacity.problem import FREE, SOFT
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

OF_CENTERS = ("work_center", "center", "external", "efficiency", "continuity", "sibling_speed")
OF_MACHINES = ("machine", "work_center", "index")
OF_FAMILY, OF_KIND = "family:", "kind:"
"""What the columns begin with that make operations one family, or one kind."""


def own_rows(
    tables: Frames, facts: Frames, context: PlanContext, centers: pl.DataFrame, machines: pl.DataFrame, origin: datetime,
    skills: list[str], tools: list[str], rules: pl.DataFrame, hold: Hold, longest: pl.DataFrame,
) -> tuple[pl.DataFrame, ...]:  # fmt: skip
    """(listed, operations, orders, times, refused): all that orders bring by themselves, each by work order.

    `tables`: those of orders, with `siblings`, `pins`, `released` and, where a schedule is in force, `published`; `facts`:
    routings, work centers and what operations set up for. `listed`: all operations, as far as it tells whether they can be placed;
    the others are of orders that can. `longest`: of `longest_open`; of it depends only which orders those are.
    """
    listed, orders, refused = own_work(tables, facts, context, centers, machines)
    bad = unplaceable({"operations": listed}, longest, centers)
    operations, placed = own_facts(
        {"operations": listed, "orders": orders}, bad, centers, origin, skills, tools, rules, facts
    )
    times = own_times({**tables, "operations": operations, "orders": placed}, machines, context, origin, hold)
    if bad.height:
        refused = pl.concat([refused, bad]).unique("work_order", keep="first", maintain_order=True).sort("work_order")
    return listed.select(_PLACED_BY), operations, placed, times, refused


def own_work(
    tables: Frames, facts: Frames, context: PlanContext, centers: pl.DataFrame, machines: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(operations, orders, refused) as `read_backlog`, at the work centers and on the machines that people decided.

    `tables`: those of orders, with `siblings` and `pins`; `facts`: routings and work centers.
    """
    operations, orders, refused = read_backlog({**tables, **facts}, context)
    operations = with_pins(redirect(operations, tables["siblings"], centers), tables["pins"], machines)
    return operations, orders, refused


_PLACED_BY = (
    "work_order", "op_seq", "work_center", "qty", "run_min_per_unit", "batch_minutes", "pausable",
)  # fmt: skip


def longest_open(machines: pl.DataFrame, intervals: pl.DataFrame) -> pl.DataFrame:
    """work_center, longest, speed, count: the longest stretch a machine of it is open, the fastest machine, and how many."""
    return (
        machines.join(
            intervals.group_by("index").agg((pl.col("end") - pl.col("start")).max().alias("longest")),
            on="index", how="left",
        )
        .group_by("work_center")
        .agg(pl.col("longest").max(), pl.col("speed").max(), pl.col("machine").count().alias("count"))
        .sort("work_center")
    )  # fmt: skip


def unplaceable(tables: Frames, longest: pl.DataFrame, centers: pl.DataFrame) -> pl.DataFrame:
    """work_order, reason: orders with an operation (`_PLACED_BY`) no machine can ever do, as there is none, it never works, or
    the run is too long to pause. `longest`: of `longest_open`."""
    facts = centers.select("work_center", "external", "efficiency")
    checked = tables["operations"].join(longest, on="work_center", how="left").join(facts, on="work_center", how="left")
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
        .sort("work_order", "op_seq")
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


def own_facts(
    tables: Frames, bad: pl.DataFrame, centers: pl.DataFrame, origin: datetime, skills: list[str], tools: list[str],
    rules: pl.DataFrame, setup: Frames,
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """(operations, orders) that can be placed. Operations with their facts and what makes them a kind (`kind:…`) and a set-up
    family (`family:…`); orders with the number of their `operations`. `tables`: operations, orders; `bad`: orders that
    cannot (`unplaceable`).
    """
    orders, operations = (
        tables[name].lazy().join(bad.lazy(), on="work_order", how="anti", maintain_order="left")
        for name in ("orders", "operations")
    )
    orders = orders.with_row_index("order").with_columns(pl.col("order").cast(pl.Int32)).collect().lazy()
    made = (
        _facts(operations, orders.select(_OF_ORDERS), centers.lazy(), origin)
        .with_columns(_kind(skills, tools))
        .collect()
    )
    families = what_sets_up(made.select(SETTING_UP), rules, setup)
    number = made.lazy().group_by("work_order").agg(pl.len().cast(pl.Int32).alias("operations"))
    return (
        made.drop("order", "row", "loads").hstack(families.rename(lambda name: OF_FAMILY + name)),
        orders.drop("order").join(number, on="work_order", maintain_order="left").collect(),
    )


def _facts(operations: pl.LazyFrame, orders: pl.LazyFrame, centers: pl.LazyFrame, origin: datetime) -> pl.LazyFrame:
    """Everything about an operation that needs its order or work center; `order` and `row` count those that are given, in the
    order of their keys."""
    joined = (
        operations.join(centers.drop("sibling_speed"), on="work_center", how="left", maintain_order="left")
        .join(orders, on="work_order", maintain_order="left")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int32))
    )
    external = pl.col("external") & pl.col("external_days").is_not_null()
    furnace = pl.col("batch_minutes").is_not_null() & ~pl.col("external")
    most = pl.when(pl.col("batch_max") > 0).then("batch_max").otherwise(None)
    number = pl.max_horizontal((pl.col("qty") / most - 1e-9).ceil(), pl.lit(1.0)).fill_null(1.0)
    loads, run, shared = (pl.col(name) for name in ("loads", "run", "shared"))
    # Columns of their own where others build on them: written out in each, they are taken apart each time.
    joined = joined.with_columns(number.alias("loads")).with_columns(
        pl.when(furnace & under_way())
        .then(load_minutes_left(origin, most))
        .when(furnace)
        .then(loads * pl.col("batch_minutes"))
        .otherwise(pl.col("qty") * pl.col("run_min_per_unit") / pl.col("efficiency"))
        .alias("run"),
        (furnace & ~under_way() & (loads <= 1.0) & most.is_not_null() & pl.col("tool").is_null()).alias("shared"),
    )
    rounded = pl.when((run - run.round()).abs() < 1e-6).then(run.round()).otherwise(run)
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


def _kind(skills: list[str], tools: list[str]) -> list[pl.Expr]:
    """What a pass must know of the kind of an operation: people, tool, load, pause; skills and tools by their place."""
    inside = pl.col("elapsed") < 0
    pool, tool = ({name: k for k, name in enumerate(names)} for names in (skills, tools))
    people = {
        phase: (pl.col(f"{phase}_people").fill_null(1.0) * 100).round().cast(pl.Int32) for phase in ("setup", "run")
    }

    def place(column: str, known: dict[str, int]) -> pl.Expr:
        number = pl.col(column).replace_strict(known, default=-1, return_dtype=pl.Int32)
        return pl.when(inside).then(number).fill_null(-1)

    made = {
        **{
            f"{phase}_pool": pl.when(people[phase] > 0).then(place(f"{phase}_skill", pool)).otherwise(-1)
            for phase in ("setup", "run")
        },
        **{f"{phase}_people": people[phase] for phase in ("setup", "run")},
        "tool": place("tool", tool),
        "batch_max": pl.when("shared").then("batch_max").otherwise(0.0).fill_null(0.0),
        "batch_min": pl.when("shared").then("batch_min").otherwise(0.0).fill_null(0.0),
        "pausable": pl.col("pausable").fill_null(True).cast(pl.UInt8),
    }
    return [made[name].alias(OF_KIND + name) for name in KIND_COLUMNS]


KIND_COLUMNS = ("setup_pool", "run_pool", "setup_people", "run_people", "tool", "batch_max", "batch_min", "pausable")


def own_times(
    tables: Frames, machines: pl.DataFrame, context: PlanContext, origin: datetime, hold: Hold
) -> pl.DataFrame:
    """Per operation what is kept of the schedule in force (`what_is_kept`) and from when on it may start: `ready` with its
    cause, `urgency`, and whether it is the `first` of its order.

    `tables`: operations, orders, released, and `published` where a schedule is in force.
    """
    operations, orders = tables["operations"], tables["orders"]
    rows = what_is_kept(operations, tables.get("published"), tables["released"], machines, context, hold)
    pull = int(context.policy.capacity.pull_ahead_days * 1440)
    start = (
        pl.col("start_date")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(context.plant.timezone, ambiguous="earliest", non_existent="null")
    )
    times = orders.select(
        pl.max_horizontal(
            minute_up("earliest_at", origin), minute_up("not_before", origin), pl.lit(0)
        ).fill_null(0).alias("material"),
        pl.when(pl.col("begun") | (pl.col("order_status") == "in_process")).then(0)
        .otherwise(minute_up(start.dt.convert_time_zone("UTC"), origin) - pull).fill_null(0).alias("release"),
    )  # fmt: skip
    index = np.repeat(np.arange(orders.height), orders["operations"].to_numpy())
    first = np.concatenate([[True], index[1:] != index[:-1]]) if operations.height else np.zeros(0, bool)
    state = rows["state"].to_numpy()
    material = np.where(first, times["material"].to_numpy()[index], 0)
    waits = (state == FREE) | ((hold is not Hold.AS_POLICY) & (state == SOFT))
    release = np.where(first & waits, times["release"].to_numpy()[index], 0)
    fence = rows["closed_until"].fill_null(0).to_numpy()
    running = operations["status"].is_in(["running", "setup", "paused"]).to_numpy()
    material = np.where(running, 0, material)
    ready = np.maximum(np.maximum(material, release), np.maximum(fence, 0))
    cause = np.full(operations.height, AT_ONCE, np.uint8)
    cause[ready > 0] = MATERIAL
    cause[(ready > 0) & (release == ready) & (release > material)] = RELEASE
    cause[(ready > 0) & (fence == ready) & (fence > np.maximum(material, release))] = FENCE
    run = operations["run"].to_numpy().astype(np.float32)
    urgency = np.log(orders["weight"].to_numpy()[index] / np.maximum(run, 1.0)).astype(np.float32)
    return rows.with_columns(
        pl.Series("ready", np.minimum(ready, 2_000_000_000).astype(np.int32)), pl.Series("ready_cause", cause),
        pl.Series("urgency", urgency), pl.Series("first", first),
    )  # fmt: skip
