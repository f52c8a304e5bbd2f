"""What is kept from the schedule in force: running work, the frozen horizon, and the sequence further out.

Belongs here: which operations keep machine and place in the sequence, from when on they may start, and where nothing
new may begin. A frozen operation keeps its machine and its place; it may start later than in force (then `forced`),
never earlier; where it cannot begin inside the fence any more it leaves both (`leaving`). What is not frozen does not begin inside the fence while a schedule is in force there, unless an approved
move says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from recon_platform.capacity.clock import minute_down, origin_of
from recon_platform.capacity.problem import FREE, FROZEN, HELD, RUNNING, SOFT
from recon_platform.tables.context import PlanContext
from recon_platform.tables.operation_rows import rows_in


class Hold(StrEnum):
    """How firmly what is neither on the floor nor frozen keeps its machine and place in the sequence in force.

    AS_POLICY: for `capacity.match_up_days`, unless another is clearly better or what it waits for has no time yet. IN_TURN: through
    the whole horizon, and while it waits for something the machine is kept free for it from its start in force on until that
    has come. ALL: as what is frozen, whatever it costs, though it may start earlier.
    """

    AS_POLICY = "as policy"
    IN_TURN = "in turn"
    ALL = "all"


FOR_EVER = 10_000.0  # days: beyond any horizon


@dataclass(frozen=True, slots=True)
class Kept:
    """Per operation, in their order: state, home, not_before, closed_until, previous_start, released. `sequence`: index, row."""

    rows: pl.DataFrame
    sequence: pl.DataFrame


def fence_minutes(context: PlanContext, work_center: pl.Expr) -> pl.Expr:
    """Frozen horizon of a work center in minutes."""
    capacity = context.policy.capacity
    hours = work_center.replace_strict(
        dict(capacity.frozen_hours_by_work_center), default=capacity.frozen_hours, return_dtype=pl.Float64
    )
    return (hours * 60.0).cast(pl.Int64)


KEPT_BY = (
    "work_order", "op_seq", "work_center", "machine", "status", "external", "started_at", "chained", "pinned",
)  # fmt: skip
"""Columns of operations that decide what is kept."""
_BEFORE = {
    "machine_before": pl.String(), "from": pl.Int64(), "previous_start": pl.Datetime("us", "UTC"),
    "previous_end": pl.Datetime("us", "UTC"),
}  # fmt: skip


def what_is_kept(
    operations: pl.DataFrame, published: pl.DataFrame | None, released: pl.DataFrame, machines: pl.DataFrame,
    context: PlanContext, hold: Hold,
) -> pl.DataFrame:  # fmt: skip
    """The rows of `Kept`, and what orders the sequence. `operations`: `KEPT_BY`; `published`: of the schedule in force the rows of
    their orders, None where none is in force; `machines`: machine, work_center, index. `released`: orders
    that an approved move frees from the fence (work_order, op_seq or null for all). An operation pinned to another machine
    than the one in force is free to go there, inside the fence too: people decided that. `hold`: how far out machine and
    sequence in force are held.
    """
    origin = origin_of(context.as_of)
    base = operations.select(KEPT_BY)
    index = machines.lazy().select("machine", pl.col("index").alias("home"), pl.col("work_center").alias("at"))
    if published is None:
        base = base.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in _BEFORE.items())
    else:
        in_force = pl.all().gather(rows_in(published, base))
        before = published.select(
            pl.col("machine").alias("machine_before"), minute_down("setup_start", origin).alias("from"),
            pl.col("start").alias("previous_start"), pl.col("end").alias("previous_end"),
        ).select(in_force)  # fmt: skip
        base = base.hstack(before)
    any_published = pl.lit(published is not None)
    free = released.lazy().select("work_order", "op_seq").with_columns(pl.lit(True).alias("released"))
    joined = (
        base.lazy()
        .join(free.drop_nulls("op_seq"), on=["work_order", "op_seq"], how="left", maintain_order="left")
        .join(
            free.filter(pl.col("op_seq").is_null()).select("work_order", pl.lit(True).alias("released_all")).unique(),
            on="work_order", how="left", maintain_order="left",
        )
        .with_columns((pl.col("released").fill_null(False) | pl.col("released_all").fill_null(False)).alias("released"))
    )  # fmt: skip
    on_floor = pl.col("status").is_in(["running", "setup", "paused"])
    machine = pl.when(on_floor).then(pl.coalesce("machine", "machine_before")).otherwise("machine_before")
    joined = (
        joined.with_columns(machine.alias("machine"))
        .join(index, on="machine", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("at") == pl.col("work_center")).then("home").otherwise(None).alias("home"),
            fence_minutes(context, pl.col("work_center")).alias("fence"),
        )
    )
    bound = pl.col("home").is_not_null() & ~pl.col("external")
    match_up = int((context.policy.capacity.match_up_days if hold is Hold.AS_POLICY else FOR_EVER) * 1440)
    turn = pl.max_horizontal("from", pl.lit(0)) if hold is Hold.IN_TURN else pl.lit(0)
    in_fence = pl.col("from") < pl.col("fence")
    elsewhere = (pl.col("pinned") >= 0) & (pl.col("pinned") != pl.col("home"))
    joined = joined.with_columns((pl.col("released") | (elsewhere & in_fence).fill_null(False)).alias("released"))
    joined = joined.with_columns(
        pl.when(bound & pl.col("status").is_in(["running", "paused"])).then(RUNNING)
        .when(bound & (pl.col("status") == "setup")).then(HELD)
        .when(pl.col("released") | elsewhere).then(FREE)
        .when(bound & in_fence).then(FROZEN)
        .when(bound & (pl.col("from") < match_up) & ~pl.col("chained")).then(SOFT)
        .otherwise(FREE).cast(pl.Int8).alias("state"),
    )  # fmt: skip
    first = pl.when(on_floor).then(pl.when(pl.col("status") == "setup").then(1).otherwise(0)).otherwise(2)
    return joined.select(
        "work_order", "op_seq", "state", "home", "previous_start", "released",
        pl.when(on_floor).then(0).when((pl.col("state") == FROZEN) | (pl.col("external") & in_fence)).then(
            pl.max_horizontal("from", pl.lit(0))
        ).when(pl.col("state") == SOFT).then(turn).otherwise(None).cast(pl.Int64).alias("not_before"),
        pl.when(any_published & ~pl.col("external") & ~pl.col("released") & pl.col("state").is_in([FREE, SOFT]))
        .then("fence").otherwise(0).alias("closed_until"),
        first.cast(pl.Int8).alias("rank"), pl.when(on_floor).then(0).otherwise("from").alias("order_by"), "started_at",
        "previous_end",
    ).collect()  # fmt: skip


def sequence_of(rows: pl.DataFrame) -> pl.DataFrame:
    """index, row: the sequence in force of every machine. `rows`: those of `what_is_kept`, by work order and operation."""
    return (
        rows.lazy()
        .select("state", "home", "rank", "order_by", "started_at", "previous_start", "previous_end")
        .with_row_index("row")
        .filter(pl.col("state") != FREE)
        .sort("home", "rank", "order_by", "started_at", "previous_start", "previous_end", "row")
        .select(pl.col("home").alias("index"), pl.col("row").cast(pl.Int32))
        .collect()
    )
