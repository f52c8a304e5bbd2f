"""Parameters learned from what happened, as proposals with their evidence: used only once a person approved them.

Belongs here: lead times from receipts, run and set-up times from measured cycles, yields from finished operations, and
the downtime to expect from what finished operations took beyond that.
Measured lead times may date open orders; a planned lead time changes only by a request that shows its messages.
P50 and P80 are the 50th and 80th percentile with linear interpolation.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.findings import found
from recon_platform.conform.stops import Days, stops
from recon_platform.tables.conformed import PARAMETER_PROPOSALS
from recon_platform.tables.policy import SpinePolicy

LEAST_LEAD_DAYS_OFF = 3.0
LEAST_SETUP_SAMPLES = 5
YIELD_OFF = DOWNTIME_OFF = 0.02
LEAST_STOP_SAMPLES = 20  # finished operations
MAIN = "main"


def parameter_proposals(made: Mapping[str, pl.DataFrame], spine: SpinePolicy, days: Days) -> pl.DataFrame:
    """Table `parameter_proposals` from conformed receipts, cycle times, operation reports and working time."""
    parts = [
        _lead_times(made, spine), _run_times(made, spine), _setups(made, spine), _yields(made, spine),
        _downtimes(made, days),
    ]  # fmt: skip
    filled = [part for part in parts if not part.is_empty()]
    if not filled:
        return PARAMETER_PROPOSALS.empty()
    return PARAMETER_PROPOSALS.frame(pl.concat(filled, how="diagonal")).sort(*PARAMETER_PROPOSALS.key)


def _percentiles(value: str) -> list[pl.Expr]:
    return [
        pl.col(value).quantile(0.5, "linear").alias("p50"), pl.col(value).quantile(0.8, "linear").alias("p80"),
        pl.len().cast(pl.Int64).alias("samples"),
    ]  # fmt: skip


def lead_times(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Calendar days from order to last receipt of each closed purchase line: supplier, item, days, day (of the receipt)."""
    last = (
        made["receipts"].filter(pl.col("qty") > 0).group_by("purchase_order", "line").agg(pl.col("received_on").max())
    )
    lines = made["purchase_orders"].filter((pl.col("status") == "closed") & pl.col("ordered_on").is_not_null())
    days = (pl.col("received_on") - pl.col("ordered_on")).dt.total_days()
    return (
        lines.join(last, on=["purchase_order", "line"])
        .select("supplier", "item", days.alias("days"), pl.col("received_on").alias("day"))
        .filter(pl.col("days") >= 0)
    )


def _lead_times(made: Mapping[str, pl.DataFrame], spine: SpinePolicy) -> pl.DataFrame:
    seen = (
        lead_times(made)
        .group_by("supplier", "item")
        .agg(_percentiles("days"))
        .filter(pl.col("samples") >= spine.lead_time_receipts)
    )
    agreed = made["supplier_items"].select("supplier", "item", pl.col("lead_time_days").alias("agreed"))
    master = made["items"].select("item", pl.col("lead_time_days").alias("planned"))
    joined = seen.join(agreed, on=["supplier", "item"], how="left").join(master, on="item", how="left")
    return joined.select(
        pl.lit("lead_time").alias("kind"),
        pl.format("{}/{}", "supplier", "item").alias("subject"),
        pl.col("item"),
        pl.coalesce("agreed", "planned").cast(pl.Float64).alias("current"),
        pl.col("p80").alias("proposed"),
        "p50", "p80", "samples", pl.lit("calendar days").alias("unit"),
    ).with_columns(_off(LEAST_LEAD_DAYS_OFF, spine.lead_time_share))  # fmt: skip


