"""A works without the platform: dates of the ERP, capacity unseen, a hot list, overtime when things are late.

Belongs here: the decisions of `as_is`, from the landed ERP tables as they are, errors included. The weekly run is on
Monday, as in many works: until then the dates stand; the hot list is walked every day, overtime is called on Friday.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.plantsim.chasing import chased
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.deciding import (
    Decision,
    due_minutes_of_orders,
    first_everywhere,
    overtime_centers,
    saturday_shifts,
    standard_minutes,
    tomorrow_is_saturday,
)
from recon_platform.plantsim.executing import Landed, Plant, view_of
from recon_platform.plantsim.overtime import Shifts
from recon_platform.plantsim.policies import EarliestDueDate, order_numbers

MONDAY = 1
OVERTIME_FROM_H = 3.0  # hours of late work a machine, as the ERP sees it, for which a Saturday shift is called
SOON_DAYS = 2  # work of orders due within so many days counts as late


class AsIs:
    """Earliest due date on the floor, nothing reconciled, no capacity in any date; chased orders go first."""

    name = "as_is"

    def __init__(self) -> None:
        self.dates: pl.DataFrame | None = None

    def needs_landing(self, plant: Plant) -> bool:
        return plant.day.isoweekday() == MONDAY or self.dates is None or tomorrow_is_saturday(plant)

    def decide(self, plant: Plant, landed: Landed | None) -> Decision:
        shifts: Shifts = frozenset()
        if landed is not None:
            if plant.day.isoweekday() == MONDAY or self.dates is None:
                self.dates = _erp_dates(landed)
            if tomorrow_is_saturday(plant):
                shifts = saturday_shifts(plant, _behind(plant, landed))
        view = view_of(plant, {"work_orders": _order_dates(plant)} if landed is None else landed.text, None)
        orders = chased(plant)
        dispatch = first_everywhere(EarliestDueDate().dispatch(view), orders[view.op_order])
        return Decision(dispatch, shifts, self.dates)


def _order_dates(plant: Plant) -> pl.DataFrame:
    """Work orders with the due date on their papers, on days when nobody asks the ERP."""
    orders = plant.history.book.orders.filter(pl.col("created") <= plant.now)
    due = plant.history.world.clock.dates(orders["due_day"].to_numpy()).dt.strftime("%Y-%m-%d")
    return orders.select("work_order", due_date=due)


def _erp_dates(landed: Landed) -> pl.DataFrame:
    """What the ERP expects of every operation, in the columns of a plan."""
    return landed.true["work_order_operations"].select(
        "work_order", "op_seq", "work_center", "machine", start="planned_start", end="planned_end"
    )


def _behind(plant: Plant, landed: Landed) -> list[int]:
    """Work centers with more than a few hours a machine of late work, by the ERP's own, unreconciled statuses."""
    table, world = landed.text["work_order_operations"], plant.history.world
    due = due_minutes_of_orders(plant)
    open_ops = table.filter(pl.col("status") != "complete").select(
        order=order_numbers(table.filter(pl.col("status") != "complete")["work_order"]),
        op_seq=pl.col("op_seq").cast(pl.Int64, strict=False), center="work_center",
    ).drop_nulls()  # fmt: skip
    known = open_ops.filter(pl.col("order") < len(due))
    late = known.filter(pl.Series(due[known["order"].to_numpy()] < plant.now + SOON_DAYS * DAY_MIN))
    standard = plant.history.operations.select("order", "op_seq", minutes=pl.Series(standard_minutes(plant)))
    hours = late.join(standard, on=["order", "op_seq"]).group_by("center").agg(h=pl.col("minutes").sum() / 60)
    machines = np.bincount(world.machines["wc"].to_numpy(), minlength=len(world.parameters.work_centers))
    queued = dict(hours.iter_rows())
    codes = [center.code for center in world.parameters.work_centers]
    return [i for i in overtime_centers(plant) if queued.get(codes[i], 0.0) > OVERTIME_FROM_H * machines[i]]
