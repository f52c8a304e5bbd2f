"""The order book: customer lines and the work orders that serve them, with the purchases that feed them.

Belongs here: what customers and planners decide before the floor acts, week by week, each week from its own stream so
that a longer run only adds weeks. Does not belong here: what the floor makes of it (`history`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.streams import stream
from recon_platform.plantsim.world import World

Days = npt.NDArray[np.int64]

WEEKS_AHEAD = 8  # purchases and forecasts of a night look this far past it
LOT_KG = 18_000.0
ORDERED_AHEAD_DAYS = 2  # calendar days before a supplier's lead time begins to run
CLASSES = ("A", "B", "C")


@dataclass(frozen=True, slots=True)
class OrderBook:
    """`orders`: work orders by index. `lines`: customer lines by order. `needs`: components of orders, each with the
    purchase (index) that brings it. `purchases`: purchase lines by index with the day and amount of what really came.
    """

    orders: pl.DataFrame
    lines: pl.DataFrame
    needs: pl.DataFrame
    purchases: pl.DataFrame


def shift_working_days(world: World, days: Days, by: npt.NDArray[np.int64] | int) -> Days:
    """Each day moved by working days of the plant calendar; a free day counts as the working day before it."""
    working = world.working_days()
    at = np.searchsorted(working, days, side="right") - 1
    return working[np.clip(at + by, 0, len(working) - 1)]


def lead_time_working_days(world: World) -> npt.NDArray[np.int64]:
    """Planned lead time of every make item: a day an operation, the vendor's days, and a reserve for queues."""
    days = (
        world.routing.group_by("item_index")
        .agg(
            internal=(pl.col("external_days") == 0).sum(),
            heat=(pl.col("operation_code").is_in(world.parameters.unpausable)).sum(),
            vendor=pl.col("external_days").max(),
        )
        .sort("item_index")
    )
    factor = world.parameters.lead_time_factor
    return (
        (factor * (0.25 * days["internal"] + 0.5 * days["heat"] + 0.75 * days["vendor"] - 0.3))
        .ceil()
        .clip(2)
        .to_numpy()
        .astype(np.int64)
    )


def order_book(world: World, nights: int) -> OrderBook:
    """All orders entered from the warm-up to some weeks after the last night."""
    first = world.clock.day_number(world.start) - world.parameters.warm_up_days
    first -= (first + world.clock.origin.weekday()) % 7
    last = world.clock.day_number(world.start) + nights + 7 * WEEKS_AHEAD
    weeks = (last - first) // 7 + 1
    parts = [_week(world, first + 7 * w, w) for w in range(weeks)]
    lead = lead_time_working_days(world)
    orders = _work_orders(world, pl.concat([p for p in parts if len(p)]), lead)
    lines = _lines(world, orders)
    needs, purchases = _purchases(world, orders)
    return OrderBook(orders, lines, needs, purchases)


def _week(world: World, monday: int, week: int) -> pl.DataFrame:
    p = world.parameters
    rng = stream(world.seed, "demand", week)
    season = 1 + 0.06 * np.sin(2 * np.pi * (monday % 364) / 364)
    n = int(rng.poisson(world.orders_per_week * season))
    bolts = world.items.filter(pl.col("kit_of") < 0)
    kits = world.items.filter(pl.col("kit_of") >= 0)
    weight = bolts["popularity"].to_numpy()
    item = rng.choice(len(bolts), n, p=weight / weight.sum())
    kit = rng.random(n) < p.kit_share
    item = np.where(kit, len(bolts) + rng.integers(0, max(1, len(kits)), n), item)
    quantity = np.clip(rng.lognormal(np.log(p.quantity_median), p.quantity_sigma, n), p.quantity_min, p.quantity_max)
    quantity = np.where(kit, quantity * 0.25, quantity)
    cls = rng.choice(3, n, p=[p.class_share[c] for c in CLASSES])
    low = np.array([p.lead_days[c][0] for c in CLASSES])[cls]
    high = np.array([p.lead_days[c][1] for c in CLASSES])[cls]
    rush = rng.random(n) < p.rush_share
    lead = rng.integers(low, high + 1)
    lead = np.where(rush, rng.integers(p.rush_lead_days[0], p.rush_lead_days[1] + 1, n), lead)
    return pl.DataFrame(
        {
            "item_index": item.astype(np.int64),
            "wanted": np.round(quantity).astype(np.int64),
            "cls": cls.astype(np.int64),
            "rush": rush,
            "created_day": monday + rng.integers(0, 5, n),
            "created_minute": rng.integers(480, 1020, n),
            "lead": lead.astype(np.int64),
            "draw": rng.random(n),
            "lines": rng.choice([1, 2, 3], n, p=[0.6, 0.28, 0.12]),
        }
    )


