"""What the ERP knows of stock and purchases on one night.

Belongs here: stock by lot, purchase lines and receipts. Does not belong here: orders and postings (`snapshot_erp`).
"""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.demand import purchase_lines
from recon_platform.plantsim.history import covered_on
from recon_platform.plantsim.master import KILOGRAM, PIECE
from recon_platform.plantsim.state import State
from recon_platform.plantsim.stocking import safety_lots


def item_names(state: State, index: pl.Series) -> pl.Series:
    """Names of make items by index."""
    return state.history.world.items["item"].gather(index)


def _received_through(state: State) -> int:
    """The last day of which the goods, received at ten in the morning, are in stock."""
    clock = state.history.world.clock
    local = clock.instant(state.now).astimezone(clock.zone)
    return clock.day_number(local.date()) - (0 if local.hour >= 10 else 1)


def reservations(state: State) -> pl.DataFrame:
    """Wire in stock that was bought for an order which has not drawn it yet: the stores hand it to no other."""
    book, world = state.history.book, state.history.world
    bought = covered_on(book).filter((pl.col("kind") == "wire") & (pl.col("day") <= _received_through(state)))
    open_orders = state.orders.filter(~pl.col("status").is_in(["complete", "closed"]))
    drawn = state.issues.filter(pl.col("component_index") >= 0).select("order", "op_seq", "component_index", "issued")
    rows = (
        bought.join(open_orders.select(order="index", for_order="work_order"), on="order")
        .join(drawn, on=["order", "op_seq", "component_index"], how="left")
        .with_columns(qty=(pl.col("need") - pl.col("issued").fill_null(0.0)).round(3))
        .filter(pl.col("qty") > 0)
        .sort("order", "op_seq", "component_index")
    )
    return rows.select(
        item=world.components["component"].gather(rows["component_index"]),
        lot=book.purchases["lot"].gather(rows["purchase"]), qty="qty", uom=pl.lit(KILOGRAM), for_order="for_order",
    )  # fmt: skip


def _by_reservation(wires: pl.DataFrame, reserved: pl.DataFrame) -> pl.DataFrame:
    """Stock of wire by lot: what is kept for orders is available, the rest of a heat is none an order could be made of."""
    kept = reserved.group_by("item", "lot").agg(_kept=pl.col("qty").sum())
    both = wires.join(kept, on=["item", "lot"], how="left", maintain_order="left").with_columns(
        _kept=pl.min_horizontal(pl.col("_kept").fill_null(0.0), "qty")
    )
    free = both.with_columns(qty=(pl.col("qty") - pl.col("_kept")).round(3), status=pl.lit("hold"))
    made = pl.concat([both.with_columns(qty=pl.col("_kept").round(3)), free]).filter(pl.col("qty") > 0)
    return made.drop("_kept").sort("item", "lot", "status")


def inventory(state: State) -> pl.DataFrame:
    world, book, today = state.history.world, state.history.book, _received_through(state)
    bought = book.purchases.with_columns(
        arrived=pl.when(pl.col("arrival_day") <= today).then("first_qty").otherwise(0.0)
        + pl.when(pl.col("second_day") <= today).then(pl.col("qty") - pl.col("first_qty")).otherwise(0.0)
    )
    drawn = state.drawn.filter(pl.col("component_index") >= 0).group_by("purchase").agg(pl.col("issued").sum())
    bought = (
        bought.join(drawn, on="purchase", how="left")
        .with_columns(balance=pl.col("arrived") - pl.col("issued").fill_null(0.0))
        .sort("purchase")
    )
    wires = bought.filter((pl.col("kind") == "wire") & (pl.col("balance") > 0.05))
    grade = pl.Series([a.property_class for a in world.parameters.materials])
    wire_rows = wires.select(
        item=world.components["component"].gather(wires["component_index"]),
        lot="lot",
        location=pl.lit("WIRE"),
        qty=pl.col("balance").round(3),
        uom=pl.lit(KILOGRAM),
        status=pl.lit("available"),
        grade=grade.gather(world.components["alloy"].gather(wires["component_index"])),
        heat="lot",
        certificate=pl.lit("3.1"),
    )
    pools = (
        bought.filter(pl.col("kind") != "wire")
        .group_by("component_index")
        .agg(pl.col("balance").sum(), week=pl.col("qty").median())
        .sort("component_index")
    )
    pool_rows = pools.select(
        item=world.components["component"].gather(pools["component_index"]),
        location=pl.lit("PARTS"),
        qty=(pl.col("balance") + 3 * pl.col("week").round(0)).round(3),
        uom=pl.lit(PIECE),
        status=pl.lit("available"),
    )
    shipped = (
        state.lines.filter(pl.col("ship_day") >= 0)
        .group_by("order")
        .agg(out=(pl.col("shipped") * pl.col("pack")).sum())
    )
    into_kits = state.drawn.filter(pl.col("made_order") >= 0).group_by("made_order").agg(kits=pl.col("issued").sum())
    goods = (
        state.completed.join(shipped, left_on="index", right_on="order", how="left")
        .join(into_kits, left_on="index", right_on="made_order", how="left")
        .with_columns(balance=pl.col("good") - pl.col("out").fill_null(0) - pl.col("kits").fill_null(0))
        .filter(pl.col("balance") > 0)
        .sort("index")
    )
    goods_rows = goods.select(
        item=item_names(state, goods["item_index"]),
        lot=pl.concat_str(pl.lit("L"), (pl.col("index") + 1_000_001).cast(pl.String)),
        location=pl.lit("FG"),
        qty=pl.col("balance").cast(pl.Float64),
        uom=pl.lit(PIECE),
        status=pl.lit("available"),
        certificate=pl.lit("3.1"),
    )
    if world.parameters.reserves_material:
        wire_rows = _by_reservation(wire_rows, reservations(state))
    rows = [wire_rows, pool_rows, goods_rows]
    if world.parameters.make_to_stock:
        rows.append(safety_lots(world))
    return pl.concat(rows, how="diagonal")


