"""The peer workload read and netted: stock, lots and purchases, first needed first served.

Belongs here: what is made and bought for which order. When it is made is `peer`'s task.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numba as nb
import numpy as np
import polars as pl

from recon_platform.capacity.problem import Array

COVER_BEFORE_DAYS = 7.0  # a purchase arrives this long before it is first needed, where its lead time allows


def whole_seconds(days: Array) -> Array:
    """Days after now as whole seconds, rounded up. A receipt and the start that waits for it are both made from this
    number: rounded each in its own unit, the start could come a microsecond before the receipt.
    """
    seconds: Array = np.ceil(days * 86_400.0 - 1e-4).astype(np.int64)
    return seconds


class Workload(NamedTuple):
    """The tables of a workload, and its clock."""

    now: datetime
    horizon_days: int
    tables: dict[str, pl.DataFrame]


class Netted(NamedTuple):
    """Manufacturing orders (item, qty, need in days), what each waits for, purchases, and what serves each demand."""

    item: Array
    qty: Array
    need: Array
    ready: Array  # whole seconds after now at which bought material is there
    demand: Array  # sales order served; -1 for a component lot
    link_from: Array
    link_to: Array
    purchases: list[tuple[str, float, int]]  # item, qty, receipt in whole seconds after now
    from_stock: Array  # sales orders served from stock alone


def read_workload(folder: Path) -> Workload:
    """The CSV tables of `peer_workload.py`; raises ValueError naming a missing file."""
    names = (
        "params",
        "calendars",
        "workcenters",
        "routings",
        "bom",
        "lots",
        "suppliers",
        "inventory",
        "purchase_orders",
        "sales_orders",
    )
    tables = {}
    for name in names:
        path = folder / f"{name}.csv"
        if not path.exists():
            raise ValueError(f"{path}: missing; write the workload with peer_workload.py --out {folder}")
        tables[name] = pl.read_csv(path, infer_schema_length=None)
    params = dict(tables["params"].iter_rows())
    return Workload(datetime.fromisoformat(params["now"]), int(params["horizon_days"]), tables)


@nb.njit(cache=True)
def peg(
    item: Array, qty: Array, need: Array, stock: Array, lot_min: Array, multiple: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Serve demands (sorted by item and need) from stock, then from lots made when the last runs out or is needed later.

    Returns (demand, lot, ...) pegs with lot -1 for stock, then item, quantity and first demand of each lot.
    """
    n = item.shape[0]
    peg_demand = np.empty(3 * n + 8, np.int64)
    peg_lot = np.empty(3 * n + 8, np.int64)
    lot_item, lot_qty, lot_first = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
    left = stock.copy()
    open_lot = np.full(stock.shape[0], -1, np.int64)
    open_left, open_need = np.zeros(stock.shape[0]), np.zeros(stock.shape[0])
    pegs, lots = 0, 0
    for d in range(n):
        i = item[d]
        rest = qty[d]
        used = min(left[i], rest)
        if used > 0:
            left[i] -= used
            rest -= used
            peg_demand[pegs], peg_lot[pegs] = d, -1
            pegs += 1
        if rest > 1e-9 and open_left[i] > 1e-9 and open_need[i] <= need[d]:
            used = min(open_left[i], rest)
            open_left[i] -= used
            rest -= used
            peg_demand[pegs], peg_lot[pegs] = d, open_lot[i]
            pegs += 1
        if rest > 1e-9:
            size = np.ceil(max(rest, lot_min[i]) / multiple[i] - 1e-9) * multiple[i]
            lot_item[lots], lot_qty[lots], lot_first[lots] = i, size, d
            open_lot[i], open_left[i] = lots, size - rest
            open_need[i] = need[d]
            peg_demand[pegs], peg_lot[pegs] = d, lots
            pegs += 1
            lots += 1
    return peg_demand[:pegs], peg_lot[:pegs], lot_item[:lots], lot_qty[:lots], lot_first[:lots]


