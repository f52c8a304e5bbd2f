"""Capacity load per work center and day: as required at MRP dates, and as scheduled.

Belongs here: counting minutes. `required` needs no schedule: it shows where the constraint is before one is made.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numba as nb
import numpy as np
import polars as pl

from recon_platform.capacity.backlog import read_backlog
from recon_platform.capacity.causes import BATCH
from recon_platform.capacity.clock import instant, minute_up, origin_of
from recon_platform.capacity.machines import Machines, read_machines
from recon_platform.capacity.problem import Array, Solution
from recon_platform.tables.capacity import CAPACITY_LOAD, REQUIRED_LOAD
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

if TYPE_CHECKING:
    from recon_platform.capacity.prepare import Prepared

MICRO = 1_000_000


def _micro(minutes: pl.Expr) -> pl.Expr:
    """Minutes in whole millionths: sums of integers do not depend on the order in which threads add them."""
    return (minutes.fill_nan(None) * MICRO).round().cast(pl.Int64)


def required_load(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """`required_load`: every operation left, whole, on its MRP day.

    The MRP day of an operation lies between start and need date of its order, in proportion to the work before it;
    what should have been done already falls on the planning date. External work centers are counted by their queue
    of work, without availability.
    """
    machines = read_machines(frames, context)
    operations, orders, _ = read_backlog(frames, context)
    joined = operations.join(machines.centers.select("work_center", "efficiency", "external"), on="work_center").join(
        orders.select("work_order", "start_date", pl.col("due_at").dt.convert_time_zone(context.plant.timezone).dt.date().alias("need")),
        on="work_order",
    )  # fmt: skip
    run = pl.coalesce(
        (pl.col("qty") / pl.col("batch_max").fill_nan(None)).fill_null(1.0).ceil() * pl.col("batch_minutes"),
        pl.col("qty") * pl.col("run_min_per_unit") / pl.col("efficiency"),
    )
    begun = pl.col("status").is_in(["running", "paused"])
    joined = joined.with_columns(
        _micro(run).alias("run"),
        _micro(pl.when(begun).then(0.0).otherwise("setup_min")).alias("setup"),
        pl.coalesce("start_date", "need").alias("start_date"),
    ).sort("work_order", "op_seq")
    work = pl.col("run") + pl.col("setup")
    before = work.cum_sum().over("work_order") - work / 2
    share = (before / work.sum().over("work_order")).fill_nan(0.5).clip(0.0, 1.0)
    span = (pl.col("need") - pl.col("start_date")).dt.total_days().clip(0)
    day = pl.col("start_date") + pl.duration(days=(share * span).round())
    loaded = (
        joined.select(
            "work_center",
            pl.max_horizontal(day.cast(pl.Date), pl.lit(context.planning_date)).alias("bucket_start"),
            "run", "setup",
        )
        .group_by("work_center", "bucket_start")
        .agg(
            ((pl.col("run") + pl.col("setup")).sum() / MICRO).alias("loaded_min"),
            (pl.col("setup").sum() / MICRO).alias("setup_min"),
        )
    )  # fmt: skip
    return {"required_load": REQUIRED_LOAD.frame(_with_available(loaded, machines, context, "required", None))}


def load_after_downtime(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame] | None:
    """`required_load` from that of the night (`previous.required_load`), where only downtime is otherwise than then.

    Work falls on the days it fell on; the working time of each day is counted anew. None where a day without load has
    lost all of its working time: whether work that takes no time falls on it, the operations alone tell.
    """
    night = frames["previous.required_load"]
    loaded = night.filter((pl.col("loaded_min") > 0) | (pl.col("available_min") <= 0))
    loaded = loaded.select("work_center", "bucket_start", "loaded_min", "setup_min")
    made = REQUIRED_LOAD.frame(_with_available(loaded, read_machines(frames, context), context, "required", None))
    if night.join(made, on=["work_center", "bucket_start"], how="anti").height:
        return None
    return {"required_load": made}


def scheduled_load(
    placed: pl.DataFrame, machines: Machines, context: PlanContext, base: Machines | None = None
) -> pl.DataFrame:
    """Load as scheduled. `placed`: index, at, m_setup, m_start, m_end, bound, elapsed; `base`: machines without overtime."""
    done = placed.filter((pl.col("index") >= 0) & (pl.col("elapsed") < 0) & (pl.col("bound") != "batch"))
    setup = done.select(
        "index",
        pl.col("at").alias("work_center"),
        pl.col("m_setup").alias("from"),
        pl.col("m_start").alias("to"),
        pl.lit(True).alias("is_setup"),
    )
    run = done.select("index", pl.col("at").alias("work_center"), pl.col("m_start").alias("from"), pl.col("m_end").alias("to"), pl.lit(False).alias("is_setup"))  # fmt: skip
    pieces = _by_day(pl.concat([setup, run]).filter(pl.col("to") > pl.col("from")), context)
    windows = [pieces[name].cast(pl.Int64).to_numpy() for name in ("index", "from", "to")]
    worked = open_minutes(*_by_machine(machines), *windows)
    regular = worked if base is None else open_minutes(*_by_machine(base), *windows)
    loaded = (
        pieces.with_columns(pl.Series("min", worked), pl.Series("over", worked - regular))
        .group_by("work_center", "bucket_start")
        .agg(
            pl.col("min").sum().alias("loaded_min"),
            pl.col("min").filter(pl.col("is_setup")).sum().alias("setup_min"),
            pl.col("over").sum().alias("overtime_min"),
        )
    )
    return _with_available(loaded, base or machines, context, "scheduled", "overtime_min")


def work_by_center(
    prepared: Prepared, state: Solution, context: PlanContext, base: Machines | None = None
) -> pl.DataFrame:
    """Load as scheduled per work center, all its days in the bucket of the planning date and nothing said of what is available:
    for the hours of a plan that is only compared. `base` as in `scheduled_load`."""
    machines, place = prepared.machines, state.placement
    own_time = (place["machine"] >= 0) & (prepared.problem.operation["elapsed"] < 0) & (state.course["bound"] != BATCH)
    rows = np.flatnonzero(own_time)
    index, begin, start, end = (
        place[name][rows].astype(np.int64) for name in ("machine", "setup_start", "start", "end")
    )
    opened = _by_machine(machines)
    setup = open_minutes(*opened, index, begin, start)
    worked = setup + open_minutes(*opened, index, start, end)
    regular = worked if base is None else open_minutes(*_by_machine(base), index, begin, end)
    center = machines.machines["center"].to_numpy()[index]
    there = np.unique(center)
    minutes = {
        name: np.bincount(center, of_rows)[there]
        for name, of_rows in (("loaded_min", worked), ("setup_min", setup), ("overtime_min", worked - regular))
    }
    return CAPACITY_LOAD.frame(
        pl.DataFrame({"work_center": machines.centers["work_center"].gather(there), **minutes})
        .with_columns(
            pl.lit(context.planning_date).alias("bucket_start"), pl.lit("scheduled").alias("basis"),
            pl.lit(0.0).alias("available_min"),
        )
    )  # fmt: skip


def _by_machine(machines: Machines) -> tuple[Array, Array, Array]:
    """Where the open intervals of each machine begin in the list of all, and their starts and ends."""
    counts = np.bincount(machines.intervals["index"].to_numpy(), minlength=machines.machines.height)
    start, end = (machines.intervals[name].to_numpy().astype(np.int64) for name in ("start", "end"))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), start, end


@nb.njit(cache=True, nogil=True)
def open_minutes(at: Array, opens: Array, closes: Array, index: Array, start: Array, end: Array) -> Array:
    """Open minutes of machine `index` in [start, end), for many windows at once."""
    found = np.zeros(index.shape[0])
    for k in range(index.shape[0]):
        low, high = at[index[k]], at[index[k] + 1]
        last = high
        while low < high:  # the first interval that is not over at the start of the window
            middle = (low + high) // 2
            if closes[middle] <= start[k]:
                low = middle + 1
            else:
                high = middle
        while low < last and opens[low] < end[k]:
            found[k] += max(0, min(closes[low], end[k]) - max(opens[low], start[k]))
            low += 1
    return found


def capacity_load(required: pl.DataFrame, scheduled: pl.DataFrame) -> pl.DataFrame:
    """Both bases in one table."""
    return CAPACITY_LOAD.frame(
        pl.concat([required, CAPACITY_LOAD.frame(scheduled)]).sort("work_center", "bucket_start", "basis")
    )


def _by_day(pieces: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Windows (minutes `from`, `to`) cut at midnight in plant time; adds bucket_start."""
    if pieces.is_empty():
        return pieces.with_columns(pl.lit(None, pl.Date).alias("bucket_start"))
    origin = origin_of(context.as_of)
    zone = context.plant.timezone
    begin, end = (pieces[name].to_numpy() for name in ("from", "to"))
    ends = pl.DataFrame({"at": [begin.min(), end.max()]}).select(
        instant("at", origin).dt.convert_time_zone(zone).dt.date()
    )
    first, last = ends.to_series()
    days = pl.date_range(first, last + timedelta(days=1), eager=True).alias("bucket_start")
    midnights = (
        days.to_frame().select(minute_up(_midnight(pl.col("bucket_start"), zone), origin)).to_series().to_numpy()
    )
    day = np.searchsorted(midnights, begin, side="right") - 1
    count = np.searchsorted(midnights, end - 1, side="right") - day
    of = np.repeat(np.arange(pieces.height), count)
    day = day[of] + np.arange(of.size) - np.repeat(np.cumsum(count) - count, count)
    return pieces[of].with_columns(
        pl.Series("from", np.maximum(begin[of], midnights[day])),
        pl.Series("to", np.minimum(end[of], midnights[day + 1])),
        days.gather(day),
    )


