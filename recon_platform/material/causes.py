"""Causes of tonight's messages: baseline, ledger and attribution put together into `message_causes`.

Belongs here: the order of the steps and the rows that are stored, carried-over ones included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from recon_platform.material.attribution import Attribution, attribute
from recon_platform.material.ledger import (
    EVENT_SCHEMA,
    bom_changes,
    demand_events,
    linked,
    order_events,
    order_history,
    parameter_events,
    stock_events,
    transaction_events,
)
from recon_platform.material.lots import N_PARAMETERS
from recon_platform.material.problem import horizon_axis, numbered_items, parameter_table
from recon_platform.material.regime import regime_shares
from recon_platform.material.roll import Baseline, previous_frames, roll
from recon_platform.material.snapshot import Snapshot
from recon_platform.material.supply import joined
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import MESSAGE_CAUSES
from recon_platform.tables.model import Frames

RESCHEDULE_CODES = ("EXPEDITE", "DELAY", "CANCEL", "FPO_DRIFT")
BEFORE = "before the first night compared"


@dataclass(frozen=True, slots=True)
class Story:
    """What happened since the run before: the baseline, the ledger that closes it, and who moved what."""

    baseline: Baseline
    events: pl.DataFrame
    bom: pl.DataFrame
    attribution: Attribution


def story(frames: Frames, now: Snapshot, context: PlanContext) -> Story | None:
    """What happened since the run before; None where there is no such run to compare with."""
    before = previous_frames(frames)
    if before is None:
        return None
    base = roll(before, now, frames, context)
    bom = bom_changes(base.facts.lines, now.lines)
    events = ledger(base, now, bom, frames)
    found = attribute(common_ground(base.facts, now), events, bom, context)
    regime = regime_shares(before, now, frames, context, horizon_axis(now.days, context).never)
    if regime.height:  # what reaches every item reaches all of them
        shares = pl.concat([found.shares, regime]).sort("order_type", "order", "category", "event")
        found = replace(found, shares=shares, reached=found.baseline.items.select("item"))
    return Story(base, events, bom, found)


def ledger(base: Baseline, now: Snapshot, bom: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Every event between the baseline and tonight, in a fixed order."""
    orders = linked(order_events(order_history(base, now, frames)), frames)
    transactions = transaction_events(base, frames)
    explained = pl.concat([orders, transactions])
    changed = bom.filter(pl.col("category").is_not_null()).select("component_item", "category")
    events = pl.concat(
        [
            parameter_events(parameters(base.facts.catalogue), parameters(now.catalogue)),
            explained,
            stock_events(base, now, explained, frames),
            demand_events(base, now, orders, changed),
        ]
    )
    known = now.catalogue.select("item").vstack(base.facts.catalogue.select("item")).unique()
    return (
        events.join(known, on="item", how="semi")
        .select(list(EVENT_SCHEMA))
        .sort("category", "entity", "item", "operation", "column", "order", "day", "value", nulls_last=True)
    )


def parameters(catalogue: pl.DataFrame) -> pl.DataFrame:
    """`item` and its parameters, one column per number, as netting reads them."""
    nothing = pl.DataFrame(schema={"item": pl.String, "on_hand": pl.Float64})
    table = parameter_table(numbered_items(catalogue.select("item"), catalogue, nothing))
    return pl.DataFrame(table, schema=[str(n) for n in range(N_PARAMETERS)]).with_columns(catalogue.get_column("item"))


def common_ground(base: Snapshot, now: Snapshot) -> Snapshot:
    """`base` with room for what only tonight knows: its items, its orders (with nothing open), its component uses."""
    new_items = now.catalogue.join(base.catalogue, on="item", how="anti")
    orders = now.orders.join(base.orders, on=["order_type", "order"], how="anti").with_columns(pl.lit(0.0).alias("qty"))
    orders, demands = joined(base.orders, orders, base.demands)
    uses = [u for u in (base.uses, now.uses) if u is not None]
    return replace(
        base,
        catalogue=pl.concat([base.catalogue, new_items.select(base.catalogue.columns)]),
        orders=orders,
        demands=demands,
        uses=pl.concat(uses).unique() if uses else None,
    )


