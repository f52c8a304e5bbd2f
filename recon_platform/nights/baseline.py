"""The baseline of a plant in its lake: captured once before go-live, and every week's value beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recon_platform.lake import ConflictError
from recon_platform.metrics.baseline import value_week, weekly
from recon_platform.metrics.payback import UnitCosts
from recon_platform.tables.metrics import VALUE_BASELINE

if TYPE_CHECKING:
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

READS = ("sales_orders", "shipments", "customers", "labour_hours")


class BaselineError(ValueError):
    """A baseline is there already, or there is nothing to make one of."""


def baseline(lake: Lake, plant: str) -> pl.DataFrame:
    """The weeks captured of `plant` (columns of `value_baseline`); none before they are."""
    if not lake.exists(VALUE_BASELINE.layer, VALUE_BASELINE.name):
        return VALUE_BASELINE.empty()
    rows = lake.read(VALUE_BASELINE.layer, VALUE_BASELINE).select(VALUE_BASELINE.column_names)
    return rows.filter(pl.col("baseline_of") == plant)


def capture(lake: Lake, manifest: Manifest, weeks: int, by: str) -> pl.DataFrame:
    """Keep the last `weeks` weeks that the night of `manifest` was handed as the plant's baseline, for good.

    Raises BaselineError where the plant has one already, or where nothing delivered reaches back a whole week.
    """
    plant = str(manifest.pins.plant["code"])
    rows = measured(lake, manifest, weeks).select(pl.lit(plant).alias("baseline_of"), pl.all())
    if rows.is_empty():
        raise BaselineError(
            f"run {manifest.run_id} was handed no whole week of shipments or hours of {plant}: deliver their history first"
        )
    known = baseline(lake, plant)
    if known.is_empty():
        try:
            lake.append_log(
                VALUE_BASELINE.layer, VALUE_BASELINE, VALUE_BASELINE.frame(rows), metadata={"run": manifest.run_id, "by": by},
                once=f"baseline:{plant}",
            )  # fmt: skip
        except ConflictError:
            known = baseline(lake, plant)
        else:
            return rows
    raise BaselineError(f"{plant} has a baseline of {span(known)}; what came before go-live is captured once")


def span(captured: pl.DataFrame) -> str:
    """The days of a baseline in words."""
    ends = captured.select(pl.col("period_start").min().dt.to_string(), pl.col("period_end").max().dt.to_string())
    return " to ".join(str(end) for end in ends.row(0))


def measured(lake: Lake, manifest: Manifest, weeks: int) -> pl.DataFrame:
    """Weekly measures of the tables that the night of `manifest` read (columns `metrics.baseline.COUNTED`)."""
    frames = {name: manifest.read(lake, name) for name in READS}
    return weekly(frames, manifest.pins.context.planning_date, weeks)


def week_of(lake: Lake, manifest: Manifest) -> pl.DataFrame:
    """Table `value_week` of the night of `manifest`, at the unit costs of its policy."""
    policy = manifest.pins.context.policy.cost
    costs = UnitCosts(expedite=policy.expedite, overtime_hour=policy.overtime_hour)
    return value_week(baseline(lake, str(manifest.pins.plant["code"])), measured(lake, manifest, 3), costs)
