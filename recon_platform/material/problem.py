"""One netting problem: a snapshot of facts turned into the arrays the kernels work on.

Belongs here: assembling and numbering. What the facts are is `snapshot`'s, the rules are in `netting` and `lots`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.material.demand import day_numbers
from recon_platform.material.lots import DAYS_PER_PERIOD, MICRO, N_PARAMETERS, RULES
from recon_platform.material.netting import Axis, Inputs
from recon_platform.material.rows import ascending
from recon_platform.material.snapshot import Snapshot
from recon_platform.material.structure import Structure, product_structure
from recon_platform.material.work_days import WorkDays
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import DEMAND_TYPES
from recon_platform.tables.reuse import Reuse

KIND_PLACE = {kind: place for place, kind in enumerate(sorted(DEMAND_TYPES))}
LARGEST_QTY = 1e9  # base units of one row; beyond it the sums of a plant would not be exact


@dataclass(frozen=True, slots=True)
class Problem:
    """Frames numbered as the arrays are: `items` by `ix`, `orders` (open supply) and `demands` by row, `lines` (BOM) by
    row; `inputs` and `axis` are what the kernels read. `loops` are BOM lines left out because they close a loop."""

    days: WorkDays
    axis: Axis
    items: pl.DataFrame
    orders: pl.DataFrame
    demands: pl.DataFrame
    lines: pl.DataFrame
    loops: pl.DataFrame
    inputs: Inputs
    demand_order: NDArray[np.int64]  # per demand: row of the open order whose component it is, −1 for own demand
    unknown: pl.DataFrame  # (entity, item) that name an item the item table lacks


def micro(column: str) -> pl.Expr:
    """A quantity as whole millionths."""
    return (pl.col(column).clip(-LARGEST_QTY, LARGEST_QTY) * MICRO).round().cast(pl.Int64)


def array(values: pl.Series, dtype: type = np.int64) -> NDArray[Any]:
    """A column as a writable array of its own: kernels are compiled for one kind of array only."""
    return np.array(values.to_numpy(), dtype=dtype, copy=True)


def offsets(ix: pl.Series, n: int) -> NDArray[np.int64]:
    """Where the rows of each of `n` items begin in a frame sorted by item number."""
    return np.searchsorted(ix.to_numpy(), np.arange(n + 1)).astype(np.int64)


def structure_of(catalogue: pl.DataFrame, lines: pl.DataFrame, uses: pl.DataFrame | None) -> Structure:
    """Netting order and BOM of a snapshot's items, lines and uses."""
    return product_structure(catalogue.get_column("item"), lines, uses)


def horizon_axis(days: WorkDays, context: PlanContext) -> Axis:
    """The kernels' axis: it ends `horizon_days` after the planning date; the day after stands for “never”."""
    planning_day = int(day_numbers(pl.Series([context.planning_date]))[0])
    return Axis(days.first, days.floor, days.days, days.today, planning_day + context.policy.material.horizon_days + 1)


def assemble(
    facts: Snapshot, context: PlanContext, structure: Structure | None = None, reuse: Reuse | None = None
) -> Problem:
    """The problem of `facts`; `structure` (default: their own) may cover more items and lines than they name. `reuse`: what was
    numbered of the same items and lines before."""
    reuse = reuse or Reuse()
    structure = structure or structure_of(facts.catalogue, facts.lines, facts.uses)
    axis = horizon_axis(facts.days, context)
    items = reuse.of(numbered_items, structure.items, facts.catalogue, facts.stock)
    orders = numbered_orders(facts.orders, items, context)
    demands, demand_order = numbered_demands(facts.demands, orders, items, facts.days, axis)
    n = items.height
    used = structure.lines
    inputs = Inputs(
        parameters=reuse.of(parameter_table, items),
        supply_at=offsets(orders.get_column("ix"), n),
        supply_day=array(orders.get_column("day")),
        supply_qty=array(orders.get_column("micro_qty")),
        supply_fixed=array(orders.get_column("fixed"), np.bool_),
        demand_at=offsets(demands.get_column("ix"), n),
        demand_day=array(demands.get_column("day")),
        demand_qty=array(demands.get_column("micro_qty")),
        **reuse.of(_line_inputs, used, n),
    )
    return Problem(
        facts.days, axis, items, orders, demands, used, structure.dropped, inputs, demand_order, facts.unknown
    )


def _line_inputs(used: pl.DataFrame, n: int) -> dict[str, NDArray[Any]]:
    """The inputs that are about BOM lines, of `n` items."""
    return {
        "line_at": offsets(used.get_column("component_ix"), n),
        "line_parent": array(used.get_column("parent_ix")),
        "line_qty": array(used.get_column("qty_per") * (1 + used.get_column("scrap")), np.float64),
        "line_fixed": array(used.select(micro("fixed_qty")).to_series()),
        "line_from": array(used.get_column("valid_from")),
        "line_to": array(used.get_column("valid_to")),
    }


