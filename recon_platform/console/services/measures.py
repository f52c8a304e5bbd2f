"""Measures night by night, read from each night's own `metrics`; nothing is computed a second way."""

from __future__ import annotations

import polars as pl

from recon_platform.console.services.nights import Night
from recon_platform.console.words import short_day
from recon_platform.tables.metrics import METRICS

NIGHTS = 60
SCHEMA = {"date": pl.Date, "night": pl.String, "run": pl.String, "value": pl.Float64, "unit": pl.String}


def history(nights: list[Night], metric: str) -> pl.DataFrame:
    """Columns date, night, run, value, unit: the plant's `metric` in the newest nights, the last run of each date, oldest first."""
    rows: list[tuple[object, ...]] = []
    for night in last_runs(nights)[-NIGHTS:]:
        metrics = night.read("metrics")
        found = metrics.filter(metric=metric, scope="plant") if metrics.width else METRICS.empty()
        day = short_day(night.context.planning_date)
        rows.extend(
            (night.context.planning_date, day, night.run_id, *values)
            for values in found.head(1).select("value", "unit").iter_rows()
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def last_runs(nights: list[Night]) -> list[Night]:
    """The last run of each planning date."""
    return list({night.context.planning_date: night for night in nights}.values())
