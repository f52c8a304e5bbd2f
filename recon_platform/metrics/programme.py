"""The root-cause programme: what made customers' lines miss their first promise, and which lever would have saved most.

Three levers reach behind the schedule: more days between a vendor's due date and the start of what waits for it, more
pieces started for the scrap that comes, and records that are right. What is left is capacity, which the moves of a night
are about (docs/remedies.md).

Belongs here: why a plan had a line late (`projected`), what became of the lines (`missed`), and the levers ranked by what
they would have saved (`levers`). Does not belong here: where nights are read from.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.metrics.definitions import Period
from recon_platform.metrics.otif import otif_lines
from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

LINE = ("sales_order", "line")
JUDGED_AFTER_DAYS = 8
PROJECTED_SCHEMA = {
    "sales_order": pl.String, "line": pl.String, "night": pl.Date, "cause": pl.String, "subject": pl.String,
    "late_days": pl.Int64,
}  # fmt: skip
LEVER_SCHEMA = {
    "lever": pl.String, "subject": pl.String, "amount": pl.Float64, "unit": pl.String, "lines_missed": pl.Int64,
    "lines_saved": pl.Int64, "messages": pl.Int64, "action": pl.String,
}  # fmt: skip
CATEGORY = {"vendor": "VENDOR_FALLDOWN", "scrap": "SCRAP", "records": "RECORD_ERROR"}


def projected(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Every open line that the plan of this night has after its first promise or short, and why (`PROJECTED_SCHEMA`).

    The supply that comes last decides: `scrap` where that is an order still to be made for what the others lack; else of a
    work order `records` where a finding that waits for a person accuses it, `vendor` (the supplier) where a purchase held it
    back beyond its start date, `capacity` otherwise; `vendor` too where the line waits for a purchase itself.
    """
    promises = frames["order_promises"].with_columns(
        (pl.col("projected_ship") - pl.col("first_promised")).dt.total_days().alias("late_days")
    )
    late = promises.filter((pl.col("late_days") > 0) | (pl.col("short_qty") > 0))
    accused = frames["findings"].filter((pl.col("state") == "open") & (pl.col("severity").str.to_lowercase() != "info"))
    accused = accused.select(pl.col("work_order").alias("bound_by"), "rule").drop_nulls()
    accused = accused.group_by("bound_by").agg(pl.col("rule").min())
    orders = frames["supply_orders"].select(
        pl.col("order").alias("bound_by"), "start_date", "earliest_at", held_by=pl.col("material_bound").str.extract(r" by purchase order (.+)$")
    )  # fmt: skip
    suppliers = frames["purchase_orders"].select(PURCHASE_LINE.alias("purchase"), "supplier")
    suppliers = suppliers.unique("purchase", keep="first", maintain_order=True)
    zone = context.plant.timezone
    held = pl.col("earliest_at").dt.convert_time_zone(zone).dt.date() > pl.col("start_date")
    rows = (
        late.join(accused, on="bound_by", how="left", maintain_order="left")
        .join(orders, on="bound_by", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("bound_by_type") == "purchase_order").then("bound_by").when(held).then("held_by").alias("purchase")
        )
        .join(suppliers, on="purchase", how="left", maintain_order="left")
    )  # fmt: skip
    lacking = pl.col("bound_by_type").is_in(["short", "planned"])
    cause = (
        pl.when(lacking).then(pl.lit("scrap")).when(pl.col("rule").is_not_null()).then(pl.lit("records"))
        .when(pl.col("supplier").is_not_null()).then(pl.lit("vendor")).otherwise(pl.lit("capacity"))
    )  # fmt: skip
    subject = (
        pl.when(lacking).then("item").when(pl.col("rule").is_not_null()).then("rule")
        .when(pl.col("supplier").is_not_null()).then("supplier").otherwise("bound_by")
    )  # fmt: skip
    made = rows.select(
        *LINE, pl.lit(context.planning_date).alias("night"), cause.alias("cause"), subject.alias("subject"), "late_days"
    )
    return made.cast(pl.Schema(PROJECTED_SCHEMA))


