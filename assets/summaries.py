"""What a planner wants to know of a table at one glance: the summary beside the sample in the UI."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHOWN_ROWS = 12


def moves(frame: pl.DataFrame) -> pl.DataFrame:
    """The moves ranked first, with what each wins, costs and disturbs."""
    return (
        frame.sort("rank")
        .head(SHOWN_ROWS)
        .select(
            "rank", "kind", "subject", "from", "to", "lines_won", "lines_lost", "late_days_saved", "overtime_hours", "cost",
            "operations_moved", "in_set", "approval_needed",
        )
    )  # fmt: skip


def changes(frame: pl.DataFrame) -> pl.DataFrame:
    """The delta view by cause and what changed: how many, of how many orders, customer lines won or lost."""
    import polars as pl

    return (
        frame.group_by(pl.col("cause").fill_null("–"), "what")
        .agg(
            pl.len().alias("changes"), pl.col("work_order").n_unique().alias("orders"),
            pl.col("shift_minutes").abs().mean().round(1).alias("mean shift, min"), pl.col("reason").first().alias("for example"),
        )
        .sort("changes", "cause", "what", descending=[True, False, False])
        .head(SHOWN_ROWS)
    )  # fmt: skip


def shortages(frame: pl.DataFrame) -> pl.DataFrame:
    """Short components, those most customer lines wait for first."""
    import polars as pl

    return (
        frame.group_by("item")
        .agg(
            pl.len().alias("orders"), pl.col("short_qty").sum().round(2), pl.col("needed_at").min(),
            pl.col("covered_at").max(), pl.col("customer_lines").max().alias("customer lines"),
            pl.col("value").sum().round(2), pl.col("remedy").first(),
        )
        .sort("customer lines", "item", descending=[True, False])
        .head(SHOWN_ROWS)
    )  # fmt: skip


def impact(frame: pl.DataFrame) -> pl.DataFrame:
    """Every measure: in force, proposed, with the proposed moves."""
    return frame.sort("measure")


SUMMARIES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "exception_moves": moves, "proposal_changes": changes, "shortages": shortages, "expected_impact": impact,
}  # fmt: skip
