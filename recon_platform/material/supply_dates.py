"""When supply can really be there: past receipts say more than master data and promises.

Belongs here: the day of each open and planned supply. What that means for an order is `shortages`.
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.vendors import late_days_at, realistic_lead_times
from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

ENOUGH_LINES = 3  # closed lines from which a real lead time or lateness is believed


def supply_days(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`supply_type`, `supply`, `ready`: the day supply can really be there; stock is there now (null).

    A purchase comes on its promised, else due date, later by what so many lines of its supplier were late
    (`realistic_lead_time_percentile`, P80 unless the policy says otherwise); a planned purchase takes the lead time its item
    really took; made supply comes on its date if that can still be kept.
    """
    now = pl.lit(context.planning_date)
    percentile = context.policy.material.realistic_lead_time_percentile
    late = late_days_at(frames, percentile).filter(pl.col("lines") >= ENOUGH_LINES)
    seen = (
        realistic_lead_times(frames, percentile)
        .filter(pl.col("lines") >= ENOUGH_LINES)
        .group_by("item")
        .agg(pl.col("real_lead_days").min())
    )
    lead = (
        frames["items"]
        .join(seen, on="item", how="left")
        .select(
            "item", pl.coalesce("real_lead_days", "lead_time_days").fill_null(0.0).ceil().cast(pl.Int64).alias("lead")
        )
    )
    bought = (
        frames["purchase_orders"]
        .filter(pl.col("status") == "open")
        .join(late, on="supplier", how="left")
        .select(
            pl.lit("purchase_order").alias("supply_type"),
            PURCHASE_LINE.alias("supply"),
            pl.max_horizontal(
                pl.coalesce("promised_date", "due_date") + pl.duration(days=pl.col("late_days").fill_null(0)), now
            ).alias("ready"),
        )
    )
    work = frames["reconciled_orders"].select(
        pl.lit("work_order").alias("supply_type"), pl.col("work_order").alias("supply"),
        pl.max_horizontal("due_date", now).alias("ready"),
    )  # fmt: skip
    planned = (
        frames["planned_orders"]
        .join(lead, on="item", how="left")
        .select(
            pl.lit("planned").alias("supply_type"),
            pl.col("order").alias("supply"),
            pl.when(pl.col("make_buy") == "buy")
            .then(pl.max_horizontal("due_date", now + pl.duration(days=pl.col("lead").fill_null(0))))
            .otherwise(pl.max_horizontal("due_date", now + (pl.col("due_date") - pl.col("start_date"))))
            .alias("ready"),
        )
    )
    return pl.concat([bought, work, planned]).unique(["supply_type", "supply"], keep="first", maintain_order=True)
