"""`recon bench peer`: the workload other planners have been run on, planned here and written in its exchange form.

Belongs here: reading the workload, its netting (stock, lots, purchases, first needed first served), the scheduling
problem made of it, and the two files of the answer. Whether the answer holds is for the workload's own checker to say.
Working time is counted in ticks of a few seconds, because operations of the large sizes last minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numba as nb
import numpy as np
import polars as pl

from recon_platform.capacity.latest import set_latest
from recon_platform.capacity.portfolio import Setting, best_plan, late_orders, run_pass
from recon_platform.capacity.problem import (
    CENTER,
    FAMILY,
    KIND,
    MACHINE,
    OPERATION,
    ORDER,
    SOFT,
    Array,
    Problem,
    sealed,
)

MAX_TICKS = 3_000_000
TICKS_PER_STEP = 200  # a tick is at most this part of a mean step, so that rounding up costs little working time
RUSH_HELD, RUSH_PUSHED = 8.0, 0.5  # how strongly the plan in force holds when a rush order comes: by index
WEIGHT = {1: 4.0, 2: 2.0, 3: 1.0}
COVER_BEFORE_DAYS = 7.0  # a purchase arrives this long before it is first needed, where its lead time allows


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What one workload gave. `moved` are shares of steps that move when one rush order is added and the plan in force holds, so
    that it takes what room there is; `pushed`: when it may push what has a clearly lower index. `late` is the rush order's."""

    orders: int
    steps: int
    cpu_s: float
    plan_cpu_s: float
    on_time_pct: float
    late_days_total: float
    setting: str
    rush_moved_pct: float
    rush_moved_8h_pct: float
    rush_late_days: float
    pushed_moved_pct: float
    pushed_late_days: float


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
    ready: Array  # days after now at which bought material is there
    demand: Array  # sales order served; -1 for a component lot
    link_from: Array
    link_to: Array
    purchases: list[tuple[str, float, float]]  # item, qty, receipt in days
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
    purchases: list[tuple[str, float, float]] = []
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
            flat(mo_item), flat(mo_qty), flat(mo_need), ready, flat(mo_demand), flat(links_from), flat(links_to), purchases,
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
    supply: pl.DataFrame, number: dict[str, int], purchases: list[tuple[str, float, float]],
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
        (names[i], q, d) for i, q, d in zip(new_item.tolist(), new_qty.tolist(), new_day.tolist(), strict=True)
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


