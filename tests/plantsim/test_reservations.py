"""An ERP that tells which order the wire in stock was bought for says what the stores of the floor do."""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.executing import begin, land
from recon_platform.plantsim.history import covered_on
from recon_platform.plantsim.parameters import plant_named, with_reservations


def test_wire_is_kept_for_the_orders_that_the_floor_hands_it_to() -> None:
    without = begin(orders=120, nights=2, seed=2, drift=0.0, plant=plant_named("fastener"))
    plant = begin(orders=120, nights=2, seed=2, drift=0.0, plant=with_reservations(plant_named("fastener")))
    true, plain = land(plant).true, land(without).true
    assert "allocations" not in plain
    kept, stock = true["allocations"], true["inventory"].filter(location="WIRE")
    assert kept.height
    lots = stock.group_by("item", "lot").agg(
        pl.col("qty").sum(), usable=pl.col("qty").filter(pl.col("status") == "available").sum()
    )
    before = plain["inventory"].filter(location="WIRE").select("item", "lot", was="qty")
    both = lots.join(before, on=["item", "lot"], how="full", coalesce=True)
    assert (both["qty"] - both["was"]).abs().max() < 0.01, "no wire appears and none is lost"
    reserved = kept.group_by("item", "lot").agg(reserved=pl.col("qty").sum())
    usable = lots.filter(pl.col("usable") > 0).join(reserved, on=["item", "lot"], how="full", coalesce=True)
    assert (usable["usable"] - usable["reserved"]).abs().max() < 0.01
    book, today = plant.history.book, plant.history.world.clock.day_number(plant.day)
    names = book.orders.select(for_order="work_order", order="index")
    waiting = kept.join(names, on="for_order")
    assert waiting.height == kept.height
    came = covered_on(book).filter(pl.col("kind") == "wire").join(waiting.select("order"), on="order", how="semi")
    assert came["day"].max() < today, "what is kept for an order has come"
