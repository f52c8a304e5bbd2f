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
from recon_platform.material.pegging import (
    GROSS_DEMAND,
    NO_RANK,
    OPEN_ORDER,
    SAFETY_DEMAND,
    STOCK,
    SURPLUS,
    Pegs,
    peg_all,
)
from recon_platform.material.problem import Problem
from recon_platform.material.work_days import to_date
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import DEMAND_TYPES, PEGGING, PLANNED_ORDERS, REQUIREMENTS, SUPPLY_TYPES

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Solution:
    """A problem with its netting and pegging. `orders` gained `need_day`, `used`, `early` and `rank`; `planned` are the
    orders netting made, by row; `ranks` says which customer line each rank stands for; `pegs` are rows by number."""

    problem: Problem
    netted: Netted
    orders: pl.DataFrame
    planned: pl.DataFrame
    ranks: pl.DataFrame
    pegs: pl.DataFrame


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
    planned = planned_rows(problem, netted, pegs)
    return Solution(problem, netted, orders, planned, ranks, peg_rows(problem, netted, pegs))


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


def item_rows(at: Ints) -> Ints:
    """The item number of each row of a frame whose rows are grouped by item."""
    return np.repeat(np.arange(len(at) - 1), np.diff(at))


def planned_rows(problem: Problem, netted: Netted, pegs: Pegs) -> pl.DataFrame:
    """Planned orders by row, named after item and day; several on one day are numbered."""
    ix = item_rows(netted.planned_at)
    frame = pl.DataFrame(
        {
            "ix": ix,
            "day": netted.planned_day,
            "start_day": netted.planned_start,
            "qty": netted.planned_started / MICRO,
            "good_qty": netted.planned_good / MICRO,
            "micro_good": netted.planned_good,
            "rank": pegs.planned_rank,
            "due_date": to_date(netted.planned_day),
            "start_date": to_date(netted.planned_start),
        }
    )
    of_item = problem.items.select("item", "make_buy", "planner", "cost", "lead_time_days", "level")
    frame = frame.hstack(of_item[ix])
    position = pl.int_range(pl.len()).over("ix", "day")
    return frame.with_columns(
        pl.concat_str(
            pl.lit("PL-"),
            "item",
            pl.lit("-"),
            pl.col("due_date").dt.strftime("%Y%m%d"),
            pl.when(position == 0)
            .then(pl.lit(""))
            .otherwise(pl.lit("-") + (position + 1).cast(pl.String).str.zfill(4)),
        ).alias("order")
    )


def peg_rows(problem: Problem, netted: Netted, pegs: Pegs) -> pl.DataFrame:
    """Pegs by row, in numbers: who is who stays an index until somebody needs the name.

    `supply_id` counts items (their stock), open orders, planned orders; `demand_id` items twice (safety stock, surplus),
    open orders (their components), planned orders, own demand. `parent` is the made order that consumes: the row of an open
    order, or the number of open orders plus the row of a planned one; −1 for demand that is not a component.
    """
    items, opens, planned = problem.items.height, problem.orders.height, len(netted.planned_day)
    at = np.where(pegs.demand_kind == GROSS_DEMAND, pegs.demand, 0)
    gross = pegs.demand_kind == GROSS_DEMAND
    source, line, day = (_taken(a, at) for a in (netted.gross_source, netted.gross_line, netted.gross_day))
    own = gross & (source >= 0)
    behind = np.where(own, _taken(problem.demand_order, np.where(own, source, 0)), -1)
    parent = np.where(gross & (source < 0), opens - 1 - source, np.where(behind >= 0, behind, -1))
    demand_id = np.where(
        parent >= 0,
        2 * items + parent,
        np.where(
            own,
            2 * items + opens + planned + source,
            pegs.demand + np.where(pegs.demand_kind == SAFETY_DEMAND, 0, items),
        ),
    )
    supply_id = pegs.supply + np.where(
        pegs.supply_kind == STOCK, 0, np.where(pegs.supply_kind == OPEN_ORDER, items, items + opens)
    )
    return pl.DataFrame(
        {
            "ix": pegs.item, "supply_kind": pegs.supply_kind, "supply_row": pegs.supply, "supply_id": supply_id,
            "demand_id": demand_id, "parent": parent, "demand_row": np.where(own, source, -1), "line": np.where(gross, line, -1),
            "surplus": pegs.demand_kind == SURPLUS, "gross": gross, "day": day, "micro_qty": pegs.qty,
        }
    )  # fmt: skip


def _taken(values: Ints, at: Ints) -> Ints:
    """`values` at `at`; zeros where there are none at all."""
    return values[at] if len(values) else np.zeros(len(at), dtype=np.int64)


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


