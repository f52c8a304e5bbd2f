"""Balance of what planners ask of a vendor or work center: a plant that only ever expedites asks for the impossible.

Belongs here: the sums, and which delays would pay for the expedites. Hours where they are known, else value.
"""

from __future__ import annotations

import polars as pl

BALANCE_SCHEMA = {
    "resource": pl.String, "week": pl.Date, "expedite": pl.Float64, "delay": pl.Float64, "balance_gap": pl.Float64,
    "advice": pl.String,
}  # fmt: skip


def balance(messages: pl.DataFrame, amount: pl.Expr | None = None) -> pl.DataFrame:
    """Per resource and week of the current date: accepted EXPEDITE against accepted DELAY, and what is missing.

    `messages` are the accepted ones; `amount` says what each weighs (default 1: count). Mather's rule: delays accepted
    are at least the expedites accepted; a positive `balance_gap` is what more delay is needed.
    """
    weight = (pl.lit(1.0) if amount is None else amount).cast(pl.Float64)
    rows = messages.filter(pl.col("code").is_in(["EXPEDITE", "DELAY", "CANCEL"])).with_columns(
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
