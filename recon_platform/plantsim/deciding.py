"""The one interface behind which a works decides: what goes first, and which Saturday shifts are worked.

Belongs here: what a decision is and what every decider shares. Does not belong here: how it is reached (`as_is`, `peer`,
and the platform in `nights`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.buffers import Buffers
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.executing import Landed, Plant
from recon_platform.plantsim.floor_kernel import Dispatch
from recon_platform.plantsim.overtime import Shifts

FRIDAY, SATURDAY_IN_DAYS = 5, 1  # the Saturday shifts are called on Friday night
HOT_MIN = 1e7  # taken off the priority of an order that goes first everywhere
OVERTIME_CALENDARS = ("PLANT", "TWO")


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds until the next night.

    `overtime`: Saturday shifts called tonight. `plan`: what is expected to be done when (columns work_order, op_seq,
    work_center, machine, start, end), where the works has such a plan; against it adherence and stability are measured.
    `broken`: orders let out of the frozen days. `buffers`: the reserve from now on, None where nothing is said of it.
    """

    dispatch: Dispatch
    overtime: Shifts = frozenset()
    plan: pl.DataFrame | None = None
    broken: tuple[int, ...] = ()
    buffers: Buffers | None = None


class Decider(Protocol):
    """Whoever decides for a works on a night."""

    @property
    def name(self) -> str:
        """What people call it."""

    def needs_landing(self, plant: Plant) -> bool:
        """Whether it looks at what the systems hand over tonight."""

    def decide(self, plant: Plant, landed: Landed | None) -> Decision:
        """The decision of a night."""


def tomorrow_is_saturday(plant: Plant) -> bool:
    """Whether the overtime of this week is decided tonight."""
    return plant.day.isoweekday() == FRIDAY and plant.day not in plant.history.world.closed_days


def saturday_shifts(plant: Plant, centers: Sequence[int]) -> Shifts:
    """The shift of tomorrow at these work centers."""
    day = plant.history.world.clock.day_number(plant.day) + SATURDAY_IN_DAYS
    return frozenset((int(center), day) for center in centers)


def overtime_centers(plant: Plant) -> list[int]:
    """Work centers that have a Saturday shift to call."""
    made = enumerate(plant.history.world.parameters.work_centers)
    return [i for i, center in made if center.calendar in OVERTIME_CALENDARS and not center.external]


def due_minutes_of_orders(plant: Plant) -> npt.NDArray[np.int64]:
    """By order: the minute at which its due day ends."""
    return (plant.history.book.orders["due_day"].to_numpy() + 1) * DAY_MIN


def first_everywhere(dispatch: Dispatch, hot: npt.NDArray[np.bool_]) -> Dispatch:
    """`dispatch` with the operations `hot` ahead of all others, on whatever machine is free."""
    return dispatch._replace(
        priority=dispatch.priority - HOT_MIN * hot, wanted=np.where(hot, -1, dispatch.wanted),
        not_before=np.where(hot, 0, dispatch.not_before),
    )  # fmt: skip


def standard_minutes(plant: Plant) -> npt.NDArray[np.int64]:
    """Minutes of every operation by its routing."""
    ops = plant.history.operations
    batch = ops["batch_max"].to_numpy()
    units = ops["units_in"].to_numpy()
    run = np.where(
        batch > 0, np.ceil(units / np.maximum(batch, 1)) * ops["batch_minutes"].to_numpy(),
        units * ops["run_min_per_unit"].to_numpy(),
    )  # fmt: skip
    return np.maximum(1, np.round(run)).astype(np.int64)
