"""What happened on the floor: every operation with machine, set-up, start, end and what came out.

Belongs here: stops of machines, the run of the event loop over the order book, quantities of finished operations.
Does not belong here: what is seen of it on one night (`snapshot`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN, Intervals, Minutes, shift_intervals, subtract
from recon_platform.plantsim.demand import OrderBook, order_book
from recon_platform.plantsim.floor import free_choice, new_floor, run_until, with_floor
from recon_platform.plantsim.shifts import CALENDARS, SATURDAY
from recon_platform.plantsim.streams import stream
from recon_platform.plantsim.world import World

SETUP_WEIGHT = 1.0  # minutes of due date given up for a minute of set-up saved
RUSH_LEAD_MIN = 4 * DAY_MIN
REWORKED_PART = 0.4  # of an order that goes through an operation again
REASONS = ("die breakage", "hydraulics", "wire jam", "electrical", "tool change", "furnace trip")


@dataclass(frozen=True, slots=True)
class History:
    """`operations`: one row per order and operation with minutes of set-up begin, start, end (-1: not by the horizon),
    machine index, units in and scrap at its end. `stops`: machine, start, end, planned. `intervals`: working time.
    `overtime`: (work center index, day number) of the Saturday shifts that are worked.
    """

    world: World
    book: OrderBook
    operations: pl.DataFrame
    stops: pl.DataFrame
    intervals: Intervals
    horizon: int
    overtime: frozenset[tuple[int, int]] = frozenset()


def machine_stops(world: World) -> pl.DataFrame:
    """Maintenance every fourth week and breakdowns: exponential between, log-normal repair (Law 2015, chapter 13)."""
    p = world.parameters
    first = world.clock.day_number(world.start) - p.warm_up_days
    span = world.days - first
    frames = []
    for machine, center in zip(world.machines["index"], world.machines["wc"], strict=True):
        # a stream per machine and quantity: a longer run only adds stops
        repairs, between, reasons = (stream(world.seed, f"stops {what}", machine) for what in ("r", "g", "w"))
        gap_min = world.parameters.work_centers[center].mtbf_h * 60
        count = int(span * DAY_MIN / gap_min * 1.6) + 8
        repair = np.clip(repairs.lognormal(np.log(p.breakdown_median_min), p.breakdown_sigma, count), 6, 2880).astype(
            np.int64
        )
        gaps = between.exponential(gap_min, count).astype(np.int64) + 10
        start = first * DAY_MIN + np.cumsum(gaps) + np.cumsum(repair) - repair
        service = np.arange(first + machine % 28, world.days - 1, 28)
        service_start = world.clock.minutes_of_days(service, 360)
        frames.append(
            pl.DataFrame(
                {
                    "machine": np.full(count + len(service), machine),
                    "start": np.concatenate([start, service_start]),
                    "end": np.concatenate([start + repair, service_start + 180]),
                    "planned": np.concatenate([np.zeros(count, bool), np.ones(len(service), bool)]),
                    "reason": np.concatenate([reasons.integers(0, len(REASONS), count), np.full(len(service), -1)]),
                }
            )
        )
    return pl.concat(frames).filter(pl.col("end") < (world.days - 1) * DAY_MIN).sort("machine", "start", "planned")


def working_intervals(
    world: World, stops: pl.DataFrame, overtime: frozenset[tuple[int, int]] = frozenset()
) -> Intervals:
    """Working time of every machine: regular shifts and the overtime called, less holidays, maintenance, breakdowns."""
    base = {
        name: shift_intervals(
            world.clock, shifts, frozenset() if name in ("FURNACE", "VENDOR") else world.closed_days, world.days
        )
        for name, shifts in CALENDARS.items()
    }
    ptr = np.searchsorted(stops["machine"].to_numpy(), np.arange(len(world.machines) + 1))
    start, end = stops["start"].to_numpy(), stops["end"].to_numpy()
    parts = []
    for m, center in enumerate(world.machines["wc"]):
        opens, closes = base[world.parameters.work_centers[center].calendar]
        called = np.array(sorted(day for wc, day in overtime if wc == center), np.int64)
        if len(called):
            opens = np.sort(np.concatenate([opens, world.clock.minutes_of_days(called, SATURDAY[0])]))
            closes = np.sort(np.concatenate([closes, world.clock.minutes_of_days(called, SATURDAY[1])]))
        parts.append(subtract(opens, closes, start[ptr[m] : ptr[m + 1]], end[ptr[m] : ptr[m + 1]]))
    return Intervals.stack(parts)


def order_operations(world: World, book: OrderBook) -> pl.DataFrame:
    """Operations of every order, with what enters, comes out good and is lost, and the minutes it takes."""
    routing = world.routing.select(
        "item_index",
        "op_seq",
        "operation_code",
        "wc",
        "run_min_per_unit",
        "batch_max",
        "batch_minutes",
        "scrap",
        "queue_min",
        "external_days",
    )
    ops = (
        book.orders.select(order="index", item_index="item_index", qty="qty")
        .join(routing, on="item_index")
        .sort("order", "op_seq")
    )
    # a draw per operation, in order of entry: more orders later never change those of earlier ones
    wobble = stream(world.seed, "scrap").gamma(4.0, 0.25, len(ops))
    slow = stream(world.seed, "pace").normal(1.0, 0.05, len(ops)).clip(0.85, 1.2)
    order, qty = ops["order"].to_numpy(), ops["qty"].to_numpy()
    scrap = ops["scrap"].to_numpy()
    units_in, units_scrap = np.zeros(len(ops), np.int64), np.zeros(len(ops), np.int64)
    ptr = np.searchsorted(order, np.arange(len(book.orders) + 1))
    alive, left = ptr[:-1].copy(), book.orders["qty"].to_numpy().copy()
    owner = np.arange(len(book.orders))
    while len(alive):
        lost = np.minimum(np.round(left * scrap[alive] * wobble[alive]).astype(np.int64), left)
        units_in[alive], units_scrap[alive] = left, lost
        left = left - lost
        more = alive + 1 < ptr[owner + 1]
        alive, left, owner = alive[more] + 1, left[more], owner[more]
    del qty
    batch = ops["batch_max"].to_numpy()
    loads = np.ceil(units_in / np.maximum(batch, 1)).astype(np.int64)
    run = np.where(
        batch > 0, loads * ops["batch_minutes"].to_numpy(), units_in * ops["run_min_per_unit"].to_numpy() * slow
    )
    run = run * _rework(world, ops)
    draws = stream(world.seed, "vendor").random(len(ops))
    external = np.where(
        ops["external_days"].to_numpy() > 0, (ops["external_days"].to_numpy() * DAY_MIN * (0.85 + 0.35 * draws)), 0
    )
    return ops.with_columns(
        units_in=pl.Series(units_in),
        scrap_units=pl.Series(units_scrap),
        minutes=pl.Series(np.maximum(1, np.round(run)).astype(np.int64)),
        measured_min=pl.Series(np.minimum(run, np.maximum(1, np.round(run)))).round(3),
        external_min=pl.Series(external.astype(np.int64)),
    )


def _rework(world: World, ops: pl.DataFrame) -> np.ndarray:
    """Factor on the minutes of each operation: of some orders a part is run a second time."""
    shares = {(o.code, o.seq): o.rework for o in world.parameters.operations if o.rework > 0}
    if not shares:
        return np.ones(len(ops))
    share = np.zeros(len(ops))
    for (code, seq), value in shares.items():
        share[((ops["operation_code"] == code) & (ops["op_seq"] == seq)).to_numpy()] = value
    return 1 + REWORKED_PART * (stream(world.seed, "rework").random(len(ops)) < share)


def covered_on(book: OrderBook) -> pl.DataFrame:
    """Needs of bought components with `day`: when what was bought for them has come. Lines that came in two parts serve
    the second half of their orders from the second part."""
    joined = book.needs.join(book.purchases.select("purchase", "arrival_day", "second_day", "first_qty"), on="purchase")
    joined = joined.sort("purchase", "order").with_columns(cumulative=pl.col("need").cum_sum().over("purchase"))
    first = pl.col("cumulative") <= pl.col("first_qty")
    return joined.with_columns(day=pl.when(first).then("arrival_day").otherwise("second_day"))


def material_ready(world: World, book: OrderBook) -> Minutes:
    """When the bought components of each order have arrived (10:00 of the day)."""
    latest = covered_on(book).group_by("order").agg(pl.col("day").max()).sort("order")
    ready = np.zeros(len(book.orders), np.int64)
    ready[latest["order"].to_numpy()] = world.clock.minutes_of_days(latest["day"].to_numpy(), 600)
    return ready


def run_history(world: World, nights: int) -> History:
    """The order book run through the floor by due date until a day after the last night."""
    book = order_book(world, nights)
    stops = machine_stops(world)
    intervals = working_intervals(world, stops)
    ops = order_operations(world, book)
    horizon = (world.clock.day_number(world.start) + nights + 1) * DAY_MIN
    floor = new_floor(world, book, ops, intervals)
    orders = book.orders
    release = np.maximum(orders["release"].to_numpy(), material_ready(world, book))
    due = orders["due_day"].to_numpy().astype(np.float64) * DAY_MIN - orders["rush"].to_numpy() * RUSH_LEAD_MIN
    plan = free_choice(floor, due[ops["order"].to_numpy()], release, SETUP_WEIGHT)
    return History(world, book, with_floor(ops, run_until(floor, plan, horizon)), stops, intervals, horizon)
