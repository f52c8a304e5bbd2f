"""Plants come from files: each is a works that runs, a wrong file says what is wrong, chance belongs to the seed."""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import date
from importlib import resources

import numpy as np
import polars as pl
import pytest

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.demand import order_book
from recon_platform.plantsim.executing import begin, land, next_night, run_on, view_of
from recon_platform.plantsim.parameters import PLANTS, at_load, plant_named, plant_of, with_queues
from recon_platform.plantsim.policies import Foreman
from recon_platform.plantsim.random_plant import random_plant
from recon_platform.plantsim.world import build_world

START = date(2026, 3, 2)


def text_of(name: str) -> str:
    return resources.files("recon_platform.plantsim").joinpath("plants", f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PLANTS)
def test_every_plant_runs_a_day_and_hands_over_what_the_contract_asks(name: str) -> None:
    plant = begin(orders=120, nights=2, seed=5, plant=name)
    landed = land(plant)
    after = run_on(plant, Foreman().dispatch(view_of(plant, landed.text, None)), next_night(plant))
    assert (after.floor.state.ended > plant.now).any()
    ops, world = plant.history.operations, plant.history.world
    assert ops.group_by("order").len().height == len(plant.history.book.orders)
    assert set(world.machines["wc"].unique()) == {
        i for i, center in enumerate(world.parameters.work_centers) if not center.external
    }
    assert landed.true["work_orders"].height > 60


def test_a_job_shop_sends_its_parts_different_ways() -> None:
    world = build_world(200, seed=5, start=START, nights=1, plant="machining")
    ways = world.routing.group_by("item_index").agg("wc").get_column("wc").to_list()
    assert len({tuple(way) for way in ways}) > 20


def test_rework_runs_a_part_of_some_orders_again() -> None:
    with_it = plant_named("process")
    raw = tomllib.loads(text_of("process"))
    for operation in raw["operation"]:
        operation.pop("rework", None)
    one, two = (begin(orders=120, nights=1, seed=5, plant=p) for p in (with_it, plant_of(raw, "without")))
    more = one.history.operations["minutes"].to_numpy() / two.history.operations["minutes"].to_numpy()
    concerned = one.history.operations["operation_code"].is_in(["MILL", "PACK"]).to_numpy()
    assert (more[~concerned] == 1).all()
    assert 0.005 < (more[concerned] > 1.2).mean() < 0.12


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sizes_mm": [1, 2]}, "must be of one length"),
        ({"colour": "red"}, "colour"),
        ({"supplier": []}, "six suppliers"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        plant_of({**tomllib.loads(text_of("fastener")), **change}, "mine.toml")
    assert "mine.toml" in str(error.value)


def test_an_operation_at_a_work_center_that_is_not_there_is_refused() -> None:
    raw = tomllib.loads(text_of("fastener"))
    raw["operation"][0]["work_centers"] = ["HD9"]
    with pytest.raises(ValueError, match=r"operation 10 HEAD names work centers \['HD9'\]"):
        plant_of(raw, "mine.toml")


def test_a_load_sweep_turns_the_busiest_work_center() -> None:
    low, high = (at_load(plant_named("fastener"), load) for load in (0.7, 0.95))
    busiest = max(center.load for center in low.work_centers)
    assert low.load_factor * busiest == pytest.approx(0.7)
    assert high.load_factor * busiest == pytest.approx(0.95)
    minutes = [
        begin(orders=150, nights=1, seed=5, plant=plant).history.operations.filter(batch_max=0)["minutes"].sum()
        for plant in (low, high)
    ]
    assert minutes[0] < minutes[1]


def test_a_reserve_for_queues_starts_orders_earlier_and_changes_nothing_customers_asked() -> None:
    tight = plant_named("fastener")
    books = [
        order_book(build_world(150, seed=5, start=START, nights=7, plant=plant), 7).orders.sort("work_order")
        for plant in (tight, with_queues(tight, 1.7))
    ]
    before, after = books
    assert before.select("item_index", "qty", "created").equals(after.select("item_index", "qty", "created"))
    sold = ~before["bolt"]
    assert before.filter(sold)["due_day"].equals(after.filter(sold)["due_day"])
    assert (after["start_day"] <= before["start_day"]).all()
    assert (after["start_day"] < before["start_day"]).mean() > 0.8


def test_a_plant_that_makes_to_stock_has_lot_rules_and_the_stock_they_ask_for() -> None:
    to_order = plant_named("fastener")
    plant = begin(orders=120, nights=1, seed=5, drift=0.0, plant=dataclasses.replace(to_order, make_to_stock=True))
    made, stock = (land(plant).true[name] for name in ("items", "inventory"))
    made = made.filter(make_buy="make")
    assert set(made["lot_rule"]) == {"period", "minimum"}
    assert set(made["lot_periods"].drop_nulls()) == {1, 2}
    assert (made.filter(lot_rule="minimum")["min_qty"] > 0).all()
    kept = made.filter(pl.col("safety_stock") > 0)
    assert 0 < kept.height < made.height
    held = stock.filter(pl.col("lot").str.starts_with("LS")).select("item", "qty")
    assert held.sort("item").rows() == kept.select("item", "safety_stock").sort("item").rows()
    before = land(begin(orders=120, nights=1, seed=5, drift=0.0, plant=to_order)).true
    assert set(before["items"].filter(make_buy="make")["lot_rule"]) == {"lot_for_lot"}
    assert stock.height == before["inventory"].height + kept.height


def test_a_random_plant_belongs_to_its_seed_and_lies_within_the_limits() -> None:
    one, again, other = random_plant(3), random_plant(3), random_plant(4)
    assert one == again
    assert one != other
    for plant in (one, other):
        assert all(0.5 <= center.load <= 0.92 for center in plant.work_centers if not center.external)
        assert sum(material.share for material in plant.materials) == pytest.approx(1)
        ready = begin(orders=120, nights=1, seed=5, plant=plant)
        assert (ready.floor.state.ended >= 0).any()
        assert ready.now % DAY_MIN == ready.history.world.clock.minute(START, 240) % DAY_MIN
        assert np.isfinite(ready.history.operations["minutes"].to_numpy()).all()
