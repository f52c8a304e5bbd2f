"""What each measure means, once: name, version, meaning, unit and which way is better.

Belongs here: the table of definitions and the one way to write a measure down. The counting stands beside it, one
module per subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.tables.metrics import METRICS


@dataclass(frozen=True, slots=True)
class Definition:
    """One measure. `better` is `up`, `down` or `none`; a changed definition is a new version, never a silent edit."""

    name: str
    meaning: str
    unit: str
    better: str
    version: str = "1"


DEFINITIONS: tuple[Definition, ...] = (
    Definition("otif_requested", "order lines shipped on time and in full against the requested date ÷ lines due",
               "share", "up"),
    Definition("otif_first_promised", "the same against the first promise ever given", "share", "up"),
    Definition("otif_requested_orders", "orders of which every line was on time and in full against the requested date "
               "÷ orders due", "share", "up"),
    Definition("otif_first_promised_orders", "the same against the first promise", "share", "up"),
    Definition("plan_adherence", "baseline operations finished on the planned work center within tolerance ÷ baseline "
               "operations", "share", "up"),
    Definition("break_ins", "operations finished in the window that the baseline did not hold", "operations", "down"),
    Definition("schedule_stability", "1 − operations moved ÷ operations in both versions inside the fence", "share",
               "up"),
    Definition("schedule_additions", "operations inside the fence that only the new version has", "operations", "down"),
    Definition("schedule_removals", "operations inside the fence that only the old version has", "operations", "down"),
    Definition("expedites", "rush or fence-break orders per 100 orders", "per 100 orders", "down"),
    Definition("premium_freight", "Σ max(0, freight paid − contracted)", "plant currency", "down"),
    Definition("premium_freight_occurrences", "shipments that cost more than contracted", "shipments", "down"),
    Definition("overtime", "Σ max(0, hours − threshold) ÷ paid hours", "share", "down"),
    Definition("overtime_hours", "Σ max(0, hours − threshold)", "hours", "down"),
    Definition("reserve_cost", "a year's share of the value of what was bought earlier than needed, for the days it was, and "
               "the material of pieces started beyond the standard yields", "plant currency", "down"),
    Definition("capacity_clarity", "|planned − actual hours| ÷ available hours", "share", "down"),
    Definition("exceptions_auto", "findings corrected without a person per 100 open orders", "per 100 orders", "none"),
    Definition("exceptions_review", "findings that wait for a person per 100 open orders", "per 100 orders", "down"),
    Definition("exceptions_to_decide", "things a person has to decide (groups and single cases) per 100 open orders",
               "per 100 orders", "down"),
    Definition("backlog_health", "open orders without any open finding ÷ open orders", "share", "up"),
    Definition("record_accuracy", "records within tolerance ÷ records checked", "share", "up"),
    Definition("vendor_reliability", "purchase lines received in full inside the window ÷ lines due", "share", "up"),
    Definition("vendor_lateness_p50", "median days late of purchase lines", "days", "down"),
    Definition("vendor_lateness_p90", "days late that nine of ten purchase lines keep", "days", "down"),
    Definition("vendor_rescheduled", "purchase lines whose date we moved, counted apart", "lines", "none"),
)  # fmt: skip

BY_NAME: dict[str, Definition] = {definition.name: definition for definition in DEFINITIONS}


@dataclass(frozen=True, slots=True)
class Period:
    """Days counted, both ends included."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"period ends {self.end} before it starts {self.start}")


def share(
    name: str, counts: pl.DataFrame, *, scope: str = "plant", period: Period | None = None, scale: float = 1.0
) -> pl.DataFrame:
    """Rows of `metrics` from `counts` (numerator, denominator, and `subject` unless the scope is the plant).

    A denominator of zero or null gives a null value.
    """
    zero = pl.col("denominator").is_null() | (pl.col("denominator") == 0)
    value = pl.when(~zero).then(scale * pl.col("numerator") / pl.col("denominator"))
    return _rows(name, counts, value, scope, period)


def total(name: str, counts: pl.DataFrame, *, scope: str = "plant", period: Period | None = None) -> pl.DataFrame:
    """Rows of `metrics` for a plain sum or a statistic: its value is the numerator."""
    return _rows(name, counts, pl.col("numerator"), scope, period)


def unavailable(name: str, why: str, period: Period | None = None) -> pl.DataFrame:
    """One row that says that the measure cannot be told, and why."""
    empty = pl.DataFrame({"numerator": [None], "note": [why]}, schema={"numerator": pl.Float64, "note": pl.String})
    return total(name, empty, period=period)


def _rows(name: str, counts: pl.DataFrame, value: pl.Expr, scope: str, period: Period | None) -> pl.DataFrame:
    definition = BY_NAME[name]
    columns = counts.columns
    return METRICS.frame(
        counts.select(
            metric=pl.lit(name),
            definition_version=pl.lit(definition.version),
            scope=pl.lit(scope),
            subject=pl.col("subject") if "subject" in columns else pl.lit("all"),
            period_start=pl.lit(period.start if period else None, dtype=pl.Date),
            period_end=pl.lit(period.end if period else None, dtype=pl.Date),
            numerator=pl.col("numerator").cast(pl.Float64),
            denominator=pl.col("denominator").cast(pl.Float64)
            if "denominator" in columns
            else pl.lit(None, pl.Float64),
            value=value.cast(pl.Float64),
            unit=pl.lit(definition.unit),
            note=pl.col("note") if "note" in columns else pl.lit(None, pl.String),
        )
    )
