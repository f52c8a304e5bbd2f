"""Tables of measures: one row per measure and subject, with the counts it was made from."""

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table

METRICS = Table(
    name="metrics",
    layer=Layer.METRICS,
    meaning="The night's measures by the definitions agreed on. A zero denominator gives no value, never 0 or 1.",
    key=("metric", "scope", "subject"),
    columns=(
        Column("metric", Kind.KEY, "Measure, as defined in docs/kpis.md."),
        Column("definition_version", Kind.TEXT, "Version of its definition."),
        Column("scope", Kind.TEXT, "What it is measured over: plant, line, work_center, supplier, rule, record_type …"),
        Column("subject", Kind.KEY, "Which one; `all` for the plant."),
        Column("period_start", Kind.DAY, "First day counted; null where it is a state, not a period.", nullable=True),
        Column("period_end", Kind.DAY, "Last day counted, or the planning date of the state.", nullable=True),
        Column("numerator", Kind.NUMBER, "What is counted; null where the data are not there.", nullable=True),
        Column("denominator", Kind.NUMBER, "What it is divided by; null for a plain sum.", nullable=True),
        Column("value", Kind.NUMBER, "The measure; null where it cannot be told.", nullable=True),
        Column("unit", Kind.TEXT, "Its unit."),
        Column("note", Kind.TEXT, "Why there is no value, or what is counted apart.", nullable=True),
    ),
)  # fmt: skip

VALUE_MEASURES = Table(
    name="value_measures",
    layer=Layer.METRICS,
    meaning="Measures of simulated worlds by week and policy (`recon value`), counts as in `metrics`; one commit a world.",
    key=("cell", "week", "metric"),
    columns=(
        Column("cell", Kind.KEY, "Works, size, length, drift, seed and policy in one name."),
        Column("part", Kind.TEXT, "Part of the study: main, random, parts, load, learning, programme."),
        Column("works", Kind.TEXT, "The simulated plant."),
        Column("orders", Kind.WHOLE, "Open orders it is sized for."),
        Column("weeks", Kind.WHOLE, "Weeks simulated."),
        Column("seed", Kind.WHOLE, "Of the world: the same under every policy."),
        Column("policy", Kind.TEXT, "Who decided."),
        Column("week", Kind.WHOLE, "Week in which it was measured, from 1; 0: what running the cell took."),
        Column("metric", Kind.KEY, "Measure, as defined in docs/kpis.md; in week 0 cpu_seconds, reruns, failed_nights, levers."),
        Column("numerator", Kind.NUMBER, "What is counted.", nullable=True),
        Column("denominator", Kind.NUMBER, "What it is divided by; null for a plain sum.", nullable=True),
    ),
)  # fmt: skip

_WEEK = (
    Column("metric", Kind.KEY, "Measure, as defined in docs/kpis.md."),
    Column("period_start", Kind.DAY, "First day counted; service is counted of the week before the others."),
    Column("period_end", Kind.DAY, "Last day counted."),
    Column("numerator", Kind.NUMBER, "What is counted.", nullable=True),
    Column("denominator", Kind.NUMBER, "What it is divided by; null for a plain sum.", nullable=True),
    Column("value", Kind.NUMBER, "The measure; null where it cannot be told.", nullable=True),
    Column("unit", Kind.TEXT, "Its unit."),
)  # fmt: skip

VALUE_BASELINE = Table(
    name="value_baseline",
    layer=Layer.METRICS,
    meaning="A plant's weeks before it went live (`recon baseline --capture`): captured once, never changed.",
    key=("baseline_of", "metric", "period_start"),
    columns=(Column("baseline_of", Kind.KEY, "The plant."), *_WEEK),
)  # fmt: skip

VALUE_WEEK = Table(
    name="value_week",
    layer=Layer.METRICS,
    meaning="The last whole week beside the week before and the baseline, with money at stated unit costs; no proof of a cause.",
    key=("metric",),
    columns=(
        *_WEEK,
        Column("week_before", Kind.NUMBER, "Its value a week earlier.", nullable=True),
        Column("baseline", Kind.NUMBER, "Mean of the weeks captured before go-live.", nullable=True),
        Column("low", Kind.NUMBER, "Lower natural limit of those weeks.", nullable=True),
        Column("high", Kind.NUMBER, "Upper natural limit of those weeks.", nullable=True),
        Column("baseline_weeks", Kind.WHOLE, "Weeks captured that have a value.", minimum=0),
        Column("outside", Kind.FLAG, "Whether the week lies outside the limits; null with fewer than two weeks.", nullable=True),
        Column("saved", Kind.NUMBER, "Money less than at the baseline's rate and this week's load; negative: more.",
               nullable=True, unit="plant currency"),
    ),
)  # fmt: skip

TABLES: tuple[Table, ...] = (METRICS, VALUE_MEASURES, VALUE_BASELINE, VALUE_WEEK)
