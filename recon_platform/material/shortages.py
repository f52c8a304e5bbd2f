"""Shortages: components that will not be there when an order needs them, at the dates supply really has.

Belongs here: the comparison of need and real supply, and the first remedy to look at. Remedies are proposals.
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.vendors import realistic_lead_times
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import SHORTAGES
from recon_platform.tables.model import Frames

CONSUMERS = ("work_order", "planned")
ENOUGH_LINES = 3  # closed lines from which a real lead time is believed


def find_shortages(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Table `shortages` from this run's pegging.

    An order lacks a component where what is pegged to it comes after its start: a purchase on its own date, a planned
    purchase no sooner than the lead time its item really took (receipt history at `realistic_lead_time_percentile`,
    the item's own where there is too little), made supply on its date if that can still be kept.
    """
    late = (
        frames["pegging"]
        .filter(pl.col("demand_type").is_in(CONSUMERS))
        .join(supply_days(frames, context), on=["supply_type", "supply"], how="left")
        .with_columns(pl.max_horizontal("need_date", pl.lit(context.planning_date)).alias("needed"))
        .with_columns((pl.col("ready") > pl.col("needed")).fill_null(False).alias("late"))
        .sort("demand", "item", "ready", "supply", nulls_last=False)
        .group_by(pl.col("demand").alias("work_order"), "item", maintain_order=True)
        .agg(
            pl.col("qty").sum().alias("required_qty"),
            pl.col("qty").filter(pl.col("late")).sum().alias("short_qty"),
            pl.col("need_date").min().alias("needed_at"),
            pl.col("needed").min(),
            pl.col("ready").max().alias("covered_at"),
            pl.col("supply_type").last(),
            pl.col("supply").last(),
        )
        .filter(pl.col("short_qty") > 0)
        .join(stocked_substitutes(frames, context), on="item", how="left")
    )
    return {
        "shortages": SHORTAGES.frame(
            late.with_columns(
                (pl.col("covered_at") - pl.col("needed")).dt.total_days().alias("days_short"), pl.lit(None, dtype=pl.Int64).alias("op_seq")
            ).select(
                "item", "work_order", "op_seq", "required_qty", "short_qty", "needed_at", "covered_at",
                pl.concat_str("supply_type", "supply", separator=" ").alias("covered_by"),
                "days_short",
                first_remedy().alias("remedy"),
            )
        ).sort("item", "work_order")
    }  # fmt: skip


def first_remedy() -> pl.Expr:
    """What to look at first: an approved substitute in stock, else moving or placing the order that closes the gap."""
    days = pl.col("days_short").cast(pl.String)
    return (
        pl.when(pl.col("substitute").is_not_null())
        .then(pl.format("use approved substitute {} ({} in stock)", "substitute", "substitute_qty"))
        .when(pl.col("supply_type") == "purchase_order")
        .then(pl.format("expedite purchase order {} by {} days", "supply", days))
        .when(pl.col("supply_type") == "planned")
        .then(pl.format("order or start {} at once; {} days of lead time are missing", "supply", days))
        .otherwise(pl.format("bring work order {} forward by {} days", "supply", days))
    )


def stocked_substitutes(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`item`, `substitute`, `substitute_qty`: the approved substitute, valid today, with the most usable stock.

    Whether it qualifies for the order at hand (grade, certificate, customer) is decided where substitution is proposed.
    """
    schema = {"item": pl.String, "substitute": pl.String, "substitute_qty": pl.Float64}
    approved = frames.get("substitutes")
    if approved is None or approved.is_empty():
        return pl.DataFrame(schema=schema)
    today = pl.lit(context.planning_date)
    stock = (
        frames["inventory"]
        .filter(
            (pl.col("status") == "available")
            & (pl.col("expiry").is_null() | (pl.col("expiry") >= today))
            & pl.col("qty").is_not_null()
        )
        .group_by(pl.col("item").alias("substitute_item"))
        .agg(pl.col("qty").sum().alias("substitute_qty"))
        .filter(pl.col("substitute_qty") > 0)
    )
    return (
        approved.filter(
            pl.col("approved").fill_null(False)
            & (pl.col("valid_from").is_null() | (pl.col("valid_from") <= today))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= today))
        )
        .join(stock, on="substitute_item")
        .sort(["item", "substitute_qty", "substitute_item"], descending=[False, True, False])
        .unique("item", keep="first", maintain_order=True)
        .select("item", pl.col("substitute_item").alias("substitute"), "substitute_qty")
    )


def supply_days(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`supply_type`, `supply`, `ready`: the day supply can really be there; stock is there now (null)."""
    now = pl.lit(context.planning_date)
    seen = (
        realistic_lead_times(frames, context.policy.material.realistic_lead_time_percentile)
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
        .select(
            pl.lit("purchase_order").alias("supply_type"),
            pl.concat_str("purchase_order", "line", separator="/").alias("supply"),
            pl.max_horizontal(pl.coalesce("promised_date", "due_date"), now).alias("ready"),
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
