"""Errors of a feed as a whole: starts filled in afterwards, a clock apart, dates of another epoch, numbers that are missing.

Belongs here: what hits every row of a feed, or a block of them, on some nights. Single rows are `drift_feeds`.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.plantsim.drift_feeds import STAMP, free
from recon_platform.plantsim.planting import DriftKind, Planting

DEFAULT_SHARE = 0.08  # of the reports that have a start
LEAST_DEFAULTS = 25
BEHIND_H = 2
EPOCH_DAYS = 4_017  # between two copies of one public database
MISSING_NUMBERS = 12
NUMBER = r"(\d+)$"
OTHER_RANGE = 1_000


def default_start(p: Planting, share: float) -> None:
    """Starts at midnight: the reports of a shift typed in the next day, with the date only."""
    del share
    if not p.errs("default_start", 1.0):
        return
    zone = p.state.history.world.clock.zone.key
    reports = free(p, "operation_status").filter(pl.col("status") == "complete")
    begun = p.frames["operation_status"]["started_at"].drop_nulls().len()
    rows = reports.with_columns(_draw=pl.Series(p.draw("default_start", reports["_id"].to_numpy())))
    rows = rows.sort("_draw", "_id").head(max(LEAST_DEFAULTS, round(DEFAULT_SHARE * begun))).drop("_draw").sort("_id")
    if rows.height < LEAST_DEFAULTS:
        return
    local = rows["started_at"].str.to_datetime(STAMP).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    midnight = local.dt.truncate("1d").dt.convert_time_zone("UTC").dt.strftime(STAMP)
    p.set(
        "default_start", "operation_status", rows, "started_at", midnight, entity=pl.lit("operation_status"),
        rules="time_default", entity_type="feed", key="order",
    )  # fmt: skip


def clock_behind(p: Planting, share: float) -> None:
    """Measured cycles stamped by a collector whose clock runs behind that of the MES."""
    del share
    rows = p.frames["cycle_times"].with_columns(_at=pl.col("at").str.to_datetime(STAMP, strict=False))
    rows = rows.filter(pl.col("_at").is_not_null())
    if rows.is_empty() or not p.errs("clock_behind", 1.0):
        return
    earlier = (rows["_at"] - timedelta(hours=BEHIND_H)).dt.strftime(STAMP)
    ended = p.frames["operation_status"].filter(pl.col("ended_at").is_not_null()).select("order", "op_seq")
    both = rows.join(ended, on=["order", "op_seq"], how="semi").height
    p.set(
        "clock_behind", "cycle_times", rows.drop("_at"), "at", earlier, entity=pl.lit("mes/cycle_times"),
        rules="feed_offset", entity_type="feed", key="order", observable=both >= 2 * LEAST_DEFAULTS,
    )  # fmt: skip


def other_epoch(p: Planting, share: float) -> None:
    """Shipments read from an old copy of the system, whose dates were shifted as a whole."""
    del share
    rows = p.frames["shipments"]
    if rows.height < LEAST_DEFAULTS or not p.errs("other_epoch", 1.0):
        return
    shifted = (rows["shipped_on"].str.to_date("%Y-%m-%d") - timedelta(days=EPOCH_DAYS)).cast(pl.String)
    p.set(
        "other_epoch", "shipments", rows, "shipped_on", shifted, entity=pl.lit("shipments"), rules="feed_epoch",
        entity_type="feed", key="sales_order",
    )  # fmt: skip


def missing_numbers(p: Planting, share: float) -> None:
    """A block of closed purchase orders that did not come, nor did their receipts: a part file lost."""
    del share
    if not p.errs("missing_numbers", 1.0):
        return
    orders = p.frames["purchase_orders"].with_columns(
        _number=pl.col("purchase_order").str.extract(NUMBER).cast(pl.Int64)
    )
    untouched = free(p, "purchase_orders", "purchase_order").select("_id", _free=pl.lit(True))
    numbers = (
        orders.join(untouched, on="_id", how="left")
        .group_by("purchase_order", "_number")
        .agg(closed=(pl.col("status") == "closed").all() & pl.col("_free").fill_null(value=False).all())
        .sort("_number")
        .with_columns(_range=(pl.col("_number").diff() > OTHER_RANGE).fill_null(value=False).cum_sum())
    )
    newer = numbers.filter(
        pl.col("_number") * 2 >= pl.col("_number").min().over("_range") + pl.col("_number").max().over("_range"),
        pl.len().over("_range") >= 300,
    )  # fmt: skip
    runs = newer.with_columns(
        _all=pl.col("closed").cast(pl.Int64).rolling_sum(MISSING_NUMBERS).over("_range") == MISSING_NUMBERS,
        _inside=pl.int_range(pl.len()).over("_range").is_between(MISSING_NUMBERS, pl.len().over("_range") - 2),
    ).filter(pl.col("_all").fill_null(value=False) & pl.col("_inside"))  # fmt: skip
    if runs.is_empty():
        return
    last = runs["_number"][runs.height // 2]
    block = newer.filter(pl.col("_number") <= last).tail(MISSING_NUMBERS)["purchase_order"]
    gone = p.ids("purchase_orders", "purchase_order", block)
    p.note(
        "missing_numbers", "purchase_orders", gone, "*", gone["purchase_order"], pl.Series([None] * gone.height, dtype=pl.String),
        entity=pl.lit("purchase_orders"), rules="id_gap", entity_type="feed", key="purchase_order",
    )  # fmt: skip
    for table in ("purchase_orders", "receipts"):
        p.drop(table, p.ids(table, "purchase_order", block))


CLOCK_KINDS: tuple[DriftKind, ...] = (
    DriftKind("default_start", "11 default times", 0.0, default_start),
    DriftKind("clock_behind", "8 constant offset", 0.0, clock_behind),
    DriftKind("other_epoch", "22 date epoch", 0.0, other_epoch),
    DriftKind("missing_numbers", "12 gaps in ids", 0.0, missing_numbers),
)
