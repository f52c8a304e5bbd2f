"""Which change made which: every moved operation linked to the one that explains it, and the end of each chain.

Two schedules made by one rule part at the first instant at which something differs. An operation's *parting* is the
earlier of its two set-up starts: up to then both plans treat it alike. What made them treat it otherwise differs already
before, so a link leads to an operation whose parting is earlier; equal partings are followed only into an operation
that is explained by something earlier itself. Chains therefore end.

Belongs here: rows, links and roots. What counts as a fact of an operation's own, and its words, stand in `reasons`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.model import Frames

Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

DOUBLINGS = 20  # chains of up to a million links
TIES = 3  # rounds in which operations that part at the same instant may explain each other
NONE = -1


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What stands around each row: all pairs (`row`, `hit`) of it and the operations before it in its order, of its components,
    on its machine and in its place; when it parted, whether it moved, and what parted before it at its work center."""

    pairs: pl.DataFrame
    parting: Index
    moved: Flags
    queue: Index


def links(rows: pl.DataFrame, frames: Frames, own: Flags) -> tuple[Index, Neighbours]:
    """Row of the operation that explains each row's move, −1 where there is none; and all that stands around each.

    `rows`: `row`, `work_order`, `op_seq`, `what` and for both sides (`from_`, `to_`) `machine`, `center`, `setup`, `end`;
    `own`: rows with a fact of their own about their start. A later operation was kept from its old place: by the
    operation before it in its order, by the order that makes its component, or by what stands in its place. An earlier one
    could not start there before: the same three, in the schedule in force. Then what it follows, where that moved the same
    way; last what parted before it at its work center, whose queue is another since.
    """
    parting = (
        rows.select(pl.min_horizontal("from_setup", "to_setup").dt.timestamp("us").fill_null(0)).to_series().to_numpy()
    )
    moved = rows["what"].is_not_null().to_numpy()
    step, component = _before_it(rows, frames)
    candidates = [
        *(_in_the_way(pairs, rows.height) for pairs in (step, component)),
        *_in_its_place(rows),
        *(_moved_alike(pairs, rows.height) for pairs in (step, component)),
    ]
    best = np.full(rows.height, NONE, dtype=np.int64)
    for hit in candidates:
        to = np.maximum(hit, 0)
        fits = (hit >= 0) & (best < 0) & moved & (moved[to] | own[to]) & ((parting[to] < parting) | own[to])
        best = np.where(fits & (hit != np.arange(hit.size)), hit, best)
    for _ in range(TIES):
        explained = own | (best >= 0)
        for hit in candidates:
            to = np.maximum(hit, 0)
            fits = (hit >= 0) & (best < 0) & ~own & moved & (parting[to] == parting) & explained[to]
            best = np.where(fits & (hit != np.arange(hit.size)), hit, best)
    queue = _parted_before(rows, parting, moved)
    near = [pl.DataFrame({"row": rows["row"], "hit": hit}) for hit in candidates[2:4]]  # in its place
    near += [pairs.select("row", pl.col("hit").cast(pl.Int64)) for pairs in (step, component)]
    near += [_ahead_on_machine(rows, side) for side in ("from", "to")]
    pairs = pl.concat(near).filter(pl.col("hit") >= 0).unique(maintain_order=True)
    return np.where((best < 0) & moved, queue, best), Neighbours(pairs, parting, moved, queue)


def roots(link: Index, starts: Flags, lasts: Flags) -> Index:
    """The row whose fact explains each row, −1 where a chain ends without one.

    `starts`: rows with a fact about their own start. `lasts`: rows with a fact about how long they take, by which they
    moved others more than they were moved themselves; it explains the row's own start only where nothing else does.
    """
    if link.size == 0:
        return link
    here = np.arange(link.size)
    stops = starts | lasts
    jump = np.where(stops | (link < 0), here, link)
    for _ in range(DOUBLINGS):
        further = jump[jump]
        if (further == jump).all():
            break
        jump = further
    first = np.where(link >= 0, jump[np.maximum(link, 0)], here)
    end = np.where(starts, here, first)
    return np.where(stops[end], end, np.where(lasts, here, NONE))


