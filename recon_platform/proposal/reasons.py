"""Why an operation is planned otherwise than in force: a fact of its own, or the chain that leads to one.

Two kinds of facts. Facts about its *start*: the order or operation is new, over, not needed; its machine is down; its
material is late; the floor began it, or did not. Facts about how *long* it takes: another quantity, a stop while it runs,
what the floor has done of it. Those move what comes after; its own start only where nothing else explains it. An operation
without a fact about its start is told with the fact at the end of its chain (`chains`); `root` names whose fact it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from recon_platform.proposal.chains import links, roots
from recon_platform.proposal.further import further_facts
from recon_platform.tables.asked import laid_over
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames
from recon_platform.tables.operation_rows import rows_in

KEY = ["work_order", "op_seq"]
ON_FLOOR = ("running", "setup", "paused")
LASTING_MINUTES = 1.0
NOT_COMPARED = "UNEXPLAINED"

Case = tuple[pl.Expr, pl.Expr, pl.Expr | str | None]
"""Condition, words, cause category."""


def with_reasons(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `reason` in words, `cause` as a category, `root`, the operation (`order/op`) whose fact it is, and `further`,
    the other facts the change rests on (`further_facts`).

    `changes` holds every operation of either schedule: one that keeps its start can be the root, as when it takes longer.
    """
    known = changes.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    facts_of = _facts(known.filter(_may_have_facts()), frames, context).select("row", *_FACTS)
    known = known.join(facts_of, on="row", how="left", maintain_order="left")
    starts = known["start_fact"].is_not_null().to_numpy()
    lasting = known["last_fact"].is_not_null()
    longer = known.select(
        ((pl.col("to_end") - pl.col("to_setup")) - (pl.col("from_end") - pl.col("from_setup"))).dt.total_seconds().abs()
        >= (pl.col("to_setup") - pl.col("from_setup")).dt.total_seconds().abs()
    ).to_series().fill_null(True)  # fmt: skip
    link, near = links(known, frames, starts | (lasting & longer).to_numpy())
    root = roots(link, starts, (lasting & longer).to_numpy())
    root = np.where((root < 0) & lasting.to_numpy(), np.arange(known.height), root)
    found = np.where(root >= 0, root, np.arange(known.height))
    names = known.select(pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String))).to_series()
    facts = known.select(
        pl.coalesce("start_fact", "last_fact").alias("fact"),
        pl.when(pl.col("start_fact").is_not_null()).then("start_cause").otherwise("last_cause").alias("of"),
    )
    at_root = pl.DataFrame({
        "chained": pl.Series((root >= 0) & (found != np.arange(known.height))), "has_root": pl.Series(root >= 0),
        "root_name": names.gather(found), "root_fact": facts["fact"].gather(found), "root_cause": facts["of"].gather(found),
    })  # fmt: skip
    further = further_facts(known.with_columns(facts["fact"]), near, starts, lasting.to_numpy(), root)
    resequenced = pl.concat_str(
        pl.lit("resequenced: on "), pl.col("to_machine").fill_null("no machine"), pl.lit(" it now runs after "),
        pl.col("to_after_order").fill_null("nothing"), pl.lit("; before, after "), pl.col("from_after_order").fill_null("nothing"),
    )  # fmt: skip
    return pl.concat([known, at_root], how="horizontal").with_columns(
        further,
        pl.when("chained").then(pl.concat_str(pl.lit("because of "), "root_name", pl.lit(": "), "root_fact"))
        .when("has_root").then("root_fact").otherwise(resequenced).alias("reason"),
        pl.when("has_root").then("root_cause").alias("cause"),
        pl.when("has_root").then("root_name").alias("root"),
    )  # fmt: skip


def around_changes(frames: Frames) -> Frames:
    """`frames` with what of both schedules `with_reasons` looks at to explain the operations that are not the same in both: the whole
    of their orders, of those that make their components, and of their machines. Where little moved it says the same of fewer rows.

    What is on the floor and the same in both explains an operation from one of these places only.
    """
    sides = {name: frames[name] for name in ("published.schedule", "schedule")}
    before, after = sides.values()
    there = rows_in(before, after)
    unlike = pl.select(
        pl.any_horizontal(
            pl.lit(before[name].gather(there)).ne_missing(pl.lit(after[name]))
            for name in ("machine", "setup_start", "start", "end", "qty")
        )
    ).to_series()
    gone = np.ones(before.height, np.bool_)
    gone[there.drop_nulls().to_numpy()] = False
    apart = [after.filter(unlike), before[there.filter(unlike).drop_nulls()], before.filter(pl.Series(gone))]
    orders, machines = (pl.concat([side[name] for side in apart]).unique() for name in ("work_order", "machine"))
    links = frames["order_links"]
    made_of = links.filter(pl.col("demand_order").is_in(orders.implode()))["supply_order"]
    orders = pl.concat([orders, made_of]).unique()
    near = pl.col("work_order").is_in(orders.implode()) | pl.col("machine").is_in(machines.implode())
    return laid_over(frames, {name: side.filter(near) for name, side in sides.items()})


