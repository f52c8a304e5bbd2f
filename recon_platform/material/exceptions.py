"""Messages about items, parents and rules: what is not a date of one order.

Belongs here: triggers, beside those of `messages`. OVERLOAD speaks of work centers: it is made from a load table where
loads are shown, and is none of the night's `action_messages`.
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.lots import MICRO
from recon_platform.material.made_orders import component_days, made_rows, named_bounds, with_latest_component
from recon_platform.material.messages import message_rows
from recon_platform.material.pegging import STOCK
from recon_platform.material.solution import Solution
from recon_platform.material.structure import DAY_MAX
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import ACTION_MESSAGES
from recon_platform.tables.model import Frames


def _date(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Int32).cast(pl.Date)


def exception_messages(frames: Frames, solution: Solution, rows: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """All of this module's messages, as rows of `messages.COLUMNS`; `rows` are the open orders (`open_order_rows`)."""
    return pl.concat(
        [
            new_orders(frames, solution),
            quantity_rules(rows),
            increases(solution, rows),
            phase_outs(solution, rows),
            parents_at_risk(solution),
            fence_conflicts(solution),
            excess(solution, context),
        ]
    )


def new_orders(frames: Frames, solution: Solution) -> pl.DataFrame:
    """ORDER_NEW: planned orders that last night's plan did not have; nothing without a last night."""
    before = frames.get("previous.planned_orders")
    rows = solution.planned.filter(pl.col("make_buy") != "phantom")
    rows = rows.clear() if before is None else rows.join(before.select("order"), on="order", how="anti")
    return message_rows(
        rows, "ORDER_NEW", order_type=pl.lit("planned"), from_date=pl.col("start_date"), to_date=pl.col("due_date"),
        need_date=pl.col("due_date"), qty=pl.col("qty"), feasible=pl.lit(True),
    )  # fmt: skip


def quantity_rules(rows: pl.DataFrame) -> pl.DataFrame:
    """ORDER_QTY_RULE: firm orders and untouched purchases whose quantity breaks minimum, maximum, multiple or fixed lot."""
    qty = pl.col("start_qty")
    step = pl.when(pl.col("lot_rule") == "fixed").then(pl.col("lot_qty")).otherwise(pl.col("multiple_qty"))
    small = qty < pl.col("min_qty") - 1e-6
    large = (pl.col("max_qty") > 0) & (qty > pl.col("max_qty") + 1e-6)
    uneven = (step > 0) & ((qty / step - (qty / step).round()).abs() > 1e-6)
    judged = (pl.col("order_type") == "purchase_order") & pl.col("untouched") | (pl.col("status") == "firm")
    rows = rows.filter(judged & pl.any_horizontal(rule.fill_null(False) for rule in (small, large, uneven)))
    broken = (
        pl.when(small).then(pl.format("below the minimum of {}", "min_qty"))
        .when(large).then(pl.format("above the maximum of {}", "max_qty"))
        .when(uneven).then(pl.format("not a multiple of {}", step))
    )  # fmt: skip
    return message_rows(
        rows.with_columns(broken.alias("why")), "ORDER_QTY_RULE",
        from_date=_date(pl.col("day")), qty=qty, resource=pl.col("supplier"), detail=pl.col("why"),
    )  # fmt: skip


def increases(solution: Solution, rows: pl.DataFrame) -> pl.DataFrame:
    """INCREASE: a firm order still open to change, where a planned order of its item should have started already."""
    firm = rows.filter(pl.col("status") == "firm")
    late = (
        solution.planned.filter((pl.col("start_day") < solution.problem.axis.today) & (pl.col("make_buy") != "phantom"))
        .join(firm.select("ix"), on="ix", how="semi")
        .group_by("ix")
        .agg(pl.col("good_qty").sum().alias("_more"), pl.col("day").min().alias("_by"))
    )
    rows = (
        firm.join(late, on="ix")
        .filter(pl.col("day") <= pl.col("_by"))
        .sort("item", "day", "order")
        .unique("item", keep="first", maintain_order=True)
    )
    return message_rows(
        rows, "INCREASE", from_date=_date(pl.col("day")), to_date=_date(pl.col("day")), need_date=_date(pl.col("_by")),
        qty=pl.col("_more"), feasible=pl.lit(True), resource=pl.col("supplier"),
    )  # fmt: skip


def phase_outs(solution: Solution, rows: pl.DataFrame) -> pl.DataFrame:
    """PHASE_OUT: receipts after the last bill of material that uses the item has ended, with no demand of its own then."""
    ends = solution.problem.lines.group_by(pl.col("component_ix").alias("ix")).agg(
        pl.col("valid_to").max().alias("_end")
    )
    ended = rows.join(ends.filter(pl.col("_end") < DAY_MAX), on="ix").filter(pl.col("day") >= pl.col("_end"))
    wanted = (
        solution.problem.demands.join(ended.select("ix"), on="ix", how="semi")
        .group_by("ix")
        .agg(pl.col("day").max().alias("_wanted"))
    )
    rows = ended.join(wanted, on="ix", how="left").filter(pl.col("_wanted").fill_null(0) < pl.col("day"))
    return message_rows(
        rows, "PHASE_OUT", from_date=_date(pl.col("day")), qty=pl.col("qty"), resource=pl.col("supplier"),
        detail=pl.format("no bill of material uses it from {} on", _date(pl.col("_end"))),
    )  # fmt: skip


