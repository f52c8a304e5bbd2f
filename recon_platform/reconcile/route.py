"""The operations each order goes through, with how they are made, and what the MES says about each.

Belongs here: which routing counts for an order and the join of both sides per operation. Joins run on whole numbers
(the order's place in key order, the routing's, the operation's), which is what makes a million operations cheap.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.model import Frames

ENDED = ("complete", "terminated")
SPAN = 1_000_000  # operation numbers stay below it: order (or routing) and operation share one whole number
ATTRIBUTES = (
    "setup_skill", "setup_people", "run_skill", "run_people", "queue_min", "move_min", "max_wait_min", "setup_family",
    "overlap_qty", "pausable", "batch_min", "batch_max", "batch_minutes", "tool", "external_days",
)  # fmt: skip
"""How an operation is made beyond its times: looked up by `standard_row` at the end, not carried through every join."""

_STANDARD = {"setup_min": "standard_setup_min", "run_min_per_unit": "standard_run_min"}


def with_attributes(operations: pl.DataFrame, routings: pl.DataFrame) -> pl.DataFrame:
    """`operations` with the attributes of their routing's row; null where they have none."""
    row = operations.get_column("standard_row")
    return operations.with_columns(routings.get_column(name).gather(row) for name in ATTRIBUTES)


def gathered(orders: pl.DataFrame, name: str, order_no: pl.Series) -> pl.Series:
    """Column `name` of `orders` (which stand in the order of `order_no`) for each operation."""
    return orders.get_column(name).gather(order_no).alias(name)


