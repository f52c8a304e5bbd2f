"""How tonight's messages relate to last night's: new, changed, persisting, flipped, cleared, on plan or carried over.

Belongs here: the comparison. A message that the baseline would show too is never NEW: it was there already (CARRY_OVER)
or time alone brought it (ON_PLAN).
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.causes import RESCHEDULE_CODES, Story
from recon_platform.tables.material import ACTION_MESSAGES
from recon_platform.tables.model import Frames

KEY = ["order_type", "order"]
SOONER = ("EXPEDITE",)


def _direction() -> pl.Expr:
    """−1 sooner, +1 later or never, by code and dates."""
    return pl.when(pl.col("code").is_in(SOONER) | (pl.col("to_date") < pl.col("from_date"))).then(-1).otherwise(1)


def with_lifecycle(messages: pl.DataFrame, frames: Frames, story: Story | None) -> pl.DataFrame:
    """`messages` with lifecycle, age and original date, and last night's that are gone as CLEARED rows."""
    before = frames.get("previous.action_messages")
    if before is None:
        return messages
    before = before.filter(pl.col("lifecycle") != "CLEARED")
    moves = messages.filter(pl.col("code").is_in(RESCHEDULE_CODES))
    others = messages.filter(~pl.col("code").is_in(RESCHEDULE_CODES))
    parts = [rescheduled(moves, before, story), repeated(others, before, frames, story), cleared(messages, before)]
    return ACTION_MESSAGES.frame(pl.concat([part.select(ACTION_MESSAGES.column_names) for part in parts])).sort(
        "message"
    )


def rescheduled(moves: pl.DataFrame, before: pl.DataFrame, story: Story | None) -> pl.DataFrame:
    """Reschedule messages follow the order, whatever its code was."""
    was = before.filter(pl.col("code").is_in(RESCHEDULE_CODES)).select(
        *KEY, _direction().alias("_was"), pl.col("to_date").alias("_to"), pl.col("from_date").alias("_from"),
        pl.col("age_nights").alias("_age"), pl.col("original_date").alias("_original"), pl.lit(True).alias("_known"),
    ).unique(KEY, keep="first", maintain_order=True)  # fmt: skip
    touched = moves.select(KEY).clear()
    if story is not None:
        touched = story.attribution.shares.filter(pl.col("contribution_days").abs() > 1e-9).select(KEY).unique()
    touched = touched.with_columns(pl.lit(True).alias("_touched"))
    same = pl.col("to_date").eq_missing(pl.col("_to")) & pl.col("from_date").eq_missing(pl.col("_from"))
    state = (
        pl.when(pl.col("_known").is_null() & pl.col("_touched").is_null() & pl.lit(story is not None)).then(pl.lit("ON_PLAN"))
        .when(pl.col("_known").is_null()).then(pl.lit("NEW"))
        .when(_direction() != pl.col("_was")).then(pl.lit("FLIPPED"))
        .when(same & pl.col("_touched").is_not_null()).then(pl.lit("PERSISTING"))
        .when(same | pl.col("_touched").is_null()).then(pl.lit("CARRY_OVER"))
        .otherwise(pl.lit("CHANGED"))
    )  # fmt: skip
    return (
        moves.join(was, on=KEY, how="left")
        .join(touched, on=KEY, how="left")
        .with_columns(
            state.alias("lifecycle"),
            pl.when(pl.col("_known"))
            .then(pl.col("_age") + 1)
            .otherwise(0)
            .fill_null(0)
            .cast(pl.Int64)
            .alias("age_nights"),
            pl.coalesce("_original", "original_date").alias("original_date"),
        )
    )


def repeated(others: pl.DataFrame, before: pl.DataFrame, frames: Frames, story: Story | None) -> pl.DataFrame:
    """All other messages are the same when their identity is; a release planned last night comes ON_PLAN, and so does
    what appears on an item that no event reaches."""
    was = before.select("message", pl.col("age_nights").alias("_age"), pl.col("original_date").alias("_original"),
                        pl.lit(True).alias("_known"))  # fmt: skip
    planned = frames.get("previous.planned_orders")
    expected = (
        pl.DataFrame(schema={"order": pl.String, "_expected": pl.Boolean})
        if planned is None
        else planned.select("order", pl.lit(True).alias("_expected"))
    )
    reached = pl.DataFrame(schema={"item": pl.String, "_reached": pl.Boolean})
    if story is not None:
        reached = story.attribution.reached.with_columns(pl.lit(True).alias("_reached"))
    quiet = pl.lit(story is not None) & pl.col("_reached").is_null() & (pl.col("code") != "PAST_DUE_SUPPLY")
    state = (
        pl.when(pl.col("_known")).then(pl.lit("CARRY_OVER"))
        .when((pl.col("code") == "RELEASE") & pl.col("_expected")).then(pl.lit("ON_PLAN"))
        .when(quiet).then(pl.lit("ON_PLAN"))
        .otherwise(pl.lit("NEW"))
    )  # fmt: skip
    return (
        others.join(was, on="message", how="left")
        .join(expected, on="order", how="left")
        .join(reached, on="item", how="left")
        .with_columns(
            state.alias("lifecycle"),
            pl.when(pl.col("_known"))
            .then(pl.col("_age") + 1)
            .otherwise(0)
            .fill_null(0)
            .cast(pl.Int64)
            .alias("age_nights"),
            pl.coalesce("_original", "original_date").alias("original_date"),
        )
    )


def cleared(messages: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Last night's reschedule messages of orders that have none tonight."""
    now = messages.filter(pl.col("code").is_in(RESCHEDULE_CODES)).select(KEY)
    gone = before.filter(pl.col("code").is_in(RESCHEDULE_CODES)).join(now, on=KEY, how="anti")
    return gone.with_columns(
        pl.lit("CLEARED").alias("lifecycle"), pl.lit(False).alias("phoney"), pl.lit("SHOWN").alias("visibility"),
        pl.lit(None, dtype=pl.String).alias("suppressed_by"),
    )  # fmt: skip