def purchases(state: State) -> dict[str, pl.DataFrame]:
    """Purchase lines placed so far: those of the order book, and the twelve months before it."""
    clock, components = state.history.world.clock, state.history.world.components
    today = _received_through(state)
    lines = pl.concat([_earlier(state), state.history.book.purchases], how="diagonal")
    lines = lines.filter((pl.col("ordered_day") <= today) & (pl.col("due_day") > today - 365))
    in_full = pl.col("second_day") <= today
    lines = lines.with_columns(
        received=pl.when(in_full).then("qty").when(pl.col("arrival_day") <= today).then("first_qty").otherwise(0.0),
        announced=pl.when(pl.col("due_day") - 3 <= today).then("arrival_day").otherwise("due_day"),
    )
    uom = pl.when(pl.col("kind") == "wire").then(pl.lit(KILOGRAM)).otherwise(pl.lit(PIECE))
    orders = lines.select(
        "purchase_order",
        line=pl.lit("10"),
        supplier=pl.Series([s.code for s in state.history.world.parameters.suppliers]).gather(lines["supplier"]),
        item=components["component"].gather(lines["component_index"]),
        qty="qty",
        received_qty="received",
        uom=uom,
        ordered_on=clock.dates(lines["ordered_day"].to_numpy()),
        due_date=clock.dates(lines["due_day"].to_numpy()),
        promised_date=clock.dates(lines["announced"].to_numpy()),
        status=pl.when(in_full).then(pl.lit("closed")).otherwise(pl.lit("open")),
        firm=pl.lit(False),
    )
    first = lines.filter(pl.col("arrival_day") <= today).with_columns(day="arrival_day", part="first_qty")
    second = lines.filter((pl.col("second_day") <= today) & (pl.col("first_qty") < pl.col("qty"))).with_columns(
        day="second_day", part=pl.col("qty") - pl.col("first_qty")
    )
    both = pl.concat([first, second]).sort("day", "purchase_order")
    receipts = both.select(
        "purchase_order",
        line=pl.lit("10"),
        received_on=clock.dates(both["day"].to_numpy()),
        qty="part",
        uom=uom,
    )
    return {"purchase_orders": orders, "receipts": receipts}


def _earlier(state: State) -> pl.DataFrame:
    """Purchases of the months before the order book begins: two of its early weeks, repeated backwards."""
    world, purchases = state.history.world, state.history.book.purchases
    lines = purchases.with_columns(week=(pl.col("due_day") + world.clock.origin.weekday()) // 7)
    first = int(lines["week"].to_numpy().min())
    typical = first + 5
    sample = lines.filter(pl.col("week").is_between(typical, typical + 1))
    if sample.is_empty():
        return purchases.clear()
    back = pl.DataFrame({"back": range(2, 46, 2)})
    safety = pl.lit(pl.Series([one.safety_days for one in world.parameters.suppliers])).gather(pl.col("supplier"))
    past = sample.join(back, how="cross").with_columns(
        week=pl.col("week") - typical + first - pl.col("back"),
        first_day=pl.col("due_day") - 7 * (typical - first + pl.col("back")) + safety,
        need=pl.col("qty") / 1.03,
        truck=pl.lit(99, pl.Int64),
    )
    past = past.select("component_index", "week", "truck", "need", "first_day").sort("week", "component_index")
    made = purchase_lines(world, past.with_columns(purchase=pl.int_range(pl.len(), dtype=pl.Int64)))
    number = pl.concat_str(pl.lit("PO"), (pl.col("purchase") + 100_001).cast(pl.String))
    settled = world.clock.day_number(world.start) - world.parameters.warm_up_days + 14
    return made.with_columns(purchase_order=number).filter(pl.col("second_day") < settled)
