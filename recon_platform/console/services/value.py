"""Value: what customers and the plant get, night by night, against the baseline; never before/after as a proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.console.charts import run_chart
from recon_platform.console.page import Column, Figure, Listing, Page, Show
from recon_platform.console.services.measures import history
from recon_platform.console.services.nights import Night
from recon_platform.console.words import CURRENCY, currency, number
from recon_platform.console.words import unit as unit_of


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


@dataclass(frozen=True, slots=True)
class Series:
    """One measure night by night, oldest first; shares in per cent. None where a night could not compute it."""

    metric: str
    label: str
    unit: str
    dates: tuple[date, ...]
    labels: tuple[str, ...]
    values: tuple[float | None, ...]

    @property
    def known(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None]


def series(nights: list[Night]) -> list[Series]:
    """Every measure that has a value in any of the nights."""
    made = []
    for measure in MEASURES:
        rows = history(nights, measure.metric)
        unit = rows.get_column("unit")[-1] if rows.height else ""
        share = unit == "share"
        values = tuple(None if v is None else (100 * v if share else v) for v in rows.get_column("value"))
        found = Series(
            measure.metric, measure.label, "%" if share else unit_of(unit), tuple(rows.get_column("date")),
            tuple(rows.get_column("night")), values,
        )  # fmt: skip
        if found.known:
            made.append(found)
    return made


def value(night: Night, nights: list[Night]) -> Page:
    """Run charts of every measure that has a value, and the measures themselves with what they were counted from."""
    made = series(nights)
    otif = next((one.values[-1] for one in made if one.metric == "otif_first_promised"), None)
    said = (
        "On time in full is not known yet: it takes shipped lines."
        if otif is None
        else (
            f"{number(otif)} % of the order lines due shipped on time and in full against their first promise"
            + (f"; {len(nights)} nights so far." if len(nights) < 20 else ".")
        )
    )
    return Page(
        "Value", said,
        figures=tuple(Figure(one.label, one.values[-1], Show.NUMBER, one.unit) for one in made[:6]),
        charts=tuple(run_chart(one.label, one.labels, one.values, one.unit) for one in made),
        listings=(
            Listing(
                "measures", "Every measure, with what it was counted from",
                (
                    Column("metric", "Measure"), Column("scope", "Over"), Column("subject", "Which", Show.KEY),
                    Column("value", "Value", Show.NUMBER), Column("unit", "Unit"), Column("numerator", "Counted", Show.NUMBER),
                    Column("denominator", "Of", Show.NUMBER), Column("period_start", "From", Show.DAY),
                    Column("period_end", "To", Show.DAY), Column("note", "Remark"), Column("definition_version", "Definition", Show.KEY),
                ),
                night.read("metrics").with_columns(
                    pl.col("metric", "scope").str.replace_all("_", " "), pl.col("unit").str.replace(CURRENCY, currency(), literal=True)
                ),
                "No measure was computed tonight.",
            ),
        ),
    )  # fmt: skip
