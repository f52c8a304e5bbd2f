"""Action messages: what a planner should look at, from a solved problem.

Belongs here: the trigger of each code. Why it happened is `causes`, whether it is shown is `filters`, how it relates to
last night is `lifecycle`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.material.lots import MICRO
from recon_platform.material.solution import Solution
from recon_platform.tables.context import PlanContext

COLUMNS = (
    "code", "order_type", "order", "item", "from_date", "to_date", "need_date", "qty", "qty_early", "feasible",
    "compressed_by", "cost", "resource", "planner", "detail", "name_rank",
)  # fmt: skip


def _day(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Int32).cast(pl.Date)


def message_rows(frame: pl.DataFrame, code: str | pl.Expr, **values: pl.Expr) -> pl.DataFrame:
    """`frame` as message rows of `code`; columns not given are null. `name_rank`, where `frame` has it, is the place of the
    order's name among those of its type."""
    nothing: dict[str, pl.Expr] = {
        "item": pl.col("item"), "from_date": pl.lit(None, dtype=pl.Date), "to_date": pl.lit(None, dtype=pl.Date),
        "need_date": pl.lit(None, dtype=pl.Date), "qty": pl.lit(0.0), "qty_early": pl.lit(0.0),
        "feasible": pl.lit(None, dtype=pl.Boolean), "compressed_by": pl.lit(0, dtype=pl.Int64),
        "cost": pl.col("cost").cast(pl.Float64), "resource": pl.lit(None, dtype=pl.String), "planner": pl.col("planner"),
        "detail": pl.lit(None, dtype=pl.String), "order_type": pl.col("order_type"), "order": pl.col("order"),
        "name_rank": pl.col("name_rank") if "name_rank" in frame.columns else pl.lit(None, dtype=pl.Int64),
    }  # fmt: skip
    columns = {**nothing, **values, "code": pl.lit(code) if isinstance(code, str) else code}
    return frame.select(columns[name].alias(name) for name in COLUMNS)


def open_order_rows(solution: Solution) -> pl.DataFrame:
    """Open orders with item facts, need and the difference to their date."""
    items = solution.problem.items.select(
        "planner", "cost", "lot_rule", "lot_qty", "min_qty", "max_qty", "multiple_qty"
    )
    orders = solution.orders.filter(pl.col("order_type") != "planned")
    return orders.hstack(items[orders.get_column("ix").to_numpy()])