def numbered_items(placed: pl.DataFrame, catalogue: pl.DataFrame, stock: pl.DataFrame) -> pl.DataFrame:
    """Items in netting order with every parameter netting reads."""
    return (
        placed.join(catalogue, on="item", how="left", maintain_order="left")
        .join(stock, on="item", how="left", maintain_order="left")
        .with_columns(pl.col("on_hand").fill_null(0.0))
    )


def parameter_table(items: pl.DataFrame) -> NDArray[np.float64]:
    """Item × parameter, in the columns `lots` names; quantities in millionths."""
    phantom = pl.col("make_buy") == "phantom"
    columns = items.select(
        micro("on_hand").cast(pl.Float64).alias("on_hand"),
        (pl.col("safety_stock").fill_null(0.0) * MICRO).round().alias("safety"),
        pl.when(phantom).then(0.0).otherwise(pl.col("lead_time_days").cast(pl.Float64).fill_null(0.0)).alias("lead"),
        pl.when(phantom)
        .then(0)
        .otherwise(pl.col("lot_rule").fill_null("lot_for_lot").replace_strict(RULES, default=0, return_dtype=pl.Int64))
        .cast(pl.Float64)
        .alias("rule"),
        (pl.col("lot_qty").cast(pl.Float64).fill_null(0.0) * MICRO).round().alias("lot_qty"),
        (pl.col("lot_periods").cast(pl.Float64).fill_null(1.0) * DAYS_PER_PERIOD).alias("window"),
        (pl.col("min_qty").cast(pl.Float64).fill_null(0.0) * MICRO).round().alias("min_qty"),
        (pl.col("max_qty").cast(pl.Float64).fill_null(0.0) * MICRO).round().alias("max_qty"),
        (pl.col("multiple_qty").cast(pl.Float64).fill_null(0.0) * MICRO).round().alias("multiple"),
        pl.col("setup_cost").cast(pl.Float64).fill_null(0.0).alias("setup"),
        pl.col("holding_cost_per_day").cast(pl.Float64).fill_null(0.0).alias("holding"),
        pl.col("yield").cast(pl.Float64).fill_null(1.0).alias("yield"),
        (pl.col("make_buy") == "buy").cast(pl.Float64).fill_null(0.0).alias("bought"),
    )
    table = columns.to_numpy(order="c")
    assert table.shape[1] == N_PARAMETERS
    return np.ascontiguousarray(table, dtype=np.float64)


def numbered_orders(orders: pl.DataFrame, items: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Open orders of known items by item and date, with `fixed` and `micro_qty`.

    Fixed are plan lines of the master schedule, and orders due beyond the reschedule horizon (mode S).
    """
    horizon = context.policy.material.reschedule_horizon_days
    beyond = (
        pl.lit(False)
        if horizon is None
        else pl.col("day") > pl.lit(context.planning_date).cast(pl.Int32).cast(pl.Int64) + horizon
    )
    known = orders.join(items.select("item", "ix", "make_buy"), on="item").with_columns(
        (beyond | (pl.col("order_type") == "planned")).alias("fixed"), micro("qty").alias("micro_qty")
    )
    return known[ascending(*(known.get_column(name).to_numpy() for name in ("ix", "day", "name_rank")))]


def numbered_demands(
    demand: pl.DataFrame, orders: pl.DataFrame, items: pl.DataFrame, days: WorkDays, axis: Axis
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Demand of known items inside the horizon by item, day, kind and name, and the open order behind each component
    demand: its row in `orders`, −1 for own demand and for components of orders left out."""
    ix = demand.select("item").join(items.select("item", "ix"), on="item", how="left", maintain_order="left")
    known = (
        demand.with_columns(ix.get_column("ix"), micro("qty").alias("micro_qty"))
        .filter(pl.col("ix").is_not_null() & pl.col("date").is_not_null() & (pl.col("micro_qty") > 0))
        .rechunk()
    )
    day = days.back(day_numbers(known.get_column("date")))
    order = ascending(
        known.get_column("ix").to_numpy(), day, *demand_names(known), array(known.get_column("op_seq").fill_null(-1))
    )
    order = order[day[order] < axis.never]
    placed = known[order].with_columns(pl.Series("day", day[order]))
    row_of = np.full(max(int(orders.get_column("name_rank").max() or 0), 0) + 1, -1, dtype=np.int64)  # type: ignore[arg-type]
    row_of[orders.get_column("name_rank").to_numpy()] = np.arange(orders.height)
    rank = array(placed.get_column("order_rank").fill_null(-1))
    inside = (rank >= 0) & (rank < len(row_of))
    return placed, np.where(inside, row_of[np.where(inside, rank, 0)], -1)


def demand_names(demand: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two numbers per demand that sort as its kind and its name do: components by the rank of their order."""
    kind = demand.select(
        pl.col("demand_type").replace_strict(KIND_PLACE, default=len(KIND_PLACE), return_dtype=pl.Int64)
    ).to_series()
    name = array(demand.get_column("order_rank").fill_null(-1))
    own = name < 0
    if own.any():
        named = demand.filter(pl.Series(own)).get_column("demand")
        name[own] = named.rank("dense").to_numpy()
    return array(kind), name