def measured(made: Mapping[str, pl.DataFrame], days: Days) -> pl.DataFrame:
    """Every measurement behind lead, run and set-up times and downtime: kind, subject (as in `parameter_proposals`), day,
    value; of downtime one a day."""
    leads = lead_times(made).select(
        pl.lit("lead_time").alias("kind"), pl.format("{}/{}", "supplier", "item").alias("subject"), "day",
        pl.col("days").cast(pl.Float64).alias("value"),
    )  # fmt: skip
    runs = _cycles(made).select(
        pl.lit("run_time").alias("kind"), pl.format("{}/{}/{}", "item", "routing", "op_seq").alias("subject"),
        pl.col("at").dt.date().alias("day"), pl.col("per_unit").alias("value"),
    )  # fmt: skip
    setups = _changes(made).select(
        pl.lit("setup_time").alias("kind"), pl.format("{}/{}/{}", *SETUP_KEYS).alias("subject"),
        pl.col("at").dt.date().alias("day"), pl.col("setup_min").alias("value"),
    )  # fmt: skip
    lost = _by_day(stops(made, days)).join(_efficiencies(made), on="work_center").select(
        pl.lit("downtime").alias("kind"), pl.col("work_center").alias("subject"), "day",
        (pl.col("current") * (1.0 - pl.col("share"))).alias("value"),
    )  # fmt: skip
    return pl.concat([leads, runs, setups, lost]).drop_nulls()


def _off(least: float, share: float) -> pl.Expr:
    """Whether what was learned differs from what is planned by more than the tolerance."""
    difference = (pl.col("p50") - pl.col("current")).abs()
    return (
        (difference > pl.max_horizontal(pl.lit(least), pl.col("current").abs() * share))
        .fill_null(value=False)
        .alias("stale")
    )


