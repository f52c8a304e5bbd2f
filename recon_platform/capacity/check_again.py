"""The independent check of a plan made again after a stop: what differs from the plan that was checked, and all it can touch.

Every constraint speaks of one operation, of one order and those linked to it, of one machine, or of people and tools in one
minute. Where none of these differs from a plan that passed under the same facts, nothing can be broken that was not. So the
same constraints are judged on fewer rows: machines, orders and minutes that something changed on. Whatever is found there is
judged again by the whole check, whose word counts. Belongs here: which rows those are. Shares no code with the scheduler.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.capacity.check import Touched, check_schedule, violations_in
from recon_platform.capacity.check_rows import facts_of_operations, in_turn, joined_rows, open_time_of
from recon_platform.tables.asked import laid_over
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

CHECKED_BEFORE = ("schedule", "working_time", "downtime_events")
"""Tables of the plan that was checked which may differ from those of the plan to be judged; all others are the same."""
MOST = 0.5  # share of operations that may be touched; beyond it the whole check costs less
_KEY = ["work_order", "op_seq"]
_PLACE = [*_KEY, "work_center", "machine", "setup_start", "start", "end", "qty"]
_FREED = ["frozen", "previous_start"]
_SPAN = {"machine": pl.String(), "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}


def check_after(frames: Frames, before: Frames, context: PlanContext, *, most: float = MOST) -> pl.DataFrame:
    """Violations as `check_schedule` finds them in `frames`, given that it found none with the tables of `before` (`CHECKED_BEFORE`) in
    their place, as of the same instant and whatever schedule was in force then. `most`: share of operations that may be touched; with more all are judged."""
    schedule, published = frames["schedule"], frames.get("published.schedule")
    if published is None:
        return check_schedule(frames, context)
    apart = pl.concat([_apart(schedule, before["schedule"]), _apart(schedule, published)])
    open_time = open_time_of(frames, context)
    once = open_time_of(laid_over(frames, {name: before[name] for name in CHECKED_BEFORE}), context)
    opened = pl.concat(
        [open_time.join(once, on=list(_SPAN), how="anti"), once.join(open_time, on=list(_SPAN), how="anti")]
    )
    machines = pl.concat([apart["machine"], opened["machine"]]).unique()
    orders = _with_linked(apart["work_order"].unique(), frames["order_links"])
    later = schedule.select(*_KEY, "setup_start", "end", "machine").join(
        apart.select(_KEY).unique(), on=_KEY, how="semi"
    )
    busy = _union(pl.concat([later.select(pl.col("setup_start").alias("start"), "end"), opened.select("start", "end")]))
    marks = schedule.select(
        pl.col("machine").is_in(machines.implode()).fill_null(False).alias("machine"),
        pl.col("work_order").is_in(orders.implode()).alias("order"),
        pl.Series("time", _meets(schedule, busy)),
    )
    near = marks.select(pl.any_horizontal("machine", "order")).to_series()
    if near.sum() > most * schedule.height:
        return check_schedule(frames, context)
    facts = facts_of_operations(frames, context)

    def joined(which: pl.Series) -> pl.LazyFrame:
        return joined_rows(laid_over(frames, {"schedule": schedule.filter(which)}), context, facts)

    rows = in_turn(joined(near), frames)
    touched = Touched(
        rows.filter(pl.col("machine").is_in(machines.implode())), rows.filter(pl.col("work_order").is_in(orders.implode())),
        joined(near | marks["time"]),
    )  # fmt: skip
    found = violations_in(rows, touched, open_time, frames, context)
    return found if found.is_empty() else check_schedule(frames, context)


def _apart(now: pl.DataFrame, then: pl.DataFrame) -> pl.DataFrame:
    """Key and machine of the operations that have not the same place in both, or are freed of less now.

    What is frozen, or stands in force, is freed from a constraint: what gains that can break none that it did not.
    """
    if now.height != then.height or not now.select(_KEY).equals(then.select(_KEY)):
        one, other = (side.select(*_PLACE, *_FREED) for side in (now, then))
        alone = (a.join(b, on=a.columns, how="anti", nulls_equal=True) for a, b in ((one, other), (other, one)))
        return pl.concat([side.select(*_KEY, "machine") for side in alone])
    unlike = pl.select(
        pl.any_horizontal(
            *(pl.lit(now[name]).ne_missing(pl.lit(then[name])) for name in _PLACE),
            pl.lit(then["frozen"]) & ~pl.lit(now["frozen"]),
            pl.lit(then["previous_start"]).is_not_null() & pl.lit(now["previous_start"]).is_null(),
        )
    ).to_series()
    return pl.concat([side.filter(unlike).select(*_KEY, "machine") for side in (now, then)])


def _with_linked(orders: pl.Series, links: pl.DataFrame) -> pl.Series:
    """`orders`, and those that make their components or take what they make."""
    beside = links.filter(
        pl.col("supply_order").is_in(orders.implode()) | pl.col("demand_order").is_in(orders.implode())
    )
    return pl.concat([orders, beside["supply_order"], beside["demand_order"]]).unique()


def _union(spans: pl.DataFrame) -> pl.DataFrame:
    """The same time in spans (`start`, `end`) that do not meet, the first first."""
    ordered = spans.filter(pl.col("end") > pl.col("start")).sort("start", "end")
    reach = pl.col("end").cum_max().shift(1)
    block = (reach.is_null() | (pl.col("start") > reach)).cum_sum()
    return ordered.group_by(block.alias("block"), maintain_order=True).agg(pl.col("start").min(), pl.col("end").max())


def _meets(rows: pl.DataFrame, spans: pl.DataFrame) -> NDArray[np.bool_]:
    """Which `rows` lie, from set-up to end, in any of `spans` (`_union`)."""
    if spans.is_empty():
        return np.zeros(rows.height, np.bool_)
    start, end = (spans[name].to_physical().to_numpy() for name in ("start", "end"))
    first, last = (rows[name].to_physical().to_numpy() for name in ("setup_start", "end"))
    before = np.searchsorted(start, last, side="left") - 1
    met: NDArray[np.bool_] = (before >= 0) & (end[np.maximum(before, 0)] > first)
    return met
