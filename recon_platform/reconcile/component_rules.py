"""Verdicts on consumption: one per order and component, excluding each other, tried in the catalogue's order.

Where the MES watched the component itself, its figure is what was really consumed: a correction the formula asks for
and the floor contradicts is never automatic.
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.limits import period_state
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

MULTIPLE_TOLERANCE = 0.01  # relative distance of issued/expected from a whole number


def verdicts(found: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """`found` (from `consumption`, with pairs and factors) with `verdict`, a BF rule id, and

    `with_receipt` (the ERP's own count explains the issue: it follows the receipt) and `disputed` (the MES saw another
    consumption than the formula).
    """
    expected, issued, tau = pl.col("expected"), pl.col("issued"), pl.col("tau_c")
    backflush = pl.col("backflush") | pl.col("issue_backflushed").fill_null(False)
    # what is issued by hand is issued for the whole order; only once all passed is there something to compare
    complete = backflush | pl.col("passed_all")
    ceiling = pl.when(complete).then(expected).otherwise(pl.max_horizontal("expected", "expected_full"))
    short = issued < expected - tau
    too_much = issued > ceiling + tau
    ratio = issued / ceiling
    whole = ratio.round()
    multiple = (whole >= 2) & ((ratio / whole - 1.0).abs() <= MULTIPLE_TOLERANCE)
    explained = (issued - pl.col("expected_erp")).abs() <= pl.max_horizontal(
        pl.lit(context.policy.reconciliation.component_tolerance_units),
        context.policy.reconciliation.component_tolerance_share * pl.col("expected_erp"),
    )
    posted_on = pl.coalesce(pl.col("last_report").dt.date(), pl.lit(context.planning_date))
    period_closed = period_state(posted_on, frames) == "closed"
    asked = pl.when(short & complete).then(expected - issued).otherwise(0.0)
    no_stock = pl.col("stock") < asked.cum_sum().over("component")  # what orders before it take is gone
    excluded = pl.col("bulk") | (pl.col("component_kind") == "phantom").fill_null(False) | (pl.col("expected_full") < 0)
    paired = pl.col("substitute_for").is_not_null() | pl.col("substituted_by").is_not_null()
    seen = pl.col("consumed")
    saw_more, saw_less = seen > issued + tau, seen < issued - tau
    wants = short & complete
    verdict = (
        pl.when(excluded).then(pl.lit("BF-12"))
        .when(pl.col("component_factor").is_not_null() & (short | too_much)).then(pl.lit("BF-09"))
        .when(paired).then(pl.lit("BF-06"))
        .when(wants & pl.col("component_traced")).then(pl.lit("BF-08"))
        .when(wants & period_closed).then(pl.lit("BF-10"))
        .when(wants & no_stock).then(pl.lit("BF-07"))
        .when(wants & (issued == 0) & backflush).then(pl.lit("BF-02"))
        .when(wants & (issued != 0)).then(pl.lit("BF-03"))
        .when(too_much & multiple & (ceiling > 0)).then(pl.lit("BF-04"))
        .when(too_much).then(pl.lit("BF-05"))
        .when((saw_more & complete & pl.col("on_bill")).fill_null(False)).then(pl.lit("BF-03"))
        .when((saw_less & complete & pl.col("on_bill")).fill_null(False)).then(pl.lit("BF-05"))
        .otherwise(pl.lit("BF-01"))
    )  # fmt: skip
    return found.with_columns(
        verdict.alias("verdict"),
        (explained & (issued != 0)).alias("with_receipt"),
        ((seen - expected).abs() > tau).fill_null(False).alias("disputed"),
    )


def pair_substitutes(found: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Adds `substituted_by` and `substitute_for`: a bill component nobody took beside another taken in its quantity.

    Looked for in what the ERP issued and, on orders whose consumption the MES watched, in what it saw; a known
    substitute counts in its own ratio.
    """
    ratios = (
        frames["substitutes"]
        .select(component="item", other="substitute_item", ratio="ratio")
        .unique(["component", "other"], keep="first", maintain_order=True)
    )
    watched = found.filter(pl.col("consumed").is_not_null().any().over("work_order"))
    views = [
        _pairs(found.with_columns(taken="issued"), ratios),
        _pairs(watched.with_columns(taken=pl.col("consumed").fill_null(0.0)), ratios),
    ]
    pairs = (
        pl.concat(views)
        .unique(["work_order", "component"], keep="first", maintain_order=True)
        .unique(["work_order", "other"], keep="first", maintain_order=True)
    )
    by = pairs.select("work_order", "component", pl.col("other").alias("substituted_by"))
    instead = pairs.select(
        "work_order", pl.col("other").alias("component"), pl.col("component").alias("substitute_for")
    )
    keys = ["work_order", "component"]
    return found.join(by, on=keys, how="left").join(instead, on=keys, how="left")


def _pairs(view: pl.DataFrame, ratios: pl.DataFrame) -> pl.DataFrame:
    missing = view.filter(pl.col("on_bill") & (pl.col("taken") == 0) & (pl.col("expected") > 0) & ~pl.col("bulk"))
    extra = view.filter(~pl.col("on_bill") & (pl.col("taken") > 0))
    in_its_unit = pl.col("other_taken") / pl.col("ratio").fill_null(1.0)
    return (
        missing.select("work_order", "component", "expected", "tau_c")
        .join(extra.select("work_order", other="component", other_taken="taken"), on="work_order")
        .join(ratios, on=["component", "other"], how="left")
        .filter((in_its_unit - pl.col("expected")).abs() <= pl.col("tau_c"))
        .sort("work_order", "component", "other")
        .select("work_order", "component", "other")
    )
