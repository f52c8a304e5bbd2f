"""What the checker looks at: the schedule beside the facts of its operations, open time of machines, occupations.

Belongs here: reading tables. Shares no code with the scheduler, as `check` says; the constraints are judged there.
"""

from __future__ import annotations

from datetime import UTC, timedelta

import polars as pl

from recon_platform.capacity.check_grants import granted
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

VIOLATION = {
    "constraint": pl.String, "work_order": pl.String, "op_seq": pl.Int64, "machine": pl.String, "detail": pl.String,
}  # fmt: skip
NO_VIOLATION = pl.DataFrame(schema=VIOLATION)
_FACTS = (
    "work_center", "status", "setup_min", "run_min_per_unit", "setup_skill", "setup_people", "run_skill", "run_people",
    "queue_min", "move_min", "max_wait_min", "setup_family", "overlap_qty", "pausable", "batch_min", "batch_max",
    "batch_minutes", "tool", "external_days",
)  # fmt: skip


def problem(rows: pl.DataFrame, constraint: str, *detail: str | pl.Expr) -> pl.DataFrame:
    """Rows as violations of one constraint; `detail` parts are joined, columns as text."""
    if rows.is_empty():
        return NO_VIOLATION
    text = pl.concat_str(
        [pl.lit(part) if isinstance(part, str) else part.cast(pl.String) for part in detail], ignore_nulls=True
    )
    return rows.select(pl.lit(constraint).alias("constraint"), "work_order", "op_seq", "machine", text.alias("detail"))


def scheduled_rows(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """The schedule joined to what is known of each operation, its order and its machine, clipped to the future; in the sequence
    of each machine."""
    return in_turn(joined_rows(frames, context, facts_of_operations(frames, context)), frames)


def in_turn(rows: pl.LazyFrame, frames: Frames) -> pl.DataFrame:
    """`rows` (`joined_rows`) with what is known of their orders, in the sequence of each machine."""
    orders = frames["reconciled_orders"].select("work_order", pl.col("item").alias("item_wo"), "lot", "campaign")
    return (
        rows.join(_supply(frames).lazy(), on="work_order", how="left")
        .join(orders.lazy(), on="work_order", how="left")
        .with_columns(pl.coalesce("item", "item_wo").alias("item"))
        .sort("machine", "setup_start", "start", "end", "work_order", "op_seq")
        .collect()
    )


def facts_of_operations(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """What is known of each operation of an open order, and by the routing of each of a planned one."""
    supply = _supply(frames)
    own = frames["reconciled_operations"].select(
        "work_order", "op_seq", *_FACTS, "started_at", total_qty="qty", open_qty="remaining_qty"
    )
    day = pl.max_horizontal(pl.col("start_date").fill_null(context.planning_date), pl.lit(context.planning_date))
    routing = frames["routings"].filter(pl.col("routing") == "main")
    planned = (
        supply.filter(pl.col("kind") == "planned")
        .with_columns(day.alias("day"))
        .join(routing, on="item")
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("day")))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("day")))
        )
        .sort("work_order", "op_seq")
        .unique(["work_order", "op_seq"], keep="last", maintain_order=True)
        .with_columns(pl.lit("waiting").alias("status"))
    )
    planned = planned.select("work_order", "op_seq", *_FACTS)
    return pl.concat([own, planned.cast({name: own.schema[name] for name in planned.columns})], how="diagonal").rename(
        {"work_center": "routed_to"}
    )


def _supply(frames: Frames) -> pl.DataFrame:
    return frames["supply_orders"].select(
        pl.col("order").alias("work_order"), "kind", "item", "start_date", "earliest_at", "due_at"
    )


def joined_rows(frames: Frames, context: PlanContext, facts: pl.DataFrame) -> pl.LazyFrame:
    """The rows of `scheduled_rows` in no order and without their orders; `facts`: of `facts_of_operations`."""
    machines = frames["machines"].select(
        "machine", pl.col("work_center").alias("machine_center"), pl.col("speed").fill_null(1.0).replace(0.0, 1.0)
    )
    centers = frames["work_centers"].select(
        "work_center", pl.col("external").fill_null(False), pl.col("efficiency").fill_null(1.0).replace(0.0, 1.0),
        "continuity", "sibling_group", pl.col("sibling_speed").fill_null(1.0),
    ).unique("work_center", keep="first", maintain_order=True)  # fmt: skip
    now = whole_minute(context)
    routed_group = centers.select(
        pl.col("work_center").alias("routed_to"), pl.col("sibling_group").alias("routed_group")
    )
    joined = (
        frames["schedule"]
        .lazy()
        .join(facts.lazy(), on=["work_order", "op_seq"], how="left")
        .join(machines.lazy(), on="machine", how="left")
        .join(centers.lazy(), on="work_center", how="left")
        .join(routed_group.lazy(), on="routed_to", how="left")
        .with_columns(
            pl.col("pausable").fill_null(True),
            pl.col("queue_min").fill_null(0.0),
            pl.col("move_min").fill_null(0.0),
            pl.col("status").is_in(["running", "paused"]).fill_null(False).alias("on_machine"),
            pl.max_horizontal("setup_start", now).alias("setup_start"),
            pl.max_horizontal("start", now).alias("start"),
            pl.col("setup_start").alias("setup_start_stated"),
        )
    )
    away = pl.col("work_center") != pl.col("routed_to")
    furnace = pl.col("batch_minutes").is_not_null() & ~pl.col("external")
    loads = (
        pl.when(pl.col("batch_max") > 0)
        .then((pl.col("qty") / pl.col("batch_max") - 1e-9).ceil().clip(1.0))
        .otherwise(1.0)
    )
    speed = pl.col("speed").fill_null(1.0) * pl.when(away).then("sibling_speed").otherwise(1.0)
    there = pl.when("on_machine").then(minutes(now - pl.col("started_at")).clip(0.0)).otherwise(0.0).fill_null(0.0)
    begun = furnace & pl.col("on_machine")
    together = begun & (pl.struct("routed_to", "machine", "started_at").is_duplicated())
    load_left = pl.when(pl.col("open_qty") < pl.col("total_qty")).then(
        loads * pl.col("batch_minutes") * pl.col("open_qty") / pl.col("total_qty")
    ).otherwise(loads * pl.col("batch_minutes") - there)  # fmt: skip
    run = (
        pl.when(together)
        .then(1.0)  # in a load with others: its end is that of one of them
        .when(begun)
        .then(load_left.clip(1.0))
        .when(furnace)
        .then(loads * pl.col("batch_minutes"))
        .otherwise(pl.col("qty") * pl.col("run_min_per_unit") / pl.col("efficiency"))
    )
    return joined.with_columns(
        away.alias("away"),
        (furnace & ~begun & (pl.col("batch_max") > 0) & (loads <= 1.0) & pl.col("tool").is_null()).fill_null(False).alias("shares_load"),
        pl.when(pl.col("external") & pl.col("external_days").is_not_null()).then(pl.col("external_days") * 1440 - there)
        .when("external").then(pl.col("setup_min") + run).otherwise(run / speed).alias("needs_min"),
    )  # fmt: skip


