"""Delta view: what the plan does differently from the schedule in force, operation by operation, and why.

A reason is read from stored facts only, the nearest first: what happened to the operation or its order (new, finished,
quantity corrected), to its machine (down), to its material, to the operation before it, and last which operation now
stands before it on its machine.
"""

from __future__ import annotations

import polars as pl

from recon_platform.planning.promises import project_lines
from recon_platform.proposal.ends import ends_in_force
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import PROPOSAL_CHANGES

MOVED_MINUTES = 1.0
KEY = ["work_order", "op_seq"]


def proposal_changes(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `proposal_changes`; empty where no schedule is in force."""
    if frames.get("published.schedule") is None or frames["published.schedule"].is_empty():
        return PROPOSAL_CHANGES.empty()
    changes = _reasons(_changed_operations(frames), frames, context)
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
            pl.col("frozen").fill_null(False),
            pl.col("otif_effect").fill_null(0).cast(pl.Int64),
            (pl.col("to_hours").fill_null(0) - pl.col("from_hours").fill_null(0)).alias("labour_effect"),
        )
    ).sort("work_order", "op_seq", "what")


def _changed_operations(frames: Frames) -> pl.DataFrame:
    """Operations in force and proposed side by side, those that differ, and which stands before each on its machine."""
    sides = []
    for side, name in (("from", "published.schedule"), ("to", "schedule")):
        schedule = frames[name].sort("machine", "start", *KEY)
        sides.append(
            schedule.select(
                *KEY,
                pl.col("machine").alias(f"{side}_machine"),
                pl.col("start").alias(f"{side}_start"),
                pl.col("qty").alias(f"{side}_qty"),
                ((pl.col("end") - pl.col("setup_start")).dt.total_seconds() / 3600).alias(f"{side}_hours"),
                pl.col("work_order").shift(1).over("machine").alias(f"{side}_after_order"),
                *(["frozen", "bound_by"] if side == "to" else []),
            )
        )
    states = frames["reconciled_orders"].select("work_order", pl.col("status").alias("order_status"))
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
        .filter(pl.col("what").is_not_null())
    )


def _reasons(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `reason` in words and `cause` as a category."""
    zone = context.plant.timezone
    needs = frames["supply_orders"].select(pl.col("order").alias("work_order"), "earliest_at", "material_bound", "kind")
    unscheduled = frames["unscheduled"].select("work_order", pl.col("reason").alias("why_not"))
    downs = _downtimes(frames, context)
    order_state = changes.select("work_order", "op_seq", "shift_minutes").sort(*KEY)
    before = order_state.with_columns(
        pl.col("shift_minutes").shift(1).over("work_order").alias("shift_before"),
        pl.col("op_seq").shift(1).over("work_order").alias("op_before"),
    ).select(*KEY, "shift_before", "op_before")
    rows = (
        changes.join(needs, on="work_order", how="left")
        .join(unscheduled, on="work_order", how="left")
        .join(downs, left_on="from_machine", right_on="machine", how="left")
        .join(before, on=KEY, how="left")
    )
    when = pl.col("earliest_at").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M")
    quantity = (pl.col("from_qty") - pl.col("to_qty")).abs() > 0.5
    later = pl.col("shift_minutes") > 0
    down = pl.col("down_until").is_not_null() & (pl.col("from_start") < pl.col("down_until")) & later
    stands_after = pl.coalesce(pl.col("to_after_order"), pl.lit("nothing"))
    stood_after = pl.coalesce(pl.col("from_after_order"), pl.lit("nothing"))
    cases: list[tuple[pl.Expr, pl.Expr, str | None]] = [
        (
            pl.col("what") == "finished",
            pl.concat_str(pl.lit("done: the order is "), pl.coalesce("order_status", "operation_status")),
            None,
        ),
        (
            (pl.col("what") == "removed") & pl.col("why_not").is_not_null(),
            pl.concat_str(pl.lit("no longer scheduled: "), "why_not"),
            "RECORD_ERROR",
        ),
        (
            pl.col("what") == "removed",
            pl.lit("no longer needed: nothing in the backlog asks for it any more"),
            "MPS_CHANGE",
        ),
        (
            (pl.col("what") == "added") & (pl.col("kind") == "planned"),
            pl.lit("planned order that netting asks for and the schedule in force did not have"),
            "MPS_CHANGE",
        ),
        (pl.col("what") == "added", pl.lit("order released since the schedule in force was made"), "MPS_CHANGE"),
        (
            down,
            pl.concat_str(
                pl.lit("machine "),
                "from_machine",
                pl.lit(" is down until "),
                pl.col("down_until").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M"),
                pl.lit(" ("),
                pl.col("down_reason").fill_null("no reason given"),
                pl.lit(")"),
            ),
            "PLANT_FALLDOWN",
        ),
        (
            later & (pl.col("earliest_at") > pl.col("from_start")),
            pl.concat_str(
                pl.lit("material not before "), when, pl.lit(": "), pl.col("material_bound").fill_null("stock")
            ),
            "VENDOR_FALLDOWN",
        ),
        (
            quantity,
            pl.concat_str(
                pl.lit("quantity to run corrected from "),
                pl.col("from_qty").round(1).cast(pl.String),
                pl.lit(" to "),
                pl.col("to_qty").round(1).cast(pl.String),
            ),
            "RECORD_ERROR",
        ),
        (
            (pl.col("bound_by") == "predecessor") & (pl.col("shift_before") * pl.col("shift_minutes") > 0),
            pl.concat_str(
                pl.lit("follows operation "),
                pl.col("op_before").cast(pl.String),
                pl.lit(" of the same order, which moved"),
            ),
            None,
        ),
    ]
    reason: pl.Expr = pl.concat_str(
        pl.lit("on "),
        "to_machine",
        pl.lit(" it now runs after "),
        stands_after,
        pl.lit("; before, after "),
        stood_after,
    )
    cause: pl.Expr = pl.lit(None, dtype=pl.String)
    for condition, text, category in reversed(cases):  # the first case that holds is the one told
        holds = condition.fill_null(False)
        reason = pl.when(holds).then(text).otherwise(reason)
        cause = pl.when(holds).then(pl.lit(category, dtype=pl.String)).otherwise(cause)
    return rows.with_columns(reason.alias("reason"), cause.alias("cause"))


def _downtimes(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`machine`, `down_until`, `down_reason`: unplanned stops that reach past the instant the plan is as of."""
    until = pl.coalesce("ended_at", "expected_end")
    return (
        frames["downtime_events"]
        .filter(~pl.col("planned").fill_null(False) & (until.is_null() | (until > context.as_of)))
        .filter(pl.col("machine").is_not_null())
        .with_columns(until.alias("down_until"))
        .sort("machine", "down_until", "event", nulls_last=True)
        .group_by("machine", maintain_order=True)
        .agg(pl.col("down_until").last(), pl.col("reason").last().alias("down_reason"))
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
