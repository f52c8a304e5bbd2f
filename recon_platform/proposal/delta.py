"""Delta view: what the plan does differently from the schedule in force, operation by operation, and why.

Belongs here: which operations differ, and what that does to customer lines. Why stands in `reasons`.
"""

from __future__ import annotations

import polars as pl

from recon_platform.planning.promises import project_lines
from recon_platform.proposal.ends import ends_in_force
from recon_platform.proposal.reasons import with_reasons
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import PROPOSAL_CHANGES

MOVED_MINUTES = 1.0
KEY = ["work_order", "op_seq"]


def proposal_changes(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `proposal_changes`; empty where no schedule is in force."""
    if frames.get("published.schedule") is None or frames["published.schedule"].is_empty():
        return PROPOSAL_CHANGES.empty()
    changes = with_reasons(_side_by_side(frames), frames, context).filter(pl.col("what").is_not_null())
    zone = context.plant.timezone
    shown = {
        side: pl.concat_str(
            pl.col(f"{side}_machine").fill_null("no machine"),
            pl.lit(" "),
            pl.col(f"{side}_start").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M"),
        )
        for side in ("from", "to")
    }
    effects = _line_effects(frames, context)
    return PROPOSAL_CHANGES.frame(
        changes.join(effects, on="work_order", how="left").select(
            "work_order",
            "op_seq",
            "what",
            shown["from"].alias("from"),
            shown["to"].alias("to"),
            "shift_minutes",
            "reason",
            "cause",
            "root",
            pl.col("frozen").fill_null(False),
            pl.col("otif_effect").fill_null(0).cast(pl.Int64),
            (pl.col("to_hours").fill_null(0) - pl.col("from_hours").fill_null(0)).alias("labour_effect"),
        )
    ).sort("work_order", "op_seq", "what")


def _side_by_side(frames: Frames) -> pl.DataFrame:
    """Operations in force and proposed side by side and what stands before each on its machine; `what` is null where an
    operation keeps machine and start."""
    sides = []
    for side, name in (("from", "published.schedule"), ("to", "schedule")):
        schedule = frames[name].sort("machine", "start", *KEY)
        sides.append(
            schedule.select(
                *KEY,
                pl.col("machine").alias(f"{side}_machine"),
                pl.col("work_center").alias(f"{side}_center"),
                pl.col("setup_start").alias(f"{side}_setup"),
                pl.col("start").alias(f"{side}_start"),
                pl.col("end").alias(f"{side}_end"),
                pl.col("qty").alias(f"{side}_qty"),
                ((pl.col("end") - pl.col("setup_start")).dt.total_seconds() / 3600).alias(f"{side}_hours"),
                pl.col("work_order").shift(1).over("machine").alias(f"{side}_after_order"),
                pl.col("bound_by").alias(f"{side}_bound"),
                *(["frozen"] if side == "to" else []),
            )
        )
    states = frames["reconciled_orders"].select(
        "work_order", "rules", "scrapped_qty", pl.col("status").alias("order_status")
    )
    operations = frames["reconciled_operations"].select(*KEY, pl.col("status").alias("operation_status"))
    shift = (pl.col("to_start") - pl.col("from_start")).dt.total_seconds() / 60
    moved = pl.col("shift_minutes").abs() >= MOVED_MINUTES
    other_machine = pl.col("from_machine") != pl.col("to_machine")
    over = pl.col("order_status").is_in(["complete", "closed", "cancelled"]) | (
        pl.col("operation_status") == "complete"
    )
    return (
        sides[0]
        .join(sides[1], on=KEY, how="full", coalesce=True)
        .join(states, on="work_order", how="left")
        .join(operations, on=KEY, how="left")
        .with_columns(shift.alias("shift_minutes"))
        .with_columns(
            pl.when(pl.col("from_start").is_null())
            .then(pl.lit("added"))
            .when(pl.col("to_start").is_null())
            .then(pl.when(over.fill_null(False)).then(pl.lit("finished")).otherwise(pl.lit("removed")))
            .when(moved & other_machine)
            .then(pl.lit("start_and_machine"))
            .when(other_machine)
            .then(pl.lit("machine"))
            .when(moved)
            .then(pl.lit("start"))
            .alias("what")
        )
    )


def _line_effects(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`work_order`, `otif_effect`: customer lines that the order's end turns from late to on time, or the reverse."""
    in_force = project_lines(frames, context, ends_in_force(frames, context))
    late = {
        name: lines.select("sales_order", "line", "bound_by", _missed().alias(name))
        for name, lines in (("before", in_force), ("after", frames["order_promises"]))
    }
    return (
        late["after"]
        .join(late["before"].drop("bound_by"), on=["sales_order", "line"])
        .group_by(pl.col("bound_by").alias("work_order"))
        .agg((pl.col("before").cast(pl.Int64) - pl.col("after").cast(pl.Int64)).sum().alias("otif_effect"))
        .filter(pl.col("work_order").is_not_null())
    )


def _missed() -> pl.Expr:
    return pl.col("late_days").is_null() | (pl.col("late_days") > 0)
