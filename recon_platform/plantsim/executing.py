"""A plant that runs night after night under a policy: land, decide, run the floor until the next night.

Belongs here: the plant's side of a simulation and its checkpoint. Does not belong here: the platform that may stand
behind the policy, files and results (`nights.simulate`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.demand import order_book
from recon_platform.plantsim.floor import Floor, free_choice, new_floor, run_until, with_floor
from recon_platform.plantsim.floor_kernel import FloorState
from recon_platform.plantsim.history import (
    RUSH_LEAD_MIN,
    SETUP_WEIGHT,
    History,
    machine_stops,
    material_ready,
    order_operations,
    working_intervals,
)
from recon_platform.plantsim.night import AS_OF_MINUTE, night_frames, true_tables
from recon_platform.plantsim.policies import Policy, View
from recon_platform.plantsim.state import State, state_at
from recon_platform.plantsim.world import build_world


@dataclass(frozen=True, slots=True)
class Plant:
    """An executing plant at the minute of a night. `floor` moves, everything else stands still."""

    history: History
    floor: Floor
    release: np.ndarray
    material: np.ndarray
    seed: int
    drift: float
    day: date
    corrected: frozenset[int] = frozenset()  # orders whose books somebody has put right

    @property
    def now(self) -> int:
        return self.floor.now

    def with_corrected(self, orders: pl.Series) -> Plant:
        """The plant after the books of more orders were put right: they err no more."""
        return replace(self, corrected=self.corrected | frozenset(orders.drop_nulls().to_list()))

    def current(self) -> History:
        """The history as it stands now."""
        return replace(self.history, operations=with_floor(self.history.operations, self.floor))


@dataclass(frozen=True, slots=True)
class Landed:
    """One night of a plant: what it hands over, what is true, what was planted."""

    day: date
    state: State
    true: dict[str, pl.DataFrame]
    text: dict[str, pl.DataFrame]
    truth: pl.DataFrame


def begin(
    *, orders: int, nights: int, seed: int = 1, drift: float = 0.05, plant: str = "fastener",
    start: date = date(2026, 3, 2),
) -> Plant:  # fmt: skip
    """A plant on its first night, warmed up under one rule whatever the policy that follows.

    Raises ValueError as `generate` does.
    """
    world = build_world(orders, seed=seed, start=start, nights=nights, plant=plant)
    book = order_book(world, nights)
    stops = machine_stops(world)
    intervals = working_intervals(world, stops)
    operations = order_operations(world, book)
    floor = new_floor(world, book, operations, intervals)
    material = material_ready(world, book)
    release = np.maximum(book.orders["release"].to_numpy(), material)
    due = book.orders["due_day"].to_numpy() * DAY_MIN - book.orders["rush"].to_numpy() * RUSH_LEAD_MIN
    warm_up = free_choice(floor, due[operations["order"].to_numpy()], release, SETUP_WEIGHT)
    floor = run_until(floor, warm_up, world.clock.minute(start, AS_OF_MINUTE))
    history = History(world, book, operations, stops, intervals, floor.now)
    return Plant(history, floor, release, material, seed, drift, start)


def land(plant: Plant) -> Landed:
    """What the plant hands over tonight."""
    history = plant.current()
    state = state_at(history, plant.now)
    true = true_tables(state)
    text, truth = night_frames(
        history, plant.day, seed=plant.seed, drift=plant.drift, state=state, true=true, corrected=plant.corrected
    )
    return Landed(plant.day, state, true, text, truth)


def run_day(plant: Plant, landed: Landed, policy: Policy, schedule: pl.DataFrame | None = None) -> Plant:
    """The plant on the next night, its floor having followed the policy since this one."""
    operations = plant.history.operations
    view = View(
        clock=plant.history.world.clock, now=plant.now, landed=landed.text, schedule=schedule,
        op_order=operations["order"].to_numpy(), op_seq=operations["op_seq"].to_numpy(),
        op_wc=operations["wc"].to_numpy(), orders=len(plant.history.book.orders),
        machines=plant.history.world.machines, release=plant.release,
        material=np.maximum(plant.material, plant.history.book.orders["created"].to_numpy()),
    )  # fmt: skip
    day = plant.day + timedelta(days=1)
    until = plant.history.world.clock.minute(day, AS_OF_MINUTE)
    return replace(plant, floor=run_until(plant.floor, policy.dispatch(view), until), day=day)


def save(plant: Plant, path: Path) -> None:
    """Write the moving part of a plant; a kill while writing leaves the earlier file."""
    parts = {f"state_{name}": value for name, value in plant.floor.state._asdict().items()}
    beside = path.with_suffix(".partial.npz")
    corrected = np.array(sorted(plant.corrected), np.int64)
    np.savez_compressed(beside, now=plant.floor.now, day=plant.day.toordinal(), corrected=corrected, **parts)
    beside.replace(path)


def load(plant: Plant, path: Path) -> Plant:
    """`plant` (as from `begin` with the same arguments) at the minute that was saved."""
    with np.load(path) as saved:
        state = FloorState(**{name: saved[f"state_{name}"] for name in FloorState._fields})
        floor = Floor(plant.floor.arrays, state, int(saved["now"]))
        corrected = frozenset(int(order) for order in saved["corrected"])
        return replace(plant, floor=floor, day=date.fromordinal(int(saved["day"])), corrected=corrected)
