"""What each order consumed of each component against what the ERP issued: one verdict per order and component.

Expected consumption E = N · qty_per · (1 + scrap) + fixed, with N the units that went through the consuming operation
(good + scrap + rework). The verdicts exclude each other and are tried in the catalogue's order.
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.limits import period_state
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

MULTIPLE_TOLERANCE = 0.01  # relative distance of issued/expected from a whole number or unit factor


def components(frames: Frames, orders: pl.DataFrame, operations: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """One row per order and component in scope, with `expected`, `expected_erp`, `issued`, `consumed`, `stock`.

    In scope are orders somebody worked on, when the ERP told its issues at all (`material_issues`).
    """
    issues = frames["material_issues"]
    issued = issues.group_by("work_order", "component_item").agg(
        pl.col("issued_qty").sum().alias("issued"),
        pl.col("required_qty").sum().alias("required"),
        pl.col("backflushed").any().alias("issue_backflushed"),
        pl.col("lot").drop_nulls().sort().alias("lots"),
    )
    worked = orders.filter(
        (pl.col("ops_started") | (pl.col("erp_good") + pl.col("erp_scrap") > 0))
        & ~pl.col("erp_status").is_in(["planned", "cancelled"])
        & pl.col("work_order").is_in(issues.get_column("work_order").unique().implode())
    )
    on_bill = _bill(frames, worked, operations)
    both = on_bill.join(
        issued, left_on=["work_order", "component"], right_on=["work_order", "component_item"], how="left"
    )
    both = both.with_columns(pl.col("issued").fill_null(0.0), on_bill=pl.lit(True))
    extra = _off_bill(issued, worked, on_bill)
    everything = pl.concat([both, extra], how="diagonal_relaxed")
    items = frames["items"].select(
        pl.col("item").alias("component"), pl.col("lot_traced").fill_null(False).alias("component_traced"),
        pl.col("cost").alias("component_cost"), pl.col("make_buy").alias("component_kind"),
    )  # fmt: skip
    stock = (
        frames["inventory"].filter(pl.col("status") == "available")
        .group_by(pl.col("item").alias("component")).agg(pl.col("qty").sum().alias("stock"))
    )  # fmt: skip
    policy = context.policy.reconciliation
    return (
        everything.join(items, on="component", how="left")
        .join(stock, on="component", how="left")
        .with_columns(
            pl.col("stock").fill_null(0.0),
            pl.col("component_traced").fill_null(False),
            pl.max_horizontal(
                pl.lit(policy.component_tolerance_units), policy.component_tolerance_share * pl.col("expected").abs()
            ).alias("tau_c"),
        )
        .sort("work_order", "component")
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
            day=pl.coalesce("start_date", "due_date"),
        )
        .join(lines, on="item", how="inner")
        .filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("day")))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("day")))
        )
    )
    passed = operations.select(
        "order_no", "op_seq", (pl.col("good") + pl.col("scrap") + pl.col("rework")).alias("passed"), "done", "reported"
    )
    first = passed.unique("order_no", keep="first", maintain_order=True).select("order_no", first_op="op_seq")
    bill = bill.join(first, on="order_no", how="left").with_columns(pl.coalesce("op_seq", "first_op").alias("op_seq"))
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


def _off_bill(issued: pl.DataFrame, worked: pl.DataFrame, on_bill: pl.DataFrame) -> pl.DataFrame:
    """Issues of what is not on the order's bill."""
    return (
        issued.join(
            worked.select("work_order", "order_no", "item", "tau", "last_report", "erp_status"), on="work_order"
        )
        .join(on_bill.select("work_order", "component"), left_on=["work_order", "component_item"],
              right_on=["work_order", "component"], how="anti")
        .rename({"component_item": "component"})
        .with_columns(
            expected=pl.lit(0.0), expected_erp=pl.lit(0.0), expected_full=pl.lit(0.0), on_bill=pl.lit(False),
            backflush=pl.lit(False), bulk=pl.lit(False), passed_all=pl.lit(True), units=pl.lit(0.0),
        )
    )  # fmt: skip


def verdicts(found: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`found` with `verdict` (a BF rule id), `target` (what should stand as issued) and `with_receipt`."""
    expected, issued, tau = pl.col("expected"), pl.col("issued"), pl.col("tau_c")
    backflush = pl.col("backflush") | pl.col("issue_backflushed").fill_null(False)
    # what is issued by hand is issued for the whole order; only once all passed is there something to compare
    ceiling = (
        pl.when(backflush | pl.col("passed_all"))
        .then(expected)
        .otherwise(pl.max_horizontal("expected", "expected_full"))
    )
    short = issued < expected - tau
    too_much = issued > ceiling + tau
    ratio = issued / ceiling
    whole = ratio.round()
    multiple = (whole >= 2) & ((ratio / whole - 1.0).abs() <= MULTIPLE_TOLERANCE)
    posted = expected - issued
    explained = (issued - pl.col("expected_erp")).abs() <= pl.max_horizontal(tau, 0.02 * pl.col("expected_erp"))
    posted_on = pl.coalesce(pl.col("last_report").dt.date(), pl.lit(context.planning_date))
    period_closed = period_state(posted_on, frames) == "closed"
    no_stock = pl.col("stock") < posted
    excluded = pl.col("bulk") | (pl.col("component_kind") == "phantom").fill_null(False) | (pl.col("expected") < 0)
    wants = short & (backflush | pl.col("passed_all"))
    verdict = (
        pl.when(excluded).then(pl.lit("BF-12"))
        .when(pl.col("substitute_for").is_not_null() | pl.col("substituted_by").is_not_null()).then(pl.lit("BF-06"))
        .when(pl.col("component_factor").is_not_null() & (short | too_much)).then(pl.lit("BF-09"))
        .when(wants & pl.col("component_traced")).then(pl.lit("BF-08"))
        .when(wants & period_closed).then(pl.lit("BF-10"))
        .when(wants & no_stock).then(pl.lit("BF-07"))
        .when(wants & (issued == 0) & backflush).then(pl.lit("BF-02"))
        .when(wants & (issued != 0)).then(pl.lit("BF-03"))
        .when(too_much & multiple & (ceiling > 0)).then(pl.lit("BF-04"))
        .when(too_much).then(pl.lit("BF-05"))
        .otherwise(pl.lit("BF-01"))
    )  # fmt: skip
    return found.with_columns(
        verdict.alias("verdict"), expected.alias("target"), (explained & (issued != 0)).alias("with_receipt")
    )


def pair_substitutes(found: pl.DataFrame) -> pl.DataFrame:
    """Adds `substituted_by` and `substitute_for`: a bill component with nothing issued beside an issue of its size."""
    missing = found.filter(pl.col("on_bill") & (pl.col("issued") == 0) & (pl.col("expected") > 0))
    extra = found.filter(~pl.col("on_bill") & (pl.col("issued") > 0))
    pairs = (
        missing.select("work_order", "component", "expected", "tau_c")
        .join(extra.select("work_order", other="component", other_issued="issued"), on="work_order")
        .filter((pl.col("other_issued") - pl.col("expected")).abs() <= pl.col("tau_c"))
        .sort("work_order", "component", "other")
        .unique(["work_order", "component"], keep="first", maintain_order=True)
        .unique(["work_order", "other"], keep="first", maintain_order=True)
    )
    by = pairs.select("work_order", "component", pl.col("other").alias("substituted_by"))
    instead = pairs.select(
        "work_order", pl.col("other").alias("component"), pl.col("component").alias("substitute_for")
    )
    return found.join(by, on=["work_order", "component"], how="left").join(
        instead, on=["work_order", "component"], how="left"
    )
