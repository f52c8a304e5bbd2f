"""What each order should have consumed of each component, what the ERP issued, and what the MES saw consumed.

Expected consumption E = N · qty_per · (1 + scrap) + fixed, with N the units that went through the consuming operation
(good + scrap + rework); a line without an operation is consumed by the first. Belongs here: quantities, side by side.
Does not belong here: judging them (`component_rules`).
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.observe import Observation
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames


def components(frames: Frames, observation: Observation, orders: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """One row per order and component in scope, with `expected`, `expected_erp`, `issued`, `consumed`, `stock`.

    In scope are open orders somebody worked on, if the ERP tells issues at all (`material_issues`, else postings of
    kind issue in `inventory_transactions`, reversals taken out), and orders that are over of which it told any.
    """
    issued = _issued(frames, observation)
    worked = orders.filter(
        (pl.col("ops_started") | (pl.col("erp_good") + pl.col("erp_scrap") > 0))
        & ~pl.col("erp_status").is_in(["planned", "cancelled"])
        & (
            pl.col("work_order").is_in(issued.get_column("work_order").unique().implode())
            | (pl.col("erp_status").is_in(["firm", "released", "in_process"]) & pl.lit(not issued.is_empty()))
        )
    )
    consumed = _consumed(frames, observation)
    on_bill = _bill(frames, worked, observation.operations)
    keys = ["work_order", "component"]
    both = on_bill.join(issued, on=keys, how="left").with_columns(pl.col("issued").fill_null(0.0), on_bill=pl.lit(True))
    extra = _off_bill(issued, consumed, worked, on_bill)
    everything = pl.concat([both, extra], how="diagonal_relaxed").join(consumed, on=keys, how="left")
    items = frames["items"].select(
        pl.col("item").alias("component"), pl.col("lot_traced").fill_null(False).alias("component_traced"),
        pl.col("cost").alias("component_cost"), pl.col("make_buy").alias("component_kind"),
    )  # fmt: skip
    stock = (
        frames["inventory"].filter(pl.col("status") == "available")
        .group_by(pl.col("item").alias("component")).agg(pl.col("qty").sum().alias("stock"))
    )  # fmt: skip
    policy = context.policy.reconciliation
    share = policy.component_tolerance_share * pl.col("expected").abs()
    return (
        everything.join(items, on="component", how="left")
        .join(stock, on="component", how="left")
        .with_columns(
            pl.col("stock").fill_null(0.0),
            pl.col("component_traced").fill_null(False),
            pl.max_horizontal(pl.lit(policy.component_tolerance_units), share).alias("tau_c"),
        )
        .sort(keys)
    )


def _issued(frames: Frames, observation: Observation) -> pl.DataFrame:
    stated = (
        frames["material_issues"]
        .group_by("work_order", component="component_item")
        .agg(
            issued=pl.col("issued_qty").sum(),
            required=pl.col("required_qty").sum(),
            issue_backflushed=pl.col("backflushed").any(),
            lots=pl.col("lot").drop_nulls().sort(),
        )
    )
    posted = observation.postings.filter(pl.col("issues") > 0).select(
        work_order="order", component="item", issued="issued"
    )
    return pl.concat([stated, posted.join(stated, on=["work_order", "component"], how="anti")], how="diagonal")


def _consumed(frames: Frames, observation: Observation) -> pl.DataFrame:
    """What the MES saw, parts of a split counted to their order; nothing where it does not watch the component."""
    return (
        frames["material_consumption"]
        .join(observation.roots, left_on="order", right_on="part", how="left")
        .group_by(work_order=pl.coalesce("root", "order"), component="component_item")
        .agg(consumed=pl.col("qty").sum(), consumed_lots=pl.col("lot").drop_nulls().unique().sort())
    )


def _bill(frames: Frames, worked: pl.DataFrame, operations: pl.DataFrame) -> pl.DataFrame:
    """Bill of materials of each order as valid on its start, with the units that passed the consuming operation."""
    lines = frames["bom_lines"].select(
        pl.col("parent_item").alias("item"), pl.col("component_item").alias("component"), "qty_per", "fixed_qty",
        pl.col("scrap").alias("component_scrap"), "op_seq", "backflush", "bulk", "valid_from", "valid_to",
    )  # fmt: skip
    bill = (
        worked.select(
            "order_no",
            "work_order",
            "item",
            "qty",
            "tau",
            "has_mes",
            "finished",
            "erp_good",
            "erp_scrap",
            "erp_status",
            "last_report",
            "due_date",
            "first_op",
            day=pl.coalesce("start_date", "due_date"),
        )
        .join(lines, on="item", how="inner")
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("day")))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("day")))
        )
    )
    passed = operations.join(bill.select("order_no").unique(), on="order_no", how="semi").select(
        "order_no", "op_seq", (pl.col("good") + pl.col("scrap") + pl.col("rework")).alias("passed"), "done", "reported"
    )
    bill = bill.with_columns(pl.coalesce("op_seq", "first_op").alias("op_seq"))
    bill = bill.join(passed, on=["order_no", "op_seq"], how="left")
    erp_count = pl.col("erp_good") + pl.col("erp_scrap")
    told = pl.col("has_mes") & pl.col("reported").fill_null(False)
    per_unit = pl.col("qty_per") * (1.0 + pl.col("component_scrap").fill_null(0.0))
    fixed = pl.col("fixed_qty").fill_null(0.0)
    units = pl.when(told).then(pl.col("passed")).otherwise(erp_count)
    return (
        bill.with_columns(units.alias("units"), per_unit.alias("per_unit"), fixed.alias("fixed"))
        .with_columns(
            pl.when(pl.col("units") > 0).then(pl.col("units") * pl.col("per_unit") + pl.col("fixed")).otherwise(0.0)
            .alias("expected"),
            pl.when(erp_count > 0).then(erp_count * pl.col("per_unit") + pl.col("fixed")).otherwise(0.0)
            .alias("expected_erp"),
            (pl.col("qty") * pl.col("per_unit") + pl.col("fixed")).alias("expected_full"),
            (pl.col("done").fill_null(False) | pl.col("finished") | pl.col("erp_status").is_in(["complete", "closed"]))
            .alias("passed_all"),
        )
        .group_by("work_order", "component", maintain_order=True)
        .agg(
            pl.first("order_no", "item", "tau", "op_seq", "units", "last_report", "erp_status"),
            pl.sum("expected", "expected_erp", "expected_full"),
            pl.first("per_unit"),
            pl.col("backflush").fill_null(False).any(),
            pl.col("bulk").fill_null(False).any(),
            pl.col("passed_all").all(),
        )
    )  # fmt: skip


def _off_bill(
    issued: pl.DataFrame, consumed: pl.DataFrame, worked: pl.DataFrame, on_bill: pl.DataFrame
) -> pl.DataFrame:
    """Components issued or consumed that are not on the order's bill."""
    keys = ["work_order", "component"]
    order = worked.select("work_order", "order_no", "item", "tau", "last_report", "erp_status")
    seen = (
        pl.concat([issued.select(keys), consumed.select(keys)]).unique().join(on_bill.select(keys), on=keys, how="anti")
    )
    return (
        seen.join(order, on="work_order")
        .join(issued, on=keys, how="left")
        .with_columns(
            pl.col("issued").fill_null(0.0),
            expected=pl.lit(0.0), expected_erp=pl.lit(0.0), expected_full=pl.lit(0.0), on_bill=pl.lit(False),
            backflush=pl.lit(False), bulk=pl.lit(False), passed_all=pl.lit(True), units=pl.lit(0.0),
        )
    )  # fmt: skip
