"""What the scheduler is told: made orders with need, weight and earliest material, and which feeds which.

Belongs here: `supply_orders` and `order_links`. When an order really runs is the scheduler's to say.
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.lots import MICRO
from recon_platform.material.solution import Solution
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import ORDER_LINKS, SUPPLY_ORDERS
from recon_platform.tables.model import Frames

MADE = (pl.col("order_type") == "work_order") | ((pl.col("order_type") == "planned") & (pl.col("make_buy") == "make"))
"""Open orders that are made here: all work orders, and plan lines of made items."""


def bought_supply(solution: Solution) -> pl.DataFrame:
    """`supply_type`, `supply`, `day`: when bought supply can really be there. An open order comes on its own date, not on
    the date a message asks for; a planned purchase no sooner than its lead time from today."""
    today = solution.problem.axis.today
    open_orders = solution.orders.filter(pl.col("order_type") == "purchase_order").select(
        pl.lit("purchase_order").alias("supply_type"),
        pl.col("order").alias("supply"),
        pl.max_horizontal("day", pl.lit(today)).alias("ready"),
    )
    planned = solution.planned.filter(pl.col("make_buy") == "buy").select(
        pl.lit("planned").alias("supply_type"),
        pl.col("order").alias("supply"),
        pl.max_horizontal("day", pl.lit(today) + pl.col("lead_time_days").fill_null(0.0).ceil().cast(pl.Int64)).alias(
            "ready"
        ),
    )
    both = pl.concat([open_orders, planned])
    days = solution.problem.days.ahead(both.get_column("ready").to_numpy())
    return both.select("supply_type", "supply", pl.Series("day", days))


def shifts(frames: Frames, solution: Solution) -> pl.DataFrame:
    """`day` number, `first_start`, `last_end` of each working day known with hours."""
    return frames["plant_days"].select(pl.col("day").cast(pl.Int32).cast(pl.Int64), "first_start", "last_end")


def supply_orders_table(frames: Frames, solution: Solution, context: PlanContext) -> pl.DataFrame:
    """Table `supply_orders`."""
    orders = solution.orders
    never = solution.problem.axis.never
    work = orders.filter(MADE).select(
        "order", pl.col("order_type").alias("kind"), "item", "qty",
        pl.col("start_day").cast(pl.Int32).cast(pl.Date).alias("start_date"),
        pl.when(pl.col("need_day") < never).then(pl.col("need_day")).otherwise(pl.col("day")).alias("need"),
        "rank", "not_before",
    )  # fmt: skip
    planned = solution.planned.filter(pl.col("make_buy") == "make").select(
        "order", pl.lit("planned").alias("kind"), "item", "qty", "start_date", pl.col("day").alias("need"), "rank",
        pl.lit(None, dtype=pl.Date).alias("not_before"),
    )  # fmt: skip
    made = pl.concat([work, planned])
    least = min(context.policy.capacity.class_weights.values(), default=1.0)
    hours = shifts(frames, solution)
    material = latest_component(solution, bought_supply(solution))
    frame = (
        made.join(solution.ranks, on="rank", how="left")
        .join(material, on="order", how="left")
        .with_columns(pl.max_horizontal(pl.col("material_day"), solution.problem.axis.today).alias("material_day"))
        .sort("need")
        .join_asof(hours.select("day", "last_end").sort("day"), left_on="need", right_on="day", strategy="backward")
        .sort("material_day")
        .join_asof(hours.select("day", "first_start").sort("day"), left_on="material_day", right_on="day",
                   strategy="forward")
        .with_columns(pl.lit(context.as_of).dt.cast_time_unit("us").alias("_now"))
    )  # fmt: skip
    waits = pl.col("material_day") > solution.problem.axis.today
    return SUPPLY_ORDERS.frame(
        frame.select(
            "order", "kind", "item", "qty", "start_date",
            pl.col("need").cast(pl.Int32).cast(pl.Date).alias("need_date"),
            pl.coalesce("last_end", "_now").alias("due_at"),
            pl.col("weight").fill_null(least),
            "customer_class", "sales_order", "line",
            pl.when(waits).then(pl.max_horizontal("first_start", "_now")).otherwise(pl.col("_now")).alias("earliest_at"),
            pl.when(waits).then(pl.col("bound_by")).alias("material_bound"),
        )
    ).sort("order")  # fmt: skip


def made_supply(solution: Solution) -> pl.DataFrame:
    """`supply_type`, `supply`, `day`: open made orders on their own date."""
    return solution.orders.filter(MADE).select(
        pl.col("order_type").alias("supply_type"), pl.col("order").alias("supply"), "day"
    )


def latest_component(solution: Solution, ready: pl.DataFrame) -> pl.DataFrame:
    """`order`, `material_day`, `bound_by`: the last component pegged to each made order, `ready` being when supply is."""
    return (
        solution.pegs.filter(pl.col("demand_type").is_in(["work_order", "planned"]))
        .join(ready, on=["supply_type", "supply"])
        .sort("demand", "day", "item", "supply")
        .group_by(pl.col("demand").alias("order"), maintain_order=True)
        .agg(
            pl.col("day").last().alias("material_day"),
            pl.concat_str(
                pl.col("item").last(),
                pl.lit(" by "),
                pl.col("supply_type").last().str.replace_all("_", " "),
                pl.lit(" "),
                pl.col("supply").last(),
            ).alias("bound_by"),
        )
    )


def order_links_table(solution: Solution) -> pl.DataFrame:
    """Table `order_links`: pegs between made orders, by consuming operation."""
    made = pl.concat(
        [
            solution.orders.filter(MADE).select(pl.col("order_type").alias("kind"), "order"),
            solution.planned.filter(pl.col("make_buy") == "make").select(pl.lit("planned").alias("kind"), "order"),
        ]
    )
    return ORDER_LINKS.frame(
        solution.pegs.join(made, left_on=["supply_type", "supply"], right_on=["kind", "order"], how="semi")
        .join(made, left_on=["demand_type", "demand"], right_on=["kind", "order"], how="semi")
        .group_by(pl.col("supply").alias("supply_order"), pl.col("demand").alias("demand_order"), "item", "op_seq")
        .agg((pl.col("micro_qty").sum() / MICRO).alias("qty"))
        .select(ORDER_LINKS.column_names)
    ).sort(ORDER_LINKS.key)
