"""Both sides' view of every work order and operation, side by side, before any rule looks at it.

Makes two frames: `operations` (one row per operation of the order's routing or reported by the MES) and `orders` (one
row per work order), with the floor's quantities followed along the routing. No rule, no correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.reconcile.flow import follow
from recon_platform.reconcile.reports import latest_reports
from recon_platform.reconcile.reversals import net_postings, reversal_pairs
from recon_platform.reconcile.route import ENDED, gathered, operations_side_by_side
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

ACTIVE = ("setup", "running", "paused")
HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Observation:
    """`orders` (by `order_no`, the position in key order) and `operations` (by `order_no`, `op_seq`)."""

    orders: pl.DataFrame
    operations: pl.DataFrame
    unknown: pl.DataFrame  # MES reports of orders the ERP does not know
    parts: pl.DataFrame  # MES parts added up to one order
    roots: pl.DataFrame  # part → order
    reversals: pl.DataFrame  # postings taken out with their reversal
    postings: pl.DataFrame  # what was posted per order and item, without them


def observe(frames: Frames, context: PlanContext) -> Observation:
    """Put ERP and MES side by side, from conformed tables."""
    reports = latest_reports(frames)
    numbered = frames["work_orders"].sort("work_order").with_row_index("order_no").cast({"order_no": pl.Int64})
    index = numbered.select("order_no", "work_order")
    known = reports.operations.join(index, left_on="order", right_on="work_order", how="left")
    unknown = known.filter(pl.col("order_no").is_null()).drop("order_no")
    known = known.filter(pl.col("order_no").is_not_null())
    operations = operations_side_by_side(frames, numbered, known)
    reversals = reversal_pairs(frames)
    postings = net_postings(frames, reversals)
    orders = _orders(frames, numbered, reports.orders, postings, context)
    operations, totals = _follow(orders, operations)
    orders = orders.join(totals, on="order_no", how="left", maintain_order="left")
    return Observation(_finish(orders, context), operations, unknown, reports.parts, reports.roots, reversals, postings)


def _orders(
    frames: Frames, numbered: pl.DataFrame, order_reports: pl.DataFrame, postings: pl.DataFrame, context: PlanContext
) -> pl.DataFrame:
    policy = context.policy.reconciliation
    items = frames["items"].select(
        "item", pl.col("cost").alias("cost"), pl.col("yield").alias("item_yield"), "lot_traced",
        pl.col("uom").alias("item_uom"),
    )  # fmt: skip
    lines = frames["sales_orders"].select("sales_order", "line", "customer", pl.col("status").alias("line_status"))
    tau = pl.max_horizontal(
        pl.lit(policy.quantity_tolerance_units), policy.quantity_tolerance_share * pl.col("qty")
    ).alias("tau")
    return (
        numbered.drop("source_file", "source_row", strict=False)
        .join(items, on="item", how="left", maintain_order="left")
        .join(lines, on=["sales_order", "line"], how="left", maintain_order="left")
        .join(
            order_reports.select(
                pl.col("order").alias("work_order"),
                pl.col("status").alias("mes_order_status"),
                pl.col("reported_at").alias("order_reported_at"),
            ),
            on="work_order", how="left", maintain_order="left",
        )
        .join(
            postings.filter(pl.col("receipts") > 0).select(
                pl.col("order").alias("work_order"), "item", pl.col("received").alias("posted_receipts")
            ),
            on=["work_order", "item"], how="left", maintain_order="left",
        )
        .with_columns(
            tau,
            pl.coalesce("completed_qty", "posted_receipts", pl.lit(0.0)).alias("erp_good"),
            pl.col("scrapped_qty").fill_null(0.0).alias("erp_scrap"),
            pl.col("lot_traced").fill_null(False),
            pl.col("status").alias("erp_status"),
            (pl.col("line_status") == "open").fill_null(False).alias("wanted"),
        )
        .drop("status")
    )  # fmt: skip


def _follow(orders: pl.DataFrame, operations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Operations with the flow of units, and per order what the floor says in total."""
    order_no = operations.get_column("order_no")
    counts = order_no.rle().struct.unnest().select("len", order_no="value")
    starts = np.concatenate([[0], counts.get_column("len").cum_sum().to_numpy()]).astype(np.int64)
    own = counts.get_column("order_no")
    out_op, out_order = np.zeros((operations.height, 8)), np.zeros((counts.height, 4))
    follow(
        starts,
        *(_array(gathered(orders, name, own)) for name in ("qty", "erp_good", "item_yield")),
        *(_array(operations.get_column(name)) for name in ("reported", "done", "known_wip")),
        *(_array(operations.get_column(name)) for name in ("good", "scrap", "rework", "wip", "yield")),
        out_op, out_order,
    )  # fmt: skip
    names = ("good", "yield", "entering", "remaining", "queue", "over_count", "over_good", "unaccounted")
    operations = operations.with_columns(pl.Series(name, out_op[:, k]) for k, name in enumerate(names))
    flow_names = ("coming_good", "coming_good_plain", "mes_good", "credible_good")
    flows = counts.select("order_no").with_columns(
        pl.Series(name, out_order[:, k]) for k, name in enumerate(flow_names)
    )
    state = pl.col("mes_status")
    active, ended = state.is_in(ACTIVE), state.is_in(ENDED)
    counted = pl.col("reported") & (pl.col("good") + pl.col("scrap") + pl.col("rework") + pl.col("wip") > 0)
    totals = (
        operations.with_columns(
            active=active.fill_null(False), started=counted | active.fill_null(False) | ended.fill_null(False),
            held=(state == "hold").fill_null(False),
            reporting=pl.when("reported").then(pl.coalesce("mes_machine", "machine")),
        )
        .group_by("order_no", maintain_order=True)
        .agg(
            pl.col("reported").any().alias("has_mes"),
            pl.col("scrap").sum().alias("mes_scrap"),
            pl.col("rework").sum().alias("mes_rework"),
            pl.col("wip").sum().alias("mes_wip"),
            pl.col("done").all().alias("ops_done"),
            pl.col("active").any().alias("ops_active"),
            pl.col("held").any().alias("ops_hold"),
            pl.col("started").any().alias("ops_started"),
            pl.max("over_count").alias("max_over_count"),
            pl.max("over_good").alias("max_over_good"),
            pl.max("unaccounted").alias("max_unaccounted"),
            pl.max("reported_at").alias("last_report"),
            pl.len().alias("operations"),
            pl.col("in_erp").any().alias("has_route"),
            pl.first("op_seq").alias("first_op"),
            pl.first("work_center").alias("first_center"),
            pl.last("work_center").alias("last_center"),
            pl.col("reporting").drop_nulls().last().alias("last_machine"),
        )
    )  # fmt: skip
    return operations, totals.join(flows, on="order_no", how="left", maintain_order="left")


