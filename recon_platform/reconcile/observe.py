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
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

ACTIVE = ("setup", "running", "paused")
ENDED = ("complete", "terminated")
NEEDS_ROUTE = ("firm", "released", "in_process")
HOUR_US = 3_600_000_000
_SEQ_SPAN = 1_000_000  # operation numbers stay below it; order index and number share one integer key

ROUTE_COLUMNS = (
    "operation_code", "work_center", "machine", "setup_min", "run_min_per_unit", "setup_skill", "setup_people",
    "run_skill", "run_people", "queue_min", "move_min", "max_wait_min", "setup_family", "overlap_qty", "yield",
    "pausable", "batch_min", "batch_max", "batch_minutes", "tool", "external_days",
)  # fmt: skip


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
    route = _route(frames, numbered, known)
    operations = _side_by_side(route, known)
    reversals = reversal_pairs(frames)
    postings = net_postings(frames, reversals)
    orders = _orders(frames, numbered, reports.orders, postings, context)
    operations, totals = _follow(orders, operations)
    orders = orders.join(totals, on="order_no", how="left", maintain_order="left")
    return Observation(_finish(orders, context), operations, unknown, reports.parts, reports.roots, reversals, postings)


def _route(frames: Frames, orders: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Operations of each order: its own, else those of its routing valid on its start date."""
    index = orders.select("order_no", "work_order", "item", "routing", "start_date", "due_date", "status")
    own = frames["work_order_operations"].join(
        index.select("order_no", "work_order", "item", "routing", "start_date", "due_date"), on="work_order"
    ).rename({"completed_qty": "posted_qty", "status": "erp_op_status"})  # fmt: skip
    routings = frames["routings"].rename({"setup_min": "routing_setup_min", "run_min_per_unit": "routing_run_min"})
    attributes = routings.drop("operation_code", "work_center", "source_file", "source_row", strict=False)
    versions = attributes.select(pl.struct("item", "routing", "op_seq").is_duplicated().any()).item()
    own = own.with_columns(pl.col("routing").fill_null("main"))
    if versions:  # several versions of one operation: the one valid when the order starts
        own = own.with_columns(day=pl.coalesce("start_date", "due_date"))
        matched = (
            own.select("order_no", "item", "routing", "op_seq", "day")
            .join(attributes, on=["item", "routing", "op_seq"], how="inner")
            .filter(_valid_on("day"))
            .unique(["order_no", "op_seq"], keep="first", maintain_order=True)
            .drop("item", "routing", "day")
        )
        own = own.join(matched, on=["order_no", "op_seq"], how="left")
    else:
        own = own.join(attributes, on=["item", "routing", "op_seq"], how="left")
    own = own.with_columns(
        setup_min=pl.coalesce("setup_min", "routing_setup_min"),
        run_min_per_unit=pl.coalesce("run_min_per_unit", "routing_run_min"),
    )
    without = (
        index.join(known.select("order_no").unique(), on="order_no", how="semi")
        .join(own.select("order_no").unique(), on="order_no", how="anti")
        .with_columns(day=pl.coalesce("start_date", "due_date"), routing=pl.col("routing").fill_null("main"))
    )
    exploded = without.join(routings, on=["item", "routing"], how="inner").filter(_valid_on("day"))
    exploded = exploded.rename({"routing_setup_min": "setup_min", "routing_run_min": "run_min_per_unit"})
    columns = ["order_no", "op_seq", "posted_qty", *ROUTE_COLUMNS]
    own, exploded = _with_missing(own, columns), _with_missing(exploded, columns)
    return pl.concat([own, exploded], how="vertical_relaxed").with_columns(in_erp=pl.lit(True))


def _valid_on(day: str) -> pl.Expr:
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col(day))) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col(day))
    )


def _with_missing(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    return frame.select(
        pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in columns
    ).with_columns(pl.col("posted_qty").cast(pl.Float64), pl.col("machine").cast(pl.String))


def _side_by_side(route: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    key = (pl.col("order_no") * _SEQ_SPAN + pl.col("op_seq")).alias("op_key")
    floor = known.select(
        key,
        pl.col("operation_code").alias("mes_code"),
        pl.col("routing").alias("mes_routing"),
        pl.col("machine").alias("mes_machine"),
        pl.col("status").alias("mes_status"),
        pl.col("good_qty").alias("good"),
        pl.col("scrap_qty").alias("scrap"),
        pl.col("in_process_qty").alias("wip"),
        pl.col("rework_qty").fill_null(0.0).alias("rework"),
        "started_at", "ended_at", "reported_at",
    )  # fmt: skip
    both = route.with_columns(key).join(floor, on="op_key", how="full", coalesce=True).sort("op_key")
    return both.with_columns(
        (pl.col("op_key") // _SEQ_SPAN).alias("order_no"),
        (pl.col("op_key") % _SEQ_SPAN).alias("op_seq"),
        pl.col("in_erp").fill_null(False),
        pl.col("mes_status").is_not_null().alias("reported"),
        pl.col("mes_status").is_in(ENDED).fill_null(False).alias("done"),
        pl.col("wip").is_not_null().alias("known_wip"),
        pl.coalesce("good", "posted_qty", pl.lit(0.0)).alias("good"),
        pl.col("scrap").fill_null(0.0),
        pl.col("rework").fill_null(0.0),
        pl.col("wip").fill_null(0.0),
    )


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
    has_yield = pl.col("yield").is_not_null().any().over("order_no")
    last = pl.col("order_no") != pl.col("order_no").shift(-1, fill_value=-1)
    operations = operations.join(
        orders.select("order_no", "qty", "item_yield", "erp_good"), on="order_no", how="left", maintain_order="left"
    ).with_columns(
        pl.when(pl.col("yield").is_null() & ~has_yield & last).then(pl.col("item_yield")).otherwise(pl.col("yield"))
        .fill_null(1.0).alias("yield"),
    )  # fmt: skip
    untold = ~pl.col("reported").any().over("order_no")  # only the ERP speaks: what it received has passed everywhere
    operations = operations.with_columns(
        pl.when(untold).then(pl.max_horizontal("good", "erp_good")).otherwise(pl.col("good")).alias("good")
    )
    counts = operations.group_by("order_no", maintain_order=True).len()
    starts = np.concatenate([[0], counts.get_column("len").cum_sum().to_numpy()]).astype(np.int64)
    quantities = counts.join(orders.select("order_no", "qty"), on="order_no", how="left", maintain_order="left")
    out_op = np.zeros((operations.height, 6))
    out_order = np.zeros((counts.height, 4))

    def column(name: str) -> np.ndarray:
        return np.ascontiguousarray(operations.get_column(name).to_numpy())

    follow(
        starts, np.ascontiguousarray(quantities.get_column("qty").to_numpy()), column("reported"), column("done"),
        column("known_wip"), column("good"), column("scrap"), column("rework"), column("wip"), column("yield"),
        out_op, out_order,
    )  # fmt: skip
    names = ("entering", "remaining", "queue", "over_count", "over_good", "unaccounted")
    operations = operations.with_columns(pl.Series(name, out_op[:, k]) for k, name in enumerate(names))
    flow_names = ("coming_good", "coming_good_plain", "mes_good", "credible_good")
    flows = counts.select("order_no").with_columns(
        pl.Series(name, out_order[:, k]) for k, name in enumerate(flow_names)
    )
    totals = operations.group_by("order_no", maintain_order=True).agg(
        pl.col("reported").any().alias("has_mes"),
        pl.col("scrap").sum().alias("mes_scrap"),
        pl.col("rework").sum().alias("mes_rework"),
        pl.col("wip").sum().alias("mes_wip"),
        (pl.col("done") & pl.col("reported")).all().alias("ops_done"),
        pl.col("mes_status").is_in(ACTIVE).any().alias("ops_active"),
        (pl.col("mes_status") == "hold").any().alias("ops_hold"),
        (pl.col("mes_status") == "terminated").any().alias("ops_terminated"),
        (
            (pl.col("reported") & (pl.col("good") + pl.col("scrap") + pl.col("rework") + pl.col("wip") > 0)).any()
            | pl.col("mes_status").is_in((*ACTIVE, *ENDED)).any()
        ).alias("ops_started"),
        pl.max("over_count").alias("max_over_count"),
        pl.max("over_good").alias("max_over_good"),
        pl.max("unaccounted").alias("max_unaccounted"),
        pl.max("reported_at").alias("last_report"),
        pl.min("started_at").alias("first_start"),
        pl.max("ended_at").alias("last_end"),
        pl.len().alias("operations"),
        pl.col("in_erp").any().alias("has_route"),
        pl.first("work_center").alias("first_center"),
        pl.last("work_center").alias("last_center"),
    )
    return operations.drop("qty", "item_yield", "erp_good", "op_key"), totals.join(
        flows, on="order_no", how="left", maintain_order="left"
    )


def _finish(orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    as_of = pl.lit(context.as_of).cast(pl.Datetime("us", "UTC"))
    flags = ("has_mes", "ops_done", "ops_active", "ops_hold", "ops_terminated", "ops_started", "has_route")
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
