"""The independent check of a schedule: every constraint looked at again, from the tables alone.

Shares no code with the scheduler on purpose: it reads the same tables and the definitions in `docs/scheduling.md`, and
nothing else. A rule that is wrong in one place shows as a difference here. Work before the planning instant is history
and is not judged.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import polars as pl

from recon_platform.capacity.check_grants import granted
from recon_platform.capacity.check_kept import continuity_problems, frozen_problems, pin_problems
from recon_platform.capacity.check_people import OF_PEOPLE, people_problems, tool_problems
from recon_platform.capacity.check_rows import (
    NO_VIOLATION,
    VIOLATION,
    minutes,
    occupations,
    open_time_of,
    problem,
    scheduled_rows,
    whole_minute,
)
from recon_platform.capacity.check_setups import setup_problems
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

SLACK_MIN = 0.11  # minutes forgiven for rounding of durations
_IN_ORDER = (
    "work_order", "op_seq", "work_center", "machine", "setup_start", "start", "end", "qty", "frozen", "previous_start", "status",
    "needs_min", "move_min", "queue_min", "max_wait_min", "overlap_qty", "batch_minutes", "external", "away", "earliest_at",
    "continuity", "campaign", "lot",
)  # fmt: skip
"""What is read of operations in the sequence of their orders: a wide table is sorted once, and no wider than it must be."""


def check_schedule(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Violations of the schedule in `frames["schedule"]`: constraint, work_order, op_seq, machine, detail. Empty: feasible.

    Constraints: unknown, duplicate, work_center, overlap, batch, working_time, duration, pause, precedence, component,
    material, max_wait, setup, labour, tool, frozen, pin, continuity, past.
    """
    rows = scheduled_rows(frames, context)
    return violations_in(rows, Touched(rows, rows, rows.lazy()), open_time_of(frames, context), frames, context)


class Touched(NamedTuple):
    """The rows that constraints are judged on: all on some machines; all of some orders and those linked to them; all in some
    minutes, of which what stands in `OF_PEOPLE` is read."""

    on_machines: pl.DataFrame
    of_orders: pl.DataFrame
    at_times: pl.LazyFrame


def violations_in(
    rows: pl.DataFrame, touched: Touched, open_time: pl.DataFrame, frames: Frames, context: PlanContext
) -> pl.DataFrame:
    """What is broken on the machines, in the orders and in the minutes of `touched`; `rows` (`scheduled_rows`): those on the machines and
    in the orders."""
    if rows.is_empty():
        return NO_VIOLATION
    here, loads = touched.on_machines, occupations(touched.on_machines)
    by_order = touched.of_orders.select(_IN_ORDER).sort("work_order", "op_seq")
    all_by_order = by_order if touched.of_orders is rows else rows.select(_IN_ORDER).sort("work_order", "op_seq")
    with ThreadPoolExecutor(1) as pool:  # neither half asks for what the other finds
        in_minutes = pool.submit(_in_minutes, touched.at_times, open_time, frames, context)
        found = [
            _unknown(here), _twice(here), _center(here, frames), _past(here, context), _overlaps(loads), _batches(loads, here),
            *_times(here, open_time), *_order_of_work(by_order), _components(by_order, frames), _material(by_order, frames, context),
            frozen_problems(here, by_order, frames, context), pin_problems(here, frames, context), continuity_problems(all_by_order, frames, context),
            setup_problems(here, loads, frames, context),
        ]  # fmt: skip
    found += in_minutes.result()
    told = [
        violation.select(pl.col(name).cast(kind) for name, kind in VIOLATION.items())
        for violation in found
        if not violation.is_empty()
    ]
    return pl.concat(told).sort("constraint", "work_order", "op_seq", "detail") if told else NO_VIOLATION


def _in_minutes(
    rows: pl.LazyFrame, open_time: pl.DataFrame, frames: Frames, context: PlanContext
) -> list[pl.DataFrame]:
    """What is broken in the minutes of `rows`, by all that they use together."""
    used = rows.select(OF_PEOPLE).collect()
    return [people_problems(used, open_time, frames, context), tool_problems(used, frames)]


def _unknown(rows: pl.DataFrame) -> pl.DataFrame:
    bad = rows.filter(
        pl.col("routed_to").is_null() | (pl.col("machine_center").is_null() & ~pl.col("external").fill_null(False))
    )
    return problem(bad, "unknown", "operation or machine is not in the tables")


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    return problem(
        rows.filter(pl.struct("work_order", "op_seq").is_duplicated()), "duplicate", "operation is scheduled twice"
    )


