"""Why an operation is planned otherwise than in force: its own fact, or the chain that leads to one.

Belongs here: own facts (the order or operation is new, over, corrected; its machine is down; its material is late; the
floor began it, or did not), and the chain: what an operation waits for now, or waited for before, moved because of what
*it* waits for, and so on to an operation with a fact of its own. That fact is the reason told; `root` names the operation.
An operation without a fact at the end of its chain is told as resequenced, without a cause.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

KEY = ["work_order", "op_seq"]
ON_FLOOR = ("running", "setup", "paused")
DOUBLINGS = 20  # chains of up to a million links


def with_reasons(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `reason` in words, `cause` as a category and `root`, the operation (`order/op`) whose fact it is.

    `changes` holds every operation of either schedule: one that keeps its start can be the root, as when it takes longer.
    """
    known = _facts(changes, frames, context).with_row_index("row")
    own = known["own"].is_not_null().to_numpy()
    root = _roots(own, _links(known))
    found = np.where(root >= 0, root, np.arange(known.height))
    names = known.select(pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String))).to_series()
    chained = pl.Series((root >= 0) & ~own)
    at_root = pl.DataFrame({
        "chained": chained, "has_root": pl.Series(root >= 0), "root_name": names.gather(found), "root_fact": known["own"].gather(found),
        "root_cause": known["own_cause"].gather(found),
    })  # fmt: skip
    resequenced = pl.concat_str(
        pl.lit("resequenced: on "), pl.col("to_machine").fill_null("no machine"), pl.lit(" it now runs after "),
        pl.col("to_after_order").fill_null("nothing"), pl.lit("; before, after "), pl.col("from_after_order").fill_null("nothing"),
    )  # fmt: skip
    return pl.concat([known, at_root], how="horizontal").with_columns(
        pl.when("chained").then(pl.concat_str(pl.lit("because of "), "root_name", pl.lit(": "), "root_fact"))
        .when("has_root").then("root_fact").otherwise(resequenced).alias("reason"),
        pl.when("has_root").then("root_cause").alias("cause"),
        pl.when("has_root").then("root_name").alias("root"),
    )  # fmt: skip


