"""The solved problem as frames: planned orders, requirements, pegging, and what each order inherits from above.

Belongs here: turning the kernels' arrays back into rows with names. No judgement about them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.lots import MICRO, ON_HAND, SAFETY
from recon_platform.material.netting import Netted, net_all
from recon_platform.material.peg_rows import peg_rows, rows_in_order
from recon_platform.material.pegging import NO_RANK, peg_all
from recon_platform.material.planned import after, planned_rows
from recon_platform.material.problem import Problem, offsets
from recon_platform.material.work_days import to_date
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import DEMAND_TYPES, PEGGING, PLANNED_ORDERS, REQUIREMENTS, SUPPLY_TYPES

Ints = NDArray[np.int64]
TYPES = sorted(set(SUPPLY_TYPES) | set(DEMAND_TYPES))
TYPE_PLACE = {name: place for place, name in enumerate(TYPES)}
PLACE_BITS = 31


@dataclass(frozen=True, slots=True)
class Solution:
    """A problem with its netting and pegging. `orders` gained `need_day`, `used`, `early` and `rank`; `planned` are the
    orders netting made, by row; `ranks` says which customer line each rank stands for; `pegs` are rows by number;
    `item_order` are the item numbers by name."""

    problem: Problem
    netted: Netted
    orders: pl.DataFrame
    planned: pl.DataFrame
    ranks: pl.DataFrame
    pegs: pl.DataFrame
    item_order: Ints


def solve(problem: Problem, context: PlanContext) -> Solution:
    """Net and peg."""
    netted = net_all(problem.inputs, problem.axis)
    ranks, rank_of_demand = ranked_customers(problem.demands, context)
    pegs = peg_all(problem.inputs, netted, problem.axis, rank_of_demand, problem.demand_order)
    fixed = problem.inputs.supply_fixed
    orders = problem.orders.with_columns(
        pl.Series("need_day", np.where(fixed, pegs.open_first, netted.need)),
        pl.Series("used", pegs.open_used),
        pl.Series("early", pegs.open_early),
        pl.Series("rank", pegs.open_rank),
    )
    planned = planned_rows(problem, netted, pegs.planned_rank)
    by_name = np.array(problem.items.get_column("item").arg_sort().to_numpy(), dtype=np.int64)
    return Solution(problem, netted, orders, planned, ranks, peg_rows(problem, netted, pegs), by_name)


def ranked_customers(demands: pl.DataFrame, context: PlanContext) -> tuple[pl.DataFrame, Ints]:
    """Customer lines by class weight, date and name, and the rank of each demand row (NO_RANK where it has none)."""
    weights = context.policy.capacity.class_weights
    least = min(weights.values(), default=1.0)
    sold = (
        demands.with_row_index("_row")
        .filter(pl.col("demand_type") == "sales_order")
        .with_columns(
            pl.col("customer_class")
            .replace_strict(dict(weights), default=least, return_dtype=pl.Float64)
            .alias("weight")
        )
        .sort(["weight", "date", "demand"], descending=[True, False, False])
        .with_row_index("rank")
        .with_columns(pl.col("rank").cast(pl.Int64))
    )
    rank = np.full(demands.height, NO_RANK, dtype=np.int64)
    rank[sold.get_column("_row").to_numpy()] = sold.get_column("rank").to_numpy()
    return sold.select("rank", "weight", "customer_class", "sales_order", "line"), rank


def operations(solution: Solution, rows: pl.DataFrame) -> pl.Series:
    """The operation that consumes each peg's component: of the order's own record, else of its BOM line."""
    recorded = _optional(solution.problem.demands.get_column("op_seq"), rows.get_column("demand_row"))
    return recorded.zip_with(
        recorded.is_not_null(), _optional(solution.problem.lines.get_column("op_seq"), rows.get_column("line"))
    )


def _optional(values: pl.Series, index: pl.Series) -> pl.Series:
    """`values` at `index`, null where the index is −1."""
    return values.gather(index.replace(-1, None))


def supply_names(solution: Solution) -> pl.DataFrame:
    """`type`, `name` by `supply_id`."""
    return pl.concat(
        [
            solution.problem.items.select(pl.lit("stock").alias("type"), pl.col("item").alias("name")),
            solution.orders.select(pl.col("order_type").alias("type"), pl.col("order").alias("name")),
            solution.planned.select(pl.lit("planned").alias("type"), pl.col("order").alias("name")),
        ]
    )


def demand_names(solution: Solution) -> pl.Series:
    """The name of each demand by `demand_id`."""
    items = solution.problem.items.get_column("item")
    return pl.concat(
        [
            items, items, solution.orders.get_column("order"), solution.planned.get_column("order"),
            solution.problem.demands.get_column("demand"),
        ]
    )  # fmt: skip


def peg_places(solution: Solution) -> tuple[Ints, Ints, int]:
    """The place of each supply and of each demand by type and name within an item, and the span of places of one type:
    place ÷ span is the place of the type among `TYPES`."""
    items, orders, planned, demands = (
        solution.problem.items.height, solution.orders, solution.planned, solution.problem.demands,
    )  # fmt: skip
    own = demands.select(
        pl.when(pl.col("order_rank").is_null()).then("demand").rank("ordinal").fill_null(0).cast(pl.Int64)
    ).to_series()
    span = after(solution.problem) + planned.height + demands.height + 1

    def typed(types: pl.Series, place: pl.Series) -> Ints:
        kind = types.replace_strict(TYPE_PLACE, return_dtype=pl.Int64)
        return np.asarray((kind * span + place).to_numpy())

    opened = typed(orders.get_column("order_type"), orders.get_column("name_rank"))
    made = TYPE_PLACE["planned"] * span + planned.get_column("name_rank").to_numpy()
    one = np.full(items, span, dtype=np.int64)
    supply = np.concatenate([TYPE_PLACE["stock"] * one, opened, made])
    demand = np.concatenate(
        [
            TYPE_PLACE["safety_stock"] * one, TYPE_PLACE["surplus"] * one, opened, made,
            typed(demands.get_column("demand_type"), own),
        ]
    )  # fmt: skip
    return supply, demand, span


def planned_orders_table(solution: Solution) -> pl.DataFrame:
    """Table `planned_orders`: what netting made, and the firm plan lines of the master schedule."""
    made = solution.planned.select(
        "order", "item", "qty", "good_qty", "start_date", "due_date", pl.lit(False).alias("firm"), "make_buy"
    )
    firm = solution.orders.filter(pl.col("order_type") == "planned").select(
        "order", "item", "qty", pl.col("qty").alias("good_qty"),
        pl.col("start_day").cast(pl.Int32).cast(pl.Date).alias("start_date"), "due_date", pl.lit(True).alias("firm"),
        "make_buy",
    )  # fmt: skip
    return PLANNED_ORDERS.frame(pl.concat([made, firm])).sort("order")


@njit(cache=True)
def _record_rows(  # noqa: PLR0917 - a compiled kernel takes its arrays by position
    order: Ints, usable: Ints, at: tuple[Ints, ...], days: tuple[Ints, ...], qtys: tuple[Ints, ...], room: int
) -> tuple[Ints, Ints, Ints]:
    """Merge gross, receipts, planned receipts and net of each item by day, items in `order`.

    Gives item and day per row, and the columns gross, receipts, planned, net, available, available with planned.
    """
    item_of = np.empty(room, dtype=np.int64)
    day_of = np.empty(room, dtype=np.int64)
    table = np.zeros((room, 6), dtype=np.int64)
    cursor = np.empty(4, dtype=np.int64)
    rows = 0
    for item in order:
        for k in range(4):
            cursor[k] = at[k][item]
        available = with_planned = usable[item]
        while True:
            day = np.int64(2**62)
            for k in range(4):
                if cursor[k] < at[k][item + 1]:
                    day = min(day, days[k][cursor[k]])
            if day == 2**62:
                break
            for k in range(4):
                while cursor[k] < at[k][item + 1] and days[k][cursor[k]] == day:
                    table[rows, k] += qtys[k][cursor[k]]
                    cursor[k] += 1
            available += table[rows, 1] - table[rows, 0]
            with_planned += table[rows, 1] - table[rows, 0] + table[rows, 2]
            table[rows, 4] = available
            table[rows, 5] = with_planned
            item_of[rows] = item
            day_of[rows] = day
            rows += 1
    return item_of[:rows], day_of[:rows], table[:rows]


def requirements_table(solution: Solution) -> pl.DataFrame:
    """Table `requirements`: one row per item and day on which anything happens."""
    inputs, netted = solution.problem.inputs, solution.netted
    usable = (inputs.parameters[:, ON_HAND] - inputs.parameters[:, SAFETY]).astype(np.int64)
    names = solution.problem.items.get_column("item")
    at = (netted.gross_at, inputs.supply_at, netted.planned_at, netted.net_at)
    days = (netted.gross_day, inputs.supply_day, netted.planned_day, netted.net_day)
    qtys = (netted.gross_qty, inputs.supply_qty, netted.planned_good, netted.net_qty)
    room = sum(len(d) for d in days)
    item, day, table = _record_rows(solution.item_order, usable, at, days, qtys, room)
    columns = ("gross", "receipts", "planned_receipts", "net", "projected_available", "projected_with_planned")
    return REQUIREMENTS.frame(
        pl.DataFrame(
            {
                "item": names.gather(item),
                "date": to_date(day),
                **{name: table[:, k] / MICRO for k, name in enumerate(columns)},
            }
        )
    )


def pegging_table(solution: Solution) -> pl.DataFrame:
    """Table `pegging`: quantities by supply and demand."""
    pegs, items = solution.pegs, solution.problem.items
    ix, supply, demand, day, qty = (
        pegs.get_column(name).to_numpy() for name in ("ix", "supply_id", "demand_id", "day", "micro_qty")
    )
    by_supply, by_demand, span = peg_places(solution)
    key = (by_supply[supply] << PLACE_BITS) + by_demand[demand]
    at = offsets(pegs.get_column("ix"), items.height)
    rows = rows_in_order(at, solution.item_order, key)
    ordered, of_item = key[rows], ix[rows]
    fresh = np.ones(len(rows), dtype=np.bool_)  # one row where several pegs join the same supply and demand
    fresh[1:] = (ordered[1:] != ordered[:-1]) | (of_item[1:] != of_item[:-1])
    starts = np.flatnonzero(fresh)
    need, total = np.minimum.reduceat(day[rows], starts), np.add.reduceat(qty[rows], starts)
    first = rows[starts]
    types = pl.Series(TYPES)
    supply, demand, number = supply[first], demand[first], ix[first]
    return PEGGING.frame(
        pl.DataFrame(
            {
                "supply_type": types.gather(by_supply[supply] // span),
                "supply": supply_names(solution).get_column("name").gather(supply),
                "demand_type": types.gather(by_demand[demand] // span),
                "demand": demand_names(solution).gather(demand),
                "item": items.get_column("item").gather(number),
                "qty": pl.Series(total) / MICRO,
                "level": items.get_column("level").gather(number),
                "need_date": pl.Series(need).cast(pl.Date),
                "gross": pegs.get_column("gross").gather(first),
            }
        ).select(
            pl.exclude("need_date", "gross"), pl.when("gross").then("need_date").alias("need_date")
        )
    )  # fmt: skip