def net(load: Workload, rush: tuple[str, float, float] | None = None) -> tuple[Netted, dict[str, int], list[str]]:
    """Net the sales orders through the bill of material, level by level, first needed first served. Safety stock is
    used before an order is late: that is what it is for.

    `rush` (item, qty, due in days) is served last, so that what the others have stays theirs.
    """
    t = load.tables
    names: list[str] = sorted(
        set(t["routings"]["item"])
        | set(t["inventory"]["item"])
        | set(t["suppliers"]["item"])
        | set(t["bom"]["component"])
    )
    number = {name: k for k, name in enumerate(names)}
    count = len(names)
    stock = np.zeros(count)
    for item, qty in t["inventory"].iter_rows():
        stock[number[item]] += qty
    lot_min, multiple = np.zeros(count), np.ones(count)
    for item, least, mult, _safety in t["lots"].iter_rows():
        lot_min[number[item]], multiple[number[item]] = least, mult
    lead, buy_min, buy_multiple = np.zeros(count), np.zeros(count), np.ones(count)
    for item, _, days, least, mult in t["suppliers"].iter_rows():
        lead[number[item]], buy_min[number[item]], buy_multiple[number[item]] = days, least, mult
    bought = set(t["suppliers"]["item"])
    work = np.zeros(count)
    for item, setup, run in (
        t["routings"]
        .group_by("item")
        .agg(pl.col("setup_s").sum(), pl.col("run_s_per_unit").sum())
        .sort("item")
        .iter_rows()
    ):
        work[number[item]] = (setup + run * 10) / 86400
    parts: dict[int, list[tuple[int, float]]] = {}
    for parent, component, per in t["bom"].iter_rows():
        parts.setdefault(number[parent], []).append((number[component], float(per)))
    level = np.zeros(count, np.int64)
    for _ in range(8):
        for parent, below in parts.items():
            for component, _per in below:
                level[component] = max(level[component], level[parent] + 1)
    orders = t["sales_orders"].with_columns(
        ((pl.col("due").str.to_datetime() - load.now).dt.total_seconds() / 86400).alias("days")
    )
    mo_item: list[Array] = []
    mo_qty: list[Array] = []
    mo_need: list[Array] = []
    mo_demand: list[Array] = []
    links_from: list[Array] = []
    links_to: list[Array] = []
    item = orders["item"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    qty = orders["qty"].to_numpy().astype(float)
    need = orders["days"].to_numpy()
    last = np.zeros(len(item), bool)
    consumer = np.arange(len(item))
    if rush is not None:
        item, qty, need = np.append(item, number[rush[0]]), np.append(qty, rush[1]), np.append(need, rush[2])
        last, consumer = np.append(last, True), np.append(consumer, len(consumer))
    served = np.zeros(len(item), bool)
    made = 0
    pending: dict[int, list[tuple[Array, Array, Array, Array, Array]]] = {0: [(item, qty, need, consumer, last)]}
    purchases: list[tuple[str, float, int]] = []
    material: list[tuple[Array, Array]] = []
    is_bought = np.array([name in bought for name in names])
    supply = t["purchase_orders"].with_columns(
        ((pl.col("receipt").str.to_datetime() - load.now).dt.total_seconds() / 86400).alias("days")
    ).sort("item", "days")  # fmt: skip
    for depth in range(int(level.max()) + 1):
        rows = pending.pop(depth, [])
        if not rows:
            continue
        item, qty, need, consumer, last = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.lexsort((consumer, need, last, item))
        item, qty, need, consumer, last = item[order], qty[order], need[order], consumer[order], last[order]
        buys = is_bought[item]
        if buys.any():
            there = _buy(
                item[buys], qty[buys], need[buys], names, stock, lead, buy_min, buy_multiple, supply, number, purchases
            )
            material.append((consumer[buys], there))
        item, qty, need, consumer, last = (column[~buys] for column in (item, qty, need, consumer, last))
        if not len(item):
            continue
        peg_demand, peg_lot, lot_item, lot_qty, lot_first = peg(item, qty, need, stock, lot_min, multiple)
        from_lot = peg_lot >= 0
        ids = made + np.arange(len(lot_item))
        if depth == 0:
            # end items are made for their order: the lot belongs to the demand that opened it
            served[consumer[lot_first]] = True
            mo_demand.append(consumer[lot_first])
        else:
            mo_demand.append(np.full(len(lot_item), -1))
            links_from.append(made + peg_lot[from_lot])
            links_to.append(consumer[peg_demand[from_lot]])
        starts = need[lot_first] - 3.0 * work[lot_item] - 0.5
        mo_item.append(lot_item)
        mo_qty.append(lot_qty)
        mo_need.append(need[lot_first])
        made += len(lot_item)
        for k in np.unique(lot_item):
            mine = np.flatnonzero(lot_item == k) if len(lot_item) < 4000 else None
            if mine is None:
                break
            _explode(k, mine, ids, lot_qty, starts, last[lot_first], parts, level, pending)
        else:
            continue
        grouped = np.argsort(lot_item, kind="stable")
        bounds = np.flatnonzero(np.diff(lot_item[grouped])) + 1
        for mine in np.split(grouped, bounds):
            _explode(int(lot_item[mine[0]]), mine, ids, lot_qty, starts, last[lot_first], parts, level, pending)
    ready = np.zeros(made)
    for rows_to, days in material:
        np.maximum.at(ready, rows_to, days)

    def flat(columns: list[Array]) -> Array:
        return np.concatenate(columns) if columns else np.zeros(0, np.int64)

    return (
        Netted(
            flat(mo_item), flat(mo_qty), flat(mo_need), whole_seconds(ready), flat(mo_demand), flat(links_from), flat(links_to), purchases,
            np.flatnonzero(~served),
        ),
        number, names,
    )  # fmt: skip


def _explode(
    item: int, mine: Array, ids: Array, qty: Array, starts: Array, last: Array, parts: dict[int, list[tuple[int, float]]],
    level: Array, pending: dict[int, list[tuple[Array, Array, Array, Array, Array]]],
) -> None:  # fmt: skip
    """Component demand of the lots `mine` of one item."""
    for component, per in parts.get(item, []):
        pending.setdefault(int(level[component]), []).append(
            (np.full(len(mine), component), qty[mine] * per, starts[mine], ids[mine], last[mine])
        )


def _buy(
    item: Array, qty: Array, need: Array, names: list[str], stock: Array, lead: Array, least: Array, multiple: Array,
    supply: pl.DataFrame, number: dict[str, int], purchases: list[tuple[str, float, int]],
) -> Array:  # fmt: skip
    """Cover bought material (sorted by item and need): stock, confirmed receipts in time, else purchases. Day it is there."""
    receipt_item = supply["item"].replace_strict(number, return_dtype=pl.Int64).to_numpy()
    order = np.argsort(receipt_item, kind="stable")
    pointer = np.searchsorted(receipt_item[order], np.arange(len(names) + 1))
    there, new_item, new_qty, new_day = cover(
        item, qty, need, stock, lead, least, multiple, pointer, supply["days"].to_numpy()[order],
        supply["qty"].to_numpy().astype(float)[order],
    )  # fmt: skip
    purchases += [
        (names[i], q, at)
        for i, q, at in zip(new_item.tolist(), new_qty.tolist(), whole_seconds(new_day).tolist(), strict=True)
    ]
    return there


@nb.njit(cache=True)
def cover(
    item: Array, qty: Array, need: Array, stock: Array, lead: Array, least: Array, multiple: Array, pointer: Array,
    receipt_day: Array, receipt_qty: Array,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """(day each requirement is there, item, quantity and receipt day of new purchases), first needed first served.

    Receipts of item i are pointer[i] .. pointer[i + 1] of the receipt arrays, earliest first. One that comes after both the
    need and the lead time is left to later requirements, since a purchase made today would be there before it.
    """
    n = item.shape[0]
    there = np.zeros(n)
    left, receipt_left = stock.copy(), receipt_qty.copy()
    open_day, open_left = np.zeros(stock.shape[0]), np.zeros(stock.shape[0])
    new_item, new_qty, new_day = np.empty(n, np.int64), np.empty(n), np.empty(n)
    bought = 0
    for d in range(n):
        i, rest = item[d], qty[d]
        used = min(left[i], rest)
        left[i] -= used
        rest -= used
        day = 0.0
        for r in range(pointer[i], pointer[i + 1]):
            if rest <= 1e-9:
                break
            if receipt_left[r] <= 0 or receipt_day[r] > max(need[d], lead[i]):
                continue
            used = min(receipt_left[r], rest)
            receipt_left[r] -= used
            rest -= used
            day = max(day, receipt_day[r])
        if rest > 1e-9 and open_left[i] > 1e-9 and open_day[i] <= max(need[d], lead[i]):
            used = min(open_left[i], rest)
            open_left[i] -= used
            rest -= used
            day = max(day, open_day[i])
        if rest > 1e-9:
            size = np.ceil(max(rest, least[i]) / multiple[i] - 1e-9) * multiple[i]
            open_day[i], open_left[i] = max(lead[i], need[d] - COVER_BEFORE_DAYS), size - rest
            new_item[bought], new_qty[bought], new_day[bought] = i, size, open_day[i]
            bought += 1
            day = max(day, open_day[i])
        there[d] = day
    return there, new_item[:bought], new_qty[:bought], new_day[:bought]
