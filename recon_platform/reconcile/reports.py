"""What the MES says about each operation and order: the latest report counts, parts of a split are added up.

A late or repeated report changes nothing twice: per part and operation only the newest one is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.tables.model import Frames

_QUANTITIES = ("good_qty", "scrap_qty", "in_process_qty", "rework_qty")


@dataclass(frozen=True, slots=True)
class Reports:
    """`operations`: one row per order and operation; `orders`: one per order; `parts`: what was added up."""

    operations: pl.DataFrame
    orders: pl.DataFrame
    parts: pl.DataFrame


def latest_reports(frames: Frames) -> Reports:
    """The MES's present word, from conformed `operation_status`, `order_status` and the split keys of `key_map`."""
    status = frames["operation_status"].drop("source_file", "source_row", "uom", strict=False)
    newest_first = ["order", "op_seq", "reported_at"]
    if status.select(pl.struct("order", "op_seq").is_duplicated().any()).item():
        status = status.sort(newest_first, descending=[False, False, True], nulls_last=True)
        status = status.unique(["order", "op_seq"], keep="first", maintain_order=True)
    orders = frames["order_status"].sort(["order", "reported_at"], descending=[False, True])
    orders = orders.unique("order", keep="first", maintain_order=True)
    parts = pl.DataFrame(schema={"order": pl.String(), "part": pl.String(), "good_qty": pl.Float64()})
    return Reports(status, orders, parts)
