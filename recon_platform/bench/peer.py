"""`recon bench peer`: the workload other planners have been run on, planned here and written in its exchange form.

Belongs here: the scheduling problem made of the netted workload (`peer_netting`), its plan, and the figures. The files of the
answer are `peer_plan`, one rush order into the plan is `peer_rush`.
Working time is counted in ticks of a few seconds, because operations of the large sizes last minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recon_platform.bench.peer_netting import Netted, Workload, cover, net, peg, read_workload
from recon_platform.bench.peer_plan import write
from recon_platform.bench.peer_rush import rush_figures
from recon_platform.capacity.latest import set_latest
from recon_platform.capacity.people import THERE, staffed
from recon_platform.capacity.portfolio import Setting, best_plan, late_orders, run_pass
from recon_platform.capacity.problem import (
    CENTER,
    FAMILY,
    KIND,
    MACHINE,
    OPERATION,
    ORDER,
    Array,
    Problem,
    sealed,
)

MAX_TICKS = 3_000_000
TICKS_PER_STEP = 200  # a tick is at most this part of a mean step, so that rounding up costs little working time
WEIGHT = {1: 4.0, 2: 2.0, 3: 1.0}


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What one workload gave. The plan is then made again with one rush order, in three ways: `rush_*`, it takes the places of what
    stands in its way and all others hold theirs; `held_*`, it takes what room there is; `pushed_*`, everything with a
    clearly lower index makes way. `moved` are shares of the steps of the plan in force whose start changes; `late` is the
    rush order's lateness, `others_late` how much later all other sales orders get together.
    """

    orders: int
    steps: int
    cpu_s: float
    plan_cpu_s: float
    on_time_pct: float
    late_days_total: float
    setting: str
    rush_moved_pct: float | None = None
    rush_moved_8h_pct: float | None = None
    rush_late_days: float | None = None
    rush_others_late_days: float | None = None
    held_moved_pct: float | None = None
    held_moved_8h_pct: float | None = None
    held_late_days: float | None = None
    held_others_late_days: float | None = None
    pushed_moved_pct: float | None = None
    pushed_moved_8h_pct: float | None = None
    pushed_late_days: float | None = None
    pushed_others_late_days: float | None = None


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
    operation["ready"] = np.where(is_first, -(-netted.ready[order_of] // int(tick)), 0)
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
    family["pinned"] = -1
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
            *staffed(pl.DataFrame(schema=THERE), 0),
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
    return PeerFigures(
        load.tables["sales_orders"].height, steps.height, round(cpu, 3), round(plan_cpu, 3), round(100 * on_time, 2),
        round(late_days, 1), f"k1={setting.k1:g} k2={setting.k2:g}",
        **(rush_figures(load, netted, placement, setting, tick, build) if rush else {}),
    )  # fmt: skip


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
