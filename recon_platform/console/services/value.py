"""Value: what customers and the plant get, night by night, against the baseline; never before/after as a proof."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.console.charts import run_chart
from recon_platform.console.page import Chart, Column, Figure, Listing, Page, Show
from recon_platform.console.services.measures import history
from recon_platform.console.services.nights import Night
from recon_platform.console.words import number


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of `metrics`, with the words of docs/kpis.md."""

    metric: str
    label: str


MEASURES = (
    Measure("otif_first_promised", "On time in full, against the first promise"),
    Measure("otif_requested", "On time in full, against the date asked for"),
    Measure("plan_adherence", "Plan adherence"),
    Measure("schedule_stability", "Schedule stability inside the fence"),
    Measure("expedites", "Expedites per 100 orders"),
    Measure("premium_freight", "Premium freight"),
    Measure("overtime", "Overtime, share of paid hours"),
    Measure("capacity_clarity", "Planned against actual hours"),
    Measure("exceptions_review", "Exceptions for a person, per 100 orders"),
    Measure("exceptions_auto", "Exceptions corrected by rule, per 100 orders"),
    Measure("vendor_reliability", "Vendor reliability"),
)


def value(night: Night, nights: list[Night]) -> Page:
    """Run charts of every measure that has a value, and the measures themselves with what they were counted from."""
    made: list[tuple[Measure, Chart, float | None, str]] = []
    for measure in MEASURES:
        rows = history(nights, measure.metric)
        unit = rows.get_column("unit")[-1] if rows.height else ""
        share = unit == "share"
        values = [None if v is None else (100 * v if share else v) for v in rows.get_column("value")]
        if any(v is not None for v in values):
            shown = "%" if share else unit
            chart = run_chart(measure.label, rows.get_column("night").to_list(), values, shown)
            made.append((measure, chart, values[-1], shown))
    otif = next((entry for entry in made if entry[0].metric == "otif_first_promised"), None)
    said = (
        "On time in full is not known yet: it takes shipped lines."
        if otif is None or otif[2] is None
        else (
            f"{number(otif[2])} % of the order lines due shipped on time and in full against their first promise"
            + (f"; {len(nights)} nights so far." if len(nights) < 20 else ".")
        )
    )
    return Page(
        "Value", said,
        figures=tuple(Figure(m.label, last, Show.NUMBER, unit) for m, _, last, unit in made[:6]),
        charts=tuple(chart for _, chart, _, _ in made),
        listings=(
            Listing(
                "measures", "Every measure, with what it was counted from",
                (
                    Column("metric", "Measure"), Column("scope", "Over"), Column("subject", "Which", Show.KEY),
                    Column("value", "Value", Show.NUMBER), Column("unit", "Unit"), Column("numerator", "Counted", Show.NUMBER),
                    Column("denominator", "Of", Show.NUMBER), Column("period_start", "From", Show.DAY),
                    Column("period_end", "To", Show.DAY), Column("note", "Remark"), Column("definition_version", "Definition", Show.KEY),
                ),
                night.read("metrics").with_columns(pl.col("metric", "scope").str.replace_all("_", " ")),
                "No measure was computed tonight.",
            ),
        ),
    )  # fmt: skip
