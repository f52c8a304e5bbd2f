"""The independent check of a schedule: every constraint looked at again, from the tables alone.

Shares no code with the scheduler on purpose: it reads the same tables and the definitions in `docs/scheduling.md`, and
nothing else. A rule that is wrong in one place shows as a difference here. Work before the planning instant is history
and is not judged.
"""

from __future__ import annotations

from datetime import UTC, timedelta

import polars as pl

from recon_platform.capacity.check_grants import granted
from recon_platform.capacity.check_people import people_problems, tool_problems
from recon_platform.capacity.check_setups import setup_problems
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

VIOLATION = {
    "constraint": pl.String, "work_order": pl.String, "op_seq": pl.Int64, "machine": pl.String, "detail": pl.String,
}  # fmt: skip
_FACTS = (
    "work_center", "status", "setup_min", "run_min_per_unit", "setup_skill", "setup_people", "run_skill", "run_people",
    "queue_min", "move_min", "max_wait_min", "setup_family", "overlap_qty", "pausable", "batch_min", "batch_max",
    "batch_minutes", "tool", "external_days",
)  # fmt: skip
SLACK_MIN = 0.11  # minutes forgiven for rounding of durations


def check_schedule(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Violations of the schedule in `frames["schedule"]`: constraint, work_order, op_seq, machine, detail. Empty: feasible.

    Constraints: unknown, duplicate, work_center, overlap, batch, working_time, duration, pause, precedence, component,
    material, max_wait, setup, labour, tool, frozen, continuity, past.
    """
    rows = scheduled_rows(frames, context)
    if rows.is_empty():
        return pl.DataFrame(schema=VIOLATION)
    open_time = _open_time(frames, context)
    loads = _loads(rows)
    found = [
        _unknown(rows), _twice(rows), _center(rows, frames), _past(rows, context), _overlaps(loads), _batches(loads, rows),
        *_times(rows, open_time), *_order_of_work(rows), _components(rows, frames), _material(rows, frames, context),
        _frozen(rows, frames, context), _continuity(rows, frames), setup_problems(rows, loads, frames, context),
        people_problems(rows, loads, open_time, frames, context), tool_problems(rows, frames),
    ]  # fmt: skip
    return pl.concat(
        [violation.select(pl.col(name).cast(kind) for name, kind in VIOLATION.items()) for violation in found]
    ).sort("constraint", "work_order", "op_seq", "detail")


def problem(rows: pl.DataFrame, constraint: str, *detail: str | pl.Expr) -> pl.DataFrame:
    """Rows as violations of one constraint; `detail` parts are joined, columns as text."""
    text = pl.concat_str(
        [pl.lit(part) if isinstance(part, str) else part.cast(pl.String) for part in detail], ignore_nulls=True
    )
    return rows.select(pl.lit(constraint).alias("constraint"), "work_order", "op_seq", "machine", text.alias("detail"))


def scheduled_rows(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """The schedule joined to what is known of each operation, its order and its machine, clipped to the future."""
    schedule = frames["schedule"]
    supply = frames["supply_orders"].select(
        pl.col("order").alias("work_order"), "kind", "item", "start_date", "earliest_at", "due_at"
    )
    orders = frames["reconciled_orders"].select("work_order", pl.col("item").alias("item_wo"), "lot", "campaign")
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
    facts = pl.concat([own, planned.cast({name: own.schema[name] for name in planned.columns})], how="diagonal").rename(
        {"work_center": "routed_to"}
    )
    machines = frames["machines"].select(
        "machine", pl.col("work_center").alias("machine_center"), pl.col("speed").fill_null(1.0).replace(0.0, 1.0)
    )
    centers = frames["work_centers"].select(
        "work_center", pl.col("external").fill_null(False), pl.col("efficiency").fill_null(1.0).replace(0.0, 1.0),
        "continuity", "sibling_group", pl.col("sibling_speed").fill_null(1.0),
    ).unique("work_center", keep="first", maintain_order=True)  # fmt: skip
    now = _whole_minute(context)
    routed_group = centers.select(
        pl.col("work_center").alias("routed_to"), pl.col("sibling_group").alias("routed_group")
    )
    joined = (
        schedule.join(facts, on=["work_order", "op_seq"], how="left")
        .join(supply, on="work_order", how="left")
        .join(orders, on="work_order", how="left")
        .join(machines, on="machine", how="left")
        .join(centers, on="work_center", how="left")
        .join(routed_group, on="routed_to", how="left")
        .with_columns(
            pl.coalesce("item", "item_wo").alias("item"),
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
    there = pl.when("on_machine").then(_minutes(now - pl.col("started_at")).clip(0.0)).otherwise(0.0).fill_null(0.0)
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
    ).sort("machine", "setup_start", "start", "end", "work_order", "op_seq")  # fmt: skip


def _whole_minute(context: PlanContext) -> pl.Expr:
    at = context.as_of.astimezone(UTC)
    floor = at.replace(second=0, microsecond=0)
    return pl.lit(floor if floor == at else floor + timedelta(minutes=1)).cast(pl.Datetime("us", "UTC"))


def _minutes(span: pl.Expr) -> pl.Expr:
    return span.dt.total_microseconds() / 60e6


def _open_time(frames: Frames, context: PlanContext) -> pl.DataFrame:
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
        .with_columns(pl.max_horizontal("start", "until", _whole_minute(context)).dt.offset_by("59999999us").dt.truncate("1m").alias("start"),
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


def _loads(rows: pl.DataFrame) -> pl.DataFrame:
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


def _unknown(rows: pl.DataFrame) -> pl.DataFrame:
    bad = rows.filter(
        pl.col("routed_to").is_null() | (pl.col("machine_center").is_null() & ~pl.col("external").fill_null(False))
    )
    return problem(bad, "unknown", "operation or machine is not in the tables")


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    return problem(
        rows.filter(pl.struct("work_order", "op_seq").is_duplicated()), "duplicate", "operation is scheduled twice"
    )


def _center(rows: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Each operation at its work center, on a machine of it; elsewhere only with an approved move to a sibling."""
    wrong_machine = rows.filter(
        (pl.col("machine_center") != pl.col("work_center")) & ~pl.col("external").fill_null(False)
    )
    grants = granted(frames)
    moves = grants.filter(pl.col("kind") == "sibling").select("work_order", "op_seq")
    pull = not grants.filter(pl.col("kind") == "sibling_pull").is_empty()
    away = rows.filter("away").join(moves, on=["work_order", "op_seq"], how="anti")
    if pull:
        away = away.filter(pl.col("sibling_group").is_null() | (pl.col("sibling_group") != pl.col("routed_group")))
    return pl.concat(
        [
            problem(wrong_machine, "work_center", "machine does not belong to ", pl.col("work_center")),
            problem(away, "work_center", "routed to ", pl.col("routed_to"), ", scheduled at ", pl.col("work_center")),
        ]
    )


def _past(rows: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    bad = rows.filter(
        ((pl.col("setup_start_stated") < _whole_minute(context)) & ~pl.col("status").is_in(["running", "paused", "setup"]))
        | (pl.col("start") < pl.col("setup_start")) | (pl.col("end") < pl.col("start"))
    )  # fmt: skip
    return problem(bad, "past", "starts before the planning instant, or times are not in order")


def _overlaps(loads: pl.DataFrame) -> pl.DataFrame:
    marked = loads.with_columns(pl.col("end").cum_max().shift(1).over("machine").alias("busy_until"))
    bad = marked.filter(pl.col("setup_start") < pl.col("busy_until"))
    return problem(
        bad, "overlap", "starts at ", pl.col("setup_start"), " while the machine is busy until ", pl.col("busy_until")
    )


def _batches(loads: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    over = loads.filter((pl.col("members") > 1) & (pl.col("load_qty") > pl.col("batch_max") * (1 + 1e-6)))
    return problem(over, "batch", "load of ", pl.col("load_qty"), " exceeds ", pl.col("batch_max"))


def open_minutes(open_time: pl.DataFrame, windows: pl.DataFrame, start: str, end: str) -> pl.Series:
    """Open minutes of `machine` in [start, end) for each row of `windows`, in its order."""
    cumulative = open_time.with_columns(_minutes(pl.col("end") - pl.col("start")).alias("length")).with_columns(
        (pl.col("length").cum_sum().over("machine") - pl.col("length")).alias("before")
    )

    def upto(column: str) -> pl.Series:
        at = windows.select("machine", pl.col(column).alias("at")).with_row_index("nr").sort("at")
        found = at.join_asof(
            cumulative.rename({"start": "from", "end": "to"}).sort("from"), left_on="at", right_on="from", by="machine",
            strategy="backward", check_sortedness=False,
        )  # fmt: skip
        inside = _minutes(pl.min_horizontal("at", "to") - pl.col("from"))
        return found.with_columns((pl.col("before") + inside).fill_null(0.0).alias("sum")).sort("nr")["sum"]

    return upto(end) - upto(start)


def _times(rows: pl.DataFrame, open_time: pl.DataFrame) -> list[pl.DataFrame]:
    """Long enough in working time, starting and ending in it, and not paused where it may not be."""
    vendor = rows.filter(pl.col("external").fill_null(False))
    short_vendor = vendor.filter(_minutes(pl.col("end") - pl.col("start")) < pl.col("needs_min") - SLACK_MIN)
    inside = rows.filter(~pl.col("external").fill_null(False))
    run_open = open_minutes(open_time, inside, "start", "end")
    inside = inside.with_columns(run_open.alias("run_open"))
    short = inside.filter(pl.col("run_open") < pl.col("needs_min") * (1 - 2e-6) - SLACK_MIN)
    first = inside.with_columns(
        (pl.col("setup_start") + pl.duration(minutes=1)).alias("next"),
        (pl.col("end") - pl.duration(minutes=1)).alias("last"),
    )
    opens = open_minutes(open_time, first, "setup_start", "next")
    closes = open_minutes(open_time, first, "last", "end")
    closed = first.filter(((opens < 1.0) | (closes < 1.0)) & (pl.col("end") > pl.col("setup_start")))
    whole = _minutes(pl.col("end") - pl.col("start"))
    paused = inside.filter(~pl.col("pausable") & (pl.col("run_open") < whole - 1e-6))
    return [
        problem(short_vendor, "duration", "at the vendor for less than ", pl.col("needs_min"), " min"),
        problem(short, "duration", "has ", pl.col("run_open"), " working min, needs ", pl.col("needs_min")),
        problem(closed, "working_time", "starts or ends outside working time"),
        problem(paused, "pause", "pauses though it may not"),
    ]


def _order_of_work(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Operations of an order in sequence with move, queue, overlap and longest waits."""
    one = rows.sort("work_order", "op_seq")
    same = pl.col("work_order") == pl.col("work_order").shift(1)
    before = one.with_columns(
        *(pl.when(same).then(pl.col(name).shift(1)).alias(f"b_{name}") for name in (
            "start", "end", "move_min", "max_wait_min", "overlap_qty", "qty", "needs_min", "frozen", "external", "batch_minutes")),
    ).filter(pl.col("b_end").is_not_null())  # fmt: skip
    lag = (pl.col("b_move_min") + pl.col("queue_min")).ceil()
    overlaps = (
        (pl.col("b_overlap_qty") > 0) & (pl.col("b_overlap_qty") < pl.col("b_qty")) & ~pl.col("b_external") & ~pl.col("external")
        & pl.col("b_batch_minutes").is_null() & pl.col("batch_minutes").is_null() & pl.col("b_max_wait_min").is_null()
    ).fill_null(False)  # fmt: skip
    ready = pl.col("b_end") + pl.duration(minutes=lag)
    bad = before.filter(~overlaps & (pl.col("setup_start") < ready))
    share = pl.col("b_overlap_qty") / pl.col("b_qty")
    first_batch = pl.col("b_start") + pl.duration(minutes=(share * pl.col("b_needs_min") - 0.2).floor() + lag)
    last_batch = pl.col("b_end") + pl.duration(minutes=lag + (share * pl.col("needs_min") - 0.2).floor())
    bad_overlap = before.filter(overlaps & ((pl.col("setup_start") < first_batch) | (pl.col("end") < last_batch)))
    longest = pl.max_horizontal(pl.col("b_max_wait_min").floor(), lag)
    waited = _minutes(pl.col("start") - pl.col("b_end"))
    late = before.filter(
        pl.col("b_max_wait_min").is_not_null()
        & ~pl.col("b_external")
        & (waited > longest)
        & ~pl.col("frozen")
        & ~pl.col("b_frozen")
    )
    return [
        problem(
            bad, "precedence", "starts at ", pl.col("setup_start"), " before ", pl.col("b_end"), " + ", lag, " min"
        ),
        problem(bad_overlap, "precedence", "overlaps the operation before by more than a transfer batch"),
        problem(late, "max_wait", "waits ", waited, " min, may wait ", longest),
    ]


def _components(rows: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Made components are there before the operation that takes them."""
    ends = rows.sort("op_seq").group_by("work_order").agg(pl.col("end").last()).rename({"work_order": "supply_order"})
    takes = frames["order_links"].select(
        "supply_order", pl.col("demand_order").alias("work_order"), pl.col("op_seq").alias("at")
    )
    joined = takes.join(ends, on="supply_order").join(
        rows.select("work_order", "op_seq", "machine", "setup_start"), on="work_order"
    )
    taken_at = (
        joined.filter(pl.col("at").is_null() | (pl.col("op_seq") >= pl.col("at")))
        .sort("op_seq")
        .group_by("supply_order", "work_order", "at", maintain_order=True)
        .first()
    )
    bad = taken_at.filter((pl.col("setup_start") < pl.col("end")) & (pl.col("supply_order") != pl.col("work_order")))
    return problem(bad, "component", "starts before ", pl.col("supply_order"), " ends at ", pl.col("end"))


def _material(rows: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """The first operation left does not start before bought and stocked components can be there, unless begun."""
    first = rows.sort("op_seq").group_by("work_order", maintain_order=True).first()
    floor = frames["reconciled_orders"].select("work_order", "not_before")
    joined = first.join(floor, on="work_order", how="left").with_columns(
        pl.max_horizontal("earliest_at", "not_before").alias("there")
    )
    bad = joined.filter(
        (pl.col("setup_start") < pl.col("there")) & ~pl.col("status").is_in(["running", "paused", "setup"])
    )
    return problem(bad, "material", "starts at ", pl.col("setup_start"), ", material is there at ", pl.col("there"))


def _frozen(rows: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Inside the fence: same machine, same sequence, never earlier; nothing else moves in."""
    published = frames.get("published.schedule")
    if published is None or published.is_empty():
        return pl.DataFrame(schema=VIOLATION)
    capacity = context.policy.capacity
    hours = pl.col("work_center").replace_strict(
        dict(capacity.frozen_hours_by_work_center), default=capacity.frozen_hours, return_dtype=pl.Float64
    )
    fence = pl.lit(context.as_of) + pl.duration(minutes=(hours * 60).cast(pl.Int64))
    was = published.select(
        "work_order", "op_seq", pl.col("machine").alias("was_machine"), pl.col("setup_start").alias("was_start"),
        pl.col("work_center").alias("was_center"),
    )  # fmt: skip
    free = (
        granted(frames)
        .filter(pl.col("kind").is_in(["fence", "sibling"]))
        .select("work_order", pl.col("op_seq").alias("free_seq"))
    )
    whole_orders = free.filter(pl.col("free_seq").is_null()).select("work_order").unique()
    single = free.drop_nulls("free_seq").select("work_order", pl.col("free_seq").alias("op_seq")).unique()
    on_floor = pl.col("status").is_in(["running", "paused", "setup"])
    inside = (
        rows.filter(~pl.col("external").fill_null(False))
        .join(was, on=["work_order", "op_seq"], how="left")
        .join(whole_orders, on="work_order", how="anti")
        .join(single, on=["work_order", "op_seq"], how="anti")
        .with_columns(fence.alias("fence"))
    )
    kept = inside.filter(
        (pl.col("was_start") < pl.col("fence")) & (pl.col("was_center") == pl.col("routed_to")) & ~on_floor
    )
    moved = kept.filter(
        (pl.col("machine") != pl.col("was_machine")) | (pl.col("setup_start") < pl.col("was_start").dt.truncate("1m"))
    )
    order = kept.filter(pl.col("machine") == pl.col("was_machine")).sort("machine", "was_start", "setup_start")
    crossed = order.with_columns(pl.col("setup_start").cum_max().shift(1).over("machine").alias("after")).filter(
        pl.col("setup_start") < pl.col("after")
    )
    intruding = inside.filter(
        (pl.col("setup_start") < pl.col("fence").dt.truncate("1m"))
        & (pl.col("was_start").is_null() | (pl.col("was_start") >= pl.col("fence")))
        & ~on_floor
    )
    return pl.concat(
        [
            problem(moved, "frozen", "was on ", pl.col("was_machine"), " from ", pl.col("was_start")),
            problem(crossed, "frozen", "goes before one that was before it"),
            problem(intruding, "frozen", "begins inside the frozen horizon, in force it does not"),
        ]
    )


def _continuity(rows: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """What belongs to one lot, coil or campaign at such a work center runs on one machine with nothing between."""
    key = (
        pl.when(pl.col("continuity") == "campaign")
        .then("campaign")
        .when(pl.col("continuity").is_in(["lot", "coil"]))
        .then("lot")
    )
    one = rows.sort("work_order", "op_seq")
    holds = pl.col("max_wait_min").is_not_null() & ~pl.col("external").fill_null(False)
    waits = (holds & (pl.col("work_order") == pl.col("work_order").shift(-1))) | (
        (pl.col("work_order") == pl.col("work_order").shift(1)) & holds.shift(1)
    )
    soft = pl.col("previous_start").is_not_null()
    marked = one.with_columns(
        pl.when(~pl.col("frozen") & ~pl.col("external") & ~waits.fill_null(False) & ~soft & ~pl.col("away"))
        .then(key)
        .alias("together")
    ).sort("machine", "setup_start", "start", "end", "work_order", "op_seq")
    linked = frames["order_links"]
    chained = pl.concat([linked["supply_order"], linked["demand_order"]]).unique()
    marked = marked.with_columns(
        pl.when(~pl.col("work_order").is_in(chained.implode())).then("together").alias("together")
    )
    place = marked.filter(~pl.col("external").fill_null(False)).with_columns(
        pl.int_range(pl.len()).over("machine").alias("nr")
    )
    groups = place.filter(pl.col("together").is_not_null()).group_by("work_center", "together", "op_seq").agg(
        pl.col("work_order").first(), pl.col("machine").first(), pl.col("machine").n_unique().alias("machines"),
        (pl.col("nr").max() - pl.col("nr").min() + 1).alias("span"), pl.len().alias("members"),
    )  # fmt: skip
    bad = groups.filter((pl.col("machines") > 1) | (pl.col("span") > pl.col("members")))
    return problem(bad, "continuity", pl.col("together"), " is interrupted at ", pl.col("work_center"))
