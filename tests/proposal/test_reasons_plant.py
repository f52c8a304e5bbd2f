"""Reasons are true on the generated plant: of the changes one event makes, nearly all name it, and without it none is left.

The schedule in force is what the planner itself makes of the night's facts, its dispatch setting held and its sequence kept
through the whole horizon: planned again, nothing moves. Then one thing happens and every change is its work.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.capacity import look_ahead
from recon_platform.connectors import read_landing
from recon_platform.nights.context import landing_context
from recon_platform.planning import inputs, run_stages
from recon_platform.planning.decisions import with_trial
from recon_platform.planning.stages import STAGES, trial_stages
from recon_platform.plantsim import generate
from recon_platform.proposal.candidate import grant
from recon_platform.proposal.delta import proposal_changes
from recon_platform.proposal.evaluate import BESIDES
from recon_platform.tables.context import PlanContext

SHARE = 0.95
ROUNDS = 5  # plans until the planner repeats its own schedule


@dataclass
class Standing:
    """A plant whose schedule in force is what planning again gives."""

    context: PlanContext
    frames: dict[str, pl.DataFrame]

    def planned(self, frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        stages = [step for step in trial_stages() if step.name not in BESIDES]
        return run_stages(stages, frames, self.context)

    def changes(self, **tables: pl.DataFrame) -> pl.DataFrame:
        """The delta view had `tables` been what they are given as."""
        return proposal_changes(self.planned({**self.frames, **tables}), self.context)


def standing(frames: dict[str, pl.DataFrame], context: PlanContext) -> Standing:
    """The plant with the schedule it settles on in force. Raises AssertionError where it never settles."""
    capacity = replace(context.policy.capacity, match_up_days=400.0, stability_weight=100.0)
    context = replace(context, policy=replace(context.policy, capacity=capacity))
    k1, k2 = look_ahead(frames, context)
    plant = Standing(
        context, with_trial(frames, context, [grant("look_ahead", as_of=context.as_of.isoformat(), k1=k1, k2=k2)])
    )
    for _ in range(ROUNDS):
        made = plant.planned(plant.frames)
        if proposal_changes(made, context).is_empty() and "published.schedule" in plant.frames:
            plant.frames = {**made, "published.schedule": plant.frames["published.schedule"]}
            return plant
        plant.frames = {**plant.frames, "published.schedule": made["schedule"]}
    raise AssertionError("planned again with nothing new, the schedule keeps moving")


Event = Callable[[Standing, random.Random], tuple[dict[str, pl.DataFrame], tuple[str, ...]]]


def machine_down(plant: Standing, draw: random.Random) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    soon = plant.frames["schedule"].filter(pl.col("start") < plant.context.as_of + timedelta(days=2))
    machine = draw.choice(sorted(set(soon["machine"])))
    events = plant.frames["downtime_events"]
    row = {
        "event": "DOWN", "machine": machine, "started_at": plant.context.as_of - timedelta(hours=1), "planned": False,
        "expected_end": plant.context.as_of + timedelta(hours=draw.choice((24, 48))), "reported_at": plant.context.as_of,
    }  # fmt: skip
    stop = pl.DataFrame([{name: row.get(name) for name in events.columns}], schema=events.schema)
    return {"downtime_events": pl.concat([events, stop])}, (f"machine {machine} is down",)


def order_cancelled(plant: Standing, draw: random.Random) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    orders = plant.frames["reconciled_orders"]
    waiting = orders.filter(pl.col("status").is_in(["released", "firm"]) & (pl.col("completed_qty") == 0))
    order, item = draw.choice(sorted(waiting.select("work_order", "item").rows()))
    without = {
        name: plant.frames[name].filter(pl.col("work_order") != order)
        for name in ("reconciled_orders", "reconciled_operations")
    }
    return without, (f"{order}/", f"PL-{item}-")  # netting may ask for the item anew


def quantity_doubled(plant: Standing, draw: random.Random) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    near = plant.frames["schedule"].filter(
        ~pl.col("frozen") & (pl.col("start") < plant.context.as_of + timedelta(days=7))
    )
    order = draw.choice(sorted(set(near["work_order"]) & set(plant.frames["reconciled_orders"]["work_order"])))
    open_ = (pl.col("work_order") == order) & (pl.col("status") != "complete")
    doubled = plant.frames["reconciled_operations"].with_columns(
        pl.when(open_).then(2 * pl.col(name)).otherwise(pl.col(name)).alias(name) for name in ("qty", "remaining_qty")
    )
    return {"reconciled_operations": doubled}, (f"{order}/",)


def supply_late(plant: Standing, draw: random.Random) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    near = plant.frames["schedule"].filter(pl.col("start") < plant.context.as_of + timedelta(days=12))
    pegs = plant.frames["pegging"].filter(
        (pl.col("supply_type") == "purchase_order") & pl.col("demand").is_in(near["work_order"].implode())
    )
    supply, item = draw.choice(sorted(pegs.select("supply", "item").unique().rows()))
    mine = pl.concat_str("purchase_order", "line", separator="/") == supply
    late = plant.frames["purchase_orders"].with_columns(
        pl.when(mine).then(pl.col(name) + pl.duration(days=10)).otherwise(pl.col(name)).alias(name)
        for name in ("due_date", "promised_date")
    )
    return {"purchase_orders": late}, (item,)


EVENTS: tuple[Event, ...] = (machine_down, order_cancelled, quantity_doubled, supply_late)


def named_shares(plant: Standing, draw: random.Random, times: int) -> dict[str, tuple[int, int, int]]:
    """Per event: changes, those that name it, those without a root."""
    shares = {}
    for happens in EVENTS:
        counts = [0, 0, 0]
        for _ in range(times):
            tables, names = happens(plant, draw)
            changes = plant.changes(**tables)
            names_it = pl.any_horizontal(
                pl.col("reason").str.contains(name, literal=True) | pl.col("root").fill_null("").str.starts_with(name)
                for name in names
            )
            for k, rows in enumerate((changes, changes.filter(names_it), changes.filter(pl.col("root").is_null()))):
                counts[k] += rows.height
        shares[happens.__name__] = (counts[0], counts[1], counts[2])
    return shares


def holds(shares: dict[str, tuple[int, int, int]]) -> None:
    for name, (changes, named, rootless) in shares.items():
        print(f"{name}: {changes} changes, {named} name it, {rootless} without a root")
        assert changes > 0, name
        assert named >= SHARE * changes, (name, shares)
        assert rootless == 0, (name, shares)


def generated(folder: Path, orders: int, seed: int) -> Standing:
    landing = read_landing(generate(folder, orders=orders, nights=1, seed=seed).nights[0])
    context = landing_context(landing)
    return standing(run_stages(STAGES, inputs(landing.frames, None, None, None), context), context)


def test_the_changes_one_event_makes_name_it(tmp_path: Path) -> None:
    holds(named_shares(generated(tmp_path, 120, 11), random.Random(1), 1))


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_the_changes_one_event_makes_name_it_at_600_orders(tmp_path: Path, seed: int) -> None:
    holds(named_shares(generated(tmp_path, 600, seed), random.Random(seed), 3))