def _center(rows: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Each operation at its work center, on a machine of it; elsewhere only with an approved move to a sibling."""
    wrong_machine = rows.filter(
        (pl.col("machine_center") != pl.col("work_center")) & ~pl.col("external").fill_null(False)
    )
    grants = granted(frames)
    moves = grants.filter(pl.col("kind") == "sibling").select("work_order", "op_seq")
    pull = not grants.filter(pl.col("kind") == "sibling_pull").is_empty()
    away = rows.filter("away").join(moves, on=["work_order", "op_seq"], how="anti")
    if pull:
        away = away.filter(pl.col("sibling_group").is_null() | (pl.col("sibling_group") != pl.col("routed_group")))
    return pl.concat(
        [
            problem(wrong_machine, "work_center", "machine does not belong to ", pl.col("work_center")),
            problem(away, "work_center", "routed to ", pl.col("routed_to"), ", scheduled at ", pl.col("work_center")),
        ]
    )


def _past(rows: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    bad = rows.filter(
        ((pl.col("setup_start_stated") < whole_minute(context)) & ~pl.col("status").is_in(["running", "paused", "setup"]))
        | (pl.col("start") < pl.col("setup_start")) | (pl.col("end") < pl.col("start"))
    )  # fmt: skip
    return problem(bad, "past", "starts before the planning instant, or times are not in order")


def _overlaps(loads: pl.DataFrame) -> pl.DataFrame:
    marked = loads.with_columns(pl.col("end").cum_max().shift(1).over("machine").alias("busy_until"))
    bad = marked.filter(pl.col("setup_start") < pl.col("busy_until"))
    return problem(
        bad, "overlap", "starts at ", pl.col("setup_start"), " while the machine is busy until ", pl.col("busy_until")
    )


def _batches(loads: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    over = loads.filter((pl.col("members") > 1) & (pl.col("load_qty") > pl.col("batch_max") * (1 + 1e-6)))
    return problem(over, "batch", "load of ", pl.col("load_qty"), " exceeds ", pl.col("batch_max"))


def _before(open_time: pl.DataFrame) -> pl.DataFrame:
    """Open time with the open minutes before each interval of its machine: machine, from, to, before; by `from`."""
    length = minutes(pl.col("end") - pl.col("start"))
    before = (length.cum_sum().over("machine") - length).alias("before")
    return open_time.select("machine", pl.col("start").alias("from"), pl.col("end").alias("to"), before).sort("from")


def _open_minutes(before: pl.DataFrame, windows: pl.DataFrame, start: str, end: str) -> pl.Series:
    """Open minutes of `machine` in [start, end) for each row of `windows`, in its order; `before` as from `_before`."""

    def upto(column: str) -> pl.Series:
        at = windows.select("machine", pl.col(column).alias("at")).with_row_index("nr").sort("at")
        found = at.join_asof(
            before, left_on="at", right_on="from", by="machine", strategy="backward", check_sortedness=False
        )
        inside = minutes(pl.min_horizontal("at", "to") - pl.col("from"))
        return found.with_columns((pl.col("before") + inside).fill_null(0.0).alias("sum")).sort("nr")["sum"]

    return upto(end) - upto(start)


def _times(rows: pl.DataFrame, open_time: pl.DataFrame) -> list[pl.DataFrame]:
    """Long enough in working time, starting and ending in it, and not paused where it may not be."""
    rows = rows.select(
        "work_order", "op_seq", "machine", "setup_start", "start", "end", "external", "needs_min", "pausable"
    )
    vendor = rows.filter(pl.col("external").fill_null(False))
    short_vendor = vendor.filter(minutes(pl.col("end") - pl.col("start")) < pl.col("needs_min") - SLACK_MIN)
    inside = rows.filter(~pl.col("external").fill_null(False))
    before = _before(open_time)
    run_open = _open_minutes(before, inside, "start", "end")
    inside = inside.with_columns(run_open.alias("run_open"))
    short = inside.filter(pl.col("run_open") < pl.col("needs_min") * (1 - 2e-6) - SLACK_MIN)
    first = inside.with_columns(
        (pl.col("setup_start") + pl.duration(minutes=1)).alias("next"),
        (pl.col("end") - pl.duration(minutes=1)).alias("last"),
    )
    opens = _open_minutes(before, first, "setup_start", "next")
    closes = _open_minutes(before, first, "last", "end")
    closed = first.filter(((opens < 1.0) | (closes < 1.0)) & (pl.col("end") > pl.col("setup_start")))
    whole = minutes(pl.col("end") - pl.col("start"))
    paused = inside.filter(~pl.col("pausable") & (pl.col("run_open") < whole - 1e-6))
    return [
        problem(short_vendor, "duration", "at the vendor for less than ", pl.col("needs_min"), " min"),
        problem(short, "duration", "has ", pl.col("run_open"), " working min, needs ", pl.col("needs_min")),
        problem(closed, "working_time", "starts or ends outside working time"),
        problem(paused, "pause", "pauses though it may not"),
    ]


def _order_of_work(by_order: pl.DataFrame) -> list[pl.DataFrame]:
    """Operations of an order in sequence with move, queue, overlap and longest waits."""
    same = pl.col("work_order") == pl.col("work_order").shift(1)
    before = by_order.with_columns(
        *(pl.when(same).then(pl.col(name).shift(1)).alias(f"b_{name}") for name in (
            "start", "end", "move_min", "max_wait_min", "overlap_qty", "qty", "needs_min", "frozen", "external", "batch_minutes")),
    ).filter(pl.col("b_end").is_not_null())  # fmt: skip
    lag = (pl.col("b_move_min") + pl.col("queue_min")).ceil()
    overlaps = (
        (pl.col("b_overlap_qty") > 0) & (pl.col("b_overlap_qty") < pl.col("b_qty")) & ~pl.col("b_external") & ~pl.col("external")
        & pl.col("b_batch_minutes").is_null() & pl.col("batch_minutes").is_null() & pl.col("b_max_wait_min").is_null()
    ).fill_null(False)  # fmt: skip
    ready = pl.col("b_end") + pl.duration(minutes=lag)
    bad = before.filter(~overlaps & (pl.col("setup_start") < ready))
    share = pl.col("b_overlap_qty") / pl.col("b_qty")
    first_batch = pl.col("b_start") + pl.duration(minutes=(share * pl.col("b_needs_min") - 0.2).floor() + lag)
    last_batch = pl.col("b_end") + pl.duration(minutes=lag + (share * pl.col("needs_min") - 0.2).floor())
    bad_overlap = before.filter(overlaps & ((pl.col("setup_start") < first_batch) | (pl.col("end") < last_batch)))
    longest = pl.max_horizontal(pl.col("b_max_wait_min").floor(), lag)
    waited = minutes(pl.col("start") - pl.col("b_end"))
    late = before.filter(
        pl.col("b_max_wait_min").is_not_null()
        & ~pl.col("b_external")
        & (waited > longest)
        & ~pl.col("frozen")
        & ~pl.col("b_frozen")
    )
    return [
        problem(
            bad, "precedence", "starts at ", pl.col("setup_start"), " before ", pl.col("b_end"), " + ", lag, " min"
        ),
        problem(bad_overlap, "precedence", "overlaps the operation before by more than a transfer batch"),
        problem(late, "max_wait", "waits ", waited, " min, may wait ", longest),
    ]


def _components(by_order: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Made components are there before the operation that takes them."""
    ends = by_order.group_by("work_order").agg(pl.col("end").last()).rename({"work_order": "supply_order"})
    takes = frames["order_links"].select(
        "supply_order", pl.col("demand_order").alias("work_order"), pl.col("op_seq").alias("at")
    )
    joined = takes.join(ends, on="supply_order").join(
        by_order.select("work_order", "op_seq", "machine", "setup_start"), on="work_order"
    )
    taken_at = (
        joined.filter(pl.col("at").is_null() | (pl.col("op_seq") >= pl.col("at")))
        .sort("op_seq")
        .group_by("supply_order", "work_order", "at", maintain_order=True)
        .first()
    )
    bad = taken_at.filter((pl.col("setup_start") < pl.col("end")) & (pl.col("supply_order") != pl.col("work_order")))
    return problem(bad, "component", "starts before ", pl.col("supply_order"), " ends at ", pl.col("end"))


def _material(by_order: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """The first operation left does not start before bought and stocked components can be there, unless begun."""
    first = by_order.unique("work_order", keep="first", maintain_order=True)
    floor = frames["reconciled_orders"].select("work_order", "not_before")
    joined = first.join(floor, on="work_order", how="left").with_columns(
        pl.max_horizontal("earliest_at", "not_before").alias("there")
    )
    bad = joined.filter(
        (pl.col("setup_start") < pl.col("there")) & ~pl.col("status").is_in(["running", "paused", "setup"])
    )
    return problem(bad, "material", "starts at ", pl.col("setup_start"), ", material is there at ", pl.col("there"))