def cause_rows(
    messages: pl.DataFrame, attribution: Attribution, frames: Frames, never: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Table `message_causes`, and per message whether it is phoney.

    A message's rows add up to to_date − from_date: tonight's shares, those carried over from the nights before, and
    UNEXPLAINED for what lies before the first night compared.
    """
    key = ["order_type", "order"]
    own = messages.filter(pl.col("code").is_in(RESCHEDULE_CODES)).select(
        "message", *key, pl.col("from_date").cast(pl.Int32).cast(pl.Int64).alias("_from"),
        pl.col("to_date").cast(pl.Int32).cast(pl.Int64).fill_null(never).alias("_to"),
    )  # fmt: skip
    shares = attribution.shares.join(own.select("message", *key), on=key, how="left").join(
        attribution.shifts.select(*key, "amplifier"), on=key, how="left"
    )
    direction = (
        pl.when(pl.col("contribution_days").sum().over(key) <= 0).then(pl.lit("EXPEDITE")).otherwise(pl.lit("DELAY"))
    )
    tonight = shares.with_columns(
        pl.col("message").is_null().alias("masked"),
        pl.coalesce("message", pl.concat_str(direction, *key, separator=":")).alias("message"),
        pl.lit(False).alias("carried"),
    ).drop("item", "relieving")  # fmt: skip
    carried = carried_over(frames, own, attribution.shifts, tonight.clear())
    rest = (
        own.join(
            pl.concat([tonight, carried]).group_by(key).agg(pl.col("contribution_days").sum().alias("_known")),
            on=key, how="left",
        )
        .with_columns((pl.col("_to") - pl.col("_from") - pl.col("_known").fill_null(0.0)).alias("contribution_days"))
        .filter(pl.col("contribution_days").abs() > 1e-9)
        .with_columns(
            pl.lit("UNEXPLAINED").alias("category"), pl.lit(BEFORE).alias("event"), pl.lit(0.0).alias("need_days"),
            pl.lit(None, dtype=pl.String).alias("label"), pl.lit(None, dtype=pl.String).alias("amplifier"),
            pl.lit("shapley").alias("method"), pl.lit(False).alias("masked"), pl.lit(True).alias("carried"),
            pl.lit("shift known before any change was recorded").alias("detail"),
        )
        .select(tonight.columns)
    )  # fmt: skip
    rows = (
        pl.concat([tonight, carried, rest])
        .sort("carried", maintain_order=True)
        .group_by(*key, "category", "event", maintain_order=True)
        .agg(
            pl.col("contribution_days", "need_days").sum(),
            pl.col("message", "label", "amplifier", "method", "masked", "carried", "detail").first(),
        )
        .filter((pl.col("contribution_days").abs() > 1e-9) | (pl.col("need_days").abs() > 1e-9))
    )
    phoney = (
        attribution.shifts.filter(
            pl.col("relieving")
            & ((pl.col("need_now") - pl.col("due_now")) < (pl.col("need_before") - pl.col("due_before")))
            & (pl.col("need_now") < pl.col("due_now"))
        )
        .select(key)
        .join(own.select("message", *key), on=key)
        .select("message")
    )
    return MESSAGE_CAUSES.frame(rows.select(MESSAGE_CAUSES.column_names)).sort(MESSAGE_CAUSES.key), phoney


def carried_over(frames: Frames, own: pl.DataFrame, shifts: pl.DataFrame, form: pl.DataFrame) -> pl.DataFrame:
    """Last night's causes of the orders that still have a message, in the columns of `form`.

    An order that nothing needed counts to the end of the horizon, and that moves on with the days. Passing time is no
    cause: such an order's causes are stretched, each in proportion, to what last night's plan says on tonight's days.
    """
    key = ["order_type", "order"]
    earlier, messages = frames.get("previous.message_causes"), frames.get("previous.action_messages")
    if earlier is None or messages is None or earlier.is_empty():
        return form
    never = messages.filter(
        pl.col("code").is_in(RESCHEDULE_CODES) & (pl.col("lifecycle") != "CLEARED") & pl.col("to_date").is_null()
    )
    known = pl.col("contribution_days").sum().over(key)
    aim = pl.coalesce(pl.col("need_before") - pl.col("due_before"), pl.col("_to") - pl.col("_from"))
    stretch = pl.when(pl.col("_never") & (known > 0) & (aim > 0)).then(aim / known).otherwise(1.0)
    return (
        earlier.filter(~pl.col("masked"))
        .drop("message")
        .join(own, on=key)
        .join(never.select(*key, pl.lit(True).alias("_never")).unique(key), on=key, how="left")
        .join(shifts.select(*key, "need_before", "due_before"), on=key, how="left")
        .with_columns(pl.lit(True).alias("carried"), pl.col("contribution_days", "need_days") * stretch)
        .select(form.columns)
    )