def build(load: Workload, netted: Netted, names: list[str]) -> tuple[Problem, pl.DataFrame, float]:
    """(problem, operations, seconds of a tick). `operations`: mo, operation, workcenter in the problem's order."""
    t = load.tables
    days = load.horizon_days * 2 + 30
    centers = t["workcenters"]["workcenter"].sort().to_list()
    at = {name: k for k, name in enumerate(centers)}
    routing = t["routings"].with_columns(
        pl.col("item")
        .replace_strict({name: k for k, name in enumerate(names)}, return_dtype=pl.Int64)
        .alias("item_nr"),
        pl.col("workcenter").replace_strict(at, return_dtype=pl.Int32).alias("center"),
    )
    orders = pl.DataFrame({"mo": np.arange(len(netted.item)), "item_nr": netted.item, "qty": netted.qty})
    steps = orders.join(routing, on="item_nr").sort("mo", "seq")
    seconds = steps["setup_s"].to_numpy() + steps["run_s_per_unit"].to_numpy() * steps["qty"].to_numpy()
    n = steps.height
    mean = float(seconds.mean()) if n else 0.0
    tick = max(1.0, np.floor(mean / TICKS_PER_STEP), np.ceil(days * 86400 / MAX_TICKS))
    per_day = 86400 / tick
    operation = np.zeros(n, OPERATION)
    order_of = steps["mo"].to_numpy()
    operation["order"] = order_of
    operation["family"] = steps["center"].to_numpy()
    operation["run"] = np.ceil(seconds / tick - 1e-9)
    operation["share"] = 1.0
    for name in ("max_wait", "group", "elapsed", "not_before", "home"):
        operation[name] = -1
    operation["qty"] = steps["qty"].to_numpy()
    first = np.concatenate([[0], np.flatnonzero(np.diff(order_of)) + 1]) if n else np.zeros(0, np.int64)
    is_first = np.zeros(n, bool)
    is_first[first] = True
    operation["preds"] = ~is_first
    operation["ready"] = np.where(is_first, np.ceil(netted.ready * per_day)[order_of], 0)
    operation["ready_cause"] = 1
    count = len(netted.item)
    order = np.zeros(count + 1, ORDER)
    order["first"] = np.append(first, n)
    order["due"][:-1] = np.floor(netted.need * per_day)
    priority = np.append(t["sales_orders"]["priority"].to_numpy(), 1)
    weights = np.array([WEIGHT.get(int(p), 1.0) for p in priority])
    order["weight"][:-1] = np.where(netted.demand >= 0, weights[np.maximum(netted.demand, 0)], 1.0)
    order["scored"][:-1] = netted.demand >= 0
    pairs = (
        np.unique(np.stack([netted.link_from, netted.link_to], axis=1), axis=0)
        if len(netted.link_from)
        else np.zeros((0, 2), int)
    )
    np.add.at(operation["preds"], first[pairs[:, 1]], 1)
    order["link_ptr"] = np.concatenate([[0], np.cumsum(np.bincount(pairs[:, 0], minlength=count)[:count])])
    weight = order["weight"][:-1].copy()
    for a, b in pairs[::-1]:
        weight[a] = max(weight[a], weight[b])
    order["weight"][:-1] = weight
    operation["urgency"] = np.log(weight[order_of] / np.maximum(operation["run"], 1.0))
    family = np.zeros(len(centers), FAMILY)
    family["center"] = np.arange(len(centers))
    family["alike"] = np.arange(len(centers))
    kind = np.zeros(1, KIND)
    for name in ("setup_pool", "run_pool", "tool"):
        kind[name] = -1
    kind["pausable"] = 1
    starts, ends = _calendar(load, days, per_day)
    machine = np.zeros(len(centers) + 1, MACHINE)
    machine["center"] = np.arange(len(centers) + 1)
    machine["speed"] = 1.0
    machine["family"] = np.append(np.arange(len(centers)), 0)
    machine["open_ptr"] = np.arange(len(centers) + 1) * len(starts)
    center = np.zeros(len(centers) + 1, CENTER)
    center["machines"] = np.arange(len(centers) + 1)
    center["families"] = np.arange(len(centers) + 1)
    center["sibling"] = -1
    center["sibling_speed"] = 1.0
    none = np.zeros(0, np.int32)
    nothing = np.full((len(centers), 1), -1, np.int32)
    end = int(days * per_day)
    problem = sealed(
        Problem(
            operation,
            order,
            first[pairs[:, 1]].astype(np.int32),
            family,
            nothing,
            nothing.copy() + 1,
            nothing.copy(),
            nothing.copy() + 1,
            np.full(1, -1, np.int32),
            kind,
            machine,
            np.tile(starts, len(centers)).astype(np.int32),
            np.tile(ends, len(centers)).astype(np.int32),
            none,
            center,
            np.zeros(1, np.int32),
            none.copy(),
            np.zeros((1, 1), np.int32),
            np.zeros(1, np.int32),
            end + 1,
            0,
            0,
        )
    )
    open_share = float((ends - starts).sum()) / end
    set_latest(problem, np.full(n, 1.0 / open_share, np.float32))
    return problem, steps.select("mo", "operation", "workcenter", "item", "qty"), float(tick)


def _calendar(load: Workload, days: int, per_day: float) -> tuple[Array, Array]:
    shifts = load.tables["calendars"]
    if shifts.is_empty():
        return np.array([0]), np.array([int(days * per_day)])
    hours = {weekday: (start, end) for _, weekday, start, end in shifts.iter_rows()}
    starts, ends = [], []
    for day in range(days):
        weekday = (load.now + timedelta(days=day)).isoweekday()
        if weekday in hours:
            starts.append(int(np.ceil(day * per_day + hours[weekday][0] / 24 * per_day)))
            ends.append(int(day * per_day + hours[weekday][1] / 24 * per_day))
    return np.array(starts), np.array(ends)


def run(folder: Path, out: Path, *, passes: int = 4, threads: int = 2, rush: bool = True) -> PeerFigures:
    """Plan the workload in `folder`, write OUT/operationplans.csv and OUT/demands.csv, and give the figures.

    `cpu_s` covers reading, planning and writing; `plan_cpu_s` netting and scheduling alone. Compiled code is loaded
    before the clock starts. With `rush`, one more order is planned against the plan just made.
    """
    _warm_up()
    began = time.process_time()
    load = read_workload(folder)
    planning = time.process_time()
    netted, _, names = net(load)
    problem, steps, tick = build(load, netted, names)
    setting, _, plan = best_plan(problem, passes, threads=threads, measure=late_orders)
    placement = plan.placement
    plan_cpu = time.process_time() - planning
    on_time, late_days = write(load, netted, problem, steps, tick, placement, out, names)
    cpu = time.process_time() - began
    held = _rush(load, netted, placement, setting, tick, RUSH_HELD) if rush else (float("nan"),) * 3
    pushed = _rush(load, netted, placement, setting, tick, RUSH_PUSHED) if rush else (float("nan"),) * 3
    return PeerFigures(
        load.tables["sales_orders"].height, steps.height, round(cpu, 3), round(plan_cpu, 3), round(100 * on_time, 2),
        round(late_days, 1), f"k1={setting.k1:g} k2={setting.k2:g}", round(100 * held[0], 2), round(100 * held[1], 2), round(held[2], 2),
        round(100 * pushed[0], 2), round(pushed[2], 2),
    )  # fmt: skip