def _cycles(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Measured cycles with the operation they belong to: item, routing, op_seq, minutes per unit at 100 %."""
    orders = made["work_orders"].select(pl.col("work_order").alias("order"), "item", pl.col("routing").fill_null(MAIN))
    speeds = made["machines"].select("machine", pl.col("work_center"), pl.col("speed").fill_null(1.0))
    rates = made["work_centers"].select("work_center", pl.col("efficiency").fill_null(1.0))
    per_unit = pl.col("run_min") / pl.col("qty") * pl.col("speed") * pl.col("efficiency")
    return (
        made["cycle_times"]
        .join(orders, on="order")
        .join(speeds, on="machine")
        .join(rates, on="work_center")
        .filter((pl.col("qty") > 0) & (pl.col("run_min") > 0))
        .with_columns(per_unit.alias("per_unit"))
    )


def _run_times(made: Mapping[str, pl.DataFrame], spine: SpinePolicy) -> pl.DataFrame:
    keys = ["item", "routing", "op_seq"]
    standard = (
        made["routings"]
        .filter(pl.col("valid_to").is_null() & (pl.col("run_min_per_unit") > 0))
        .sort(*keys, "valid_from")
        .group_by(keys, maintain_order=True)
        .agg(pl.col("run_min_per_unit").last().alias("current"), pl.col("work_center").last())
    )
    seen = _cycles(made).drop("work_center").join(standard.select(*keys), on=keys)
    learned = seen.group_by(keys).agg(_percentiles("per_unit")).filter(pl.col("samples") >= spine.standard_time_samples)
    joined = learned.join(standard, on=keys)
    return joined.select(
        pl.lit("run_time").alias("kind"),
        pl.format("{}/{}/{}", *keys).alias("subject"),
        pl.col("item"),
        "current",
        pl.col("p50").alias("proposed"),
        "p50",
        "p80",
        "samples",
        pl.lit("minutes per base uom").alias("unit"),
    ).with_columns(_off(0.0, spine.standard_time_share))


SETUP_KEYS = ("work_center", "from_value", "to_value")


def _changes(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Measured set-ups from one value to another, with their work center."""
    seen = made["cycle_times"].filter((pl.col("setup_min") > 0) & pl.col("to_value").is_not_null())
    centers = made["machines"].select("machine", "work_center")
    return seen.join(centers, on="machine").with_columns(pl.col("from_value").fill_null("*"))


def _setups(made: Mapping[str, pl.DataFrame], spine: SpinePolicy) -> pl.DataFrame:
    """Set-up minutes per work center and change from one value to another."""
    learned = (
        _changes(made)
        .group_by(SETUP_KEYS)
        .agg(_percentiles("setup_min"))
        .filter(pl.col("samples") >= LEAST_SETUP_SAMPLES)
    )
    matrix = made["setup_matrix"].group_by(SETUP_KEYS).agg(pl.col("minutes").max().alias("current"))
    return learned.join(matrix, on=SETUP_KEYS, how="left").select(
        pl.lit("setup_time").alias("kind"),
        pl.format("{}/{}/{}", *SETUP_KEYS).alias("subject"),
        pl.lit(None, pl.String).alias("item"),
        "current", pl.col("p50").alias("proposed"), "p50", "p80", "samples", pl.lit("minutes").alias("unit"),
    ).with_columns(_off(0.0, spine.standard_time_share))  # fmt: skip


def _yields(made: Mapping[str, pl.DataFrame], spine: SpinePolicy) -> pl.DataFrame:
    """Good share of what each operation of an item processed, from operations reported complete."""
    keys = ["item", "routing", "op_seq"]
    orders = made["work_orders"].select(pl.col("work_order").alias("order"), "item", pl.col("routing").fill_null(MAIN))
    entered = pl.col("good_qty") + pl.col("scrap_qty")
    done = made["operation_status"].filter((pl.col("status") == "complete") & (entered > 0)).drop("routing")
    shares = done.join(orders, on="order").with_columns((pl.col("good_qty") / entered).alias("share"))
    learned = shares.group_by(keys).agg(_percentiles("share")).filter(pl.col("samples") >= spine.standard_time_samples)
    standard = (
        made["routings"].filter(pl.col("valid_to").is_null()).sort(*keys, "valid_from")
        .group_by(keys, maintain_order=True).agg(pl.col("yield").last().fill_null(1.0).alias("current"))
    )  # fmt: skip
    joined = learned.join(standard, on=keys).filter((pl.col("p50") - pl.col("current")).abs() > YIELD_OFF)
    return joined.select(
        pl.lit("yield").alias("kind"),
        pl.format("{}/{}/{}", *keys).alias("subject"),
        pl.col("item"),
        "current", pl.col("p50").alias("proposed"), "p50", "p80", "samples", pl.lit("share").alias("unit"),
        pl.lit(value=True).alias("stale"),
    )  # fmt: skip


def _by_day(lost: pl.DataFrame) -> pl.DataFrame:
    return (
        lost.group_by("work_center", "day").agg(pl.col("worked").sum(), pl.col("lost").sum(), pl.len())
        .with_columns(share=pl.col("lost") / pl.col("worked"))
    )  # fmt: skip


def _downtimes(made: Mapping[str, pl.DataFrame], days: Days) -> pl.DataFrame:
    """Efficiency by work center with the stops in it that are to be expected: those of the days behind.

    Their mean, because what is planned is the work of weeks and not of an operation that a stop hits or does not. The
    master's efficiency is multiplied, never one that was approved: what is asked for again holds no stop twice.
    """
    learned = (
        _by_day(stops(made, days))
        .group_by("work_center")
        .agg(
            (pl.col("lost").sum() / pl.col("worked").sum()).alias("proposed"), *_percentiles("share")[:2],
            pl.col("len").sum().cast(pl.Int64).alias("samples"),
        )
        .filter(pl.col("samples") >= LEAST_STOP_SAMPLES)
    )  # fmt: skip
    left = [(pl.col("current") * (1.0 - pl.col(name))).alias(name) for name in ("proposed", "p50", "p80")]
    return learned.join(_efficiencies(made), on="work_center").with_columns(left).select(
        pl.lit("downtime").alias("kind"), pl.col("work_center").alias("subject"), pl.lit(None, pl.String).alias("item"),
        "current", "proposed", "p50", "p80", "samples", pl.lit("efficiency").alias("unit"),
        (pl.col("proposed") < (1.0 - DOWNTIME_OFF) * pl.col("current")).alias("stale"),
    )  # fmt: skip


def _efficiencies(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return made["work_centers"].select(
        "work_center", pl.col("efficiency").fill_null(1.0).replace(0.0, 1.0).alias("current")
    )


def stale_parameters(proposals: pl.DataFrame) -> list[pl.DataFrame]:
    """Findings: lead times and standard times that what happened contradicts."""
    findings = []
    for kind, gate in (("lead_time", "lead_time_stale"), ("run_time", "standard_time_stale")):
        rows = proposals.filter((pl.col("kind") == kind) & pl.col("stale"))
        findings.append(
            found(
                rows,
                gate,
                entity=pl.col("subject"),
                field=pl.col("kind"),
                erp_value=pl.col("current").round(6),
                mes_value=pl.col("p50").round(6),
                correction=pl.format("request {} {}", pl.col("proposed").round(6), "unit"),
                evidence=pl.struct("subject", "current", "p50", "p80", "samples", "unit"),
            )
        )
    return findings
