"""A plant of any size without generating it: copies of a generated one side by side, each with keys of its own.

What a plan costs depends on how many orders, operations, machines and people there are, not on which belong together. A plan
of the copies is the plan of the one, as many times.
"""

from __future__ import annotations

import polars as pl

from recon_platform.planning.stages import trial_stages
from recon_platform.tables.model import Frames, Kind
from recon_platform.tables.registry import output_table

SHARED = ("routing", "attribute", "shift")
"""Keys that rules know by name: the main routing, what a set-up goes by, extra shifts."""


def side_by_side(frames: Frames, copies: int) -> dict[str, pl.DataFrame]:
    """The tables that planning starts from, of so many plants in one: `WO-1` is `WO-1~0`, `WO-1~1` and so on.

    Tables without a key of their own, as the plant's days, stay as they are.
    """
    made = {name for stage in trial_stages() for name in stage.writes}
    read = {name for stage in trial_stages() for name in stage.required} - made
    return {name: _copied(name, frames[name], copies) for name in sorted(read) if name in frames}


def _copied(name: str, frame: pl.DataFrame, copies: int) -> pl.DataFrame:
    keys = [
        column.name for column in output_table(name).columns if column.kind is Kind.KEY and column.name not in SHARED
    ]
    keys = [key for key in keys if key in frame.columns]
    if not keys or frame.is_empty():
        return frame
    number = pl.DataFrame({"copy": range(copies)}).select(pl.col("copy").cast(pl.String))
    several = frame.join(number, how="cross").with_columns(
        pl.concat_str(pl.col(key), pl.lit("~"), "copy") for key in keys
    )
    return several.drop("copy")
