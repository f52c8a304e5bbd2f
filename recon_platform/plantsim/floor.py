"""The floor of a world: its arrays, its state at a minute, and one call that runs it to a later minute.

Belongs here: translating world and order book into the event loop's arrays and back. Does not belong here: the loop
itself (`floor_kernel`), the rules of dispatch (`policies`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN, Intervals, Minutes
from recon_platform.plantsim.demand import OrderBook
from recon_platform.plantsim.floor_kernel import BLOCK_MIN, Dispatch, FloorArrays, FloorState, run_floor
from recon_platform.plantsim.streams import stream
from recon_platform.plantsim.world import World

SETTER_PER_MACHINES = 2.2  # one setter for so many header and rolling machines
FAR = np.int64(1) << 39


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor at minute `now`."""

    arrays: FloorArrays
    state: FloorState
    now: int


def setup_values(world: World) -> np.ndarray:
    """Per make item the values by which it sets up: diameter, head and length, wire, furnace class."""
    items = world.items
    shape = items.select((pl.col("head") * 1000 + pl.col("length_mm")).rank("dense")).to_series().to_numpy()
    wire = items["alloy"].to_numpy() * 100 + items["diameter_mm"].to_numpy()
    return np.stack([items["diameter_mm"].to_numpy(), shape, wire, items["alloy"].to_numpy()], axis=1).astype(np.int64)


def setter_counts(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Pool of each work center, and the setters of each pool by shift: a few are absent now and then."""
    centers = world.parameters.work_centers
    skills = sorted({w.setup_skill for w in centers if w.setup_skill})
    pool = np.array([skills.index(w.setup_skill) if w.setup_skill else -1 for w in centers], np.int64)
    machines = np.bincount(world.machines["wc"].to_numpy(), minlength=len(centers))
    blocks = world.days * DAY_MIN // BLOCK_MIN
    first_block = world.clock.day_number(world.start) * 3 - 3 * world.parameters.warm_up_days
    counts = np.zeros((max(1, len(skills)), blocks), np.int64)
    for k in range(len(skills)):
        full = max(1, int(np.ceil(machines[pool == k].sum() / SETTER_PER_MACHINES)))
        draws = stream(world.seed, "setters", k).random((blocks - first_block, full))
        present = full - (draws < world.parameters.absent_share).sum(axis=1)
        counts[k] = full
        counts[k, first_block:] = np.maximum(1, present)
    return pool, counts


def new_floor(world: World, book: OrderBook, operations: pl.DataFrame, intervals: Intervals) -> Floor:
    """An empty floor at the beginning of the minute axis."""
    orders, ops, machines = len(book.orders), len(operations), len(world.machines)
    pool, counts = setter_counts(world)
    order = operations["order"].to_numpy()
    centers = world.parameters.work_centers
    batch = np.array([int(w.batch) for w in centers], np.int64)
    largest = operations["batch_max"].to_numpy()
    load = np.where(largest > 0, operations["units_in"].to_numpy() / np.maximum(largest, 1), 1.0)
    arrays = FloorArrays(
        op_ptr=np.searchsorted(order, np.arange(orders + 1)).astype(np.int64), op_order=order.astype(np.int64),
        op_wc=operations["wc"].to_numpy(), op_minutes=operations["minutes"].to_numpy(),
        op_queue=operations["queue_min"].to_numpy(), op_external=operations["external_min"].to_numpy(), op_load=load,
        order_feeds=book.orders["feeds"].to_numpy(),
        order_attribute=setup_values(world)[book.orders["item_index"].to_numpy()],
        wc_ptr=np.searchsorted(world.machines["wc"].to_numpy(), np.arange(len(centers) + 1)).astype(np.int64),
        wc_setup=np.array(
            [[w.setup_diameter_min, w.setup_length_min, w.setup_coil_min, w.setup_class_min] for w in centers],
            np.int64,
        ),
        wc_pool=pool, wc_batch=batch, machine_wc=world.machines["wc"].to_numpy(), iv_ptr=intervals.ptr,
        iv_start=intervals.start, iv_end=intervals.end, setters=counts,
    )  # fmt: skip
    return Floor(arrays, empty_state(arrays, orders, ops, machines, book.orders["waits"].to_numpy()), 0)


def empty_state(arrays: FloorArrays, orders: int, ops: int, machines: int, waits: Minutes) -> FloorState:
    """The state in which nothing has happened."""

    def never(count: int) -> Minutes:
        return np.full(count, -1, np.int64)

    return FloorState(
        arrived=never(ops), setup_start=never(ops), started=never(ops), ended=never(ops), machine=never(ops),
        waits=waits.astype(np.int64).copy(), fed_at=np.zeros(orders, np.int64), busy_until=np.zeros(machines, np.int64),
        setup=np.full((machines, 4), -1, np.int64),
        setter_until=np.zeros((arrays.setters.shape[0], int(arrays.setters.max())), np.int64),
    )  # fmt: skip


def run_until(floor: Floor, plan: Dispatch, until: int) -> Floor:
    """The floor at minute `until`, having followed `plan`; the floor given is left as it was."""
    state = FloorState(*(part.copy() for part in floor.state))
    run_floor(floor.arrays, state, plan, floor.now, until)
    return Floor(floor.arrays, state, until)


def with_floor(operations: pl.DataFrame, floor: Floor) -> pl.DataFrame:
    """Operations with what has happened to them: minutes of set-up begin, start and end, and the machine."""
    state = floor.state
    return operations.with_columns(
        setup_start=pl.Series(state.setup_start), start=pl.Series(state.started), end=pl.Series(state.ended),
        machine=pl.Series(state.machine),
    )  # fmt: skip


def free_choice(floor: Floor, priority: np.ndarray, release: Minutes, setup_weight: float) -> Dispatch:
    """A plan that names no machines: operations by `priority` (minutes), orders from `release` on."""
    ops = len(floor.arrays.op_wc)
    return Dispatch(
        priority=priority.astype(np.float64), wanted=np.full(ops, -1, np.int64), anywhere_from=np.zeros(ops, np.int64),
        not_before=np.zeros(ops, np.int64), release=release.astype(np.int64), setup_weight=float(setup_weight),
    )  # fmt: skip
