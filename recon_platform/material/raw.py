"""All messages of a night before filters and history: table `action_messages`, everything SHOWN and NEW."""

from __future__ import annotations

import polars as pl

from recon_platform.material.exceptions import exception_messages
from recon_platform.material.messages import (
    data_messages,
    demand_messages,
    release_messages,
    reschedule_messages,
    stock_messages,
)
from recon_platform.material.solution import Solution
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import ACTION_MESSAGES
from recon_platform.tables.model import Frames


def raw_messages(frames: Frames, solution: Solution, requirements: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """Table `action_messages` before filters and history."""
    rows = pl.concat(
        [
            reschedule_messages(solution, context),
            release_messages(solution, context),
            demand_messages(solution, context),
            stock_messages(solution, requirements),
            data_messages(solution),
            exception_messages(frames, solution, context),
        ]
    )
    return ACTION_MESSAGES.frame(
        rows.with_columns(
            pl.concat_str("code", "order_type", "order", separator=":").alias("message"),
            (pl.col("qty") * pl.col("cost")).alias("value"),
            pl.lit("SHOWN").alias("visibility"),
            pl.lit("NEW").alias("lifecycle"),
            pl.lit(False).alias("phoney"),
            pl.lit(0, dtype=pl.Int64).alias("age_nights"),
            pl.col("from_date").alias("original_date"),
        ).drop("cost")
    ).sort("message")