def operations_side_by_side(frames: Frames, orders: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """One row per operation of an order's routing or reported by the MES, sorted by order and operation.

    `orders` are work orders with `order_no`, counted from 0 in key order; `reports` the latest reports with the same.
    """
    route = _route(frames, orders, reports)
    floor = reports.select(
        (pl.col("order_no") * SPAN + pl.col("op_seq")).alias("op_key"),
        pl.col("operation_code").alias("mes_code"),
        pl.col("routing").alias("mes_routing"),
        pl.col("machine").alias("mes_machine"),
        pl.col("status").alias("mes_status"),
        pl.col("good_qty").alias("good"),
        pl.col("scrap_qty").alias("scrap"),
        pl.col("in_process_qty").alias("wip"),
        pl.col("rework_qty").alias("rework"),
        "started_at", "ended_at", "reported_at",
    )  # fmt: skip
    both = route.join(floor, on="op_key", how="left", maintain_order="left")
    outside = floor.join(route.select("op_key"), on="op_key", how="anti")
    if not outside.is_empty():
        both = pl.concat([both, outside], how="diagonal")
    if not both.get_column("op_key").is_sorted():
        both = both.sort("op_key")
    return both.with_columns(
        (pl.col("op_key") // SPAN).alias("order_no"),
        (pl.col("op_key") % SPAN).alias("op_seq"),
        pl.col("in_erp").fill_null(False),
        pl.col("mes_status").is_not_null().alias("reported"),
        pl.col("mes_status").is_in(ENDED).fill_null(False).alias("done"),
        pl.col("wip").is_not_null().alias("known_wip"),
        pl.coalesce("good", "posted_qty", pl.lit(0.0)).alias("good"),
        pl.col("scrap", "rework", "wip").fill_null(0.0),
    ).drop("posted_qty", "op_key")


def _route(frames: Frames, orders: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """Operations by routing: the order's own, else those of its routing valid on its start date.

    Where the MES follows another routing that exists for the item, that one counts.
    """
    routings = frames["routings"].with_row_index("standard_row").cast({"standard_row": pl.Int64})
    names = routings.select("item", "routing").unique().sort("item", "routing").with_row_index("routing_no")
    names = names.cast({"routing_no": pl.Int64})
    followed = (
        reports.filter(pl.col("routing").is_not_null()).group_by("order_no").agg(followed=pl.col("routing").first())
    )
    index = (
        orders.select(
            "order_no", "work_order", "item", "status", day=pl.coalesce("start_date", "due_date"),
            named=pl.col("routing").fill_null("main"),
        )
        .join(followed, on="order_no", how="left", maintain_order="left")
        .join(names, left_on=["item", "named"], right_on=["item", "routing"], how="left", maintain_order="left")
        .join(
            names.rename({"routing_no": "followed_no"}), left_on=["item", "followed"], right_on=["item", "routing"],
            how="left", maintain_order="left",
        )
    )  # fmt: skip
    other = index.filter(pl.col("followed_no").is_not_null() & (pl.col("followed") != pl.col("named")))
    own = frames["work_order_operations"].join(index.select("order_no", "work_order"), on="work_order")
    if not other.is_empty():
        own = own.join(other.select("order_no"), on="order_no", how="anti")
    order_no = own.get_column("order_no")
    own = own.with_columns(
        gathered(index, "routing_no", order_no), gathered(index, "day", order_no),
    ).rename({"completed_qty": "posted_qty"})  # fmt: skip
    standard = (
        routings.join(names, on=["item", "routing"])
        .with_columns(standard_key=pl.col("routing_no") * SPAN + pl.col("op_seq"))
        .rename(_STANDARD)
    )
    own = _with_standard(own.with_columns(standard_key=pl.col("routing_no") * SPAN + pl.col("op_seq")), standard)
    own = own.with_columns(
        setup_min=pl.coalesce("setup_min", "standard_setup_min"),
        run_min_per_unit=pl.coalesce("run_min_per_unit", "standard_run_min"),
    )
    explode = pl.concat([_without_operations(index, own, reports), other]).unique("order_no", maintain_order=True)
    explode = explode.with_columns(pl.coalesce("followed_no", "routing_no").alias("routing_no"))
    exploded = (
        explode.select("order_no", "routing_no", "day")
        .join(standard, on="routing_no", how="inner")
        .filter(_valid_on_day())
        .rename({new: old for old, new in _STANDARD.items()})
    )
    columns = (
        "order_no", "op_seq", "operation_code", "work_center", "setup_min", "run_min_per_unit", "yield", "standard_row",
    )  # fmt: skip
    nothing = (pl.lit(None, pl.String).alias("machine"), pl.lit(None, pl.Float64).alias("posted_qty"))
    route = own.select(*columns, "machine", "posted_qty")
    if not exploded.is_empty():
        route = pl.concat([route, exploded.select(*columns, *nothing)])
    return route.select(
        (pl.col("order_no") * SPAN + pl.col("op_seq")).alias("op_key"), pl.exclude("order_no", "op_seq"),
        in_erp=pl.lit(True),
    )  # fmt: skip


def _without_operations(index: pl.DataFrame, own: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """Orders the MES reports and the ERP gave no operations of (closed, cancelled or planned ones)."""
    return index.join(reports.select("order_no").unique(), on="order_no", how="semi").join(
        own.select("order_no").unique(), on="order_no", how="anti"
    )


def _with_standard(own: pl.DataFrame, standard: pl.DataFrame) -> pl.DataFrame:
    """How each operation is made by its routing; of several versions the one valid when the order starts."""
    known = standard.select("standard_key", "valid_from", "valid_to", *_STANDARD.values(), "yield", "standard_row")
    if known.get_column("standard_key").is_duplicated().any():
        known = (
            own.select("order_no", "standard_key", "day")
            .join(known, on="standard_key", how="inner")
            .filter(_valid_on_day())
            .unique(["order_no", "standard_key"], keep="first", maintain_order=True)
        )
        keys = ["order_no", "standard_key"]
        return own.join(known.drop("day"), on=keys, how="left", maintain_order="left")
    return own.join(known, on="standard_key", how="left", maintain_order="left")


def _valid_on_day() -> pl.Expr:
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("day"))) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("day"))
    )
