"""Balance of what planners ask of a vendor or work center: a plant that only ever expedites asks for the impossible.

Belongs here: the sums, what was carried out, and which delays would pay for the expedites. Hours where they are known,
else value.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

BALANCE_SCHEMA = {
    "resource": pl.String, "week": pl.Date, "expedite": pl.Float64, "delay": pl.Float64, "balance_gap": pl.Float64,
    "advice": pl.String,
}  # fmt: skip
BALANCED = ("EXPEDITE", "DELAY", "CANCEL")


def balance(messages: pl.DataFrame, amount: pl.Expr | None = None) -> pl.DataFrame:
    """Per resource and week of the current date: accepted EXPEDITE against accepted DELAY, and what is missing.

    `messages` are the accepted ones; `amount` says what each weighs (default 1: count). Mather's rule: delays accepted
    are at least the expedites accepted; a positive `balance_gap` is what more delay is needed.
    """
    weight = (pl.lit(1.0) if amount is None else amount).cast(pl.Float64)
    rows = messages.filter(pl.col("code").is_in(BALANCED)).with_columns(
        pl.col("from_date").dt.truncate("1w").alias("week"), weight.alias("_amount")
    )
    expedite = pl.col("_amount").filter(pl.col("code") == "EXPEDITE").sum()
    delay = pl.col("_amount").filter(pl.col("code") != "EXPEDITE").sum()
    gap = (pl.col("expedite") - pl.col("delay")).clip(lower_bound=0.0)
    return (
        rows.group_by("resource", "week")
        .agg(expedite.alias("expedite"), delay.alias("delay"))
        .with_columns(gap.alias("balance_gap"))
        .with_columns(
            pl.when(pl.col("balance_gap") > 0)
            .then(pl.format("pick {} more to delay, those needed last first", pl.col("balance_gap").round(2)))
            .alias("advice")
        )
        .sort("resource", "week")
        .select(list(BALANCE_SCHEMA))
    )


def asked(frames: Frames) -> pl.DataFrame:
    """Tonight's messages that move orders, with `hours` at their work center and `weight`: hours, else value."""
    return _weighed(frames["action_messages"], frames)


def accepted(frames: Frames) -> pl.DataFrame:
    """Last night's messages that were carried out since: their order's date moved the way they asked, or it was cancelled.
    No rows where there is no night before."""
    messages = frames.get("previous.action_messages")
    if messages is None:
        return asked(frames).clear()
    made, bought = frames["reconciled_orders"], frames["purchase_orders"]
    dates = pl.concat(
        [
            made.select(pl.lit("work_order").alias("order_type"), pl.col("work_order").alias("order"),
                        pl.col("due_date").alias("_now"), (pl.col("status") == "cancelled").alias("_gone")),
            bought.select(
                pl.lit("purchase_order").alias("order_type"),
                PURCHASE_LINE.alias("order"),
                pl.coalesce("promised_date", "due_date").alias("_now"), (pl.col("status") == "cancelled").alias("_gone"),
            ),
        ]
    )  # fmt: skip
    moved = messages.join(dates, on=["order_type", "order"]).filter(
        ((pl.col("code") == "EXPEDITE") & (pl.col("_now") < pl.col("from_date")))
        | ((pl.col("code") == "DELAY") & (pl.col("_now") > pl.col("from_date")))
        | ((pl.col("code") == "CANCEL") & pl.col("_gone"))
    )
    return _weighed(moved.drop("_now", "_gone"), frames)


def _weighed(messages: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Messages with `hours` (set-up and run left at the resource; null for a vendor) and `weight`."""
    left = pl.DataFrame(schema={"order": pl.String, "resource": pl.String, "hours": pl.Float64})
    operations = frames.get("reconciled_operations")
    if operations is not None:
        minutes = pl.col("setup_min") + pl.col("run_min_per_unit") * pl.col("remaining_qty")
        left = (
            operations.filter(pl.col("status") != "complete")
            .group_by(pl.col("work_order").alias("order"), pl.col("work_center").alias("resource"))
            .agg((minutes.sum() / 60).alias("hours"))
        )
    return (
        messages.filter(pl.col("code").is_in(BALANCED) & (pl.col("lifecycle") != "CLEARED"))
        .join(left, on=["order", "resource"], how="left")
        .with_columns(pl.coalesce("hours", pl.col("value").fill_null(0.0)).alias("weight"))
        .sort("message")
    )


def delay_candidates(messages: pl.DataFrame, requirements_slack: pl.DataFrame) -> pl.DataFrame:
    """Orders that could be delayed to pay for the expedites of the same resource: DELAY and CANCEL messages not yet
    accepted, the latest need and the most slack first. `requirements_slack`: order_type, order, slack_days."""
    return (
        messages.filter(pl.col("code").is_in(["DELAY", "CANCEL"]) & (pl.col("lifecycle") != "CLEARED"))
        .join(requirements_slack, on=["order_type", "order"], how="left")
        .sort(["resource", "slack_days", "order"], descending=[False, True, False], nulls_last=True)
        .with_columns((pl.int_range(pl.len()).over("resource") + 1).alias("position"))
        .select("resource", "position", "order_type", "order", "item", "from_date", "to_date", "slack_days", "value")
    )
