"""What the scheduler is told: made orders with need, weight and earliest material, and which feeds which.

Belongs here: `supply_orders` and `order_links`. When an order really runs is the scheduler's to say.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.material.lots import MICRO
from recon_platform.material.peg_rows import NOT_HERE, latest_pegs
from recon_platform.material.pegging import OPEN_ORDER, PLANNED_ORDER
from recon_platform.material.rows import Ints
from recon_platform.material.solution import Solution, operations, supply_names
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import ORDER_LINKS, SUPPLY_ORDERS
from recon_platform.tables.model import Frames

MADE = (pl.col("order_type") == "work_order") | ((pl.col("order_type") == "planned") & (pl.col("make_buy") == "make"))
"""Open orders that are made here: all work orders, and plan lines of made items."""


def bought_days(solution: Solution) -> tuple[Ints, Ints]:
    """When each open and each planned order can really be there if it is bought, else `NOT_HERE`.

    An open purchase comes on its own date, not on the one a message asks for; a planned one no sooner than its lead time.
    """
    today, days = solution.problem.axis.today, solution.problem.days
    lead = pl.col("lead_time_days").fill_null(0.0).ceil().cast(pl.Int64)
    opened = solution.orders.select(
        pl.when(pl.col("order_type") == "purchase_order").then(pl.max_horizontal("day", today)).otherwise(NOT_HERE)
    ).to_series()
    planned = solution.planned.select(
        pl.when(pl.col("make_buy") == "buy").then(pl.max_horizontal("day", today + lead)).otherwise(NOT_HERE)
    ).to_series()
    parts = []
    for series in (opened, planned):
        values = np.array(series.to_numpy(), dtype=np.int64)
        here = values > NOT_HERE
        values[here] = days.ahead(values[here])
        parts.append(values)
    return parts[0], parts[1]


def component_days(solution: Solution) -> tuple[Ints, Ints]:
    """The same with open made orders on their own date: when any component can be there that is not yet planned."""
    opened, planned = bought_days(solution)
    own = np.array(solution.orders.select(pl.when(MADE).then(pl.col("day")).otherwise(NOT_HERE)).to_series().to_numpy())
    return np.maximum(opened, own), planned


def with_latest_component(orders: pl.DataFrame, solution: Solution, ready: tuple[Ints, Ints]) -> pl.DataFrame:
    """`orders` (`made_rows`) with `material_day`, the day of the last component pegged to each, and `peg`, the row of that
    peg; null where nothing counts. `ready` says when each open and each planned order is there."""
    parent, kind, row = (solution.pegs.get_column(name).to_numpy() for name in ("parent", "supply_kind", "supply_row"))
    peg, day = latest_pegs(parent, kind, row, ready[0], ready[1], solution.orders.height + solution.planned.height)
    of_order = orders.get_column("parent").to_numpy()
    return orders.with_columns(
        pl.Series("material_day", day[of_order]).replace(NOT_HERE, None),
        pl.Series("peg", peg[of_order]).replace(-1, None),
    )


def named_bounds(solution: Solution, peg: pl.Series) -> pl.Series:
    """“item by kind of supply and order” per peg row; null where there is none."""
    names = supply_names(solution)
    supply = solution.pegs.get_column("supply_id").gather(peg)
    return pl.DataFrame(
        {
            "item": solution.problem.items.get_column("item").gather(solution.pegs.get_column("ix").gather(peg)),
            "type": names.get_column("type").gather(supply), "name": names.get_column("name").gather(supply),
        }
    ).select(
        pl.concat_str("item", pl.lit(" by "), pl.col("type").str.replace_all("_", " "), pl.lit(" "), "name").alias("bound_by"),
    ).to_series()  # fmt: skip


def made_rows(solution: Solution) -> pl.DataFrame:
    """Made orders, open and planned, numbered as `parent` in the pegs."""
    opened = solution.orders.with_row_index("parent").filter(MADE).select(
        pl.col("parent").cast(pl.Int64), pl.col("order_type").alias("kind"), "order", "item", "qty", "start_day", "day",
        "need_day", "rank", "not_before", "name_rank",
    )  # fmt: skip
    planned = solution.planned.with_row_index("parent").filter(pl.col("make_buy") == "make").select(
        pl.col("parent").cast(pl.Int64) + solution.orders.height, pl.lit("planned").alias("kind"), "order", "item", "qty",
        "start_day", "day", pl.col("day").alias("need_day"), "rank", pl.lit(None, dtype=pl.Date).alias("not_before"),
        "name_rank",
    )  # fmt: skip
    return pl.concat([opened, planned])


def supply_orders_table(frames: Frames, solution: Solution, context: PlanContext) -> pl.DataFrame:
    """Table `supply_orders`."""
    today, never = solution.problem.axis.today, solution.problem.axis.never
    least = min(context.policy.capacity.class_weights.values(), default=1.0)
    hours = frames["plant_days"].select(
        pl.col("day").cast(pl.Int32).cast(pl.Int64).alias("_day"), "first_start", "last_end"
    )  # fmt: skip
    now = pl.lit(context.as_of).dt.cast_time_unit("us")
    waits = pl.col("material_day") > today
    need = pl.when(pl.col("need_day") < never).then(pl.col("need_day")).otherwise(pl.col("day"))
    frame = (
        with_latest_component(made_rows(solution), solution, bought_days(solution))
        .with_columns(need.alias("need"))
        .with_columns(pl.col("material_day").fill_null(today))
        .join(hours.select("_day", "last_end"), left_on="need", right_on="_day", how="left", maintain_order="left")
        .join(
            hours.select("_day", "first_start"),
            left_on="material_day",
            right_on="_day",
            how="left",
            maintain_order="left",
        )
        .join(solution.ranks, on="rank", how="left", maintain_order="left")
    )
    bounds = named_bounds(solution, frame.select(pl.when(waits).then("peg")).to_series())
    return SUPPLY_ORDERS.frame(
        frame.with_columns(bounds).select(
            "order", "kind", "item", "qty",
            pl.col("start_day").cast(pl.Int32).cast(pl.Date).alias("start_date"),
            pl.col("need").cast(pl.Int32).cast(pl.Date).alias("need_date"),
            pl.coalesce("last_end", end_of_day(pl.col("need"))).alias("due_at"),
            pl.col("weight").fill_null(least),
            "customer_class", "sales_order", "line",
            pl.when(waits)
            .then(pl.max_horizontal(pl.coalesce("first_start", end_of_day(pl.col("material_day"))), now))
            .otherwise(now)
            .alias("earliest_at"),
            pl.col("bound_by").alias("material_bound"),
        )
    ).sort("order")  # fmt: skip


def end_of_day(day: pl.Expr) -> pl.Expr:
    """Midnight after a day number (UTC): for days outside the hours known."""
    return (day + 1).cast(pl.Int32).cast(pl.Date).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def order_links_table(solution: Solution) -> pl.DataFrame:
    """Table `order_links`: pegs between made orders, by consuming operation."""
    opens = solution.orders.height
    made = np.zeros(opens + solution.planned.height, dtype=np.bool_)
    rows = made_rows(solution)
    made[rows.get_column("parent").to_numpy()] = True
    pegs = solution.pegs.filter((pl.col("parent") >= 0) & pl.col("supply_kind").is_in([OPEN_ORDER, PLANNED_ORDER]))
    supply = pegs.get_column("supply_row") + (pegs.get_column("supply_kind") == PLANNED_ORDER).cast(pl.Int64) * opens
    pegs = pegs.with_columns(supply.alias("supply"), operations(solution, pegs).alias("op_seq"))
    flags = pl.Series(made)
    pegs = pegs.filter(flags.gather(pegs.get_column("supply")) & flags.gather(pegs.get_column("parent")))
    linked = pegs.group_by("supply", "parent", "ix", "op_seq").agg((pl.col("micro_qty").sum() / MICRO).alias("qty"))
    names = pl.concat([solution.orders.select("order"), solution.planned.select("order")]).to_series()
    return ORDER_LINKS.frame(
        linked.select(
            names.gather(linked.get_column("supply")).alias("supply_order"),
            names.gather(linked.get_column("parent")).alias("demand_order"),
            solution.problem.items.get_column("item").gather(linked.get_column("ix")).alias("item"),
            "qty",
            "op_seq",
        )
    ).sort(ORDER_LINKS.key)
