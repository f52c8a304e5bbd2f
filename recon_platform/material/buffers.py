"""Reserves that the books call for: days between a vendor's due date and the need, pieces started beyond the standard yields.

A reserve covers the share of what happened that its costs are worth: the newsvendor's critical ratio (Silver, Pyke & Thomas
2017, chapter 9), with a late day of a line on one side, a day of stock or the material of more pieces on the other. Both
are recommendations: a planner puts them into the ERP.

Belongs here: what receipts and reports say. Does not belong here: what lines the reserve would have saved
(`metrics.programme`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.material.vendors import received_lines
from recon_platform.tables.model import Frames

SAFETY_SCHEMA = {"supplier": pl.String, "safety_days": pl.Int64, "lines": pl.Int64}
LEAST_LINES, LEAST_ORDERS = 10, 20
"""Fewer say too little about a percentile this far out."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """`share` of pieces to start beyond the standard yields; `covers`: share of the `orders` measured that lost more than
    the standard for which it suffices."""

    share: float
    covers: float
    orders: int


def safety_times(frames: Frames, level: float) -> pl.DataFrame:
    """`supplier`, `safety_days` (working days, Monday to Friday), `lines`: how late `level` of a supplier's closed lines came
    at most, after the date first asked for; suppliers with fewer than `LEAST_LINES` lines are left out.

    A date that was confirmed later than asked for counts as late: the works waited, whoever moved it.
    """
    lines = received_lines(frames)
    if lines is None:
        return pl.DataFrame(schema=SAFETY_SCHEMA)
    late = pl.business_day_count("due_date", "last").clip(lower_bound=0)
    return (
        lines.filter(pl.col("due_date").is_not_null())
        .group_by("supplier")
        .agg(late.quantile(level, "higher").cast(pl.Int64).alias("safety_days"), pl.len().cast(pl.Int64).alias("lines"))
        .filter(pl.col("lines") >= LEAST_LINES)
        .sort("supplier")
        .select(list(SAFETY_SCHEMA))
    )


def start_allowance(frames: Frames, level: float) -> Allowance:
    """What must be started beyond the standard yields so that `level` of the orders come out in full.

    Per order whose every operation is reported complete: good share by the standard ÷ good share as reported − 1.
    """
    need = order_losses(frames)["need"].to_numpy()
    if len(need) < LEAST_ORDERS:
        return Allowance(0.0, 0.0, len(need))
    share = max(0.0, float(np.quantile(need, level, method="higher")))
    more = need[need > 0]
    return Allowance(share, float((more <= share).mean()) if len(more) else 1.0, len(need))


def order_losses(frames: Frames) -> pl.DataFrame:
    """`order`, `item`, `need`: share that an order lost beyond its standard yields, negative where it lost less."""
    routing = (
        frames["routings"].filter(pl.col("valid_to").is_null())
        .group_by("item", "routing").agg(pl.col("yield").fill_null(1.0).product().alias("standard"), pl.len().alias("steps"))
    )  # fmt: skip
    orders = frames["work_orders"].select(
        pl.col("work_order").alias("order"), "item", pl.col("routing").fill_null("main")
    )
    entered = pl.col("good_qty") + pl.col("scrap_qty")
    reported = (
        frames["operation_status"].filter((pl.col("status") == "complete") & (entered > 0))
        .sort("order", "op_seq").group_by("order", maintain_order=True)
        .agg(entered.first().alias("entered"), pl.col("good_qty").last().alias("good"), pl.len().alias("done"))
    )  # fmt: skip
    done = reported.join(orders, on="order").join(routing, on=["item", "routing"])
    done = done.filter((pl.col("done") == pl.col("steps")) & (pl.col("good") > 0))
    need = pl.col("standard") * pl.col("entered") / pl.col("good") - 1.0
    return done.select("order", "item", need.alias("need")).sort("order")
