"""Who decides what the floor does next: the published schedule, the earliest due date, or the dates of the ERP.

Belongs here: turning what was landed and published into priorities of operations. Does not belong here: the floor.
A policy sees the night's landed tables and the schedule in force, never the world behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN, Clock
from recon_platform.plantsim.floor_kernel import Dispatch

FIRST_ORDER = 1_000_001  # work order WO1000001 is order 0 of the book
PATIENCE_MIN = 60  # a machine may take another's operation once it is this late
BEYOND_MIN = 60 * DAY_MIN  # operations that nobody scheduled come after those that somebody did


@dataclass(frozen=True, slots=True)
class View:
    """What a policy may know on a night.

    `landed`: the tables of the landing folder as text; `schedule`: the schedule in force (columns of `schedule`), if
    any. `op_order`, `op_seq`, `op_wc` and `machines` (name by index) name the operations of the floor; `release` is
    when the stores hand out an order: released in the ERP and its material there; `material` the latter alone.
    `setters_set` are the work centers where setters set up machines: there the day's list binds to its machine,
    because another would spend a set-up on it.
    """

    clock: Clock
    now: int
    landed: Mapping[str, pl.DataFrame]
    schedule: pl.DataFrame | None
    op_order: npt.NDArray[np.int64]
    op_seq: npt.NDArray[np.int64]
    op_wc: npt.NDArray[np.int64]
    orders: int
    machines: pl.DataFrame
    setters_set: npt.NDArray[np.bool_]
    release: npt.NDArray[np.int64]
    material: npt.NDArray[np.int64]


class Policy(Protocol):
    """A rule of dispatch."""

    @property
    def name(self) -> str:
        """What people call it."""

    def dispatch(self, view: View) -> Dispatch:
        """Priorities of every operation until the next night."""


def order_numbers(names: pl.Series) -> pl.Series:
    """Order index of each work order's name; null for names that are not of the floor."""
    number = names.str.strip_chars().str.extract(r"^WO(\d{7})$", 1).cast(pl.Int64) - FIRST_ORDER
    return number.zip_with(number >= 0, pl.Series([None], dtype=pl.Int64).new_from_index(0, len(number)))


def due_minutes(view: View) -> npt.NDArray[np.int64]:
    """Due minute of each order as the ERP has it tonight (end of the day); far away where it has none."""
    orders = view.landed["work_orders"].select(index=order_numbers(pl.Series(view.landed["work_orders"]["work_order"])),
                                               due=pl.col("due_date").str.to_date("%Y-%m-%d"))  # fmt: skip
    known = orders.filter(pl.col("index").is_not_null() & (pl.col("index") < view.orders))
    due = np.full(view.orders, view.now + BEYOND_MIN, np.int64)
    days = (known["due"].to_numpy().astype("datetime64[D]") - np.datetime64(view.clock.origin, "D")).astype(np.int64)
    due[known["index"].to_numpy()] = (days + 1) * DAY_MIN
    return due


