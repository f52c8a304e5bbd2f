"""The facts netting starts from, as frames: what is known of one night before anything is numbered or netted.

Belongs here: which rows of which tables count. Two snapshots can be compared; that is what causes are made of.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.material.demand import (
    DEMANDED_BY,
    component_demand,
    day_numbers,
    independent_demand,
    uses_outside_bom,
)
from recon_platform.material.structure import bom_frame, pass_through_phantoms
from recon_platform.material.supply import open_orders, usable_stock
from recon_platform.material.work_days import WorkDays, work_days
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`catalogue`: items with their parameters; `stock`: usable stock per item; `orders`: open supply with `day` (usable
    from) and `start_day`; `demands`: own demand and components of open orders; `lines`: BOM, phantoms passed through;
    `uses`: component uses outside any BOM; `unknown`: rows that name an item the catalogue lacks."""

    days: WorkDays
    catalogue: pl.DataFrame
    stock: pl.DataFrame
    orders: pl.DataFrame
    demands: pl.DataFrame
    lines: pl.DataFrame
    uses: pl.DataFrame | None
    unknown: pl.DataFrame


def snapshot(
    frames: Frames, context: PlanContext, days: WorkDays | None = None, reuse: Reuse | None = None
) -> Snapshot:
    """The facts of `frames` as planned on the context's planning date; `days` replaces the frames' own calendar. `reuse`: what
    was read of the same tables before."""
    reuse = reuse or Reuse()
    days = days or work_days(frames["plant_days"])
    catalogue = frames["items"]
    orders = open_orders(frames)
    independent = reuse.of(
        independent_demand, only(frames, *DEMANDED_BY), context.policy.material, context.planning_date
    )
    stock = usable_stock(frames, pl.lit(context.planning_date))
    phantoms = transparent_phantoms(catalogue, orders, independent, stock)
    lines = reuse.of(_lines, frames["bom_lines"], phantoms.to_frame())
    orders = dated_orders(orders, catalogue, days)
    named = [
        orders.filter(~pl.col("known")).select(pl.col("order").alias("entity"), "item"),
        independent.select(pl.col("demand").alias("entity"), "item"),
        stock.select(pl.col("item").alias("entity"), "item"),
        lines.select(pl.col("parent_item").alias("entity"), pl.col("component_item").alias("item")),
    ]
    unknown = pl.concat(named).join(catalogue, on="item", how="anti").unique().sort("entity", "item")
    orders = orders.drop("known")
    demands = pl.concat([independent, component_demand(frames, orders, lines)])
    return Snapshot(days, catalogue, stock, orders, demands, lines, uses_outside_bom(frames), unknown)


def _lines(bom_lines: pl.DataFrame, phantoms: pl.DataFrame) -> pl.DataFrame:
    return pass_through_phantoms(bom_frame(bom_lines), phantoms.to_series())


def dated_orders(orders: pl.DataFrame, catalogue: pl.DataFrame, days: WorkDays) -> pl.DataFrame:
    """`orders` with `available_date`, `day` (the working day they can be used from) and `start_day`: the date given, or due
    less lead time; `known`: the catalogue has its item."""
    lead = catalogue.select("item", pl.col("lead_time_days").cast(pl.Float64).fill_null(0.0).ceil().alias("_lead"))
    placed = orders.join(lead, on="item", how="left", maintain_order="left").with_columns(
        pl.max_horizontal("due_date", "not_before").alias("available_date")
    )
    steps = placed.get_column("_lead").fill_null(0.0).cast(pl.Int64).to_numpy()
    computed = pl.Series("_computed", days.minus(day_numbers(placed.get_column("due_date")), steps))
    start = placed.select(pl.coalesce(pl.col("start_date").cast(pl.Int32).cast(pl.Int64), computed)).to_series()
    return placed.drop("_lead").with_columns(
        placed.get_column("_lead").is_not_null().alias("known"),
        pl.Series("day", days.ahead(day_numbers(placed.get_column("available_date")))),
        pl.Series("start_day", days.back(start.to_numpy())),
    )


def transparent_phantoms(
    catalogue: pl.DataFrame, orders: pl.DataFrame, demand: pl.DataFrame, stock: pl.DataFrame
) -> pl.Series:
    """Phantoms that only pass requirements through. One with stock, orders or demand of its own is netted as an item."""
    phantoms = catalogue.filter(pl.col("make_buy") == "phantom").select("item")
    if not phantoms.is_empty():
        for frame in (orders, demand, stock.filter(pl.col("on_hand") != 0)):
            phantoms = phantoms.join(frame.select("item"), on="item", how="anti")
    return phantoms.get_column("item")
