"""Effects: plan again with a change and compare, so that every effect shown was computed and none is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from recon_platform.capacity import Given, look_ahead, read_alone, read_first, read_together
from recon_platform.planning.decisions import Change, Made, apply_changes, changes_in_force, with_trial
from recon_platform.planning.plan import run_stages
from recon_platform.planning.stages import Stage, compared_stages
from recon_platform.proposal.candidate import grant
from recon_platform.tables.capacity import held_in_turn
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse, only

LINE = ["sales_order", "line"]
DAY_TOLERANCE = 1e-9
AT_ONCE, ROWS_AT_ONCE = 16, 1_250_000
"""Plans that are begun before the first is finished, and operations they may have in all."""

COMPARED = ("order_promises", "schedule", "action_messages", "pegging", "capacity_load")
"""Tables of a plan that an effect is computed from."""


@dataclass(frozen=True, slots=True)
class Effect:
    """With minus without. `won` and `lost` name customer lines as `order/line`."""

    won: tuple[str, ...]
    lost: tuple[str, ...]
    late_days_saved: float  # weighted by customer class
    late_cost_saved: float  # plant currency
    labour_hours: float
    operations_moved: int
    overtime_hours: float = 0.0
    late_days_by_class: Mapping[str, float] = field(default_factory=dict)  # customer class → days saved
    changeovers: int = 0  # set-ups with minus without
    setup_hours: float = 0.0
    orders_touched: int = 0
    orders_by_level: Mapping[str, int] = field(default_factory=dict)  # low-level code → orders touched; 0 is sold
    work_centers_touched: tuple[str, ...] = ()
    frozen_moved: int = 0  # operations moved that the plan without the move had frozen
    messages_made: int = 0
    messages_cleared: int = 0

    @property
    def net_lines(self) -> int:
        return len(self.won) - len(self.lost)

    def worth(self, context: PlanContext) -> float:
        """Lateness saved less labour and overtime, in plant currency; what the move costs besides is not in it."""
        cost = context.policy.cost
        premium = cost.overtime_hour - cost.labour_hour
        return self.late_cost_saved - self.labour_hours * cost.labour_hour - self.overtime_hours * premium


def pinned(frames: Frames, context: PlanContext, reuse: Reuse | None = None) -> list[Change]:
    """The change that keeps the dispatch setting of the plan in `frames`, and what it holds, for trials against it.

    A trial that may choose another setting moves operations that have nothing to do with the move.
    """
    changes = changes_in_force(frames.get("decisions_in_force"))
    k1, k2 = look_ahead(apply_changes(frames, changes), context, reuse)
    in_turn = held_in_turn(frames.get("dispatch_settings"))
    return [grant("look_ahead", as_of=context.as_of.isoformat(), k1=k1, k2=k2, in_turn=in_turn)]


def read_base(frames: Frames, context: PlanContext, setting: Sequence[Change], reuse: Reuse) -> None:
    """Read the plan in `frames` for trials against it, all with `setting`: `reuse` then tells what of each differs from it."""
    trial = with_trial(frames, context, setting)
    read_first(apply_changes(trial, changes_in_force(trial["decisions_in_force"])), context, reuse)


@dataclass(frozen=True, slots=True)
class Trial:
    """A plan with changes as far as it is made: netted, where they concern netting. `steps`: what is left to do."""

    frames: dict[str, pl.DataFrame]
    made: Made
    steps: list[Stage]

    @property
    def scheduled(self) -> bool:
        """Whether the schedule is still to be made."""
        return any(step.name == "schedule" for step in self.steps)

    def given(self, context: PlanContext, reuse: Reuse) -> Given | None:
        """What its schedule is read from, before anything is read of its orders; None where no schedule is to be made."""
        return read_alone(self.made.of(self.frames), context, reuse) if self.scheduled else None


def begin(frames: Frames, context: PlanContext, changes: Sequence[Change], reuse: Reuse) -> Trial:
    """The plan had `changes` been approved, up to its schedule."""
    trial = with_trial(frames, context, changes)
    made = Made(changes_in_force(trial["decisions_in_force"]))
    steps = concerned(changes, compared_stages(reuse, made))
    netting = [step for step in steps if step.name == "material"]
    return Trial(run_stages(netting, trial, context), made, [step for step in steps if step not in netting])


def finish(trial: Trial, context: PlanContext, reuse: Reuse, given: Given | None = None) -> dict[str, pl.DataFrame]:
    """The whole plan of a trial begun; `given`: what its schedule was read from ahead."""
    steps = {step.name: step for step in compared_stages(reuse, trial.made, given)}
    return run_stages([steps[step.name] for step in trial.steps], trial.frames, context)


def plan_again(
    frames: Frames, context: PlanContext, changes: Sequence[Change], reuse: Reuse | None = None
) -> dict[str, pl.DataFrame]:
    """The plan had `changes` been approved: netting, schedule and promises, made by the very code an approval runs.

    Stages that read nothing the changes touch are not run again, nor are steps of a stage that `reuse` holds from a trial
    on the same plan: a step is a function of what it reads. Shortages and required load stay those of the plan without: no
    effect is computed from them, and nothing compared reads them.
    """
    reuse = reuse or Reuse()
    return finish(begin(frames, context, changes, reuse), context, reuse)


def effects(frames: Frames, context: PlanContext, sets: Sequence[Sequence[Change]], reuse: Reuse) -> list[Effect]:
    """The effect of each of many sets of changes, as `compare` and `plan_again` give it of one.

    What their schedules are read from is read together, for as many plans at once as memory should hold.
    """
    at_once, found = plans_at_once(frames), []
    for first in range(0, len(sets), at_once):
        trials = [begin(frames, context, changes, reuse) for changes in sets[first : first + at_once]]
        read = {k: one for k, trial in enumerate(trials) if (one := trial.given(context, reuse)) is not None}
        given = dict(zip(read, read_together(list(read.values())), strict=True))
        for k, trial in enumerate(trials):
            found.append(compare(frames, finish(trial, context, reuse, given.get(k)), context, reuse))
    return found


def plans_at_once(frames: Frames) -> int:
    """How many plans like that in `frames` are begun before the first is finished."""
    return max(1, min(AT_ONCE, ROWS_AT_ONCE // max(1, frames["schedule"].height)))


def concerned(changes: Sequence[Change], steps: Sequence[Stage]) -> list[Stage]:
    """Those of `steps` whose result `changes` can alter, in order."""
    touched: dict[str, set[str] | None] = {}  # table → columns, None where rows come or go
    for change in changes:
        if change["verb"] == "grant":
            continue
        table, known = str(change["table"]), touched.get(str(change["table"]), set())
        touched[table] = None if known is None or change["verb"] != "set" else known | set(change["values"])
    granted = any(change["verb"] == "grant" for change in changes)
    stages = []
    for step in steps:
        if (granted and step.name == "schedule") or any(_reads(step, *entry) for entry in touched.items()):
            stages.append(step)
            touched.update(dict.fromkeys(step.writes))
    return stages


def _reads(step: Stage, table: str, columns: set[str] | None) -> bool:
    """Whether `step` reads any of `columns` of `table`; None: the table as a whole."""
    if table not in step.reads:
        return False
    return columns is None or table not in step.columns or not columns.isdisjoint(step.columns[table])


def compare(without: Frames, with_: Frames, context: PlanContext, reuse: Reuse | None = None) -> Effect:
    """The effect of going from one plan to the other. `reuse` holds what was made of the plan without before."""
    reuse = reuse or Reuse()
    days = _side_by_side(
        reuse.of(lateness, without["order_promises"], context), lateness(with_["order_promises"], context)
    )
    won, lost, by_class, saved = _gained(days)
    moved = moved_operations(without["schedule"], with_["schedule"])
    orders = moved.select("work_order").unique()
    made, cleared = _messages(without["action_messages"], with_["action_messages"])
    loaded = only(without, "capacity_load")
    before, after = reuse.of(set_ups, without["schedule"]), set_ups(with_["schedule"])
    levels = reuse.of(_levels, with_["pegging"])
    return Effect(
        won=tuple(won.get_column("name")),
        lost=tuple(lost.get_column("name")),
        late_days_saved=round(float(saved.item(0, "weighted")), 6),
        late_cost_saved=round(float(saved.item(0, "cost")), 2),
        labour_hours=round(labour_hours(with_) - reuse.of(labour_hours, loaded), 4),
        operations_moved=moved.height,
        overtime_hours=round(overtime_hours(with_) - reuse.of(overtime_hours, loaded), 4),
        late_days_by_class=dict(by_class.iter_rows()),
        changeovers=after[0] - before[0],
        setup_hours=round(after[1] - before[1], 4),
        orders_touched=orders.height,
        orders_by_level=_by_level(orders, levels),
        work_centers_touched=tuple(moved.get_column("place").unique().sort()),
        frozen_moved=int(moved.get_column("frozen").fill_null(False).sum()),
        messages_made=made,
        messages_cleared=cleared,
    )


def _gained(days: pl.DataFrame) -> list[pl.DataFrame]:
    """Of lines side by side: `name` of those won and of those lost, late_days saved by `class`, and in all, weighted and as cost."""
    late, late_with = (pl.col(name).fill_null(0) > 0 for name in ("late_days", "late_days_with"))
    name = pl.concat_str(*LINE, separator="/").alias("name")

    def saved(column: str) -> pl.Expr:
        return (pl.col(column).fill_null(0) - pl.col(f"{column}_with").fill_null(0)).sum()

    lines = days.lazy()
    return pl.collect_all(
        [
            lines.filter(late & ~late_with).select(name).sort("name"),
            lines.filter(~late & late_with).select(name).sort("name"),
            lines.group_by(pl.coalesce("class", "class_with").alias("class"))
            .agg(saved("late_days"))
            .filter(pl.col("late_days").abs() > DAY_TOLERANCE)
            .sort("class"),
            lines.select(saved("weighted").alias("weighted"), saved("late_cost").alias("cost")),
        ]
    )


def _side_by_side(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Rows of both by customer line, those of `after` with `_with` behind their names."""
    if _same_columns(before, after, LINE):
        values = [column for column in after.get_columns() if column.name not in LINE]
        return before.hstack([column.alias(f"{column.name}_with") for column in values])
    return before.join(after, on=LINE, how="full", coalesce=True, suffix="_with")


