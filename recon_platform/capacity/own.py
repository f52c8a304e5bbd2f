"""What the orders of a plan bring, put together: read once, and again for the orders that differ.

Belongs here: what one plan is read from (`Given`), which of its orders differ from those prepared first, and their rows, made
alone or for many plans in one go. What an order brings by itself stands in `own_work`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from recon_platform.capacity.approved import Approved, read_approved
from recon_platform.capacity.changeovers import SETUP, changeover_rules
from recon_platform.capacity.clock import origin_of
from recon_platform.capacity.kept import Hold
from recon_platform.capacity.machines import Machines, read_machines
from recon_platform.capacity.own_work import OF_CENTERS, OF_MACHINES, longest_open, own_rows, unplaceable
from recon_platform.capacity.people import people_there
from recon_platform.capacity.problem import Array
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Differing, Reuse, only, same
from recon_platform.tables.splice import Keyed, rows_of, rows_of_many

OPEN_TIME = ("work_centers", "machines", "working_time", "downtime_events")
PEOPLE = ("labour", "labour_exceptions", "calendars", "calendar_exceptions")
ROUTED_BY = ("routings", "work_centers")
"""Tables that the steps of preparing read, and none besides."""

_NEEDED = (
    "work_order", "op_seq", "work_center", "qty", "started_at", "elapsed", "center", "continuity", "campaign", "lot",
    "chained", "pinned", "run", "lag", "share", "max_wait",
)  # fmt: skip
"""Columns of operations that are read once their kinds and families have numbers."""

Rows = tuple[pl.DataFrame, ...]
"""Tables as `own_rows` makes them."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the orders of one plan are read from: `tables` by order, `shared` by all orders, and `longest` (`longest_open`).

    `differing`: orders that differ from those of the plan prepared first; None where all are read. `rows`: theirs, where
    they were made ahead.
    """

    hold: Hold
    approved: Approved
    machines: Machines
    skills: list[str]
    people: pl.DataFrame
    tool_ptr: Array
    rules: pl.DataFrame
    tables: Keyed
    differing: Differing | None
    longest: pl.DataFrame
    shared: tuple[object, ...]
    rows: Rows | None = None

    def read_like(self, other: Given) -> bool:
        """Whether the orders of both are read from the same besides their own tables."""
        return self.tables.keys() == other.tables.keys() and same(
            (self.shared, self.longest), (other.shared, other.longest)
        )


@dataclass(frozen=True, slots=True)
class Own:
    """What orders bring by themselves, put together: `times` and `operations` row by row, by order and operation."""

    by_order: pl.DataFrame  # `operations` as they are spliced together
    operations: pl.DataFrame  # `_NEEDED` of them, `order` and `row`
    orders: pl.DataFrame
    times: pl.DataFrame
    refused: pl.DataFrame
    differing: Differing | None  # orders that differ from those first prepared


def what_is_given(
    frames: Frames, context: PlanContext, *, hold: Hold, reuse: Reuse, approved: Approved | None = None
) -> Given:
    """What a plan of these tables is prepared from, and how firmly it holds the sequence in force."""
    approved = approved or read_approved(frames, context)
    machines = reuse.of(read_machines, only(frames, *OPEN_TIME), context, approved.overtime)
    skills, there = reuse.of(
        people_there,
        only(frames, *PEOPLE),
        context,
        machines.horizon + 1,
        granted=approved.overtime.height > 0,
    )
    tools, tool_ptr = _tools(frames.get("tools"))
    rules = reuse.of(changeover_rules, machines.machines, only(frames, *SETUP))
    tables: Keyed = {
        "supply_orders": (frames["supply_orders"], "order"),
        **{name: (frames[name], "work_order") for name in ("reconciled_orders", "reconciled_operations")},
        "siblings": (approved.siblings, "work_order"), "pins": (approved.pins, "work_order"),
        "released": (approved.released, "work_order"),
    }  # fmt: skip
    published = frames.get("published.schedule")
    if published is not None and published.height:
        tables = {**tables, "published": (published, "work_order")}
    shared = (
        only(frames, *ROUTED_BY, *SETUP), context, machines.centers.select(OF_CENTERS), machines.machines.select(OF_MACHINES),
        origin_of(context.as_of), skills, tools, rules, hold,
    )  # fmt: skip
    return Given(
        hold, approved, machines, skills, there, tool_ptr, rules, tables,
        _with_shared_loads(reuse.differing(tables), tables),
        reuse.of(longest_open, machines.machines, machines.intervals), shared,
    )  # fmt: skip


def read_together(all_given: Sequence[Given]) -> list[Given]:
    """The same with the rows of orders that differ made, those of all plans in one go: for few orders a step costs by the
    step. An order brings its rows by itself, whichever plan it is in; each plan has orders of its own here."""
    made = list(all_given)
    own = {k: one.differing.of(one.tables) for k, one in enumerate(made) if one.differing and one.differing.keys.len()}
    while own:
        first = made[next(iter(own))]
        alike = [k for k in own if first.read_like(made[k])]
        tables = [own.pop(k) for k in alike]
        for k, rows in zip(alike, rows_of_many(own_rows, tables, *first.shared, first.longest), strict=True):
            made[k] = replace(made[k], rows=rows)
    return made


def own_of(given: Given, reuse: Reuse) -> Own:
    """What every order brings by itself; read anew for the orders that differ from those `reuse` knows."""
    differing = given.differing

    def rows(made: Rows | None) -> Rows:
        return reuse.by_key(
            own_rows, given.tables, *given.shared, besides=(given.longest,), differing=differing, made=made
        )

    made = rows(given.rows)
    if differing is not None:
        before = reuse.of_base(longest_open, given.shared, lambda: given.longest, differing)
        others = _placed_otherwise(made[0], before, given)
        if others.len():
            differing = differing.and_also(others)
            made = rows(None)
    _, operations, orders, times, refused = made
    orders = orders.with_columns(pl.int_range(pl.len(), dtype=pl.Int32).alias("order"))
    numbers = np.repeat(np.arange(orders.height, dtype=np.int32), orders["operations"].to_numpy())
    # Column by column: a selection would copy all stretches of all columns into one.
    numbered = pl.DataFrame([operations.get_column(name) for name in _NEEDED]).with_columns(
        pl.Series("order", numbers), pl.int_range(pl.len(), dtype=pl.Int32).alias("row")
    )
    return Own(operations, numbered, orders, times.rechunk(), refused, differing)


def _placed_otherwise(listed: pl.DataFrame, before: pl.DataFrame | None, given: Given) -> pl.Series:
    """Orders that machines as long open as `before` could all do and those of the plan cannot, or the reverse."""
    if before is None or before.equals(given.longest):
        return pl.Series([], dtype=pl.String)
    both = (before, given.longest)
    centers = pl.concat(_apart(*both)).get_column("work_center").unique()
    there = listed.filter(pl.col("work_center").is_in(centers.implode()))
    bad = [unplaceable({"operations": there}, longest, given.machines.centers.select(OF_CENTERS)) for longest in both]
    return pl.concat(_apart(*bad)).get_column("work_order").unique().sort()


def _apart(one: pl.DataFrame, other: pl.DataFrame) -> list[pl.DataFrame]:
    """Rows of either that the other has not."""
    return [a.join(b, on=a.columns, how="anti", nulls_equal=True) for a, b in ((one, other), (other, one))]


def _with_shared_loads(differing: Differing | None, tables: Keyed) -> Differing | None:
    """`differing`, and orders that lie in one furnace with those: which of them is told to take the time depends on all."""
    if differing is None or differing.keys.is_empty():
        return differing
    load = ["machine", "started_at"]
    inside = pl.concat(
        [side["reconciled_operations"][0].lazy().select("work_order", *load).drop_nulls() for side in (differing.base, tables)]
    ).collect()  # fmt: skip
    while True:
        mine = rows_of(inside, "work_order", differing.keys)
        beside = inside.join(mine, on=load, how="semi").get_column("work_order").unique()
        more = beside.filter(~beside.is_in(differing.keys.implode()))
        if more.is_empty():
            return differing
        differing = differing.and_also(more)


def _tools(tools: pl.DataFrame | None) -> tuple[list[str], Array]:
    """Tools there are copies of, and where the copies of each begin among all."""
    known = tools.filter(pl.col("copies") > 0).sort("tool") if tools is not None else None
    names: list[str] = known["tool"].to_list() if known is not None else []
    copies = known["copies"].to_list() if known is not None else []
    return names, np.concatenate([[0], np.cumsum(copies)]).astype(np.int32)