def reschedule_messages(solution: Solution, rows: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """EXPEDITE, DELAY, CANCEL, DECREASE for open orders (`open_order_rows`), FPO_DRIFT for firm ones, PAST_DUE_SUPPLY for
    overdue ones."""
    axis = solution.problem.axis
    need, due = pl.col("need_day"), pl.col("day")
    never = need >= axis.never
    earlier, later = need < due, (need > due) & ~never
    firm = pl.col("firm") & (pl.col("order_type") == "work_order")
    code = (
        pl.when(firm & (need != due)).then(pl.lit("FPO_DRIFT"))
        .when(earlier).then(pl.lit("EXPEDITE"))
        .when(never).then(pl.lit("CANCEL"))
        .when(later).then(pl.lit("DELAY"))
    )  # fmt: skip
    to_date = pl.when(never).then(None).otherwise(need).cast(pl.Int32).cast(pl.Date)
    short_by = pl.max_horizontal(pl.lit(axis.today) - need, 0)
    moved = message_rows(
        rows.with_columns(code.alias("code")).filter(pl.col("code").is_not_null()),
        pl.col("code"),
        from_date=_day("day"),
        to_date=to_date,
        need_date=to_date,
        qty=pl.col("qty"),
        qty_early=pl.when(earlier).then(pl.col("early") / MICRO).otherwise(0.0),
        feasible=pl.when(earlier).then(need >= axis.today).otherwise(True),
        compressed_by=pl.when(earlier).then(short_by).otherwise(0).cast(pl.Int64),
        resource=pl.col("supplier"),
        detail=pl.when(firm).then(pl.when(earlier).then(pl.lit("firm, needed sooner"))
                                  .when(never).then(pl.lit("firm, not needed"))
                                  .otherwise(pl.lit("firm, needed later"))),
    )  # fmt: skip
    overdue = message_rows(
        rows.filter(pl.col("available_date") < pl.lit(context.planning_date)),
        "PAST_DUE_SUPPLY",
        from_date=_day("day"),
        to_date=to_date,
        need_date=to_date,
        qty=pl.col("qty"),
        compressed_by=(pl.lit(axis.today) - due).clip(lower_bound=0).cast(pl.Int64),
        resource=pl.col("supplier"),
    )
    return pl.concat([moved, overdue, decrease_messages(rows, axis.never, context)])


def decrease_messages(rows: pl.DataFrame, never: int, context: PlanContext) -> pl.DataFrame:
    """DECREASE: part of an order that nothing needs, as far as the lot rule allows a smaller order."""
    tolerance = context.policy.material.excess_tolerance_share
    rule = pl.col("lot_rule").fill_null("lot_for_lot")
    step = (
        pl.when(rule == "fixed").then(pl.col("lot_qty"))
        .when(pl.col("multiple_qty") > 0).then(pl.col("multiple_qty"))
    ).fill_null(0.0)  # fmt: skip
    least = pl.max_horizontal(
        pl.col("min_qty").fill_null(0.0), pl.when(rule == "minimum").then(pl.col("lot_qty")).otherwise(0.0)
    )
    used = pl.col("used") / MICRO
    rounded = pl.when(step > 0).then((used / step).ceil() * step).otherwise(used)
    keep = pl.max_horizontal(rounded, least)
    cut = pl.col("qty") - keep
    return message_rows(
        rows.filter(
            (pl.col("need_day") < never) & (pl.col("used") > 0) & (cut > tolerance * pl.col("qty")) & (cut > 1e-6)
        ),
        "DECREASE",
        from_date=_day("day"),
        to_date=_day("day"),
        need_date=_day("need_day"),
        qty=cut,
        feasible=pl.lit(True),
        resource=pl.col("supplier"),
    )


def release_messages(solution: Solution, rows: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """RELEASE: planned and firm orders whose start is inside the release window; compressed where it has passed."""
    axis = solution.problem.axis
    days = solution.problem.days
    window = context.policy.material.release_window_days
    at = days.floor[axis.today - days.first] + window
    last = int(days.days[min(at, len(days.days) - 1)])
    planned = solution.planned.filter((pl.col("make_buy") != "phantom") & (pl.col("start_day") <= last)).with_columns(
        pl.lit("planned").alias("order_type"), pl.lit(None, dtype=pl.String).alias("supplier")
    )
    firm = rows.filter(
        (pl.col("order_type") == "work_order") & (pl.col("status") == "firm") & (pl.col("start_day") <= last)
    ).with_columns(_day("start_day").alias("start_date"))
    late = pl.max_horizontal(pl.lit(axis.today) - pl.col("start_day"), 0).cast(pl.Int64)
    return pl.concat(
        [
            message_rows(
                frame, "RELEASE", from_date=pl.col("start_date"), to_date=pl.col("due_date"), need_date=pl.col("due_date"),
                qty=pl.col("qty"), feasible=late == 0, compressed_by=late, resource=pl.col("supplier"),
            )
            for frame in (planned, firm)
        ]
    )  # fmt: skip


def demand_messages(solution: Solution, context: PlanContext) -> pl.DataFrame:
    """PAST_DUE_DEMAND: customer lines whose date has passed."""
    items = solution.problem.items.select("ix", "planner", "cost")
    rows = solution.problem.demands.filter(
        (pl.col("demand_type") == "sales_order") & (pl.col("date") < pl.lit(context.planning_date))
    ).join(items, on="ix")
    return message_rows(
        rows,
        "PAST_DUE_DEMAND",
        order_type=pl.lit("sales_order"),
        order=pl.col("demand"),
        from_date=pl.col("date"),
        need_date=pl.col("date"),
        qty=pl.col("qty"),
        compressed_by=(pl.lit(context.planning_date) - pl.col("date")).dt.total_days(),
    )


def stock_messages(solution: Solution, requirements: pl.DataFrame) -> pl.DataFrame:
    """UNCOVERED and BELOW_SS: items that run out, or into safety stock, at the dates supply has now.

    `requirements` come by item and day. One message per item and code, for the first such day; planned orders count, as they would be opened.
    """
    today = solution.problem.axis.today
    items = solution.problem.items.select("item", "planner", "cost", pl.col("safety_stock").fill_null(0.0).alias("ss"))
    rows = (
        requirements.lazy()
        .filter((pl.col("projected_with_planned") < 0) & (pl.col("date") >= pl.lit(today).cast(pl.Int32).cast(pl.Date)))
        .collect()
        .join(items, on="item", maintain_order="left")
        .with_columns((pl.col("projected_with_planned") + pl.col("ss")).alias("physical"))
        .filter(pl.col("physical") < pl.col("ss") - 1e-6)
        .with_columns(
            pl.when(pl.col("physical") < -1e-6).then(pl.lit("UNCOVERED")).otherwise(pl.lit("BELOW_SS")).alias("code")
        )
        .unique(["item", "code"], keep="first", maintain_order=True)
    )
    return message_rows(
        rows,
        pl.col("code"),
        order_type=pl.lit("item"),
        order=pl.col("item"),
        need_date=pl.col("date"),
        qty=pl.when(pl.col("code") == "UNCOVERED")
        .then(-pl.col("physical"))
        .otherwise(pl.col("ss") - pl.col("physical")),
    )


def data_messages(solution: Solution) -> pl.DataFrame:
    """DATA_ERROR: BOM loops (left out of netting), unknown items, made items without BOM, bought ones without lead time."""
    problem = solution.problem
    facts = problem.items.select("item", "planner", "cost", "make_buy", "lead_time_days")
    loops = (
        problem.loops.group_by(pl.col("parent_item").alias("item"))
        .agg(pl.col("component_item").unique().sort().str.join(", ").alias("parts"))
        .select(
            "item",
            pl.format("BOM loop: {} contains {}, which contains it; the line is left out", "item", "parts").alias(
                "why"
            ),
        )
    )
    has_bom = np.zeros(problem.items.height, dtype=np.bool_)
    has_bom[problem.lines.get_column("parent_ix").to_numpy()] = True
    planned = facts.filter(pl.Series(np.diff(solution.netted.planned_at) > 0))
    no_bom = (
        facts.filter(pl.Series((np.diff(solution.netted.planned_at) > 0) & ~has_bom) & (pl.col("make_buy") == "make"))
        .join(problem.loops.select(pl.col("parent_item").alias("item")), on="item", how="anti")
        .select("item", pl.lit("made, but no bill of material is valid").alias("why"))
    )
    no_lead = planned.filter((pl.col("make_buy") == "buy") & (pl.col("lead_time_days").fill_null(0) <= 0)).select(
        "item", pl.lit("bought, but lead time is zero").alias("why")
    )
    known = (
        pl.concat([loops, no_bom, no_lead])
        .group_by("item")
        .agg(pl.col("why").sort().str.join("; "))
        .join(facts, on="item")
    )
    unknown = (
        problem.unknown.group_by("item")
        .agg(pl.col("entity").sort().head(3).str.join(", ").alias("entities"))
        .select("item", pl.format("item unknown, named by {}", "entities").alias("why"))
        .with_columns(pl.lit(None, dtype=pl.String).alias("planner"), pl.lit(None, dtype=pl.Float64).alias("cost"))
    )
    return pl.concat(
        [
            message_rows(frame, "DATA_ERROR", order_type=pl.lit("item"), order=pl.col("item"), detail=pl.col("why"))
            for frame in (known, unknown)
        ]
    )