def missed(frames: Frames, nights: pl.DataFrame, period: Period, context: PlanContext) -> pl.DataFrame:
    """Lines due in `period` that missed their first promise: columns of `otif_lines`, `cause`, `subject`, `late_days`,
    `lacking` (share of the line that was not there in time).

    `frames`: conformed tables of a later night, `nights`: `projected` of earlier ones. The last night before the due date
    says why, but where it names capacity and an earlier one a vendor it was the vendor: once the purchase is there the order waits for
    a machine like any other, for which there had been time. A line that no night saw late and that was shipped in part was short by its
    scrap, any other `unforeseen`.
    """
    lines = otif_lines(
        frames["sales_orders"], frames["shipments"], frames["customers"], basis="first_promised_date", period=period,
        today=context.planning_date,
    ).filter(~pl.col("kept"))  # fmt: skip
    known = nights.join(lines.select(*LINE, "due"), on=LINE).filter(pl.col("night") <= pl.col("due"))
    known = known.sort(*LINE, "night")
    last = known.unique(LINE, keep="last", maintain_order=True).drop("night", "due")
    held = (
        known.filter(pl.col("cause") == "vendor")
        .unique(LINE, keep="last")
        .select(*LINE, pl.col("subject").alias("vendor"))
    )
    waited = (pl.col("cause") == "capacity") & pl.col("vendor").is_not_null()
    last = last.join(held, on=LINE, how="left", maintain_order="left").with_columns(
        cause=pl.when(waited).then(pl.lit("vendor")).otherwise("cause"), subject=pl.when(waited).then("vendor").otherwise("subject")
    ).drop("vendor")  # fmt: skip
    in_part = (pl.col("shipped") > 0) & ~pl.col("in_full")
    why = pl.coalesce(pl.when(in_part).then(pl.lit("scrap")), "cause", pl.lit("unforeseen"))
    return lines.join(last, on=LINE, how="left", maintain_order="left").with_columns(
        subject=pl.when(in_part).then("item").otherwise("subject"), cause=why,
        lacking=1.0 - (pl.col("shipped") / pl.col("qty")).clip(0.0, 1.0),
    )  # fmt: skip


def levers(
    lost: pl.DataFrame, safety_times: pl.DataFrame, allowance: tuple[float, float], message_causes: pl.DataFrame
) -> pl.DataFrame:
    """What to change and what it would have saved (`LEVER_SCHEMA`), the most lines first, then the most messages.

    `lost`: as from `missed`. `safety_times` (supplier, safety_days) and `allowance` (share of pieces to start beyond the
    standard yields, share of the orders with more loss than standard for which it suffices): the reserves that the books call for.
    `message_causes` of all nights of the period. `lines_saved` is a promise: lines of the lever's cause that were no later
    than `amount` covers; of those short by their scrap, the share that the allowance covers.
    """
    caused = {
        cause: message_causes.filter(pl.col("category") == name).select("message").n_unique()
        for cause, name in CATEGORY.items()
    }
    days = safety_times.select("supplier", pl.col("safety_days").alias("amount"))
    vendors = (
        lost.filter(pl.col("cause") == "vendor").rename({"subject": "supplier"}).join(days, on="supplier", how="left")
    )
    saved = pl.col("late_days") <= pl.col("amount")
    by_vendor = vendors.group_by("supplier").agg(
        pl.col("amount").first().fill_null(0), pl.len().alias("lines_missed"), saved.sum().alias("lines_saved")
    )  # fmt: skip
    vendor = pl.format("have purchases from {} due {} working days earlier", "supplier", "amount")
    parts = [
        by_vendor.select(
            pl.lit("vendor").alias("lever"), pl.col("supplier").alias("subject"), "amount", pl.lit("days").alias("unit"),
            "lines_missed", "lines_saved",
            pl.lit(caused["vendor"]).alias("messages"), vendor.alias("action"),
        )
    ]  # fmt: skip
    rows: list[tuple[object, ...]] = []
    short = lost.filter((pl.col("cause") == "scrap") & (pl.col("shipped") > 0))
    if short.height:
        share, covered = allowance[0], round(short.height * allowance[1])
        action = f"start {share:.1%} more than the standard yields ask for"
        rows.append(("scrap", "order quantities", share, "share", short.height, covered, caused["scrap"], action))
    records = lost.filter(pl.col("cause") == "records")
    if records.height:
        action = f"have findings decided the day they are shown, {records['subject'].mode().sort()[0]} first"
        rows.append(
            ("records", "record accuracy", 1.0, "share", records.height, records.height, caused["records"], action)
        )
    parts.append(pl.DataFrame(rows, schema=LEVER_SCHEMA, orient="row"))
    made = pl.concat([part.cast(pl.Schema(LEVER_SCHEMA)) for part in parts])
    return made.sort("lines_saved", "messages", "lever", "subject", descending=[True, True, False, False])


def judged(night: date, weeks: int) -> Period:
    """The last `weeks` weeks of lines that can be judged on a night: a customer may take a line some days late."""
    end = night - timedelta(days=JUDGED_AFTER_DAYS)
    return Period(end - timedelta(days=7 * weeks - 1), end)