def _before_it(rows: pl.DataFrame, frames: Frames) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of rows, with the times of both: the operation before each (`hit`) in its order; the last of the order that
    makes its component."""
    sides = ("from_setup", "to_setup", "from_bound", "to_bound")
    same = pl.col("work_order") == pl.col("work_order").shift(1)
    step = rows.sort("work_order", "op_seq").select(
        "row", *sides, "op_seq", "work_order",
        pl.when(same).then(pl.col("row").shift(1)).alias("hit"),
        *(pl.when(same).then(pl.col(name).shift(1)).alias(f"hit_{name}") for name in ("from_end", "to_end")),
    )  # fmt: skip
    first = step.group_by("work_order").agg(pl.col("op_seq").min().alias("first"))
    last = rows.group_by(pl.col("work_order").alias("supply_order")).agg(
        pl.col("row").sort_by("op_seq").last().alias("hit"), pl.col("from_end").max().alias("hit_from_end"),
        pl.col("to_end").max().alias("hit_to_end"),
    )  # fmt: skip
    component = (
        frames["order_links"]
        .join(first, left_on="demand_order", right_on="work_order")
        .select(
            "supply_order", pl.col("demand_order").alias("work_order"), pl.coalesce("op_seq", "first").alias("op_seq")
        )
        .join(last, on="supply_order")
        .join(step.select("row", "work_order", "op_seq", *sides), on=["work_order", "op_seq"])
    )
    return step, component


LATER = (pl.col("to_setup") > pl.col("from_setup")).fill_null(False)
EARLIER = (pl.col("to_setup") < pl.col("from_setup")).fill_null(False)
BEFORE = ("predecessor", "component")  # what bounds an operation by another's end, moving and planned waiting included


def _in_the_way(pairs: pl.DataFrame, height: int) -> Index:
    """Pairs in which `hit` is not over at the row's old place, or was not at its new one."""
    now = (pl.col("hit_to_end") > pl.col("from_setup")) | (
        pl.col("to_bound").is_in(BEFORE) & (pl.col("hit_to_end") > pl.col("hit_from_end"))
    )
    then = (pl.col("hit_from_end") > pl.col("to_setup")) | (
        pl.col("from_bound").is_in(BEFORE) & (pl.col("hit_from_end") > pl.col("hit_to_end"))
    )
    return _latest(pairs.filter(((LATER & now) | (EARLIER & then)).fill_null(False)), height)


def _moved_alike(pairs: pl.DataFrame, height: int) -> Index:
    """Pairs in which `hit` ends later where the row starts later, earlier where it starts earlier."""
    later, earlier = pl.col("hit_to_end") > pl.col("hit_from_end"), pl.col("hit_to_end") < pl.col("hit_from_end")
    return _latest(pairs.filter(((LATER & later) | (EARLIER & earlier)).fill_null(False)), height)


def _latest(pairs: pl.DataFrame, height: int) -> Index:
    ends = pl.when(LATER).then("hit_to_end").otherwise("hit_from_end")
    return _scattered(pairs.filter(pl.col("hit").is_not_null()).sort(ends, "hit"), height)


def _in_its_place(rows: pl.DataFrame) -> tuple[Index, Index]:
    """What stands in a row's old place now, and what stood in its new place in force: in this order for later rows."""
    taken = _occupants(rows, "from", "to")
    stood = _occupants(rows, "to", "from")
    earlier = rows.select(EARLIER).to_series().to_numpy()
    return np.where(earlier, stood, taken), np.where(earlier, taken, stood)


def _occupants(rows: pl.DataFrame, place: str, plan: str) -> Index:
    """Row that in schedule `plan` holds the machine and instant of each row's `place`."""
    asked = rows.select("row", pl.col(f"{place}_machine").alias("machine"), pl.col(f"{place}_setup").alias("at"))
    asked = asked.drop_nulls().sort("at")
    holds = rows.select(
        pl.col("row").alias("hit"), pl.col(f"{plan}_machine").alias("machine"), pl.col(f"{plan}_setup").alias("at"),
        pl.col(f"{plan}_end").alias("until"),
    ).drop_nulls().sort("at", "until", "hit")  # fmt: skip
    met = asked.join_asof(holds, on="at", by="machine", strategy="backward", check_sortedness=False)
    return _scattered(met.filter((pl.col("until") > pl.col("at")).fill_null(False)), rows.height)


def _ahead_on_machine(rows: pl.DataFrame, plan: str) -> pl.DataFrame:
    """`row`, `hit`: what runs before each row on its machine in schedule `plan`."""
    machine, setup, end = (f"{plan}_{name}" for name in ("machine", "setup", "end"))
    return (
        rows.select("row", machine, setup, end).drop_nulls().sort(machine, setup, end, "row")
        .select("row", pl.when(pl.col(machine) == pl.col(machine).shift(1)).then(pl.col("row").shift(1)).alias("hit"))
    )  # fmt: skip


def _parted_before(rows: pl.DataFrame, parting: Index, moved: Flags) -> Index:
    """The row of the same work center that parted last before each."""
    known = rows.select("row", pl.coalesce("to_center", "from_center").alias("center")).with_columns(
        pl.Series("at", parting), pl.Series("moved", moved)
    )
    asked = known.filter("moved").sort("at", "row")
    hits = asked.select(pl.col("row").alias("hit"), "center", "at")
    met = asked.join_asof(
        hits, on="at", by="center", strategy="backward", allow_exact_matches=False, check_sortedness=False
    )
    return _scattered(met.filter(pl.col("hit").is_not_null()), rows.height)


def _scattered(pairs: pl.DataFrame, height: int) -> Index:
    """`hit` by `row`; the last of several pairs of a row counts."""
    found = np.full(height, NONE, dtype=np.int64)
    found[pairs["row"].to_numpy()] = pairs["hit"].to_numpy()
    return found