def whole_minute(context: PlanContext) -> pl.Expr:
    """The first whole minute not before the planning instant."""
    at = context.as_of.astimezone(UTC)
    floor = at.replace(second=0, microsecond=0)
    return pl.lit(floor if floor == at else floor + timedelta(minutes=1)).cast(pl.Datetime("us", "UTC"))


def minutes(span: pl.Expr) -> pl.Expr:
    """A duration in minutes."""
    return span.dt.total_microseconds() / 60e6


def open_time_of(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """machine, start, end: when a machine may work from now on; overtime where a granted move covers it."""
    time = frames["working_time"]
    regular = time.filter(pl.col("kind") == "regular").select("machine", "start", "end")
    parts = [regular]
    moves = granted(frames).filter(pl.col("kind") == "overtime")
    parts.append(
        time.filter(pl.col("kind") == "overtime")
        .join(moves.select("work_center", pl.col("start").alias("from"), pl.col("end").alias("to")), on="work_center")
        .select(
            "machine", pl.max_horizontal("start", "from").alias("start"), pl.min_horizontal("end", "to").alias("end")
        )
    )
    down = _down_until(frames, context)
    merged = (
        pl.concat(parts)
        .join(down, on="machine", how="left")
        .with_columns(pl.max_horizontal("start", "until", whole_minute(context)).dt.offset_by("59999999us").dt.truncate("1m").alias("start"),
                      pl.col("end").dt.truncate("1m"))
        .filter(pl.col("end") > pl.col("start"))
        .sort("machine", "start", "end")
        .with_columns(pl.col("end").cum_max().shift(1).over("machine").alias("reach"))
        .with_columns((pl.col("reach").is_null() | (pl.col("start") > pl.col("reach"))).cum_sum().alias("block"))
        .group_by("machine", "block", maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max())
    )  # fmt: skip
    return merged.select("machine", "start", "end").sort("machine", "start")


def _down_until(frames: Frames, context: PlanContext) -> pl.DataFrame:
    events = frames.get("downtime_events")
    empty = pl.DataFrame(schema={"machine": pl.String, "until": pl.Datetime("us", "UTC")})
    if events is None or events.is_empty():
        return empty
    as_of = context.as_of
    last = events.sort("event", "reported_at").group_by("event", maintain_order=True).last()
    running = last.filter(
        (pl.col("started_at") <= as_of) & (pl.col("ended_at").is_null() | (pl.col("ended_at") > as_of))
    )
    later = as_of + timedelta(minutes=context.policy.capacity.assumed_repair_minutes)
    until = running.with_columns(
        pl.coalesce(
            "ended_at", pl.when(pl.col("expected_end") > as_of).then(pl.col("expected_end")), pl.lit(later)
        ).alias("until")
    )
    centers = frames["machines"].select(pl.col("machine").alias("each"), "work_center")
    by_center = (
        until.filter(pl.col("machine").is_null())
        .join(centers, on="work_center")
        .select(pl.col("each").alias("machine"), "until")
    )
    by_machine = until.filter(pl.col("machine").is_not_null()).select("machine", "until")
    return pl.concat([by_machine, by_center]).group_by("machine").agg(pl.col("until").max()).cast(empty.schema)


def occupations(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per occupation of a machine: an operation, or a load of several that share it exactly."""
    inside = rows.filter(~pl.col("external").fill_null(False) & (pl.col("end") > pl.col("setup_start")))
    key = (
        pl.when("shares_load")
        .then(pl.lit("load"))
        .otherwise(pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String)))
    )
    return (
        inside.with_columns(key.alias("load_key"))
        .group_by("machine", "setup_start", "start", "end", "load_key", maintain_order=True)
        .agg(
            pl.col("work_order").first(), pl.col("op_seq").first(), pl.col("qty").sum().alias("load_qty"),
            pl.col("batch_max").min(), pl.len().alias("members"), pl.col("frozen").any(),
        )
        .sort("machine", "setup_start", "end", "work_order", "op_seq")
    )  # fmt: skip