def demand_names(solution: Solution) -> pl.DataFrame:
    """`type`, `name` by `demand_id`."""
    items = solution.problem.items
    return pl.concat(
        [
            items.select(pl.lit("safety_stock").alias("type"), pl.col("item").alias("name")),
            items.select(pl.lit("surplus").alias("type"), pl.col("item").alias("name")),
            solution.orders.select(pl.col("order_type").alias("type"), pl.col("order").alias("name")),
            solution.planned.select(pl.lit("planned").alias("type"), pl.col("order").alias("name")),
            solution.problem.demands.select(pl.col("demand_type").alias("type"), pl.col("demand").alias("name")),
        ]
    )


def place(values: pl.Series) -> Ints:
    """The place of each value when sorted, equals in their order."""
    order = values.arg_sort().to_numpy()
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    return back


def peg_places(solution: Solution) -> tuple[Ints, Ints]:
    """Where each supply stands by item, type and name, and each demand by type and name: what `pegging` is sorted by.

    Places are put together from those of items, open and planned orders, which are few strings or none to compare.
    """
    items, orders, planned, demands = (
        solution.problem.items, solution.orders, solution.planned, solution.problem.demands,
    )  # fmt: skip
    of_item = place(items.get_column("item"))
    of_open = orders.get_column("name_rank").to_numpy()
    of_planned = place(planned.get_column("order")) + len(of_open)
    types = sorted(set(SUPPLY_TYPES) | set(DEMAND_TYPES))
    code = {name: n for n, name in enumerate(types)}
    open_type = orders.get_column("order_type").replace_strict(code, return_dtype=pl.Int64).to_numpy()

    def key(kind: Ints | int, name: Ints) -> Ints:
        return np.asarray(kind, dtype=np.int64) * 2**34 + name

    within = np.concatenate([key(code["stock"], of_item), key(open_type, of_open), key(code["planned"], of_planned)])
    owner = np.concatenate(
        [of_item, of_item[orders.get_column("ix").to_numpy()], of_item[planned.get_column("ix").to_numpy()]]
    )
    supply = np.empty(len(owner), dtype=np.int64)
    supply[np.lexsort((within, owner))] = np.arange(len(owner))
    own = demands.select(
        pl.col("demand_type").replace_strict(code, default=len(types), return_dtype=pl.Int64), "demand"
    )
    own_place = place(own.get_column("demand")) if demands.height else np.zeros(0, dtype=np.int64)
    keys = np.concatenate(
        [
            key(code["safety_stock"], of_item), key(code["surplus"], of_item), key(open_type, of_open),
            key(code["planned"], of_planned), key(own.get_column("demand_type").to_numpy(), own_place),
        ]
    )  # fmt: skip
    return supply, place(pl.Series(keys))


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
    order = np.array(names.arg_sort().to_numpy(), dtype=np.int64)
    item, day, table = _record_rows(order, usable, at, days, qtys, room)
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
    supplies, demands = supply_names(solution), demand_names(solution)
    by_supply, by_demand = peg_places(solution)
    pegs = solution.pegs
    rank = pl.Series(
        by_supply[pegs.get_column("supply_id").to_numpy()] * 2**32 + by_demand[pegs.get_column("demand_id").to_numpy()]
    )
    rows = (
        pegs.select("ix", "supply_id", "demand_id", "micro_qty", rank.alias("_rank"),
                    pl.when(pl.col("gross")).then(pl.col("day")).cast(pl.Int32).cast(pl.Date).alias("need_date"))
        .sort("_rank")
    )  # fmt: skip
    key = rows.get_column("_rank")
    if (key == key.shift(1)).any():
        rows = rows.group_by("_rank", maintain_order=True).agg(
            pl.col("ix", "supply_id", "demand_id").first(), pl.col("micro_qty").sum(), pl.col("need_date").min()
        )
    supply, demand, ix = rows.get_column("supply_id"), rows.get_column("demand_id"), rows.get_column("ix")
    return PEGGING.frame(
        rows.select(
            supplies.get_column("type").gather(supply).alias("supply_type"),
            supplies.get_column("name").gather(supply).alias("supply"),
            demands.get_column("type").gather(demand).alias("demand_type"),
            demands.get_column("name").gather(demand).alias("demand"),
            solution.problem.items.get_column("item").gather(ix).alias("item"),
            (pl.col("micro_qty") / MICRO).alias("qty"),
            solution.problem.items.get_column("level").gather(ix).alias("level"),
            "need_date",
        )
    )