def _rush(
    load: Workload, netted: Netted, placement: Array, setting: Setting, tick: float, stay: float
) -> tuple[float, float, float]:
    """Shares of steps that move at all, and by more than 8 hours, when one urgent order is planned into the plan in force,
    and the days that order is late. `stay`: how much better an operation must be to go before the plan in force.
    """
    orders = load.tables["sales_orders"]
    with_rush, _, names = net(load, (orders["item"][0], float(orders["qty"][0]), 5.0))
    problem, _, _ = build(load, with_rush, names)
    known = _same_orders(netted, with_rush)
    operation = problem.operation
    before = np.full(operation.shape[0], -1, np.int64)
    first_old = np.concatenate([[0], np.cumsum(np.bincount(_order_of(netted, load, names)))])
    for old, new in enumerate(known):
        a, b = first_old[old], first_old[old + 1]
        c = problem.order["first"][new]
        before[c : c + b - a] = np.arange(a, b)
    has = before >= 0
    operation["state"][has] = SOFT
    operation["not_before"][has] = placement["setup_start"][before[has]]
    operation["home"][has] = placement["machine"][before[has]]
    rows = np.flatnonzero(has)
    kept = rows[np.lexsort((operation["not_before"][rows], operation["home"][rows]))]
    machine = problem.machine.copy()
    machine["kept_ptr"] = np.concatenate(
        [[0], np.cumsum(np.bincount(operation["home"][kept], minlength=machine.shape[0] - 1))]
    )
    following = sealed(problem._replace(kept=kept.astype(np.int32), machine=machine))
    number = (
        int(np.flatnonzero(with_rush.demand == orders.height)[0]) if (with_rush.demand == orders.height).any() else -1
    )
    due = float(problem.order["due"][number])
    made = run_pass(following, Setting(setting.k1, setting.k2, stay, 0.1)).placement
    shift = np.abs(made["start"][has].astype(np.int64) - placement["start"][before[has]])
    end = float(made["end"][problem.order["first"][number + 1] - 1]) if number >= 0 else due
    return float((shift > 0).mean()), float((shift * tick > 8 * 3600).mean()), max(0.0, end - due) * tick / 86400


def _order_of(netted: Netted, load: Workload, names: list[str]) -> Array:
    per_item = load.tables["routings"].group_by("item").len()
    steps = dict(per_item.iter_rows())
    lengths = np.array([steps[names[int(i)]] for i in netted.item])
    return np.repeat(np.arange(len(netted.item)), lengths)


def _same_orders(old: Netted, new: Netted) -> list[int]:
    """For each order of the old plan its number in the new one: same item, same place among the item's orders."""
    seen: dict[int, list[int]] = {}
    for number, item in enumerate(new.item):
        seen.setdefault(int(item), []).append(number)
    taken: dict[int, int] = {}
    result = []
    for item in old.item:
        k = taken.get(int(item), 0)
        taken[int(item)] = k + 1
        result.append(seen[int(item)][k])
    return result