def moved_operations(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """`work_order`, `op_seq`, `place`, `frozen`: operations that start at another time or machine, come or go."""
    key, read = ["work_order", "op_seq"], ["start", "machine", "work_center", "frozen"]
    moved = pl.col("start").ne_missing(pl.col("start_right")) | pl.col("machine").ne_missing(pl.col("machine_right"))
    if _same_columns(before, after, key):  # the same operations in the same order, as nearly always
        beside = [after.get_column(name).alias(f"{name}_right") for name in read]
        both = pl.DataFrame([before.get_column(name) for name in (*key, *read)]).hstack(beside).lazy()
    else:
        both = (
            before.lazy().select(*key, *read).join(after.lazy().select(*key, *read), on=key, how="full", coalesce=True)
        )
    place = pl.coalesce("work_center_right", "work_center").alias("place")
    return both.filter(moved).select(*key, place, "frozen").collect()


def _same_columns(one: pl.DataFrame, other: pl.DataFrame, names: Sequence[str]) -> bool:
    return all(one.get_column(name).equals(other.get_column(name)) for name in names)


def set_ups(schedule: pl.DataFrame) -> tuple[int, float]:
    """How many operations of a schedule set up, and the hours from the start of set-ups to that of processing."""
    hours = (schedule.get_column("start") - schedule.get_column("setup_start")).dt.total_seconds() / 3600
    return int((hours > 0).sum()), float(hours.sum())


def _levels(pegging: pl.DataFrame) -> pl.DataFrame:
    return pegging.drop_nulls("level").group_by("supply").agg(pl.col("level").min())


def _by_level(orders: pl.DataFrame, levels: pl.DataFrame) -> dict[str, int]:
    known = levels.lazy().join(orders.lazy(), left_on="supply", right_on="work_order", how="semi")
    counted = known.group_by("level").len().sort("level").collect()
    by_level = {str(level): count for level, count in counted.iter_rows()}
    unpegged = orders.height - sum(by_level.values())
    return by_level | ({"unpegged": unpegged} if unpegged else {})


def _messages(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int]:
    """Shown messages that come, and that go."""
    if before is after:
        return 0, 0
    shown = [
        frame.filter((pl.col("visibility") == "SHOWN") & (pl.col("lifecycle") != "CLEARED")).select("message", "to_date", "qty")
        for frame in (before, after)
    ]  # fmt: skip
    return tuple(  # type: ignore[return-value]
        one.join(other, on=["message", "to_date", "qty"], how="anti", nulls_equal=True).height
        for one, other in ((shown[1], shown[0]), (shown[0], shown[1]))
    )


def lateness(promises: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Lines with late days (a line without a day is late to the end of the horizon), weighted, and their cost."""
    never = float(context.policy.material.horizon_days)
    weights = context.policy.capacity.class_weights
    costs = context.policy.cost.late_day_by_class
    lowest = "C"
    return (
        promises.lazy()
        .select(
            *LINE,
            pl.when(pl.col("projected_ship").is_null())
            .then(pl.lit(never))
            .otherwise(pl.col("late_days").clip(lower_bound=0))
            .alias("late_days"),
            pl.col("customer_class").fill_null(lowest).alias("class"),
        )
        .with_columns(
            (pl.col("late_days") * pl.col("class").replace_strict(weights, default=weights[lowest])).alias("weighted"),
            (pl.col("late_days") * pl.col("class").replace_strict(costs, default=costs[lowest])).alias("late_cost"),
        )
        .collect()
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