def _anywhere(view: View, priority: npt.NDArray[np.float64], weight: float) -> Dispatch:
    ops = len(view.op_order)
    return Dispatch(
        priority=priority, wanted=np.full(ops, -1, np.int64), anywhere_from=np.zeros(ops, np.int64),
        not_before=np.zeros(ops, np.int64), release=view.release, setup_weight=weight,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class EarliestDueDate:
    """The order that is due first goes first, whatever it costs in set-up."""

    name: str = "edd"
    setup_weight: float = 0.0

    def dispatch(self, view: View) -> Dispatch:
        return _anywhere(view, due_minutes(view)[view.op_order].astype(np.float64), self.setup_weight)


@dataclass(frozen=True, slots=True)
class ErpDates:
    """Operations in the order of the planned start the ERP gave them, capacity unseen."""

    name: str = "erp"
    setup_weight: float = 0.0

    def dispatch(self, view: View) -> Dispatch:
        priority = (due_minutes(view)[view.op_order]).astype(np.float64)
        if "work_order_operations" in view.landed:
            table = view.landed["work_order_operations"]
            rows = pl.DataFrame(
                {
                    "order": order_numbers(table["work_order"]), "op_seq": table["op_seq"].cast(pl.Int64, strict=False),
                    "start": minutes(view.clock, table["planned_start"].str.to_datetime("%Y-%m-%dT%H:%M:%SZ")),
                }
            ).drop_nulls()  # fmt: skip
            at = operation_rows(view, rows)
            priority[at[at >= 0]] = rows["start"].to_numpy()[at >= 0]
        return _anywhere(view, priority, self.setup_weight)


@dataclass(frozen=True, slots=True)
class PublishedSchedule:
    """The schedule in force, in its order and without idling: a machine that stands takes the next that is ready.

    Where setters set, the day's list binds to its machine. What is not scheduled comes after, by due date.

    `by_due`: of the operations that wait the one due first goes first, on the list or not, orders of `gives_way` as if due
    `BEYOND_MIN` later; the list still says on which machine, and when an order enters the floor. In the list's own order
    a machine that has fallen behind works off what could be put early because it was there, and what is urgent waits.
    """

    name: str = "platform"
    setup_weight: float = 1.0
    by_due: bool = False
    gives_way: frozenset[int] = frozenset()

    def dispatch(self, view: View) -> Dispatch:
        due = due_minutes(view)
        due[[order for order in self.gives_way if order < view.orders]] += BEYOND_MIN
        due = due[view.op_order]
        plan = _anywhere(view, (due + BEYOND_MIN * (not self.by_due)).astype(np.float64), self.setup_weight)
        if view.schedule is None or view.schedule.is_empty():
            return _anywhere(view, due.astype(np.float64), self.setup_weight)
        number = dict(zip(view.machines["machine"], view.machines["index"], strict=True))
        rows = pl.DataFrame(
            {
                "order": order_numbers(view.schedule["work_order"]), "op_seq": view.schedule["op_seq"],
                "start": minutes(view.clock, view.schedule["setup_start"]),
                "machine": view.schedule["machine"].replace_strict(number, default=-1, return_dtype=pl.Int64),
            }
        ).drop_nulls("order")  # fmt: skip
        at = operation_rows(view, rows)
        rows, at = rows.filter(pl.Series(at >= 0)), at[at >= 0]
        start, machine = rows["start"].to_numpy(), rows["machine"].to_numpy()
        center = view.machines["wc"].to_numpy()[np.maximum(machine, 0)]
        mine = (machine >= 0) & (center == view.op_wc[at])
        if not self.by_due:
            plan.priority[at] = start
        plan.wanted[at] = np.where(mine, machine, -1)
        today = view.setters_set[view.op_wc[at]] & (start < view.now + DAY_MIN)  # the day's list binds to its machine
        plan.anywhere_from[at] = np.where(today, start + PATIENCE_MIN, 0)
        first = np.full(view.orders, view.now + BEYOND_MIN, np.int64)
        np.minimum.at(first, view.op_order[at], start)
        release = np.maximum(np.minimum(view.release, first), view.material)
        return plan._replace(release=release)


def minutes(clock: Clock, instants: pl.Series) -> pl.Series:
    """Instants as minutes since the clock's origin."""
    naive = instants.dt.replace_time_zone(None) if instants.dtype == pl.Datetime("us", "UTC") else instants
    epoch_minutes = naive.dt.epoch("s") // 60
    return epoch_minutes - int(np.datetime64(clock.origin, "m").astype(np.int64))


def operation_rows(view: View, rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Position on the floor of each (order, op_seq) of `rows`, -1 where it has none."""
    floor = view.op_order * 1000 + view.op_seq
    wanted = rows["order"].to_numpy() * 1000 + rows["op_seq"].to_numpy()
    at = np.clip(np.searchsorted(floor, wanted), 0, len(floor) - 1)
    return np.where(floor[at] == wanted, at, -1)


@dataclass(frozen=True, slots=True)
class Foreman(EarliestDueDate):
    """Earliest due date by somebody who looks at the set-ups: a minute of set-up is worth a minute of due date."""

    name: str = "foreman"
    setup_weight: float = 1.0


POLICIES: dict[str, type[EarliestDueDate] | type[ErpDates] | type[PublishedSchedule]] = {
    "platform": PublishedSchedule,
    "edd": EarliestDueDate,
    "erp": ErpDates,
    "foreman": Foreman,
}
