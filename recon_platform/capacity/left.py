"""How long work that is under way still takes, from what was landed: since when it is there, and what is done of it.

Belongs here: what remains at a vendor and of a furnace load. What remains of a run on a machine follows from the units
that are left (`prepare`).
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

OVERDUE_MIN = 60.0
"""What is at a vendor longer than the lead time is expected within the hour: nothing better is known of it."""


def under_way() -> pl.Expr:
    """Whether an operation is on its machine, or at its vendor."""
    return pl.col("status").is_in(["running", "paused"])


def minutes_gone(origin: datetime) -> pl.Expr:
    """Calendar minutes since an operation under way was started; 0 where it is not, or nobody said when."""
    since = (pl.lit(origin) - pl.col("started_at")).dt.total_microseconds() / 60e6
    return pl.when(under_way()).then(since.clip(0.0)).otherwise(0.0).fill_null(0.0)


def vendor_minutes_left(origin: datetime) -> pl.Expr:
    """Calendar minutes until the vendor delivers: the lead time, less the time it has been there."""
    lead = pl.col("external_days") * 1440
    return (lead - minutes_gone(origin)).ceil().clip(pl.min_horizontal(lead, OVERDUE_MIN))


def load_minutes_left(origin: datetime, most: pl.Expr) -> pl.Expr:
    """Minutes until a furnace is done with an operation in it; `most`: units of a full load, null where unlimited.

    By the units left where progress is reported, else by the time it has been in. Of operations that went in together
    the first takes these minutes and the others the least there is, so that the furnace is not booked again for each.
    """
    loads = pl.max_horizontal((pl.col("total_qty") / most - 1e-9).ceil(), pl.lit(1.0)).fill_null(1.0)
    whole = loads * pl.col("batch_minutes")
    by_units = whole * pl.col("qty") / pl.col("total_qty")
    left = pl.when(pl.col("qty") < pl.col("total_qty")).then(by_units).otherwise(whole - minutes_gone(origin))
    together = pl.col("machine").is_not_null() & pl.col("started_at").is_not_null()
    another = pl.struct("machine", "started_at").is_first_distinct().not_()
    return pl.when(together & another).then(1.0).otherwise(left)
