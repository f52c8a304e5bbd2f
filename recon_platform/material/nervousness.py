"""Nervousness: how far tonight's releases moved against last night's, rolled forward, on the days both plans cover.

Measures (names as in the literature): SBU is Σ_t |Q¹−Q⁰| (1−α) α^(t−t₀) of Sridharan, Berry & Udayabhanu (1988); with S
it would be divided by the number of orders. pull_in and push_out are Σ_t (C¹−C⁰)⁺ and Σ_t (C⁰−C¹)⁺ of the cumulative
releases C, in unit-buckets: the measure that tells a plan pulled forward from one that merely changed. Setup stability
is 1 − π_setup of Jensen (1993) over the first buckets.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.material import NERVOUSNESS
from recon_platform.tables.model import Frames

ALPHA = 0.5
BUCKET_DAYS = 7
MEASURE_SCHEMA = {"level": pl.Int64, "measure": pl.String, "value": pl.Float64, "unit": pl.String}
RELEASE_SCHEMA = {"item": pl.String, "level": pl.Int64, "date": pl.Date, "qty": pl.Float64, "cost": pl.Float64}


def bucketed(releases: pl.DataFrame, today: date) -> pl.DataFrame:
    """Releases per item and bucket from today on; what should have started before counts in the first bucket."""
    bucket = (pl.col("date") - pl.lit(today)).dt.total_days().floordiv(BUCKET_DAYS).clip(lower_bound=0)
    return releases.group_by("item", "level", bucket.alias("bucket")).agg(pl.col("qty").sum(), pl.col("cost").first())


def bucket_changes(before: pl.DataFrame, after: pl.DataFrame, today: date, last: date) -> pl.DataFrame:
    """`item`, `level`, `bucket`, `was`, `is`, `cost` on the overlap of both plans (up to `last`)."""
    a = bucketed(before.filter(pl.col("date") <= last), today)
    b = bucketed(after.filter(pl.col("date") <= last), today)
    key = ["item", "level", "bucket"]
    return (
        a.rename({"qty": "was"})
        .join(b.rename({"qty": "is", "cost": "cost_now"}), on=key, how="full", coalesce=True)
        .with_columns(pl.col("was", "is").fill_null(0.0), pl.coalesce("cost", "cost_now").fill_null(0.0).alias("cost"))
        .drop("cost_now")
        .sort(key)
    )


def displacement(changes: pl.DataFrame, buckets: int) -> pl.DataFrame:
    """Per item: `pull_in` and `push_out` in unit-buckets over the first `buckets`, and both valued at cost."""
    difference = pl.col("is") - pl.col("was")
    following = pl.col("bucket").shift(-1).over("item").fill_null(buckets)
    rows = changes.sort("item", "bucket").with_columns(
        difference.cum_sum().over("item").alias("_ahead"),
        (following - pl.col("bucket")).clip(lower_bound=1).alias("_wide"),
    )
    ahead = pl.col("_ahead") * pl.col("_wide")
    return rows.group_by("item", "level", maintain_order=True).agg(
        ahead.clip(lower_bound=0.0).sum().alias("pull_in"),
        (-ahead).clip(lower_bound=0.0).sum().alias("push_out"),
        (ahead.abs() * pl.col("cost")).sum().alias("value"),
    )


def release_measures(changes: pl.DataFrame, buckets: int, alpha: float = ALPHA) -> pl.DataFrame:
    """Per level: absolute change, SBU, changed setups, pull-in and push-out."""
    moved = (pl.col("is") - pl.col("was")).abs()
    discount = (1 - alpha) * pl.lit(alpha).pow(pl.col("bucket"))
    per_level = (
        changes.group_by("level")
        .agg(
            moved.sum().alias("abs_qty_change"),
            (moved * discount).sum().alias("sbu"),
            ((pl.col("is") > 0) != (pl.col("was") > 0)).sum().cast(pl.Float64).alias("setup_changes"),
            pl.col("is").gt(0).sum().cast(pl.Float64).alias("setups"),
        )
        .join(
            displacement(changes, buckets).group_by("level").agg(pl.col("pull_in", "push_out", "value").sum()),
            on="level",
            how="left",
        )
        .rename({"value": "displacement_value"})
    )
    return per_level.unpivot(index="level", variable_name="measure").with_columns(
        pl.col("measure").replace_strict(UNITS, default="").alias("unit"), pl.col("value").cast(pl.Float64)
    ).select(list(MEASURE_SCHEMA)).sort("level", "measure")  # fmt: skip


UNITS = {
    "abs_qty_change": "units", "sbu": "units", "setup_changes": "orders", "setups": "orders", "pull_in": "unit-weeks",
    "push_out": "unit-weeks", "displacement_value": "currency-weeks",
}  # fmt: skip
WHOLE = -1  # level of the measures that hold for the plant as a whole


def message_measures(messages: pl.DataFrame, open_orders: int) -> pl.DataFrame:
    """Plant-wide: reschedule messages per 100 open orders raw and shown, flipped and phoney shares."""
    rows = messages.filter(
        pl.col("code").is_in(["EXPEDITE", "DELAY", "CANCEL", "DECREASE", "INCREASE"])
        & (pl.col("lifecycle") != "CLEARED")
    )
    shown = rows.filter(pl.col("visibility") == "SHOWN").height
    new = rows.filter(pl.col("lifecycle").is_in(["NEW", "CHANGED", "FLIPPED"]))
    values = {
        "messages_per_100_orders": 100.0 * rows.height / open_orders if open_orders else None,
        "shown_per_100_orders": 100.0 * shown / open_orders if open_orders else None,
        "new_per_100_orders": 100.0 * new.height / open_orders if open_orders else None,
        "flip_flop_rate": rows.filter(pl.col("lifecycle") == "FLIPPED").height / new.height if new.height else None,
        "phoney_rate": new.filter(pl.col("phoney")).height / new.height if new.height else None,
    }
    return pl.DataFrame(
        {"level": [WHOLE] * len(values), "measure": list(values), "value": list(values.values()),
         "unit": ["per 100 orders"] * 3 + ["share"] * 2},
        schema=MEASURE_SCHEMA,
    )  # fmt: skip


def releases(frames: Frames, planned: str, items: pl.DataFrame) -> pl.DataFrame:
    """Releases of a plan: planned orders by start date. `items`: item, level, cost."""
    return (
        frames[planned]
        .filter(~pl.col("firm"))
        .select("item", pl.col("start_date").alias("date"), "qty")
        .join(items, on="item")
        .select(list(RELEASE_SCHEMA))
    )


def amplification(changes: pl.DataFrame, buckets: int) -> float | None:
    """Displacement value of components ÷ that of the master schedule's items (level 0); None without the latter."""
    moved = displacement(changes, buckets)
    top = moved.filter(pl.col("level") == 0).get_column("value").sum()
    below = moved.filter(pl.col("level") > 0).get_column("value").sum()
    return float(below) / float(top) if top else None


