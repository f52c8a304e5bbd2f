"""Filters: which messages a planner sees. Explicit, off by default, and never a loss: what is hidden stays, with why.

Belongs here: dampening, fences and the absorption of forecast error by safety stock. Filters read finished messages;
netting, pegging and causes never know of them.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from recon_platform.material.lots import ON_HAND, SAFETY
from recon_platform.material.netting import Axis, Inputs, Netted, net_item
from recon_platform.material.pegging import OPEN_ORDER
from recon_platform.material.rows import Ints
from recon_platform.material.solution import Solution
from recon_platform.tables.policy import MaterialPolicy

MOVED = ("EXPEDITE", "DELAY", "CANCEL", "FPO_DRIFT")


@njit(cache=True)
def _needs_under(a: Inputs, n: Netted, axis: Axis, share: float) -> Ints:
    """Need of every supply row if only `share` of safety stock had to be kept; items without safety stock keep theirs."""
    need = n.need.copy()
    spare_day = np.empty(len(n.gross_day) + 1, dtype=np.int64)
    spare_qty = np.empty(len(n.gross_day) + 1, dtype=np.int64)
    for item in range(len(a.parameters)):
        if a.parameters[item, SAFETY] > 0 and a.supply_at[item + 1] > a.supply_at[item]:
            usable = int(a.parameters[item, ON_HAND]) - int(share * a.parameters[item, SAFETY])
            net_item(
                n.gross_day, n.gross_qty, n.gross_at[item], n.gross_at[item + 1], a.supply_day, a.supply_qty,
                a.supply_fixed, a.supply_at[item], a.supply_at[item + 1], usable, axis.today, axis.never, need,
                spare_day, spare_qty, 0,
            )  # fmt: skip
    return need


def absorbed_orders(solution: Solution, share: float) -> pl.DataFrame:
    """`order_type`, `order`: orders that would come early only to fill safety stock above `share` of it.

    Asymmetric on purpose: sooner is judged against a part of safety stock, later against all of it; judged against none,
    stock would be planned away (Mather's Figure 6).
    """
    problem = solution.problem
    need: NDArray[np.int64] = _needs_under(problem.inputs, solution.netted, problem.axis, share)
    return (
        solution.orders.with_columns(pl.Series("relaxed", need))
        .filter((pl.col("need_day") < pl.col("day")) & (pl.col("relaxed") >= pl.col("day")))
        .select("order_type", "order")
    )


def late_customers(solution: Solution) -> pl.DataFrame:
    """`order_type`, `order`: open orders that a customer line waits for beyond its date if they stay where they are."""
    due = solution.problem.inputs.supply_day
    sold = solution.problem.demands.get_column("demand_type") == "sales_order"
    pegs = solution.pegs.filter((pl.col("supply_kind") == OPEN_ORDER) & (pl.col("demand_row") >= 0))
    rows = pegs.get_column("supply_row")
    late = sold.gather(pegs.get_column("demand_row")) & (pegs.get_column("day") < pl.Series(due).gather(rows))
    return solution.orders[rows.filter(late).unique().sort()].select("order_type", "order")


def with_filters(
    messages: pl.DataFrame, policy: MaterialPolicy, today: int, absorbed: pl.DataFrame, late: pl.DataFrame
) -> pl.DataFrame:
    """`messages` with `visibility` and `suppressed_by`: the first filter that hides each, named with its value.

    `absorbed` and `late` (order_type, order) come from `absorbed_orders` and `late_customers`. A shift counts from the
    order's original date where that is further: three slips of a week are three weeks. Never hidden by dampening or
    fences: an order a customer waits for, one worth more than `escape_value`, one older than `escape_age_nights`.
    """
    key = ["order_type", "order"]
    rows = messages.join(absorbed.with_columns(pl.lit(True).alias("_absorbed")), on=key, how="left").join(
        late.with_columns(pl.lit(True).alias("_late")), on=key, how="left"
    )
    from_now = (pl.col("to_date") - pl.col("from_date")).dt.total_days()
    from_first = (pl.col("to_date") - pl.col("original_date")).dt.total_days()
    shift = pl.when(from_first.abs() > from_now.abs()).then(from_first).otherwise(from_now)
    due_in = pl.col("from_date").cast(pl.Int32).cast(pl.Int64) - today
    moved = pl.col("code").is_in(MOVED)
    escapes = (
        pl.col("_late").fill_null(False)
        | (pl.col("value").fill_null(0.0) > policy.escape_value)
        | (pl.col("age_nights") > policy.escape_age_nights)
    )
    rules: list[tuple[str, object, pl.Expr]] = [
        (
            "safety_stock_absorption",
            policy.safety_stock_absorption,
            pl.col("_absorbed").fill_null(False) & moved & (from_now < 0),
        )
    ]
    if policy.dampen_expedite_days:
        small = (pl.col("code") == "EXPEDITE") & (-shift <= policy.dampen_expedite_days)
        rules.append(("dampen_expedite_days", policy.dampen_expedite_days, small & ~escapes))
    if policy.dampen_delay_days:
        small = (pl.col("code") == "DELAY") & (shift < policy.dampen_delay_days)
        rules.append(("dampen_delay_days", policy.dampen_delay_days, small & ~escapes))
    if policy.fence_near_days is not None:
        rules.append(("fence_near_days", policy.fence_near_days, moved & (due_in < policy.fence_near_days) & ~escapes))
    if policy.fence_far_days is not None:
        rules.append(("fence_far_days", policy.fence_far_days, moved & (due_in > policy.fence_far_days) & ~escapes))
    hidden = pl.coalesce(
        pl.when(condition.fill_null(False)).then(pl.lit(f"{name}={value}")) for name, value, condition in rules
    )
    return rows.with_columns(
        hidden.alias("suppressed_by"),
        pl.when(hidden.is_not_null()).then(pl.lit("SUPPRESSED")).otherwise(pl.lit("SHOWN")).alias("visibility"),
    ).select(messages.columns)
