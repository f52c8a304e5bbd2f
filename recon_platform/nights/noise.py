"""Who makes the messages: a simulated plant night after night, and the same nights without one cause at a time.

Belongs here: the nights planned under each variant in the same executed world, and what is counted. Does not belong
here: the plant (`plantsim`), netting and causes (`material`). The floor follows the foreman's rule in every variant, so
that a difference of messages comes from the variant alone; what planners do with messages is not simulated.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from recon_platform.connectors import read_landing
from recon_platform.material.cause_shares import MOVING, cause_shares
from recon_platform.material.lead_times import lead_time_stacks
from recon_platform.nights.context import landing_context
from recon_platform.planning.plan import inputs, run_stage
from recon_platform.planning.stages import stage
from recon_platform.plantsim.executing import begin, land, run_day
from recon_platform.plantsim.landing import write_folder
from recon_platform.plantsim.night import plant_toml
from recon_platform.plantsim.parameters import plant_named
from recon_platform.plantsim.policies import POLICIES
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

Progress = Callable[[str], None]
HABITS = ("LEAD_TIME_CHANGE", "LOT_SIZE_CHANGE", "SAFETY_STOCK_CHANGE")
CALM, RECORDS, FIRMED = "DYNAMIC_LOT_SIZING", "RECORD_ERROR", "UNFIRMED_INSIDE_STACK"
AS_IT_IS = "as it is"
VARIANTS = (AS_IT_IS, *HABITS, CALM, FIRMED, RECORDS)
"""Each variant but the first leaves out the cause it is named after; UNFIRMED_INSIDE_STACK firms what starts inside the
stacked lead time of its item, as last night planned it."""

CAUSED = ("NEW", "CHANGED", "FLIPPED")
SHARE_SCHEMA = {"category": pl.String, "messages": pl.Int64, "weighted_days": pl.Float64, "offset_days": pl.Float64}
COUNT_SCHEMA = {
    "variant": pl.String, "night": pl.Date, "messages": pl.Int64, "caused": pl.Int64, "expedites": pl.Int64,
    "on_plan": pl.Int64, "carried_over": pl.Int64, "moved_days": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Habits:
    """How often the people who keep the planning parameters change them: share of all items per night and habit, and by
    which factor at most. Lead times, lot sizes and safety stocks are each edited on their own."""

    share_per_night: float = 0.01
    factor: float = 0.4


@dataclass(frozen=True, slots=True)
class Noise:
    """`shares`: per category what it made of the messages of all nights but the first; `counts`: per variant and night."""

    nights: int
    orders: int
    seed: int
    drift: float
    habits: Habits
    shares: pl.DataFrame
    counts: pl.DataFrame


def edited(items: pl.DataFrame, habits: Habits, without: str, seed: int, night: int) -> pl.DataFrame:
    """`items` as they stand on `night` after every edit of the nights up to it, but for those of the habit `without`.

    Each habit draws from a stream of its own, so that leaving one out leaves the others as they were.
    """
    columns = {
        "LEAD_TIME_CHANGE": ("lead_time_days",), "LOT_SIZE_CHANGE": ("lot_qty", "min_qty", "lot_periods"),
        "SAFETY_STOCK_CHANGE": ("safety_stock",),
    }  # fmt: skip
    made = items.sort("item")
    for number, habit in enumerate(HABITS):
        if habit == without:
            continue
        factor = np.ones(made.height)
        for past in range(1, night + 1):
            rng = np.random.default_rng((seed, number, past))
            chosen = rng.random(made.height) < habits.share_per_night
            step = rng.uniform(1 - habits.factor, 1 + habits.factor, made.height)
            factor = np.where(chosen, factor * step, factor)
        by = pl.Series("_factor", factor)
        made = made.with_columns(
            pl.when(by != 1.0)
            .then((pl.col(name) * by).round().clip(lower_bound=1).cast(dtype))
            .otherwise(pl.col(name))
            .alias(name)
            for name in columns[habit]
            for dtype in [made.schema[name]]
        )
    if without == CALM:
        dynamic = pl.col("lot_rule").is_in(["minimum", "period", "part_period", "silver_meal"])
        made = made.with_columns(
            pl.when(dynamic).then(pl.lit("lot_for_lot")).otherwise(pl.col("lot_rule")).alias("lot_rule")
        )
    return made


def measure_noise(  # noqa: PLR0917 - what a run is asked for
    nights: int,
    orders: int,
    seed: int = 1,
    drift: float = 0.05,
    habits: Habits | None = None,
    progress: Progress | None = None,
) -> Noise:
    """Run the plant `nights` nights, plan each under every variant, and count messages and causes.

    `RECORD_ERROR` is left out by a second world, the same but that everything is reported right (`drift` 0).
    Raises ValueError where there are fewer than two nights: the first has nothing to compare with.
    """
    if nights < 2:
        raise ValueError(f"nights must be at least 2, found {nights}: causes need a night before")
    kept = habits or Habits()
    told = progress or (lambda _text: None)
    in_world = [v for v in VARIANTS if v != RECORDS]
    with ThreadPoolExecutor(2) as beside:
        first = beside.submit(_world, nights, orders, seed, drift, kept, in_world, told)
        second = beside.submit(_world, nights, orders, seed, 0.0, kept, [RECORDS], told)
        (shares, counts), (_, quiet) = first.result(), second.result()
    return Noise(nights, orders, seed, drift, kept, _summed(shares), pl.concat([*counts, *quiet]))


def _world(  # noqa: PLR0917 - what a run is asked for
    nights: int, orders: int, seed: int, drift: float, habits: Habits, variants: list[str], progress: Progress
) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    works = replace(plant_named("fastener"), make_to_stock=True)
    plant = begin(orders=orders, nights=nights, seed=seed, drift=drift, plant=works)
    policy = POLICIES["foreman"]()
    previous: dict[str, dict[str, pl.DataFrame]] = {}
    shares: list[pl.DataFrame] = []
    counts: list[pl.DataFrame] = []
    for night in range(nights):
        progress(f"night {night + 1} of {nights}")
        landed = land(plant)
        with tempfile.TemporaryDirectory() as folder:
            write_folder(Path(folder), landed.text, plant_toml=plant_toml(plant.history, plant.day), parquet=False)
            landing = read_landing(Path(folder))
        context = landing_context(landing)
        facts = inputs(landing.frames, None, None, None)
        for name in ("conform", "reconcile"):
            facts.update(run_stage(stage(name), facts, context))
        with ThreadPoolExecutor(len(variants)) as beside:  # they share facts, which nobody writes
            plans = [
                beside.submit(_planned, facts, previous.get(variant, {}), context, variant, edits)
                for variant, edits in ((v, edited(facts["items"], habits, v, seed, night)) for v in variants)
            ]
        found = dict(zip(variants, (plan.result() for plan in plans), strict=True))
        for variant, frames in found.items():
            if night:
                counts.append(_counted(frames["action_messages"], variant, plant.day))
            if night and variant == AS_IT_IS:
                shares.append(cause_shares(frames["action_messages"], frames["message_causes"]))
            previous[variant] = _remembered(frames)
        plant = run_day(plant, landed, policy)
    return shares, counts


def _planned(
    facts: Frames, before: Frames, context: PlanContext, variant: str, items: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The night of `facts` with `items` as edited, planned on what `variant` planned the night before."""
    frames = {**facts, "items": items, **{f"previous.{name}": frame for name, frame in before.items()}}
    if variant == FIRMED and before:
        frames["master_schedule"] = firmed(frames, context)
    return {**frames, **run_stage(stage("material"), frames, context)}


