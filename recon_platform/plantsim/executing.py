"""A plant that runs night after night under a policy: land, decide, run the floor until the next night.

Belongs here: the plant's side of a simulation and its checkpoint. Does not belong here: the platform that may stand
behind the policy, files and results (`nights.simulate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from recon_platform.plantsim.buffers import Buffers, revised
from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.demand import order_book
from recon_platform.plantsim.floor import Floor, free_choice, new_floor, run_until, with_floor
from recon_platform.plantsim.floor_kernel import Dispatch, FloorState
from recon_platform.plantsim.history import (
    RUSH_LEAD_MIN,
    SETUP_WEIGHT,
    History,
    machine_stops,
    material_ready,
    order_operations,
    working_intervals,
)
from recon_platform.plantsim.night import AS_OF_MINUTE, Master, master_of, night_frames, true_tables
from recon_platform.plantsim.overtime import Shifts, call
from recon_platform.plantsim.parameters import Parameters
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
    master: Master
    corrected: frozenset[int] = frozenset()  # orders whose books somebody has put right
    expedited: frozenset[int] = frozenset()  # orders that had to be chased (`chasing`)
    buffers: tuple[tuple[int, Buffers], ...] = ()  # reserves decided so far, with the minute from which they hold

    @property
    def now(self) -> int:
        return self.floor.now

    @property
    def reserve(self) -> Buffers | None:
        """The reserve decided last."""
        return self.buffers[-1][1] if self.buffers else None

    def with_corrected(self, orders: pl.Series) -> Plant:
        """The plant after the books of more orders were put right: they err no more."""
        return replace(self, corrected=self.corrected | frozenset(orders.drop_nulls().to_list()))

    def with_overtime(self, shifts: Shifts) -> Plant:
        """The plant with Saturday shifts called. Raises ValueError for one whose day has begun."""
        history, floor = call(self.history, self.floor, shifts)
        return replace(self, history=history, floor=floor)

    def with_buffers(self, buffers: Buffers) -> Plant:
        """The plant with these reserves from now on, for what is not committed yet. Raises ValueError as `revised` does."""
        history, floor, material = revised(self.history, self.floor, buffers)
        release = np.maximum(history.book.orders["release"].to_numpy(), material)
        return replace(
            self, history=history, floor=floor, material=material, release=release,
            buffers=(*self.buffers, (self.now, buffers)),
        )  # fmt: skip

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
    *, orders: int, nights: int, seed: int = 1, drift: float = 0.05,
    plant: str | Parameters = "fastener",
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
    return Plant(history, floor, release, material, seed, drift, start, master_of(history))


def land(plant: Plant) -> Landed:
    """What the plant hands over now: at a night, or at any minute of the day after it."""
    history = plant.current()
    state = state_at(history, plant.now)
    true = true_tables(state, plant.master)
    text, truth = night_frames(
        history,
        plant.day,
        now=plant.now,
        seed=plant.seed,
        drift=plant.drift,
        state=state,
        true=true,
        corrected=plant.corrected,
        master=plant.master,
    )
    return Landed(plant.day, state, true, text, truth)


def run_day(plant: Plant, landed: Landed, policy: Policy, schedule: pl.DataFrame | None = None) -> Plant:
    """The plant on the next night, its floor having followed the policy since this one."""
    dispatch = policy.dispatch(view_of(plant, landed.text, schedule))
    return replace(run_on(plant, dispatch, next_night(plant)), day=plant.day + timedelta(days=1))


def next_night(plant: Plant) -> int:
    """The minute of the night after `plant.day`."""
    return plant.history.world.clock.minute(plant.day + timedelta(days=1), AS_OF_MINUTE)


def run_on(plant: Plant, dispatch: Dispatch, until: int) -> Plant:
    """The plant at minute `until` of the same day, its floor having followed `dispatch`."""
    return replace(plant, floor=run_until(plant.floor, dispatch, until))


def view_of(plant: Plant, landed: Mapping[str, pl.DataFrame], schedule: pl.DataFrame | None) -> View:
    """What a policy may know: the landed tables it is given, the schedule in force, the names of the floor."""
    operations, world = plant.history.operations, plant.history.world
    return View(
        clock=world.clock, now=plant.now, landed=landed, schedule=schedule,
        op_order=operations["order"].to_numpy(), op_seq=operations["op_seq"].to_numpy(),
        op_wc=operations["wc"].to_numpy(), orders=len(plant.history.book.orders), machines=world.machines,
        setters_set=np.array([center.setup_skill is not None for center in world.parameters.work_centers]),
        release=plant.release, material=np.maximum(plant.material, plant.history.book.orders["created"].to_numpy()),
    )  # fmt: skip


def save(plant: Plant, path: Path) -> None:
    """Write the moving part of a plant; a kill while writing leaves the earlier file."""
    parts = {f"state_{name}": value for name, value in plant.floor.state._asdict().items()}
    beside = path.with_suffix(".partial.npz")
    parts |= {name: np.array(sorted(getattr(plant, name)), np.int64) for name in ("corrected", "expedited")}
    parts["overtime"] = np.array(sorted(plant.history.overtime), np.int64).reshape(-1, 2)
    codes = _suppliers(plant)
    parts["buffers"] = np.array(
        [[at, one.allowance, *(one.safety_days.get(code, 0) for code in codes)] for at, one in plant.buffers],
        np.float64,
    ).reshape(-1, 2 + len(codes))
    parts |= {"now": np.array(plant.floor.now), "day": np.array(plant.day.toordinal())}
    with beside.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **parts)
    beside.replace(path)


def _suppliers(plant: Plant) -> list[str]:
    return [one.code for one in plant.history.world.parameters.suppliers]


def load(plant: Plant, path: Path) -> Plant:
    """`plant` (as from `begin` with the same arguments) at the minute that was saved."""
    with np.load(path) as saved:
        state = FloorState(**{name: saved[f"state_{name}"] for name in FloorState._fields})
        shifts = frozenset((int(center), int(day)) for center, day in saved["overtime"])
        codes = _suppliers(plant)
        began = plant.floor
        for at, allowance, *days in saved["buffers"].tolist():
            held = Buffers(dict(zip(codes, map(int, days), strict=True)), allowance)
            plant = replace(plant, floor=replace(plant.floor, now=int(at))).with_buffers(held)
        history, begun = call(plant.history, replace(plant.floor, now=began.now), shifts)
        corrected, expedited = (frozenset(saved[name].tolist()) for name in ("corrected", "expedited"))
        return replace(
            plant, history=history, floor=Floor(begun.arrays, state, int(saved["now"])),
            day=date.fromordinal(int(saved["day"])), corrected=corrected, expedited=expedited,
        )  # fmt: skip