def _facts(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `own` (the fact in words, null where nothing happened to the operation itself) and `own_cause`."""
    needs = frames["supply_orders"].select(pl.col("order").alias("work_order"), "earliest_at", "material_bound", "kind")
    unscheduled = frames["unscheduled"].select("work_order", pl.col("reason").alias("why_not"))
    floor = frames["reconciled_operations"].select(*KEY, "started_at", pl.col("machine").alias("floor_machine"))
    downs = _downtimes(frames, context)
    rows = (
        changes.join(needs, on="work_order", how="left", maintain_order="left")
        .join(unscheduled, on="work_order", how="left", maintain_order="left")
        .join(downs, left_on="from_machine", right_on="machine", how="left", maintain_order="left")
        .join(floor, on=KEY, how="left", maintain_order="left")
    )
    later = pl.col("shift_minutes") > 0
    what, state = pl.col("what"), pl.col("operation_status")
    as_of = pl.lit(context.as_of)

    def when(column: str) -> pl.Expr:
        return pl.col(column).dt.convert_time_zone(context.plant.timezone).dt.strftime("%Y-%m-%d %H:%M")

    def text(*parts: str | pl.Expr) -> pl.Expr:
        return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])

    cases: list[tuple[pl.Expr, pl.Expr, str | None]] = [
        (what == "finished", text("done: the order is ", pl.coalesce("order_status", "operation_status")), None),
        ((what == "removed") & pl.col("why_not").is_not_null(), text("no longer scheduled: ", pl.col("why_not")), "RECORD_ERROR"),
        (what == "removed", text("no longer needed: nothing in the backlog asks for it any more"), "MPS_CHANGE"),
        ((what == "added") & (pl.col("kind") == "planned"),
         text("planned order that netting asks for and the schedule in force did not have"), "MPS_CHANGE"),
        (what == "added", text("order released since the schedule in force was made"), "MPS_CHANGE"),
        (state.is_in(ON_FLOOR),
         text("on the floor: ", state, " on ", pl.col("floor_machine").fill_null("an unnamed machine"), " since ",
              when("started_at").fill_null("an unknown time")), "PLANT_FALLDOWN"),
        (pl.col("down_until").is_not_null() & (pl.col("from_start") < pl.col("down_until")) & later,
         text("machine ", pl.col("from_machine"), " is down until ", when("down_until"), " (",
              pl.col("down_reason").fill_null("no reason given"), ")"), "PLANT_FALLDOWN"),
        (later & (pl.col("earliest_at") > pl.col("from_start")) & pl.col("material_bound").is_not_null(),
         text("material not before ", when("earliest_at"), ": ", pl.col("material_bound")), "VENDOR_FALLDOWN"),
        ((pl.col("from_qty") - pl.col("to_qty")).abs() > 0.5,
         text("quantity to run corrected from ", pl.col("from_qty").round(1).cast(pl.String), " to ",
              pl.col("to_qty").round(1).cast(pl.String)), "RECORD_ERROR"),
        (later & (pl.col("from_start") < as_of),
         text("was to start ", when("from_start"), " and nothing reports that it did"), "PLANT_FALLDOWN"),
    ]  # fmt: skip
    fact: pl.Expr = pl.lit(None, dtype=pl.String)
    cause: pl.Expr = pl.lit(None, dtype=pl.String)
    for condition, words, category in reversed(cases):  # the first case that holds is the one told
        holds = condition.fill_null(False)
        fact = pl.when(holds).then(words).otherwise(fact)
        cause = pl.when(holds).then(pl.lit(category, dtype=pl.String)).otherwise(cause)
    return rows.with_columns(fact.alias("own"), cause.alias("own_cause"))


def _links(known: pl.DataFrame) -> NDArray[np.int64]:
    """Row of the changed operation that each one moved with, −1 where there is none.

    What it waits for now: the operation before it in its order, the component's last operation, the one before it on its
    machine. An operation that moved forward follows what stood before it on its machine in force.
    """
    by_key = known.select(
        pl.col("work_order").alias("w"), pl.col("op_seq").alias("o"), pl.col("row").cast(pl.Int64).alias("hit")
    )
    after = pl.col("terms").str.extract(r'"after": "([^"]+)"')
    step = known.sort(*KEY).with_columns(pl.col("op_seq").shift(1).over("work_order").alias("before_op")).sort("row")
    wants = step.select(
        after.str.extract(r"^(.*)/\d+$").alias("a_w"), after.str.extract(r"/(\d+)$").cast(pl.Int64).alias("a_o"),
        "work_order", "before_op", "to_after_order", "to_after_op", "from_after_order", "from_after_op",
    )  # fmt: skip

    def rows_of(order: str, op: str) -> pl.Series:
        return wants.join(by_key, left_on=[order, op], right_on=["w", "o"], how="left", maintain_order="left")["hit"]

    hits = pl.DataFrame({
        "waited": rows_of("a_w", "a_o"), "before": rows_of("work_order", "before_op"),
        "machine": rows_of("to_after_order", "to_after_op"), "machine_was": rows_of("from_after_order", "from_after_op"),
        "bound": step["bound_by"], "earlier": (step["shift_minutes"] < 0).fill_null(False),
    })  # fmt: skip
    linked = pl.col("bound").is_in(["predecessor", "component"]).fill_null(False)
    chosen = (
        pl.when(linked).then(pl.coalesce("waited", "before", "machine", "machine_was"))
        .when("earlier").then(pl.coalesce("machine_was", "before", "machine"))
        .otherwise(pl.coalesce("machine", "machine_was", "before"))
    )  # fmt: skip
    chosen = pl.when(pl.lit(known["what"]).is_null()).then(-1).otherwise(chosen)
    return hits.select(chosen.fill_null(-1)).to_series().to_numpy().astype(np.int64)


def _roots(own: NDArray[np.bool_], link: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row at the end of each chain if it has a fact of its own, else −1. Chains stop at the first own fact."""
    if own.size == 0:
        return link
    here = np.arange(own.size)
    jump = np.where(own | (link < 0), here, link)
    for _ in range(DOUBLINGS):
        further = jump[jump]
        if (further == jump).all():
            break
        jump = further
    return np.where(own[jump], jump, -1)


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