def firmed(frames: Frames, context: PlanContext) -> pl.DataFrame:
    """The master schedule with last night's planned orders as plan lines where they start inside the stacked lead time
    of their item: netting neither moves nor resizes them. What should have started before today is planned anew."""
    stacks = lead_time_stacks(frames, context).select("item", "stack_days")
    ahead = (pl.col("start_date") - pl.lit(context.planning_date)).dt.total_days()
    lines = (
        frames["previous.planned_orders"]
        .filter(pl.col("make_buy") != "phantom")
        .join(stacks, on="item")
        .join(frames["items"].select("item", "uom"), on="item")
        .filter((ahead >= 0) & (ahead < pl.col("stack_days")))
        .select(
            "item", "due_date", pl.col("good_qty").alias("qty"), "uom", pl.lit("plan").alias("source"),
            pl.lit(True).alias("firm"),
        )
    )  # fmt: skip
    schedule = frames["master_schedule"]
    rows = lines.select(
        (pl.col(name) if name in lines.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schedule.schema.items()
    )
    return pl.concat([schedule, rows])


def _remembered(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    names = [name.removeprefix("previous.") for name in stage("material").reads if name.startswith("previous.")]
    return {name: frames[name] for name in names if name in frames}


def _counted(messages: pl.DataFrame, variant: str, day: date) -> pl.DataFrame:
    moving = messages.filter(pl.col("code").is_in(MOVING) & (pl.col("lifecycle") != "CLEARED"))
    caused = moving.filter(pl.col("lifecycle").is_in(CAUSED))
    shift = (caused.get_column("to_date") - caused.get_column("from_date")).dt.total_days().abs().sum()
    states = {name: moving.filter(pl.col("lifecycle") == name).height for name in ("ON_PLAN", "CARRY_OVER")}
    return pl.DataFrame(
        {
            "variant": [variant], "night": [day], "messages": [moving.height], "caused": [caused.height],
            "expedites": [caused.filter(pl.col("code") == "EXPEDITE").height], "on_plan": [states["ON_PLAN"]],
            "carried_over": [states["CARRY_OVER"]], "moved_days": [float(shift or 0)],
        },
        schema=COUNT_SCHEMA,
    )  # fmt: skip


def _summed(shares: list[pl.DataFrame]) -> pl.DataFrame:
    """Per category over all nights: messages it had a part in, days in their direction and against it, and its share."""
    rows = pl.concat([frame.select(pl.col(n).cast(t) for n, t in SHARE_SCHEMA.items()) for frame in shares])
    total = pl.col("weighted_days").sum()
    return (
        rows.group_by("category")
        .agg(pl.col("messages", "weighted_days", "offset_days").sum())
        .with_columns((pl.col("weighted_days") / total).fill_nan(None).alias("share"))
        .sort(["weighted_days", "category"], descending=[True, False])
    )


def savings(noise: Noise) -> pl.DataFrame:
    """Per variant: `caused` messages, `expedites` and `moved_days` over all nights, and `saved`: the share of caused
    messages that are not there without the cause (negative: it damped more than it made)."""
    totals = noise.counts.group_by("variant").agg(pl.col("messages", "caused", "expedites", "moved_days").sum())
    base = totals.filter(pl.col("variant") == AS_IT_IS).get_column("caused").item()
    order = pl.DataFrame({"variant": VARIANTS}).with_row_index("_n")
    saved = ((base - pl.col("caused")) / base).alias("saved") if base else pl.lit(None, dtype=pl.Float64).alias("saved")
    return order.join(totals, on="variant").sort("_n").drop("_n").with_columns(saved)
