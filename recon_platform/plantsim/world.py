"""The world of a plant: items, materials, routings, machines, customers and working time, drawn once from a seed.

Belongs here: what stands still while orders flow. Does not belong here: orders (`demand`) and what happens to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import Clock, holidays
from recon_platform.plantsim.parameters import Parameters, plant_named
from recon_platform.plantsim.products import bolts_of, components_of, kits_of, routing_of
from recon_platform.plantsim.streams import stream

REGULAR_WEEK_MIN = {"PLANT": 15 * 480, "TWO": 10 * 480, "FURNACE": 21 * 480, "VENDOR": 7 * 1440}


@dataclass(frozen=True, slots=True)
class World:
    """Frames are ordered by their index column (`row number = index`).

    `items`: make items (bolts, then kits). `routing`: one row per item and operation with the work center index.
    `components`: bought items with their make users in `bom`. `machines`: with work center index.
    `first_day` and `days` bound the minute axis; `orders_per_week` is the arrival rate the machines are sized for.
    """

    parameters: Parameters
    seed: int
    clock: Clock
    start: date
    days: int
    closed: tuple[tuple[date, str], ...]
    orders_per_week: float
    items: pl.DataFrame
    components: pl.DataFrame
    bom: pl.DataFrame
    routing: pl.DataFrame
    machines: pl.DataFrame
    customers: pl.DataFrame

    @property
    def closed_days(self) -> frozenset[date]:
        return frozenset(day for day, _ in self.closed)

    def working_days(self) -> np.ndarray:
        """Day numbers of the plant calendar's working days (Monday to Friday less holidays)."""
        numbers = np.arange(self.days)
        weekday = (numbers + self.clock.origin.weekday()) % 7
        shut = np.array([self.clock.day_number(day) for day in self.closed_days], np.int64)
        return numbers[(weekday < 5) & ~np.isin(numbers, shut)]


def build_world(orders: int, *, seed: int, start: date, nights: int, plant: str | Parameters) -> World:
    """The world of a plant sized for about `orders` open work orders.

    Raises ValueError for an unknown plant or fewer than one order.
    """
    if orders < 1:
        raise ValueError(f"orders must be at least 1, found {orders}")
    parameters = plant_named(plant) if isinstance(plant, str) else plant
    origin = start - timedelta(days=parameters.history_days)
    days = parameters.history_days + nights + 260
    clock = Clock(ZoneInfo(parameters.timezone), origin)
    rate = orders / parameters.open_weeks
    bolts = bolts_of(parameters, seed, max(24, round(orders * parameters.items_per_order)))
    kits = kits_of(seed, bolts, max(2, round(len(bolts) * 0.04)))
    items = (
        pl.concat([bolts, kits], how="diagonal").with_row_index("index").with_columns(pl.col("index").cast(pl.Int64))
    )
    components, bom = components_of(parameters, seed, items)
    routing = routing_of(parameters, seed, items)
    routing, machines = _size_machines(parameters, rate, items, routing)
    return World(
        parameters,
        seed,
        clock,
        start,
        days,
        tuple(holidays(origin, origin + timedelta(days=days))),
        rate,
        items,
        components,
        bom,
        routing,
        machines,
        _customers(parameters, seed, orders),
    )


def order_share(parameters: Parameters, items: pl.DataFrame) -> pl.Series:
    """Which share of all orders is for each make item, on average."""
    chance = items["popularity"] * (items["kit_of"] < 0)
    kits = items["kit_of"] >= 0
    return (
        chance / chance.sum() * (1 - parameters.kit_share)
        + kits.cast(pl.Float64) / max(1, kits.sum()) * parameters.kit_share
    )


def _size_machines(
    parameters: Parameters, rate: float, items: pl.DataFrame, routing: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """As many machines as the arrival rate needs at the work center's load, then speeds fitted to meet the load."""
    centers = parameters.work_centers
    share = order_share(parameters, items)
    quantity = parameters.quantity_median * float(np.exp(parameters.quantity_sigma**2 / 2))
    setup = np.array(
        [
            parameters.expected_setup_share * max(w.setup_diameter_min, w.setup_length_min, w.setup_class_min // 2)
            for w in centers
        ]
    )
    need = (
        routing.with_columns(
            share=share.gather(routing["item_index"]),
            minutes=pl.when(pl.col("batch_max") > 0)
            .then(_loads(parameters, routing["batch_max"]) * pl.col("batch_minutes"))
            .otherwise(pl.col("run_min_per_unit") * quantity),
        )
        .group_by("wc")
        .agg(
            run=(pl.col("share") * pl.col("minutes")).sum() * rate,
            orders=pl.col("share").sum() * rate,
        )
    )
    run, count_orders = np.zeros(len(centers)), np.zeros(len(centers))
    run[need["wc"].to_numpy()] = need["run"].to_numpy()
    count_orders[need["wc"].to_numpy()] = need["orders"].to_numpy()
    rows, factor = [], np.ones(len(centers))
    for i, center in enumerate(centers):
        if center.external:
            continue
        minutes = REGULAR_WEEK_MIN[center.calendar] * 0.96
        count = max(1, round((run[i] + setup[i] * count_orders[i]) / (minutes * center.load)))
        target = minutes * center.load * parameters.load_factor * count - setup[i] * count_orders[i]
        factor[i] = float(np.clip(target / max(run[i], 1e-9), 0.25, 2.0)) if run[i] > 0 else 1.0
        rows += [
            {"machine": f"{center.code}-{m:02d}", "mes_machine": f"M{center.code}{m:02d}", "wc": i}
            for m in range(1, count + 1)
        ]
    fitted = pl.col("run_min_per_unit") * pl.Series(factor).gather(routing["wc"])
    routing = routing.with_columns(
        run_min_per_unit=pl.when(pl.col("batch_max") > 0).then(pl.col("run_min_per_unit")).otherwise(fitted).round(7)
    )
    machines = pl.DataFrame(rows).with_row_index("index").with_columns(pl.col("index", "wc").cast(pl.Int64))
    return routing, machines


def _loads(parameters: Parameters, batch_max: pl.Series) -> pl.Series:
    """Loads that an order takes on average: whole ones where it fills more than one, its part of one where it shares."""
    normal = NormalDist()
    levels = [math.exp(parameters.quantity_sigma * normal.inv_cdf((i + 0.5) / 100)) for i in range(100)]
    part = np.clip(parameters.quantity_median * np.array(levels), parameters.quantity_min, parameters.quantity_max)
    filled = part[None, :] / np.maximum(batch_max.to_numpy(), 1)[:, None]
    return pl.Series(np.where(filled > 1, np.ceil(filled), filled).mean(axis=1))


def _customers(parameters: Parameters, seed: int, orders: int) -> pl.DataFrame:
    rng = stream(seed, "customers")
    count = max(12, min(3000, orders // 15))
    cls = np.sort(rng.choice(3, count, p=[0.15, 0.30, 0.55]))
    revenue = np.round(rng.lognormal(np.array([15.0, 13.6, 12.2])[cls], 0.5), -3)
    names = pl.Series(["Automotive", "Distribution", "Works"])
    return pl.DataFrame({"index": np.arange(count), "cls": cls}).with_columns(
        customer=pl.Series([f"C{n:05d}" for n in range(1, count + 1)]),
        name=pl.concat_str(names.gather(cls), pl.lit(" "), (pl.col("index") + 1).cast(pl.String)),
        customer_class=pl.Series(["A", "B", "C"]).gather(cls),
        annual_revenue=pl.Series(revenue),
    )
