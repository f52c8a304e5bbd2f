"""What a works keeps in reserve: purchases due some days before they are needed, pieces started beyond the standard yields.

Belongs here: what a change of either does to a plant that runs. Only what is not committed yet changes: purchases that are
not ordered, orders whose papers the floor does not have. Does not belong here: who decides it, and from what (the policies).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from recon_platform.plantsim.demand import OrderBook, purchase_lines, started_for_boxes, started_for_kits
from recon_platform.plantsim.floor import Floor, new_floor
from recon_platform.plantsim.history import History, material_ready, order_operations
from recon_platform.plantsim.parameters import with_safety_days
from recon_platform.plantsim.world import World

CARRYING_SHARE_A_YEAR = 0.2
"""What stock costs a year, of its value: capital, space, what spoils (Silver, Pyke & Thomas 2017, chapter 1)."""


@dataclass(frozen=True, slots=True)
class Buffers:
    """`safety_days`: working days by supplier between the due date of its purchases and the start of the first order that
    needs them, beyond those of the plant's parameters. `allowance`: share of pieces started beyond the standard yields."""

    safety_days: Mapping[str, int] = field(default_factory=dict)
    allowance: float = 0.0


def revised(history: History, floor: Floor, buffers: Buffers) -> tuple[History, Floor, npt.NDArray[np.int64]]:
    """The plant with `buffers` from minute `floor.now` on, and when the material of each order is there.

    Raises ValueError for a supplier that the plant does not have, or a negative reserve.
    """
    if buffers.allowance < 0 or any(days < 0 for days in buffers.safety_days.values()):
        raise ValueError(f"safety days and allowance must not be negative, found {buffers}")
    book = _revised_book(history.world, history.book, floor.now, buffers)
    operations = order_operations(history.world, book)
    begun = new_floor(history.world, book, operations, history.intervals)
    revised_history = replace(history, book=book, operations=operations)
    return revised_history, Floor(begun.arrays, floor.state, floor.now), material_ready(history.world, book)


def _revised_book(world: World, book: OrderBook, now: int, buffers: Buffers) -> OrderBook:
    today = int(world.clock.local_days(np.array([now]))[0])
    orders, purchases = book.orders, book.purchases
    ordered = purchases["ordered_day"].to_numpy() <= today
    qty = _started(world, book, now, buffers.allowance, ordered)
    needs = _needs(book, qty)
    parameters = world.parameters
    own = {one.code: one.safety_days for one in parameters.suppliers}
    for supplier, days in buffers.safety_days.items():
        parameters = with_safety_days(parameters, supplier, own.get(supplier, 0) + days)
    lines = purchases.select("purchase", "component_index", "first_day", "week", "truck").join(
        _by_purchase(needs), on="purchase", how="left", maintain_order="left"
    )
    later = purchase_lines(replace(world, parameters=parameters), lines, today)
    keep = pl.Series(ordered)
    made = pl.DataFrame([purchases[name].zip_with(keep, later[name]) for name in purchases.columns])
    return OrderBook(orders.with_columns(qty=pl.Series(qty)), book.lines, needs, made)


def _started(
    world: World, book: OrderBook, now: int, allowance: float, ordered: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Pieces by order: more where the papers are not out and what is ordered for it suffices; a kit only with its bolts."""
    orders = book.orders
    item, before = orders["item_index"].to_numpy(), orders["qty"].to_numpy()
    sold = orders["boxes"].to_numpy() > 0
    feeds = orders["feeds"].to_numpy()
    bolts = np.flatnonzero(feeds >= 0)
    wanted = before.copy()
    share = max(allowance, world.parameters.scrap_allowance)
    wanted[sold] = started_for_boxes(world, item[sold], orders["boxes"].to_numpy()[sold], share)
    wanted[bolts] = started_for_kits(world, item[bolts], wanted[feeds[bolts]])
    may = orders["release"].to_numpy() > now
    while True:
        may[bolts] &= may[feeds[bolts]]
        may[feeds[bolts]] = may[bolts]
        made = np.where(may, wanted, before)
        need = _needs(book, made)
        total = _by_purchase(need).sort("purchase")["need"].to_numpy()
        short = np.flatnonzero(ordered & (total > book.purchases["qty"].to_numpy()))
        if not len(short):
            return made
        # what is ordered does not suffice for all of them: none of its orders grows
        stuck = np.unique(need.filter(pl.col("purchase").is_in(short))["order"].to_numpy())
        stuck = stuck[may[stuck] & (made[stuck] > before[stuck])]
        if not len(stuck):
            return made
        may[stuck] = False


def _needs(book: OrderBook, qty: npt.NDArray[np.int64]) -> pl.DataFrame:
    return book.needs.with_columns(need=pl.lit(pl.Series(qty)).gather(pl.col("order")) * pl.col("qty_per"))


def _by_purchase(needs: pl.DataFrame) -> pl.DataFrame:
    return needs.group_by("purchase").agg(pl.col("need").sum())


def reserve_cost(before: OrderBook, now: OrderBook, components: pl.DataFrame, days: tuple[int, int]) -> float:
    """Plant currency that the reserve beyond `before` costs for the day numbers `days` (from, to): a year's
    `CARRYING_SHARE_A_YEAR` of what came earlier for the days it came earlier, and the material of pieces started beyond."""
    cost = components["cost"].to_numpy()
    bought = now.purchases
    due = bought["due_day"].to_numpy()
    mine = (due >= days[0]) & (due <= days[1])
    earlier = before.purchases["due_day"].to_numpy() - due
    value = bought["qty"].to_numpy() * cost[bought["component_index"].to_numpy()]
    carried = float((value * earlier)[mine].sum()) * CARRYING_SHARE_A_YEAR / 365
    start = now.orders["start_day"].to_numpy()
    begun = (start >= days[0]) & (start <= days[1])
    more = np.where(begun, now.orders["qty"].to_numpy() - before.orders["qty"].to_numpy(), 0)
    of_piece = np.bincount(
        now.needs["order"].to_numpy(),
        weights=now.needs["qty_per"].to_numpy() * cost[now.needs["component_index"].to_numpy()], minlength=len(more),
    )  # fmt: skip
    return carried + float((more * of_piece).sum())
