"""Delta view: what the plan does differently from the schedule in force, operation by operation, and why.

Two things move an operation. Facts: a machine is down, material is late, an order is new. And the planner, which sequences
anew what it may. They are told apart by a third schedule, the one that the facts alone make with the sequence in force held
(`capacity.held_schedule`): up to there a move is the facts' doing and has its reason, from there it is the planner's. A rerun that
holds the sequence in force in turn (`PlanContext.in_turn`) moves nothing of its own accord: there all is the facts' doing.

Belongs here: which operations differ, whose doing it is, and what that does to customer lines. Facts stand in `reasons`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl

from recon_platform.capacity import held_schedule
from recon_platform.proposal.ends import lines_in_force
from recon_platform.proposal.reasons import around_changes, with_own_fact, with_reasons
from recon_platform.tables.asked import laid_over
from recon_platform.tables.capacity import held_in_turn
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.proposal import PROPOSAL_CHANGES
from recon_platform.tables.reuse import Reuse

MOVED_MINUTES = 1.0
SEQUENCING = "SEQUENCING"
"""Cause of an operation that no fact moves: the planner put it elsewhere because its rule takes that for better."""
KEY = ["work_order", "op_seq"]


def proposal_changes(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> pl.DataFrame:
    """Table `proposal_changes`; empty where no schedule is in force."""
    if frames.get("published.schedule") is None or frames["published.schedule"].is_empty():
        return PROPOSAL_CHANGES.empty()
    with ThreadPoolExecutor(1) as pool:  # what moves an operation does not depend on whom it makes late
        line_effects = pool.submit(_line_effects, frames, context, reuse)
        changes = _explained(frames, context, reuse)
    zone = context.plant.timezone
    shown = {
        side: pl.concat_str(
            pl.col(f"{side}_machine").fill_null("no machine"),
            pl.lit(" "),
            pl.col(f"{side}_start").dt.convert_time_zone(zone).dt.strftime("%Y-%m-%d %H:%M"),
        )
        for side in ("from", "to")
    }
    effects = line_effects.result()
    return PROPOSAL_CHANGES.frame(
        changes.join(effects, on="work_order", how="left").select(
            "work_order",
            "op_seq",
            "what",
            shown["from"].alias("from"),
            shown["to"].alias("to"),
            "shift_minutes",
            "by_facts_minutes",
            "sequenced_anew",
            "reason",
            "cause",
            "root",
            "further",
            pl.col("frozen").fill_null(False),
            pl.col("otif_effect").fill_null(0).cast(pl.Int64),
            (pl.col("to_hours").fill_null(0) - pl.col("from_hours").fill_null(0)).alias("labour_effect"),
        )
    ).sort("work_order", "op_seq", "what")


def _explained(frames: Frames, context: PlanContext, reuse: Reuse | None) -> pl.DataFrame:
    """The operations that differ, with `reason`, `cause`, `root`, and `by_facts_minutes`, `sequenced_anew`."""
    if held_in_turn(frames.get("dispatch_settings")):
        held = frames
        beside = beside_held = side_by_side(around_changes(frames))
    else:
        in_force = _side(frames["published.schedule"], "from")
        beside = side_by_side(frames, in_force)
        held = laid_over(frames, {"schedule": held_schedule(frames, context, reuse)})
        beside_held = side_by_side(held, in_force)
    by_facts = with_reasons(beside_held, held, context).select(
        *KEY, pl.col("what").is_not_null().alias("facts_move"), pl.col("shift_minutes").alias("by_facts_minutes"),
        pl.col("to_machine").alias("held_machine"), pl.col("to_start").alias("held_start"),
        *(pl.col(name).alias(f"facts_{name}") for name in ("reason", "cause", "root", "further")),
    )  # fmt: skip
    told = beside.filter(pl.col("what").is_not_null())
    only_there = pl.col("what").is_in(["added", "removed", "finished"])  # a fact of the order, in whatever sequence
    of_order = with_own_fact(told.filter(only_there), frames, context).select(*KEY, "reason", "cause", "root")
    rows = told.join(of_order, on=KEY, how="left", maintain_order="left").join(
        by_facts, on=KEY, how="left", maintain_order="left"
    )
    moves_on = (pl.col("to_start") - pl.col("held_start")).dt.total_seconds().abs() / 60 >= MOVED_MINUTES
    anew = (moves_on | (pl.col("to_machine") != pl.col("held_machine"))).fill_null(False)
    place = pl.concat_str(
        pl.lit("sequenced anew by the planner: on "), pl.col("to_machine").fill_null("no machine"), pl.lit(" after "),
        pl.col("to_after_order").fill_null("nothing"), pl.lit("; in force, after "),
        pl.col("from_after_order").fill_null("nothing"),
    )  # fmt: skip
    both = pl.concat_str("facts_reason", pl.lit("; then "), place)
    facts_move = pl.col("facts_move").fill_null(False) & pl.col("facts_root").is_not_null()
    return rows.with_columns(
        pl.when(only_there).then("reason").when(anew & facts_move).then(both).when(facts_move).then("facts_reason")
        .otherwise(place).alias("reason"),
        pl.when(only_there).then("cause").when(facts_move).then("facts_cause").otherwise(pl.lit(SEQUENCING)).alias("cause"),
        pl.when(only_there).then("root").when(facts_move).then("facts_root").alias("root"),
        pl.when(facts_move).then("facts_further").alias("further"),
        (~only_there & (anew | ~facts_move)).alias("sequenced_anew"),
        pl.when(only_there).then(None).otherwise("by_facts_minutes").alias("by_facts_minutes"),
    )  # fmt: skip


def side_by_side(frames: Frames, in_force: pl.DataFrame | None = None) -> pl.DataFrame:
    """Operations in force and proposed side by side, by order and operation, and what stands before each on its machine; `what`
    is null where an operation keeps machine and start. `in_force`: the one side, where it was made before."""
    before = _side(frames["published.schedule"], "from") if in_force is None else in_force
    after = _side(frames["schedule"], "to", "frozen")
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
        before.join(after, on=KEY, how="full", coalesce=True)
        .join(states, on="work_order", how="left")
        .join(operations, on=KEY, how="left")
        .sort(KEY)  # what follows settles ties by the place of a row
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


def _side(schedule: pl.DataFrame, side: str, *more: str) -> pl.DataFrame:
    """One schedule with its columns named after its `side`, and what stands before each operation on its machine."""
    rows = schedule.sort("machine", "start", *KEY)
    same = pl.col("machine").eq_missing(pl.col("machine").shift(1))
    return rows.select(
        *KEY,
        pl.col("machine").alias(f"{side}_machine"),
        pl.col("work_center").alias(f"{side}_center"),
        pl.col("setup_start").alias(f"{side}_setup"),
        pl.col("start").alias(f"{side}_start"),
        pl.col("end").alias(f"{side}_end"),
        pl.col("qty").alias(f"{side}_qty"),
        ((pl.col("end") - pl.col("setup_start")).dt.total_seconds() / 3600).alias(f"{side}_hours"),
        pl.when(same).then(pl.col("work_order").shift(1)).alias(f"{side}_after_order"),
        pl.col("bound_by").alias(f"{side}_bound"),
        *more,
    )


def _line_effects(frames: Frames, context: PlanContext, reuse: Reuse | None) -> pl.DataFrame:
    """`work_order`, `otif_effect`: customer lines that the order's end turns from late to on time, or the reverse."""
    in_force = lines_in_force(frames, context, reuse)
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
