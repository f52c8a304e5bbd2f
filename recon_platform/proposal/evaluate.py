"""Effects: plan again with a change and compare, so that every effect shown was computed and none is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from recon_platform.planning.decisions import Change, with_trial
from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import trial_stages
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

LINE = ["sales_order", "line"]


@dataclass(frozen=True, slots=True)
class Effect:
    """With minus without. `won` and `lost` name customer lines as `order/line`."""

    won: tuple[str, ...]
    lost: tuple[str, ...]
    late_days_saved: float  # weighted by customer class
    late_cost_saved: float  # plant currency
    labour_hours: float
    operations_moved: int

    @property
    def net_lines(self) -> int:
        return len(self.won) - len(self.lost)


def plan_again(frames: Frames, context: PlanContext, changes: Sequence[Change]) -> dict[str, pl.DataFrame]:
    """All tables of the plan had `changes` been approved, from netting on: the very path an approval takes."""
    return run_stages(trial_stages(), with_trial(frames, context, changes), context)


def compare(without: Frames, with_: Frames, context: PlanContext) -> Effect:
    """The effect of going from one plan to the other."""
    days = lateness(without["order_promises"], context).join(
        lateness(with_["order_promises"], context), on=LINE, how="full", coalesce=True, suffix="_with"
    )
    late = pl.col("late_days").fill_null(0) > 0
    late_with = pl.col("late_days_with").fill_null(0) > 0
    name = pl.concat_str(*LINE, separator="/")
    moved = (
        without["schedule"]
        .join(with_["schedule"], on=["work_order", "op_seq"], how="full", coalesce=True)
        .filter(
            pl.col("start").ne_missing(pl.col("start_right")) | pl.col("machine").ne_missing(pl.col("machine_right"))
        )
    )
    return Effect(
        won=tuple(days.filter(late & ~late_with).select(name.alias("name")).get_column("name").sort()),
        lost=tuple(days.filter(~late & late_with).select(name.alias("name")).get_column("name").sort()),
        late_days_saved=round(float(days.select((pl.col("weighted") - pl.col("weighted_with")).sum()).item()), 6),
        late_cost_saved=round(float(days.select((pl.col("late_cost") - pl.col("late_cost_with")).sum()).item()), 2),
        labour_hours=round(labour_hours(with_) - labour_hours(without), 4),
        operations_moved=moved.height,
    )


def lateness(promises: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Lines with late days (a line without a day is late to the end of the horizon), weighted, and their cost."""
    never = float(context.policy.material.horizon_days)
    weights = context.policy.capacity.class_weights
    costs = context.policy.cost.late_day_by_class
    lowest = "C"
    return promises.select(
        *LINE,
        pl.when(pl.col("projected_ship").is_null())
        .then(pl.lit(never))
        .otherwise(pl.col("late_days").clip(lower_bound=0))
        .alias("late_days"),
        pl.col("customer_class").fill_null(lowest).alias("class"),
    ).with_columns(
        (pl.col("late_days") * pl.col("class").replace_strict(weights, default=weights[lowest])).alias("weighted"),
        (pl.col("late_days") * pl.col("class").replace_strict(costs, default=costs[lowest])).alias("late_cost"),
    )


def labour_hours(frames: Frames) -> float:
    """Machine hours of run and set-up in the schedule, regular and overtime."""
    return _scheduled_hours(frames, "loaded_min")


def overtime_hours(frames: Frames) -> float:
    """The part of them worked in overtime."""
    return _scheduled_hours(frames, "overtime_min")


def _scheduled_hours(frames: Frames, column: str) -> float:
    load = frames["capacity_load"].filter(pl.col("basis") == "scheduled")
    return float(load.get_column(column).sum()) / 60
