"""Shortages: components that will not be there when an order needs them, at the dates supply really has.

Belongs here: the comparison of need and real supply, and the first remedy to look at. Remedies are proposals.
"""

from __future__ import annotations

import polars as pl

from recon_platform.material.supply_dates import supply_days
from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import SHORTAGES
from recon_platform.tables.model import Frames

CONSUMERS = ("work_order", "planned")
NAMED_LINES = 5  # customer lines named in a shortage; all are counted


def find_shortages(frames: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Table `shortages` from this run's pegging.

    An order lacks a component where what is pegged to it comes after its start, on the dates of `supply_days`.
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
    )
    known = (
        late.join(stocked_substitutes(frames, context), on="item", how="left")
        .join(consuming_operations(frames, late), on=["work_order", "item"], how="left")
        .join(lines_hit(frames, late.select("work_order").unique()), on="work_order", how="left")
        .join(unusable_stock(frames, context), on="item", how="left")
        .join(frames["items"].select("item", "cost"), on="item", how="left")
    )
    return {
        "shortages": SHORTAGES.frame(
            known.select(
                "item", "work_order", "op_seq", "required_qty", "short_qty", "needed_at", "covered_at",
                pl.concat_str("supply_type", "supply", separator=" ").alias("covered_by"),
                (pl.col("covered_at") - pl.col("needed")).dt.total_days().alias("days_short"),
                pl.col("unusable_qty").fill_null(0.0), pl.col("customer_lines").fill_null(0), "named_lines",
                (pl.col("short_qty") * pl.col("cost")).alias("value"),
                first_remedy((pl.col("covered_at") - pl.col("needed")).dt.total_days()).alias("remedy"),
            )
        ).sort("item", "work_order")
    }  # fmt: skip


def consuming_operations(frames: Frames, late: pl.DataFrame) -> pl.DataFrame:
    """`work_order`, `item`, `op_seq`: the first operation that takes the component, by the order's own record, else by the
    bill of material valid on the day of need; null where neither says."""
    issues = frames.get("material_issues")
    schema = {"work_order": pl.String, "item": pl.String, "op_seq": pl.Int64}
    recorded = pl.DataFrame(schema=schema)
    if issues is not None:
        recorded = issues.group_by("work_order", pl.col("component_item").alias("item")).agg(pl.col("op_seq").min())
    made = pl.concat(
        [
            frames["reconciled_orders"].select("work_order", pl.col("item").alias("parent_item")),
            frames["planned_orders"].select(pl.col("order").alias("work_order"), pl.col("item").alias("parent_item")),
        ]
    )
    by_bill = (
        late.select("work_order", "item", "needed_at")
        .join(made, on="work_order")
        .join(frames["bom_lines"].rename({"component_item": "item"}), on=["parent_item", "item"])
        .filter(
            pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("needed_at")),
            pl.col("valid_to").is_null() | (pl.col("needed_at") <= pl.col("valid_to")),
        )
        .group_by("work_order", "item")
        .agg(pl.col("op_seq").min().alias("by_bill"))
    )
    return (
        late.select("work_order", "item")
        .join(recorded, on=["work_order", "item"], how="left")
        .join(by_bill, on=["work_order", "item"], how="left")
        .select("work_order", "item", pl.coalesce("op_seq", "by_bill").alias("op_seq"))
    )


def lines_hit(frames: Frames, orders: pl.DataFrame) -> pl.DataFrame:
    """`work_order`, `customer_lines`, `named_lines`: the customer order lines that wait for each of `orders`, through all
    levels; the first few by name."""
    links = (
        frames["order_links"]
        .select(pl.col("supply_order").alias("above"), pl.col("demand_order").alias("next"))
        .unique()
    )
    chain = orders.select("work_order", pl.col("work_order").alias("above"))
    newest = chain
    while not newest.is_empty():  # one pass a level of the bill of material
        newest = (
            newest.join(links, on="above")
            .select("work_order", pl.col("next").alias("above"))
            .unique()
            .join(chain, on=["work_order", "above"], how="anti")
        )
        chain = pl.concat([chain, newest])
    sold = (
        frames["pegging"]
        .filter((pl.col("demand_type") == "sales_order") & pl.col("supply_type").is_in(CONSUMERS))
        .select(pl.col("supply").alias("above"), "demand")
    )
    names = pl.col("demand").unique().sort()
    return (
        chain.join(sold, on="above")
        .group_by("work_order")
        .agg(pl.col("demand").n_unique().cast(pl.Int64).alias("customer_lines"), names.head(NAMED_LINES).alias("named"))
        .select("work_order", "customer_lines", pl.col("named").list.join(", ").alias("named_lines"))
    )


def unusable_stock(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`item`, `unusable_qty`: what lies in stock and may not be used: on hold, in quality or blocked, or expired."""
    expired = pl.col("expiry").is_not_null() & (pl.col("expiry") < pl.lit(context.planning_date))
    return (
        frames["inventory"]
        .filter((pl.col("status") != "available") | expired)
        .group_by("item")
        .agg(pl.col("qty").sum().clip(lower_bound=0.0).alias("unusable_qty"))
    )


def first_remedy(days_short: pl.Expr) -> pl.Expr:
    """What to look at first: an approved substitute in stock, else moving or placing the order that closes the gap."""
    days = days_short.cast(pl.String)
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
