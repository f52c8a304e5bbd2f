"""The solved problem as frames: planned orders, requirements, pegging, and what each order inherits from above.

Belongs here: turning the kernels' arrays back into rows with names. No judgement about them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.material.lots import MICRO, ON_HAND, SAFETY
from recon_platform.material.netting import Netted, net_all
from recon_platform.material.pegging import NO_RANK, OPEN_ORDER, PLANNED_ORDER, STOCK, Pegs, peg_all
from recon_platform.material.pegging import GROSS_DEMAND, SAFETY_DEMAND
from recon_platform.material.problem import Problem
from recon_platform.material.work_days import to_date
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import PEGGING, PLANNED_ORDERS, REQUIREMENTS

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
    return Solution(problem, netted, orders, planned, ranks, peg_rows(problem, netted, pegs, orders, planned))


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
            pl.when(position == 0).then(pl.lit("")).otherwise(pl.lit("-") + (position + 1).cast(pl.String)),
        ).alias("order")
    )


def _names(values: pl.Series, rows: Ints) -> pl.Series:
    return values.gather(rows)


def peg_rows(problem: Problem, netted: Netted, pegs: Pegs, orders: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """Pegs by row with names on both sides, the day and BOM operation of the demand."""
    rows = len(pegs.item)
    item_names = problem.items.get_column("item")

    supply = _named(rows, [
        (pegs.supply_kind == STOCK, item_names, pegs.supply, pl.lit("stock")),
        (pegs.supply_kind == OPEN_ORDER, orders.get_column("order"), pegs.supply, orders.get_column("order_type")),
        (pegs.supply_kind == PLANNED_ORDER, planned.get_column("order"), pegs.supply, pl.lit("planned")),
    ])  # fmt: skip
    gross = pegs.demand_kind == GROSS_DEMAND
    source = np.where(gross, netted.gross_source[np.where(gross, pegs.demand, 0)] if len(netted.gross_source) else 0, 0)
    line = np.where(gross, netted.gross_line[np.where(gross, pegs.demand, 0)] if len(netted.gross_line) else -1, -1)
    day = netted.gross_day[np.where(gross, pegs.demand, 0)] if len(netted.gross_day) else np.zeros(rows, np.int64)
    demand = _named(rows, [
        (pegs.demand_kind == SAFETY_DEMAND, item_names, pegs.demand, pl.lit("safety_stock")),
        (~gross & (pegs.demand_kind != SAFETY_DEMAND), item_names, pegs.demand, pl.lit("surplus")),
        (gross & (source >= 0), problem.demands.get_column("demand"), source, problem.demands.get_column("demand_type")),
        (gross & (source < 0), planned.get_column("order"), -1 - source, pl.lit("planned")),
    ])  # fmt: skip
    op_seq = _optional(problem.demands.get_column("op_seq"), np.where(gross & (source >= 0), source, -1))
    op_line = _optional(problem.lines.get_column("op_seq"), line)
    return pl.DataFrame(
        {
            "ix": pegs.item,
            "supply_kind": pegs.supply_kind,
            "supply_row": pegs.supply,
            "supply_type": supply[0],
            "supply": supply[1],
            "demand_type": demand[0],
            "demand": demand[1],
            "item": item_names.gather(pegs.item),
            "micro_qty": pegs.qty,
            "level": problem.items.get_column("level").gather(pegs.item),
            "need_date": to_date(day),
            "op_seq": op_seq.zip_with(op_seq.is_not_null(), op_line),
        }
    ).with_columns(pl.when(pl.Series(gross)).then(pl.col("need_date")).alias("need_date"))


def _named(
    rows: int, parts: list[tuple[NDArray[np.bool_], pl.Series, Ints, pl.Expr | pl.Series]]
) -> tuple[pl.Series, pl.Series]:
    """Type and name per row, each part filling the rows of its mask."""
    kinds: list[pl.Series] = []
    names: list[pl.Series] = []
    where: list[NDArray[np.int64]] = []
    for mask, values, index, kind in parts:
        at = np.flatnonzero(mask)
        chosen = index[at]
        names.append(values.gather(chosen))
        kinds.append(
            kind.gather(chosen)
            if isinstance(kind, pl.Series)
            else pl.select(kind.repeat_by(len(at)).explode()).to_series()
            if len(at)
            else pl.Series([], dtype=pl.String)
        )
        where.append(at)
    back = np.empty(rows, dtype=np.int64)
    back[np.concatenate(where)] = np.arange(rows)
    return pl.concat(kinds).gather(back), pl.concat(names).gather(back)


def _optional(values: pl.Series, index: Ints) -> pl.Series:
    """`values` at `index`, null where the index is −1."""
    return values.gather(pl.Series(index).replace(-1, None))


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


def requirements_table(solution: Solution) -> pl.DataFrame:
    """Table `requirements`: one row per item and day on which anything happens."""
    problem, netted = solution.problem, solution.netted
    zero = pl.lit(0, dtype=pl.Int64)

    def part(ix: Ints | pl.Series, day: Ints | pl.Series, qty: Ints | pl.Series, column: str) -> pl.DataFrame:
        columns = ("gross", "receipts", "planned_receipts", "net")
        return pl.DataFrame({"ix": ix, "day": day, column: qty}).select(
            "ix", "day", *(pl.col(c) if c == column else zero.alias(c) for c in columns)
        )

    orders = solution.orders
    rows = pl.concat(
        [
            part(item_rows(netted.gross_at), netted.gross_day, netted.gross_qty, "gross"),
            part(orders.get_column("ix"), orders.get_column("day"), orders.get_column("micro_qty"), "receipts"),
            part(item_rows(netted.planned_at), netted.planned_day, netted.planned_good, "planned_receipts"),
            part(item_rows(netted.net_at), netted.net_day, netted.net_qty, "net"),
        ]
    )
    usable = problem.inputs.parameters[:, ON_HAND] - problem.inputs.parameters[:, SAFETY]
    start = pl.DataFrame({"ix": np.arange(len(usable)), "usable": usable.astype(np.int64)})
    running = (pl.col("receipts") - pl.col("gross")).cum_sum().over("ix")
    frame = (
        rows.group_by("ix", "day")
        .agg(pl.col("gross", "receipts", "planned_receipts", "net").sum())
        .sort("ix", "day")
        .join(start, on="ix", maintain_order="left")
        .with_columns((pl.col("usable") + running).alias("available"))
        .with_columns((pl.col("available") + pl.col("planned_receipts").cum_sum().over("ix")).alias("with_planned"))
    )
    names = problem.items.get_column("item")
    return REQUIREMENTS.frame(
        frame.select(
            names.gather(frame.get_column("ix")).alias("item"),
            pl.col("day").cast(pl.Int32).cast(pl.Date).alias("date"),
            pl.col("gross") / MICRO,
            pl.col("receipts") / MICRO,
            pl.col("planned_receipts") / MICRO,
            (pl.col("available") / MICRO).alias("projected_available"),
            (pl.col("with_planned") / MICRO).alias("projected_with_planned"),
            pl.col("net") / MICRO,
        )
    ).sort("item", "date")


def pegging_table(solution: Solution) -> pl.DataFrame:
    """Table `pegging`: quantities by supply and demand."""
    key = ["item", "supply_type", "supply", "demand_type", "demand"]
    return PEGGING.frame(
        solution.pegs.group_by(key)
        .agg((pl.col("micro_qty").sum() / MICRO).alias("qty"), pl.col("level").first(), pl.col("need_date").min())
        .select(PEGGING.column_names)
    ).sort(key)