def _array(series: pl.Series) -> np.ndarray:
    filled = series.fill_null(float("nan")) if series.dtype == pl.Float64 else series
    return np.ascontiguousarray(filled.to_numpy())


def _finish(orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    as_of = pl.lit(context.as_of).cast(pl.Datetime("us", "UTC"))
    flags = ("has_mes", "ops_done", "ops_active", "ops_hold", "ops_started", "has_route")
    numbers = (
        "mes_scrap", "mes_rework", "mes_wip", "max_over_count", "max_over_good", "max_unaccounted", "mes_good",
        "credible_good", "coming_good", "coming_good_plain",
    )  # fmt: skip
    last = pl.max_horizontal("last_report", "order_reported_at")
    return orders.with_columns(
        *(pl.col(name).fill_null(False) for name in flags),
        *(pl.col(name).fill_null(0.0) for name in numbers),
        pl.col("operations").fill_null(0),
    ).with_columns(
        last.alias("last_report"),
        ((as_of - last).dt.total_microseconds() / HOUR_US).alias("quiet_hours"),
        (pl.col("ops_hold") | (pl.col("mes_order_status") == "hold").fill_null(False)).alias("on_hold"),
        (
            pl.col("ops_active") | (pl.col("mes_wip") > 0) | (pl.col("mes_order_status") == "running").fill_null(False)
        ).alias("running"),
        (pl.col("ops_done") | (pl.col("mes_order_status") == "terminated").fill_null(False)).alias("finished"),
    )
