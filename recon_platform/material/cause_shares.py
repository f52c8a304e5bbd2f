"""Shares of messages by cause: who made last night's noise, and how much of it the plant made itself.

Share_c = Σ_m w_m φ⁺_{m,c} ÷ Σ_m w_m Σ_c φ⁺_{m,c}, φ⁺ being contributions in the message's own direction; offsets are
reported apart. The denominator, what came ON_PLAN, CARRY_OVER and UNEXPLAINED stand beside it always.
"""

from __future__ import annotations

import polars as pl

SELF_INFLICTED = ("LOT_SIZE_CHANGE", "LEAD_TIME_CHANGE", "SAFETY_STOCK_CHANGE", "RECORD_ERROR", "UNPLANNED_TXN")
MOVING = ("EXPEDITE", "DELAY", "CANCEL", "FPO_DRIFT")
WEIGHTS = ("count", "value")


def cause_shares(
    messages: pl.DataFrame, causes: pl.DataFrame, by: str = "category", weight: str = "count"
) -> pl.DataFrame:
    """`by` (category, event, amplifier, label, or a message column such as planner, resource, item, code), `messages`,
    `weighted_days`, `share`, `offset_days`: tonight's messages and tonight's changes only.

    `weight` is `count` (every message the same) or `value`. Raises ValueError for any other weight.
    """
    if weight not in WEIGHTS:
        raise ValueError(f"cause_shares: expected weight {' or '.join(WEIGHTS)}, found {weight!r}")
    rows = (
        causes.filter(~pl.col("carried") & ~pl.col("masked"))
        .drop("order_type", "order", "detail")
        .join(messages.filter(pl.col("code").is_in(MOVING) & (pl.col("lifecycle") != "CLEARED")), on="message")
    )
    later = pl.col("to_date").is_null() | (pl.col("to_date") > pl.col("from_date"))
    direction = pl.when(later).then(1.0).otherwise(-1.0)
    w = pl.lit(1.0) if weight == "count" else pl.col("value").fill_null(0.0)
    along = (pl.col("contribution_days") * direction).clip(lower_bound=0.0) * w
    against = (-pl.col("contribution_days") * direction).clip(lower_bound=0.0) * w
    return (
        rows.group_by(by)
        .agg(
            pl.col("message").n_unique().alias("messages"), along.sum().alias("weighted_days"),
            against.sum().alias("offset_days"),
        )
        .with_columns((pl.col("weighted_days") / pl.col("weighted_days").sum()).fill_nan(None).alias("share"))
        .select(by, "messages", "weighted_days", "share", "offset_days")
        .sort(["weighted_days", by], descending=[True, False])
    )  # fmt: skip


def cause_summary(messages: pl.DataFrame, causes: pl.DataFrame) -> dict[str, float | None]:
    """The figures that stand beside the shares: messages in all, on plan, carried over, caused tonight; the self-inflicted
    share, the share dynamic lot sizing amplified, the unexplained share; None where the denominator is nothing."""
    moved = messages.filter(pl.col("code").is_in(MOVING) & (pl.col("lifecycle") != "CLEARED"))
    shares = cause_shares(messages, causes)
    total = shares.get_column("weighted_days").sum()

    def part(categories: tuple[str, ...]) -> float | None:
        days = shares.filter(pl.col("category").is_in(categories)).get_column("weighted_days").sum()
        return float(days) / float(total) if total else None

    caused = causes.filter(~pl.col("carried") & ~pl.col("masked"))
    amplified = caused.filter(pl.col("amplifier").is_not_null()).get_column("message").n_unique()
    with_cause = caused.get_column("message").n_unique()
    return {
        "messages": float(moved.height),
        "on_plan": float(moved.filter(pl.col("lifecycle") == "ON_PLAN").height),
        "carried_over": float(moved.filter(pl.col("lifecycle") == "CARRY_OVER").height),
        "caused_tonight": float(with_cause),
        "self_inflicted_share": part(SELF_INFLICTED),
        "unexplained_share": part(("UNEXPLAINED",)),
        "amplified_share": amplified / with_cause if with_cause else None,
        "masked": float(causes.filter(pl.col("masked") & ~pl.col("carried")).get_column("order").n_unique()),
    }
