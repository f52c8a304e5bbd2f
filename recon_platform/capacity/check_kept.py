"""What has to stay where it is: the frozen horizon, pins, and what belongs together.

Belongs here: these three constraints of the check. Shares no code with the scheduler.
"""

from __future__ import annotations

import polars as pl

from recon_platform.capacity.check_grants import granted, pinned
from recon_platform.capacity.check_rows import NO_VIOLATION, problem, scheduled_rows
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

_KEY = ["work_order", "op_seq"]


def frozen_problems(rows: pl.DataFrame, by_order: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Inside the fence: same machine, same sequence, never earlier; nothing else moves in.

    Where the sequence has an operation before another that it waits for (`_circle`), it cannot be kept: that one gives up machine and place.
    What cannot begin inside any more (`_left`) is held to neither. `by_order`: operations in the sequence of their orders.
    """
    published = frames.get("published.schedule")
    if published is None or published.is_empty():
        return NO_VIOLATION
    inside = _bound(rows, published, frames, context)
    sequence = _in_force(inside, frames, context).sort("was_machine", "was_start", "setup_start")
    changed = pl.col("machine") != pl.col("was_machine")
    order = sequence.join(_left(sequence, by_order, frames), on=_KEY, how="anti", maintain_order="left")
    there = order.filter(~changed)
    if there.height < order.height or not _crossed(there, pl.lit(True)).is_empty():
        # Of the whole sequence: one of a circle may have left, because another of it gave up its place.
        circle = _circle(sequence, rows, frames["order_links"])
        order = order.join(circle, on=_KEY, how="left", maintain_order="left")
        binds = pl.col("in_circle").is_null()
    else:
        binds = pl.lit(True)
    moved = order.filter((changed & binds) | (pl.col("setup_start") < pl.col("was_start").dt.truncate("1m")))
    crossed = _crossed(order.filter(~changed), binds)
    intruding = inside.filter(
        (pl.col("setup_start") < pl.col("fence").dt.truncate("1m"))
        & (pl.col("was_start").is_null() | (pl.col("was_start") >= pl.col("fence")))
        & ~_ON_FLOOR
    )
    return pl.concat(
        [
            problem(moved, "frozen", "was on ", pl.col("was_machine"), " from ", pl.col("was_start")),
            problem(crossed, "frozen", "goes before one that was before it"),
            problem(intruding, "frozen", "begins inside the frozen horizon, in force it does not"),
        ]
    )


def gave_way(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """work_order, op_seq: frozen operations of `frames["published.schedule"]` that the schedule need not keep machine and place
    of, since they cannot begin inside the fence any more or wait for what stands behind them."""
    rows = scheduled_rows(frames, context)
    kept = _in_force(_bound(rows, frames["published.schedule"], frames, context), frames, context)
    order = kept.sort("was_machine", "was_start", "setup_start")
    circle = _circle(order, rows, frames["order_links"])
    return pl.concat([_left(kept, rows.sort(_KEY), frames), circle.select(_KEY)]).unique()


_ON_FLOOR = pl.col("status").is_in(["running", "paused", "setup"])


def _bound(rows: pl.DataFrame, published: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Operations that a fence binds, those that no approved move frees: where they are, where they were, and until when it does."""
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
    inside = (
        rows.filter(~pl.col("external").fill_null(False))
        .select("work_order", "op_seq", "machine", "work_center", "routed_to", "setup_start", "status")
        .join(was, on=_KEY, how="left")
    )
    if not free.is_empty():
        whole_orders = free.filter(pl.col("free_seq").is_null()).select("work_order").unique()
        single = free.drop_nulls("free_seq").select("work_order", pl.col("free_seq").alias("op_seq")).unique()
        inside = inside.join(whole_orders, on="work_order", how="anti").join(single, on=_KEY, how="anti")
    return inside.with_columns(fence.alias("fence"))


def _in_force(inside: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Those of `inside` (`_bound`) that the schedule in force begins before the fence, and that nobody pinned elsewhere."""
    kept = inside.filter(
        (pl.col("was_start") < pl.col("fence")) & (pl.col("was_center") == pl.col("routed_to")) & ~_ON_FLOOR
    )
    pins = _pins(frames, context).rename({"machine": "kept_on"})
    if not pins.is_empty():
        kept = kept.join(pins, on=_KEY, how="left").filter(
            pl.col("kept_on").is_null() | (pl.col("kept_on") == pl.col("was_machine"))
        )
    return kept


def _left(inside: pl.DataFrame, by_order: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """work_order, op_seq: operations of `inside` that begin after the `fence` and had to, since before it not all was there
    that they take: material, the operation before, made components."""
    late = inside.filter(pl.col("setup_start") >= pl.col("fence")).select(*_KEY, "fence")
    if late.is_empty():
        return late.select(_KEY)
    floor = frames["reconciled_orders"].select("work_order", "not_before")
    before = pl.col("end", "move_min").shift(1).over("work_order").name.prefix("b_")
    steps = by_order.join(late.select("work_order").unique(), on="work_order", how="semi").select(
        *_KEY, "end", "move_min", "queue_min", "earliest_at"
    ).with_columns(before).join(floor, on="work_order", how="left", maintain_order="left")  # fmt: skip
    lag = pl.duration(minutes=(pl.col("b_move_min") + pl.col("queue_min")).ceil())
    came = (
        pl.when(pl.col("b_end").is_null())
        .then(pl.max_horizontal("earliest_at", "not_before"))
        .otherwise(pl.col("b_end") + lag)
    )
    made = by_order.group_by("work_order").agg(pl.col("end").max().alias("made")).rename({"work_order": "supply_order"})
    takes = frames["order_links"].join(made, on="supply_order").select(
        pl.col("demand_order").alias("work_order"), pl.col("op_seq").fill_null(0).alias("at"), "made"
    ).sort("at")  # fmt: skip
    fed = takes.join_asof(
        steps.select(_KEY).sort("op_seq"), left_on="at", right_on="op_seq", by="work_order", strategy="forward",
        check_sortedness=False,
    ).group_by("work_order", "op_seq").agg(pl.col("made").max())  # fmt: skip
    there = late.join(steps.select(*_KEY, came.alias("came")), on=_KEY).join(fed, on=_KEY, how="left")
    return there.filter(pl.max_horizontal("came", "made") >= pl.col("fence")).select(_KEY)


def _crossed(order: pl.DataFrame, binds: pl.Expr) -> pl.DataFrame:
    """Rows of `order` (by machine and start in force) that begin before one that was before them; only where it `binds`."""
    bar = pl.when(binds).then("setup_start").cum_max().shift(1).forward_fill().over("machine")
    return order.with_columns(bar.alias("after")).filter(pl.col("setup_start") < pl.col("after"))


def _circle(order: pl.DataFrame, rows: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """work_order, op_seq, in_circle: operations that lie on a circle of routings, components and the sequence of `order`, or
    between two such circles. What waits for nothing is taken away until nothing changes, then what nothing waits for."""
    nodes = rows.select("work_order", "op_seq").unique().sort("work_order", "op_seq").with_row_index("node")
    following = pl.col("node").shift(-1)
    within = nodes.with_columns(following.over("work_order").alias("then")).select("node", "then")
    last = nodes.group_by("work_order").agg(pl.col("node").last())
    takes = links.select("supply_order", "demand_order", pl.col("op_seq").fill_null(0).alias("at")).sort("at")
    fed = takes.join(last, left_on="supply_order", right_on="work_order").sort("at").join_asof(
        nodes.rename({"node": "then"}).sort("op_seq"), left_on="at", right_on="op_seq", by_left="demand_order",
        by_right="work_order", strategy="forward", check_sortedness=False,
    )  # fmt: skip
    sequence = order.join(nodes, on=["work_order", "op_seq"], maintain_order="left")
    sequence = sequence.with_columns(following.over("was_machine").alias("then"))
    edges = pl.concat([within, fed.select("node", "then"), sequence.select("node", "then")]).drop_nulls().unique()
    for ahead, behind in (("node", "then"), ("then", "node")):
        while True:
            kept = edges.filter(pl.col(ahead).is_in(edges[behind].implode()))
            if kept.height == edges.height:
                break
            edges = kept
    return nodes.join(edges, on="node", how="semi").select("work_order", "op_seq", pl.lit(True).alias("in_circle"))


def pin_problems(rows: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """An operation that people keep on a machine runs there, unless another already has it."""
    where = _pins(frames, context).rename({"machine": "kept_on"})
    if where.is_empty():
        return NO_VIOLATION
    bad = rows.join(where, on=["work_order", "op_seq"]).filter(
        (pl.col("machine") != pl.col("kept_on")) & ~pl.col("status").is_in(["running", "paused", "setup"])
    )
    return problem(bad, "pin", "is kept on ", pl.col("kept_on"))


def _pins(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """work_order, op_seq, machine of the pins whose machine belongs to the work center where the operation is done."""
    pins = pinned(frames, context.as_of)
    if pins.is_empty():
        return pins
    centers = frames["machines"].select("machine", "work_center")
    done_at = frames["schedule"].select("work_order", "op_seq", "work_center")
    return (
        pins.join(centers, on="machine")
        .join(done_at, on=["work_order", "op_seq", "work_center"], how="semi")
        .select("work_order", "op_seq", "machine")
    )


def continuity_problems(by_order: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """What belongs to one lot, coil or campaign at such a work center runs on one machine with nothing between.

    `by_order`: operations in the sequence of their orders.
    """
    key = (
        pl.when(pl.col("continuity") == "campaign")
        .then("campaign")
        .when(pl.col("continuity").is_in(["lot", "coil"]))
        .then("lot")
    )
    holds = pl.col("max_wait_min").is_not_null() & ~pl.col("external").fill_null(False)
    waits = (holds & (pl.col("work_order") == pl.col("work_order").shift(-1))) | (
        (pl.col("work_order") == pl.col("work_order").shift(1)) & holds.shift(1)
    )
    soft = pl.col("previous_start").is_not_null()
    marked = by_order.select(
        "work_order", "op_seq", "work_center", "machine", "setup_start", "start", "end", "external",
        pl.when(~pl.col("frozen") & ~pl.col("external") & ~waits.fill_null(False) & ~soft & ~pl.col("away"))
        .then(key)
        .alias("together"),
    )  # fmt: skip
    linked = frames["order_links"]
    chained = pl.concat([linked["supply_order"], linked["demand_order"]]).unique()
    marked = marked.with_columns(
        pl.when(~pl.col("work_order").is_in(chained.implode())).then("together").alias("together")
    )
    pins = _pins(frames, context).select("work_order", "op_seq", pl.lit(True).alias("is_pinned"))
    if not pins.is_empty():
        marked = marked.join(pins, on=["work_order", "op_seq"], how="left", maintain_order="left").with_columns(
            pl.when(pl.col("is_pinned").is_null()).then("together").alias("together")
        )
    if marked["together"].null_count() == marked.height:
        return NO_VIOLATION
    concerned = marked.filter(pl.col("together").is_not_null()).select("machine").unique()
    place = (
        marked.filter(~pl.col("external").fill_null(False))
        .join(concerned, on="machine", how="semi")
        .sort("machine", "setup_start", "start", "end", "work_order", "op_seq")
        .with_columns(pl.int_range(pl.len()).over("machine").alias("nr"))
    )
    groups = place.filter(pl.col("together").is_not_null()).group_by("work_center", "together", "op_seq").agg(
        pl.col("work_order").first(), pl.col("machine").first(), pl.col("machine").n_unique().alias("machines"),
        (pl.col("nr").max() - pl.col("nr").min() + 1).alias("span"), pl.len().alias("members"),
    )  # fmt: skip
    bad = groups.filter((pl.col("machines") > 1) | (pl.col("span") > pl.col("members")))
    return problem(bad, "continuity", pl.col("together"), " is interrupted at ", pl.col("work_center"))