def nervousness(frames: Frames, horizon_days: int, planning_date: date) -> pl.DataFrame:
    """`level`, `measure`, `value`, `unit`: release measures per low-level code and message measures of the plant.

    Reads this run's tables and last night's `previous.planned_orders`; without the latter only message measures.
    Level −1 is the plant as a whole; null values have a zero denominator.
    """
    orders = frames["reconciled_orders"].filter(pl.col("expected_qty") > 0).height + frames["purchase_orders"].filter(
        pl.col("status") == "open"
    ).height  # fmt: skip
    parts = [message_measures(frames["action_messages"], orders)]
    if "previous.planned_orders" in frames:
        levels = frames["pegging"].group_by("item").agg(pl.col("level").first())
        items = frames["items"].select("item", pl.col("cost").fill_null(0.0)).join(levels, on="item").select(
            "item", "level", "cost"
        )  # fmt: skip
        last = planning_date + timedelta(days=horizon_days - BUCKET_DAYS)
        buckets = (last - planning_date).days // BUCKET_DAYS + 1
        was, now = (releases(frames, name, items) for name in ("previous.planned_orders", "planned_orders"))
        was = was.filter(pl.col("date") >= planning_date)  # rolled forward: what was due is done
        changes = bucket_changes(was, now.filter(pl.col("date") >= planning_date), planning_date, last)
        parts.append(release_measures(changes, buckets))
        parts.append(
            pl.DataFrame(
                {
                    "level": [WHOLE],
                    "measure": ["amplification"],
                    "value": [amplification(changes, buckets)],
                    "unit": ["ratio"],
                },
                schema=MEASURE_SCHEMA,
            )
        )
    return pl.concat(parts).sort("level", "measure")


def nervousness_table(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Table `nervousness` of tonight."""
    return NERVOUSNESS.frame(nervousness(frames, context.policy.material.horizon_days, context.planning_date))