def parents_at_risk(solution: Solution) -> pl.DataFrame:
    """PARENT_AT_RISK: made orders whose components come after their start, at the dates supply really has: an open order
    on its own date, a planned purchase no sooner than its lead time."""
    today = solution.problem.axis.today
    items = solution.problem.items.select("item", "planner", "cost")
    rows = (
        with_latest_component(made_rows(solution), solution, component_days(solution))
        .filter(pl.col("material_day") > pl.max_horizontal("start_day", pl.lit(today)))
        .join(items, on="item")
        .rename({"kind": "order_type", "day": "due_day"})
    )
    rows = rows.with_columns(named_bounds(solution, rows.get_column("peg")))
    return message_rows(
        rows, "PARENT_AT_RISK", from_date=_date(pl.col("start_day")), to_date=_date(pl.col("material_day")),
        need_date=_date(pl.col("due_day")), qty=pl.col("qty"), feasible=pl.lit(False),
        compressed_by=pl.col("material_day") - pl.max_horizontal("start_day", pl.lit(today)),
        detail=pl.format("waits for {}", "bound_by"),
    )  # fmt: skip


def fence_conflicts(solution: Solution) -> pl.DataFrame:
    """FENCE_CONFLICT: planned orders that fall inside the planning time fence of their item (working days)."""
    days, today = solution.problem.days, solution.problem.axis.today
    fences = solution.problem.items.filter(pl.col("planning_fence_days") > 0).select("ix", "planning_fence_days")
    steps = fences.get_column("planning_fence_days").cast(pl.Int64).to_numpy()
    at = days.floor[today - days.first]
    last = days.days[(at + steps).clip(0, len(days.days) - 1)]
    rows = solution.planned.join(fences.with_columns(pl.Series("_fence", last)), on="ix").filter(
        pl.col("day") < pl.col("_fence")
    )
    return message_rows(
        rows, "FENCE_CONFLICT", order_type=pl.lit("planned"), from_date=pl.col("start_date"), need_date=pl.col("due_date"),
        qty=pl.col("qty"), feasible=pl.lit(False),
        detail=pl.format("planning is barred before {}", _date(pl.col("_fence"))),
    )  # fmt: skip


def excess(solution: Solution, context: PlanContext) -> pl.DataFrame:
    """EXCESS: stock that nothing needs inside the horizon, beyond the tolerance."""
    items = solution.problem.items.select("ix", "item", "planner", "cost", "on_hand")
    rows = (
        solution.pegs.filter((pl.col("supply_kind") == STOCK) & pl.col("surplus"))
        .group_by("ix")
        .agg((pl.col("micro_qty").sum() / MICRO).alias("qty"))
        .join(items, on="ix")
        .filter(pl.col("qty") > context.policy.material.excess_tolerance_share * pl.col("on_hand"))
    )
    return message_rows(rows, "EXCESS", order_type=pl.lit("item"), order=pl.col("item"), qty=pl.col("qty"))


def overload_messages(load: pl.DataFrame) -> pl.DataFrame:
    """Table `action_messages` rows of code OVERLOAD from a load table (columns of `capacity_load`): work centers asked for
    more minutes than they have in a week, one message per work center for its first such week.

    Weeks, because the days on which operations fall are those of infinite capacity: a single full one says little. The
    week of the first row counts from there, with what should have been done already.
    """
    asked, there = pl.col("loaded_min"), pl.col("available_min")  # set-up is part of what is asked for
    weeks = load.group_by("work_center", week=pl.col("bucket_start").dt.truncate("1w")).agg(
        asked.sum(), there.sum(), pl.col("bucket_start").min()
    )
    rows = (
        weeks.filter(asked > there)
        .sort("work_center", "bucket_start")
        .group_by("work_center", maintain_order=True)
        .agg(
            pl.col("bucket_start").first(),
            (asked - there).first().round(1).cast(pl.Float64).alias("qty"),
            pl.len().alias("_weeks"),
        )
    )
    return ACTION_MESSAGES.frame(
        rows.select(
            pl.concat_str(pl.lit("OVERLOAD:work_center:"), "work_center").alias("message"),
            pl.lit("OVERLOAD").alias("code"),
            pl.lit("work_center").alias("order_type"),
            pl.col("work_center").alias("order"),
            pl.col("bucket_start").cast(pl.Date).alias("need_date"),
            "qty",
            pl.lit(0.0).alias("qty_early"),
            pl.lit(False).alias("feasible"),
            pl.lit(0, dtype=pl.Int64).alias("compressed_by"),
            pl.col("work_center").alias("resource"),
            pl.lit("SHOWN").alias("visibility"),
            pl.lit("NEW").alias("lifecycle"),
            pl.lit(False).alias("phoney"),
            pl.lit(0, dtype=pl.Int64).alias("age_nights"),
            pl.format("{} minutes too many that week; {} weeks over in all", "qty", "_weeks").alias("detail"),
        )
    ).sort("message")
