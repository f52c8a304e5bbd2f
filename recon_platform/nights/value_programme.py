"""The root-cause programme of a value study: what the platform recommends in a world, and the world in which it is done.

Belongs here: levers as measures of a cell, and the parameters of a works in which a lever was pulled. Does not belong here:
how causes are told (`metrics.programme`), what is kept from night to night (`programme`).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from recon_platform.metrics.definitions import Period
from recon_platform.metrics.programme import JUDGED_AFTER_DAYS, LEVER_SCHEMA
from recon_platform.nights.programme import Causes
from recon_platform.plantsim.parameters import Parameters, with_allowance, with_safety_days
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

LEVERS = ("vendor", "scrap", "records")
PREFIX, AMOUNT = "lever", "lever_amount"
BASE_POLICY = "no_buffers"
"""Who decides in the world that a lever is recommended in, and in the one where it is pulled: nobody who pulls it anyway."""
PULLED = "fastener, lever pulled: "  # how the works of an acted-on world is called, with the lever behind it
SETTLED_DAYS = (
    14  # lines due so soon after the first night are not judged: their orders were begun under the warm-up rule
)


def recommended(causes: Causes, frames: Frames, context: PlanContext, start: date) -> pl.DataFrame:
    """The levers over all lines that can be judged on the night of `frames`, in a world that began on `start`."""
    first = start + timedelta(days=SETTLED_DAYS)
    last = context.planning_date - timedelta(days=JUDGED_AFTER_DAYS)
    if last < first:
        return pl.DataFrame(schema=LEVER_SCHEMA)
    return causes.levers(frames, context, causes.lost(frames, context, Period(first, last)))


def as_measures(found: pl.DataFrame) -> pl.DataFrame:
    """Levers as measures of week 0: lines saved of lines missed, and the amount."""
    name = pl.format("{}:{}", "lever", "subject")
    promise = found.select(
        metric=pl.format("{}:{}", pl.lit(PREFIX), name), numerator=pl.col("lines_saved").cast(pl.Float64),
        denominator=pl.col("lines_missed").cast(pl.Float64),
    )  # fmt: skip
    amount = found.select(
        metric=pl.format("{}:{}", pl.lit(AMOUNT), name), numerator="amount", denominator=pl.lit(None, pl.Float64)
    )
    return pl.concat([promise, amount]).select(pl.lit(0, pl.Int64).alias("week"), "metric", "numerator", "denominator")


def best_lever(measures: pl.DataFrame, lever: str) -> tuple[str, float, float] | None:
    """(subject, amount, lines it promises to save) of the first lever of a kind that a cell recommends; None without one."""
    start = f"{PREFIX}:{lever}:"
    mine = measures.filter(pl.col("metric").str.starts_with(start)).sort(
        "numerator", "metric", descending=[True, False]
    )
    if mine.is_empty():
        return None
    subject = str(mine["metric"][0]).removeprefix(start)
    amount = measures.filter(pl.col("metric") == f"{AMOUNT}:{lever}:{subject}")["numerator"][0]
    return subject, float(amount), float(mine["numerator"][0])


def acted_on(works: Parameters, lever: str, subject: str, amount: float) -> Parameters:
    """The works in which a lever was pulled before the first week. Raises ValueError for a lever that changes no parameter."""
    if lever == "vendor":
        before = next(one.safety_days for one in works.suppliers if one.code == subject)
        return with_safety_days(works, subject, before + round(amount))
    if lever == "scrap":
        return with_allowance(works, max(works.scrap_allowance, amount))
    raise ValueError(f"lever {lever!r} changes no parameter of a works; vendor and scrap do")