def write(
    load: Workload, netted: Netted, problem: Problem, steps: pl.DataFrame, tick: float, placement: Array, out: Path,
    names: list[str],
) -> tuple[float, float]:  # fmt: skip
    """Write the two files; returns share on time and total days late."""
    out.mkdir(parents=True, exist_ok=True)
    now = pl.lit(load.now).cast(pl.Datetime("us"))

    def moment(ticks: Array) -> pl.Series:
        return pl.Series(ticks.astype(np.int64) * int(tick * 1e6))

    def text(column: str) -> pl.Expr:
        return (now + pl.col(column).cast(pl.Duration("us"))).dt.to_string("%Y-%m-%dT%H:%M:%S%.f").alias(column)

    first = problem.order["first"]
    count = len(netted.item)
    reference = pl.format("MO{}", pl.col("mo"))
    step_rows = steps.with_columns(
        moment(placement["start"]).alias("start"), moment(placement["end"]).alias("end")
    ).select(
        pl.format("MO{}-{}", "mo", "operation").alias("reference"), pl.lit("STEP").alias("type"), pl.lit("proposed").alias("status"),
        "operation", "item", pl.col("qty").cast(pl.Float64), text("start"), text("end"), reference.alias("owner"), "workcenter",
    )  # fmt: skip
    mo = pl.DataFrame(
        {
            "mo": np.arange(count), "item": [names[int(i)] for i in netted.item], "qty": netted.qty.astype(float),
            "start": moment(placement["start"][first[:-1]]), "end": moment(placement["end"][first[1:] - 1]),
        }
    )  # fmt: skip
    blank = pl.lit(None, pl.String)
    mo_rows = mo.select(
        reference.alias("reference"), pl.lit("MO").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", "qty", text("start"), text("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    confirmed = load.tables["purchase_orders"].select(
        pl.col("po").alias("reference"), pl.lit("PO").alias("type"), pl.lit("confirmed").alias("status"), blank.alias("operation"), "item",
        pl.col("qty").cast(pl.Float64), pl.lit(load.now.isoformat()).alias("start"), pl.col("receipt").alias("end"), blank.alias("owner"),
        blank.alias("workcenter"),
    )  # fmt: skip
    bought = pl.DataFrame(
        netted.purchases, schema={"item": pl.String, "qty": pl.Float64, "days": pl.Float64}, orient="row"
    ).with_row_index("nr")
    lead = load.tables["suppliers"].select("item", "leadtime_days")
    new_rows = bought.join(lead, on="item", how="left", maintain_order="left").with_columns(
        (pl.col("days") * 86_400_000_000).ceil().cast(pl.Int64).alias("end")
    ).with_columns((pl.col("end") - pl.col("leadtime_days").cast(pl.Int64) * 86_400_000_000).alias("start")).select(
        pl.format("NEW{}", "nr").alias("reference"), pl.lit("PO").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", "qty", text("start"), text("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    orders = load.tables["sales_orders"].with_columns(pl.col("due").str.to_datetime().alias("due_at"))
    there = np.zeros(orders.height, np.int64)
    serves = netted.demand >= 0
    np.maximum.at(
        there, netted.demand[serves], placement["end"][first[1:] - 1][serves].astype(np.int64) * int(tick * 1e6)
    )
    demands = orders.with_columns((now + pl.Series(there).cast(pl.Duration("us"))).alias("there")).with_columns(
        pl.max_horizontal("there", "due_at").alias("delivered")
    ).with_columns(((pl.col("delivered") - pl.col("due_at")).dt.total_seconds() / 86400).alias("late_days"))  # fmt: skip
    delivered = pl.col("delivered").dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    demands.select(
        "order", "due", delivered.alias("delivered"), pl.col("qty").alias("planned_qty"), "qty", "late_days"
    ).write_csv(out / "demands.csv")
    shipped = demands.select(
        pl.format("DLVR-{}", "order").alias("reference"), pl.lit("DLVR").alias("type"), pl.lit("proposed").alias("status"), blank.alias("operation"),
        "item", pl.col("qty").cast(pl.Float64), delivered.alias("start"), delivered.alias("end"), blank.alias("owner"), blank.alias("workcenter"),
    )  # fmt: skip
    pl.concat([mo_rows, step_rows, confirmed, new_rows, shipped]).write_csv(out / "operationplans.csv")
    days = demands["late_days"].to_numpy()
    return float((days <= 1e-9).mean()), float(days.sum())


def _warm_up() -> None:
    """Load compiled code on a plant of two operations."""
    from recon_platform.bench.schedule import build as small  # noqa: PLC0415 - one process uses either

    run_pass(small(64), Setting(16.0, 0.2))
    one, number = np.ones(1), np.zeros(1, np.int64)
    peg(number, one, one, np.zeros(1), one, one)
    cover(number, one, one, one, one, one, one, np.zeros(2, np.int64), one, one)


def published_row(orders: int) -> dict[str, Any] | None:
    """The peer's published figures for this size, where there are any (frePPLe 9.18, constrained, untuned)."""
    rows: dict[int, dict[str, Any]] = {
        1000: {"cpu_s": 13.9, "on_time_pct": 59, "overlaps": 335, "rush_moved_pct": 32},
        2000: {"cpu_s": 50.0, "on_time_pct": 64, "overlaps": 1204},
        5000: {"cpu_s": 355.0, "on_time_pct": 82, "overlaps": 5596},
    }
    return rows.get(orders)
