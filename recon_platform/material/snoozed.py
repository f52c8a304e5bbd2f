"""Messages a planner has seen and wants to hear no more of for a while.

Belongs here: what a snooze hides. It is a decision of kind lock about one message as it was read: while the message asks
for that date it stays out of the list, with who and until when; once it asks for another date it is shown again.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.governance import MESSAGE_SUBJECT


def with_snoozed(messages: pl.DataFrame, decisions: pl.DataFrame | None) -> pl.DataFrame:
    """`messages` with `visibility` SNOOZED where `decisions` (`decisions_in_force`) keep a shown one away."""
    if decisions is None or decisions.is_empty():
        return messages
    told = decisions.filter(pl.col("kind") == "lock", pl.col("subject").str.starts_with(MESSAGE_SUBJECT))
    if told.is_empty():
        return messages
    until = pl.col("valid_until").dt.strftime("%Y-%m-%d %H:%M UTC").fill_null("it is revoked")
    snoozes = (
        told.sort("decision")
        .select(
            pl.col("subject").str.strip_prefix(MESSAGE_SUBJECT).alias("message"),
            pl.col("value").str.json_path_match("$.to_date").str.to_date(strict=False).alias("_read"),
            pl.format("snoozed by {} until {}", "approved_by", until).alias("_why"),
        )
        .unique("message", keep="last", maintain_order=True)
    )
    quiet = (
        pl.col("_why").is_not_null() & (pl.col("visibility") == "SHOWN") & pl.col("to_date").eq_missing(pl.col("_read"))
    )
    return (
        messages.join(snoozes, on="message", how="left", maintain_order="left")
        .with_columns(
            pl.when(quiet).then(pl.lit("SNOOZED")).otherwise("visibility").alias("visibility"),
            pl.when(quiet).then("_why").otherwise("suppressed_by").alias("suppressed_by"),
        )
        .select(messages.columns)
    )
