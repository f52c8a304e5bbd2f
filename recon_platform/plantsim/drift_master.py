"""Errors of master data that time brings: standards and lead times nobody kept up, lots written in another form.

Belongs here: master rows that what happened contradicts, seen only by comparing many reports with them. A small plant may
carry none: a stale standard is planted where enough was measured to show it.
"""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl

from recon_platform.plantsim.drift_feeds import free
from recon_platform.plantsim.planting import DriftKind, Planting

ENOUGH = 8  # measurements that show it, some of which other errors may spoil
STANDARD_FACTOR = 1.6
LEAD_TIME_FACTOR = 3
MOST = 0.2  # of the rows that could carry it
MAIN = "main"


def _chosen(p: Planting, kind: str, share: float, rows: pl.DataFrame, name: pl.Expr) -> pl.DataFrame:
    """Of `rows` about `rate × share` of the open orders, by a draw that belongs to what the row is about."""
    if rows.is_empty():
        return rows
    keys = rows.select(name.alias("_name"))["_name"].to_list()
    index = np.array([zlib.crc32(str(key).encode()) for key in keys], dtype=np.int64)
    limit = min(MOST, p.rate * share * p.open_orders / rows.height)
    return rows.filter(pl.Series(p.draw(kind, index) < limit))


def stale_standard(p: Planting, share: float) -> None:
    """A standard time that was never brought down when the operation became faster."""
    orders = p.frames["work_orders"].select("item", order="work_order", routing=pl.col("routing").fill_null(MAIN))
    keys = ["item", "routing", "op_seq"]
    cycles = p.frames["cycle_times"].join(orders, on="order").group_by(keys).agg(pl.len().alias("_cycles"))
    valid = p.frames["routings"].filter(
        pl.col("valid_to").is_null() & (pl.col("run_min_per_unit").cast(pl.Float64) > 0)
    )
    rows = (
        valid.filter(pl.len().over(keys) == 1)
        .join(cycles.filter(pl.col("_cycles") >= ENOUGH), on=keys, how="semi", maintain_order="left")
    )  # fmt: skip
    name = pl.format("{}/{}/{}", *keys)
    chosen = _chosen(p, "stale_standard", share, rows, name)
    slower = chosen["run_min_per_unit"].cast(pl.Float64) * STANDARD_FACTOR
    p.set(
        "stale_standard", "routings", chosen, "run_min_per_unit", slower, entity=name, rules="standard_time_stale",
        entity_type="item", key="item",
    )  # fmt: skip


def stale_lead_time(p: Planting, share: float) -> None:
    """A lead time agreed long ago; every delivery since came much sooner."""
    keys = ["supplier", "item"]
    came = p.frames["receipts"].select("purchase_order", "line").unique()
    closed = free(p, "purchase_orders", "purchase_order").filter(
        (pl.col("status") == "closed") & pl.col("ordered_on").is_not_null()
    )
    lines = closed.join(came, on=["purchase_order", "line"], how="semi").group_by(keys).agg(pl.len().alias("_lines"))
    rows = p.frames["supplier_items"].join(
        lines.filter(pl.col("_lines") >= ENOUGH), on=keys, how="semi", maintain_order="left"
    )
    name = pl.format("{}/{}", *keys)
    chosen = _chosen(p, "stale_lead_time", share, rows, name)
    longer = chosen["lead_time_days"].cast(pl.Float64).round().cast(pl.Int64) * LEAD_TIME_FACTOR
    p.set(
        "stale_lead_time", "supplier_items", chosen, "lead_time_days", longer, entity=name, rules="lead_time_stale",
        entity_type="item", key="item",
    )  # fmt: skip


def lot_renamed(p: Planting, share: float) -> None:
    """The MES writes a lot with a delimiter the ERP does not know, or in lower case."""
    known = p.frames["lots"]["lot"].unique()
    rows = free(p, "material_consumption").filter(pl.col("lot").is_in(known.implode()))
    chosen = _chosen(p, "lot_renamed", share, rows, pl.concat_str("order", "component_item", "lot"))
    lot = pl.col("lot")
    form = pl.col("order").str.ends_with("0") | pl.col("order").str.ends_with("5")
    renamed = chosen.select(
        pl.when(form).then(lot.str.to_lowercase()).otherwise(lot.str.slice(0, 1) + pl.lit("-") + lot.str.slice(1))
    ).to_series()
    p.set(
        "lot_renamed", "material_consumption", chosen, "lot", renamed, entity=lot, rules="key_map", entity_type="row",
        key="order",
    )  # fmt: skip


MASTER_KINDS: tuple[DriftKind, ...] = (
    DriftKind("stale_standard", "17 stale standard time", 0.02, stale_standard),
    DriftKind("stale_lead_time", "17 stale lead time", 0.01, stale_lead_time),
    DriftKind("lot_renamed", "20 lots split and renamed", 0.02, lot_renamed),
)