def _midnight(day: pl.Expr, zone: str) -> pl.Expr:
    """The first instant of a day: where clocks are set forward at midnight there is none of that name, and one o'clock is it."""
    midnight, next_hour = (
        (day.cast(pl.Datetime("us")) + pl.duration(hours=hour)).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
        for hour in (0, 1)
    )
    return pl.coalesce(midnight, next_hour).dt.convert_time_zone("UTC")


def _with_available(
    loaded: pl.DataFrame, machines: Machines, context: PlanContext, basis: str, overtime: str | None
) -> pl.DataFrame:
    """Load joined to the regular working time of each day; days without either are left out."""
    centers = machines.machines.join(
        machines.centers.filter(~pl.col("external")).select("work_center"), on="work_center", how="semi"
    )
    open_time = machines.intervals.join(centers.select("index", "work_center"), on="index").select(
        "index", "work_center", pl.col("start").cast(pl.Int64).alias("from"), pl.col("end").cast(pl.Int64).alias("to")
    )
    available = (
        _by_day(open_time, context)
        .group_by("work_center", "bucket_start")
        .agg((pl.col("to") - pl.col("from")).sum().cast(pl.Float64).alias("available_min"))
    )
    return (
        available.join(loaded, on=["work_center", "bucket_start"], how="full", coalesce=True)
        .select(
            "work_center", "bucket_start", pl.lit(basis).alias("basis"), pl.col("available_min").fill_null(0.0),
            pl.col("loaded_min").cast(pl.Float64).fill_null(0.0), pl.col("setup_min").cast(pl.Float64).fill_null(0.0),
            (pl.col(overtime).cast(pl.Float64).fill_null(0.0) if overtime else pl.lit(0.0)).alias("overtime_min"),
        )
        .sort("work_center", "bucket_start")
    )  # fmt: skip