def _work_orders(world: World, book: pl.DataFrame, lead: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Work orders in order of entry; a kit order is followed by the order of the bolts it takes."""
    book = book.sort("created_day", "created_minute", "item_index", maintain_order=True).with_row_index("entry")
    item = book["item_index"].to_numpy()
    pack = world.items["pack"].to_numpy()[item]
    boxes = np.maximum(book["lines"].to_numpy(), np.round(book["wanted"].to_numpy() / pack)).astype(np.int64)
    quantity = started_for_boxes(world, item, boxes, world.parameters.scrap_allowance)
    due = shift_working_days(world, (book["created_day"] + book["lead"]).to_numpy().astype(np.int64), 0)
    start = np.maximum(
        shift_working_days(world, due, -lead[item]), shift_working_days(world, book["created_day"].to_numpy(), 1)
    )
    frame = book.with_columns(
        boxes=pl.Series(boxes),
        qty=pl.Series(quantity),
        due_day=pl.Series(due),
        start_day=pl.Series(start),
        bolt=pl.lit(False),
    )
    kit_of = world.items["kit_of"].to_numpy()
    kits = frame.filter(pl.Series(kit_of[item] >= 0))
    bolt_item = kit_of[kits["item_index"].to_numpy()]
    bolt_qty = started_for_kits(world, bolt_item, kits["qty"].to_numpy())
    kit_start = kits["start_day"].to_numpy()
    bolt_due = shift_working_days(world, kit_start, -1)
    bolt_start = np.maximum(
        shift_working_days(world, bolt_due, -lead[bolt_item]),
        shift_working_days(world, kits["created_day"].to_numpy(), 1),
    )
    bolts = kits.with_columns(
        item_index=pl.Series(bolt_item),
        qty=pl.Series(bolt_qty),
        due_day=pl.Series(np.maximum(bolt_due, bolt_start)),
        start_day=pl.Series(bolt_start),
        bolt=pl.lit(True),
        boxes=pl.lit(0, pl.Int64),
    )
    orders = (
        pl.concat([frame, bolts])
        .sort("entry", "bolt")
        .with_row_index("index")
        .with_columns(pl.col("index").cast(pl.Int64))
    )
    entry = orders["entry"].to_numpy()
    is_bolt = orders["bolt"].to_numpy()
    feeds = np.full(len(orders), -1, np.int64)
    feeds[is_bolt] = np.flatnonzero(is_bolt) - 1
    waits = np.zeros(len(orders), np.int64)
    waits[feeds[is_bolt]] = 1
    assert bool((entry[feeds[is_bolt]] == entry[is_bolt]).all())
    created = world.clock.minutes_of_days(orders["created_day"].to_numpy(), 0) + orders["created_minute"].to_numpy()
    release = np.maximum(
        world.clock.minutes_of_days(shift_working_days(world, orders["start_day"].to_numpy(), -2), 360), created + 240
    )
    return orders.select(
        "index",
        "item_index",
        "qty",
        "cls",
        "rush",
        "boxes",
        "lines",
        "draw",
        "start_day",
        "due_day",
        "bolt",
        created=pl.Series(created),
        release=pl.Series(release),
        feeds=pl.Series(feeds),
        waits=pl.Series(waits),
        work_order=pl.concat_str(pl.lit("WO"), (pl.col("index") + 1_000_001).cast(pl.String)),
    )


def started_for_boxes(
    world: World, item: npt.NDArray[np.int64], boxes: npt.NDArray[np.int64], allowance: float
) -> npt.NDArray[np.int64]:
    """Pieces that planners start for so many boxes: what the standard yields ask for and `allowance` (a share) more."""
    step = world.parameters.quantity_step
    wanted = boxes * world.items["pack"].to_numpy()[item] / item_yield(world)[item]
    return np.ceil(wanted * (1 + allowance) / step).astype(np.int64) * step


def started_for_kits(
    world: World, bolt_item: npt.NDArray[np.int64], kits: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Pieces of the bolts that so many kits take."""
    step = world.parameters.quantity_step
    return np.ceil(kits / item_yield(world)[bolt_item] * 1.003 / step).astype(np.int64) * step


def item_yield(world: World) -> npt.NDArray[np.float64]:
    """Good share of what is started, by make item: the product of its operations' yields."""
    total = world.routing.group_by("item_index").agg(y=(1 - pl.col("scrap")).product()).sort("item_index")
    return total["y"].to_numpy().round(4)


def _lines(world: World, orders: pl.DataFrame) -> pl.DataFrame:
    """Customer lines in whole boxes; an order's lines fall due on its due day or up to two working days later."""
    sold = orders.filter(pl.col("boxes") > 0)
    count = np.minimum(sold["lines"].to_numpy(), sold["boxes"].to_numpy())
    owner = np.repeat(np.arange(len(sold)), count)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    boxes = sold["boxes"].to_numpy()[owner]
    part = boxes // count[owner] + (rank < boxes % count[owner])
    # a stream per column: more orders later never change the draws of earlier ones
    later = (stream(world.seed, "line later").random(len(owner)) * 3).astype(np.int64)
    sooner = stream(world.seed, "line early").random((len(owner), 2))
    due = shift_working_days(world, sold["due_day"].to_numpy()[owner], np.where(rank == 0, 0, later))
    early = np.where(sooner[:, 0] < 0.15, 1 + (sooner[:, 1] * 4).astype(np.int64), 0)
    customer = _customer_of(world, sold["cls"].to_numpy()[owner], stream(world.seed, "customer"))
    created = sold["created"].to_numpy()[owner]
    frame = pl.DataFrame(
        {
            "order": sold["index"].to_numpy()[owner],
            "item_index": sold["item_index"].to_numpy()[owner],
            "boxes": part,
            "customer": customer,
            "created": created,
            "due_day": due,
            "requested_day": due - early,
            "rush": sold["rush"].to_numpy()[owner],
            "created_day": world.clock.local_days(created),
        }
    ).with_row_index("index")
    number = frame.select(pl.struct("created_day", "customer").rank("dense")).to_series().cast(pl.Int64)
    return frame.with_columns(
        sales_order=pl.concat_str(pl.lit("SO"), (number + 500_000).cast(pl.String)),
    ).with_columns(
        pl.col("index").cast(pl.Int64),
        line=(pl.int_range(1, pl.len() + 1).over("sales_order") * 10).cast(pl.String),
    )


def _customer_of(world: World, cls: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    draw = rng.random(len(cls)) ** 1.5
    customer = np.zeros(len(cls), np.int64)
    known = world.customers["cls"].to_numpy()
    for c in range(3):
        members = np.flatnonzero(known == c)
        members = members if len(members) else np.arange(len(known))
        mine = cls == c
        customer[mine] = members[np.minimum((draw[mine] * len(members)).astype(np.int64), len(members) - 1)]
    return customer


def _purchases(world: World, orders: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bought components of each order, gathered by component and week of start into lines of at most a truck."""
    bom = world.bom.filter(pl.col("component_index") >= 0)
    needs = (
        orders.select(order="index", item_index="item_index", qty="qty", start_day="start_day")
        .join(bom.select("item_index", "component_index", "qty_per", "op_seq", "kind"), on="item_index")
        .with_columns(need=pl.col("qty") * pl.col("qty_per"))
        .sort("component_index", "start_day", "order")
        .with_columns(week=(pl.col("start_day") + world.clock.origin.weekday()) // 7)
    )
    truck = pl.when(pl.col("kind") == "wire").then(
        (pl.col("need").cum_sum().over("component_index", "week") / LOT_KG).floor()
    )
    needs = needs.with_columns(truck=truck.otherwise(0).cast(pl.Int64))
    group = ["component_index", "week", "truck"]
    lines = (
        needs.group_by(group)
        .agg(need=pl.col("need").sum(), first_day=pl.col("start_day").min())
        .sort("week", "component_index", "truck")
        .with_row_index("purchase")
    )
    lines = lines.with_columns(pl.col("purchase").cast(pl.Int64))
    needs = needs.join(lines.select(*group, "purchase"), on=group).sort("order", "op_seq", "component_index")
    return needs.select(
        "order", "item_index", "component_index", "qty_per", "op_seq", "kind", "need", "purchase"
    ), purchase_lines(world, lines)


def purchase_lines(world: World, lines: pl.DataFrame, today: int | None = None) -> pl.DataFrame:
    """Purchase lines due some working days before their first order starts, and what the supplier then did.

    `today`: day number before which none of them was ordered; a line is then due no sooner than its lead time allows.
    """
    component = lines["component_index"].to_numpy()
    kind = world.components["kind"].to_numpy()[component]
    supplier = world.components["supplier"].to_numpy()[component]
    safety = np.array([s.safety_days for s in world.parameters.suppliers], np.int64)[supplier]
    due = shift_working_days(world, lines["first_day"].to_numpy(), -safety)
    lead = np.array([s.lead_time_days for s in world.parameters.suppliers])[supplier]
    if today is not None:
        due = np.maximum(due, today + 1 + lead + ORDERED_AHEAD_DAYS)
    step = np.where(kind == "wire", 100.0, np.where(kind == "box", 50.0, 1000.0))
    qty = np.ceil(lines["need"].to_numpy() * 1.03 / step) * step
    key = component * 100_003 + lines["week"].to_numpy() * 17 + lines["truck"].to_numpy()
    draws = hash_uniform(world.seed, key, 4)
    late = draws[0] < np.array([s.late_share for s in world.parameters.suppliers])[supplier]
    median = np.array([s.late_median_days for s in world.parameters.suppliers])[supplier]
    sigma = np.array([s.late_sigma for s in world.parameters.suppliers])[supplier]
    days_late = np.where(late, np.ceil(median * np.exp(sigma * _normal(draws[1]))), 0).clip(0, 25).astype(np.int64)
    arrival = shift_working_days(world, due + days_late, 0)
    short = draws[2] < np.array([s.short_share for s in world.parameters.suppliers])[supplier]
    first = np.where(short, np.round(qty * 0.6, 0), qty)
    return lines.select("purchase", "component_index", "first_day", "week", "truck").with_columns(
        purchase_order=pl.concat_str(pl.lit("PO"), (pl.col("purchase") + 300_001).cast(pl.String)),
        supplier=pl.Series(supplier.astype(np.int64)),
        qty=pl.Series(qty),
        due_day=pl.Series(due),
        ordered_day=pl.Series(due - lead - ORDERED_AHEAD_DAYS),
        arrival_day=pl.Series(arrival),
        first_qty=pl.Series(first),
        second_day=pl.Series(np.where(short, shift_working_days(world, arrival, 3), arrival)),
        lot=pl.concat_str(pl.lit("H"), (pl.col("purchase") + 70_001).cast(pl.String)),
        kind=pl.Series(kind),
    )


def hash_uniform(seed: int, key: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.float64]]:
    """Uniform draws that belong to a key, so that the draw of one purchase does not depend on how many others exist
    (splitmix64; Steele, Lea & Flood 2014)."""
    draws = []
    with np.errstate(over="ignore"):
        for i in range(count):
            z = key.astype(np.uint64) + np.uint64((seed * 1_000_003 + i + 1) & 0xFFFFFFFF) * np.uint64(
                0x9E3779B97F4A7C15
            )
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            draws.append((z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64)
    return draws


def _normal(uniform: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Normal deviates from uniform ones by the logistic approximation (Bowling et al. 2009)."""
    u = np.clip(uniform, 1e-6, 1 - 1e-6)
    return np.log(u / (1 - u)) / 1.702