_FACTS = ("start_fact", "start_cause", "last_fact", "last_cause")


def _may_have_facts() -> pl.Expr:
    """Whether an operation is not the same in both plans, or on the floor: no case of a fact holds for any other."""
    unlike = (
        pl.col(f"from_{name}").ne_missing(pl.col(f"to_{name}")) for name in ("machine", "setup", "start", "end", "qty")
    )
    return pl.any_horizontal(*unlike, pl.col("operation_status").is_in(ON_FLOOR).fill_null(False))


def with_own_fact(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `reason`, `cause` and `root` of a fact about their own start, null where there is none: what `with_reasons`
    says of an operation that came or went, which rests on nothing else."""
    known = _facts(changes, frames, context)
    fact = pl.col("start_fact").is_not_null()
    return known.with_columns(
        pl.col("start_fact").alias("reason"), pl.col("start_cause").alias("cause"),
        pl.when(fact).then(pl.concat_str("work_order", pl.lit("/"), pl.col("op_seq").cast(pl.String))).alias("root"),
    )  # fmt: skip


def _facts(changes: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`changes` with `start_fact`, `start_cause`, `last_fact`, `last_cause`: words and category, null where there is none."""
    needs = frames["supply_orders"].select(pl.col("order").alias("work_order"), "earliest_at", "material_bound", "kind")
    unscheduled = frames["unscheduled"].select("work_order", pl.col("reason").alias("why_not"))
    floor = frames["reconciled_operations"].select(*KEY, "started_at", pl.col("machine").alias("floor_machine"))
    rows = (
        changes.join(needs, on="work_order", how="left", maintain_order="left")
        .join(unscheduled, on="work_order", how="left", maintain_order="left")
        .join(
            _downtimes(frames, context), left_on="from_machine", right_on="machine", how="left", maintain_order="left"
        )
        .join(floor, on=KEY, how="left", maintain_order="left")
        .join(_netting_causes(frames), on="work_order", how="left", maintain_order="left")
    )
    rows = _told(rows, _about_start(context), "start")
    return _told(rows, _about_lasting(context), "last")


def _about_start(context: PlanContext) -> Sequence[Case]:
    """Facts that decide when an operation starts."""
    what, state = pl.col("what"), pl.col("operation_status")
    later, earlier = pl.col("shift_minutes") > 0, pl.col("shift_minutes") < 0
    new = what == "added"
    planned = (pl.col("kind") == "planned").fill_null(False)
    freed = (
        pl.col("from_bound").is_in(["material", "release"]) & earlier & (pl.col("earliest_at") < pl.col("from_start"))
    )
    down = _is_down()
    return [
        (what == "finished", _text("done: the order is ", pl.coalesce("order_status", "operation_status")), None),
        ((what == "removed") & pl.col("why_not").is_not_null(), _text("no longer scheduled: ", pl.col("why_not")), "RECORD_ERROR"),
        (what == "removed", _text("no longer needed: nothing in the backlog asks for it any more"), pl.col("netting_cause")),
        (new & planned, _text("planned order that netting asks for and the schedule in force did not have"),
         pl.col("netting_cause")),
        (new, _text("order released since the schedule in force was made"), "PLANNER_ACTION"),
        (down & (pl.col("from_start") < pl.col("down_until")) & later, _stopped(context), "PLANT_FALLDOWN"),
        (state.is_in(ON_FLOOR), _on_floor(context), "PLANT_FALLDOWN"),
        (later & (pl.col("earliest_at") > pl.col("from_start")) & pl.col("material_bound").is_not_null(),
         _text("material not before ", _when("earliest_at", context), ": ", pl.col("material_bound")), "VENDOR_FALLDOWN"),
        (later & (pl.col("from_start") < pl.lit(context.as_of)),
         _text("was to start ", _when("from_start", context), " and nothing reports that it did"), "PLANT_FALLDOWN"),
        (freed, _text("its material is there ", _when("earliest_at", context), "; in force it waited for it until ",
                      _when("from_start", context)), "PLANNER_ACTION"),
    ]  # fmt: skip


def _about_lasting(context: PlanContext) -> Sequence[Case]:
    """Facts that decide how long an operation holds its machine."""
    state = pl.col("operation_status")
    planned = (pl.col("kind") == "planned").fill_null(False)
    other_qty = (pl.col("from_qty") - pl.col("to_qty")).abs() > 0.5
    amounts: list[str | pl.Expr] = [
        pl.col("to_qty").round(1).cast(pl.String),
        " instead of ",
        pl.col("from_qty").round(1).cast(pl.String),
    ]
    ends = (pl.col("to_end") - pl.col("from_end")).dt.total_minutes().abs() >= LASTING_MINUTES
    held = _is_down() & (pl.col("from_start") < pl.col("down_until")) & (pl.col("to_end") > pl.col("from_end"))
    return [
        (held, _stopped(context), "PLANT_FALLDOWN"),
        (state.is_in(ON_FLOOR) & ends, _on_floor(context), "PLANT_FALLDOWN"),
        (other_qty & planned, _text("netting asks for ", *amounts), pl.col("netting_cause")),
        (other_qty & (pl.col("scrapped_qty") > 0),
         _text("quantity to run is ", *amounts, "; ", pl.col("scrapped_qty").round(1).cast(pl.String), " scrapped so far"), "SCRAP"),
        (other_qty & (pl.col("rules").fill_null("") != ""),
         _text("quantity to run is ", *amounts, ": corrected by ", pl.col("rules")), "RECORD_ERROR"),
        (other_qty, _text("quantity to run is ", *amounts, ": so the order says now"), "PLANNER_ACTION"),
    ]  # fmt: skip


def _told(rows: pl.DataFrame, cases: Sequence[Case], name: str) -> pl.DataFrame:
    """`rows` with `{name}_fact` and `{name}_cause` of the first case that holds."""
    fact: pl.Expr = pl.lit(None, dtype=pl.String)
    cause: pl.Expr = pl.lit(None, dtype=pl.String)
    for condition, words, category in reversed(cases):
        holds = condition.fill_null(False)
        fact = pl.when(holds).then(words).otherwise(fact)
        cause = (
            pl.when(holds)
            .then(category if isinstance(category, pl.Expr) else pl.lit(category, pl.String))
            .otherwise(cause)
        )
    return rows.with_columns(fact.alias(f"{name}_fact"), cause.alias(f"{name}_cause"))


def _text(*parts: str | pl.Expr) -> pl.Expr:
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def _when(column: str, context: PlanContext) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone(context.plant.timezone).dt.strftime("%Y-%m-%d %H:%M")


def _on_floor(context: PlanContext) -> pl.Expr:
    return _text(
        "on the floor: ", pl.col("operation_status"), " on ", pl.col("floor_machine").fill_null("an unnamed machine"), " since ",
        _when("started_at", context).fill_null("an unknown time"),
    )  # fmt: skip


def _is_down() -> pl.Expr:
    return pl.col("down").fill_null(False)


def _stopped(context: PlanContext) -> pl.Expr:
    return _text(
        "machine ", pl.col("from_machine"), " is down until ", _when("down_until", context).fill_null("nobody knows when"), " (",
        pl.col("down_reason").fill_null("no reason given"), ")",
    )  # fmt: skip


def _netting_causes(frames: Frames) -> pl.DataFrame:
    """`work_order`, `netting_cause`: what moved a planned order most, where netting compared two nights; else MPS_CHANGE."""
    made = frames["supply_orders"].select(pl.col("order").alias("work_order"))
    compared = (
        frames["message_causes"]
        .filter((pl.col("order_type") == "planned") & (pl.col("category") != NOT_COMPARED))
        .sort(pl.col("contribution_days").abs(), "category", descending=[True, False])
        .unique("order", keep="first", maintain_order=True)
        .select(pl.col("order").alias("work_order"), pl.col("category").alias("netting_cause"))
    )
    return made.join(compared, on="work_order", how="left").with_columns(
        pl.col("netting_cause").fill_null("MPS_CHANGE")
    )


def _downtimes(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`machine`, `down`, `down_until`, `down_reason`: unplanned stops that reach past the instant the plan is as of."""
    until = pl.coalesce("ended_at", "expected_end")
    return (
        frames["downtime_events"]
        .filter(~pl.col("planned").fill_null(False) & (until.is_null() | (until > context.as_of)))
        .filter(pl.col("machine").is_not_null())
        .with_columns(until.alias("down_until"))
        .sort("machine", "down_until", "event", nulls_last=True)
        .group_by("machine", maintain_order=True)
        .agg(pl.lit(True).alias("down"), pl.col("down_until").last(), pl.col("reason").last().alias("down_reason"))
    )
