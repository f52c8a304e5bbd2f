"""The peer workload: what its netting and its exchange files owe to a reader who recomputes the stock."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.bench.peer import build, run
from recon_platform.bench.peer_netting import net, read_workload
from recon_platform.bench.peer_rush import rush_figures, with_rush_order
from recon_platform.bench.schedule import violations
from recon_platform.capacity.insertion import insert
from recon_platform.capacity.portfolio import best_plan

NOW = datetime(2026, 1, 5)  # noqa: DTZ001 - the workload has no time zone
ORDERS = 300


def test_bought_material_is_there_before_it_is_used_to_the_microsecond(tmp_path: Path) -> None:
    """Every order buys its own raw material just in time, at instants that fall on ticks: where a receipt is rounded
    otherwise than the start that waits for it, the stock is short for a microsecond.
    """
    _workload(tmp_path)
    figures = run(tmp_path, tmp_path / "plan", passes=1, threads=1, rush=False)
    assert figures.steps == ORDERS
    plan = pl.read_csv(tmp_path / "plan" / "operationplans.csv").with_columns(
        pl.col("start", "end").str.to_datetime(time_unit="us")
    )
    bought = plan.filter(type="PO", status="proposed").select(at="end", qty="qty")
    used = plan.filter(type="MO").select(at="start", qty=-pl.col("qty"))
    assert bought.height == used.height == ORDERS
    level = pl.concat([bought, used]).sort("at", "qty", descending=[False, True])["qty"].cum_sum()
    assert level.min() >= 0.0
    assert bought.select((pl.col("at") >= NOW + timedelta(days=3)).all()).item()


def test_a_rush_order_takes_the_places_of_what_stands_in_its_way_and_nothing_else_moves(tmp_path: Path) -> None:
    _busy(tmp_path)
    load = read_workload(tmp_path)
    netted, _, names = net(load)
    problem, _, tick = build(load, netted, names)
    setting, _, plan = best_plan(problem, 2, threads=1)
    assert violations(problem, plan.placement) == 0
    rush = with_rush_order(load, netted, plan.placement, build)
    following, solved = insert(rush.problem, rush.machine, rush.setup_start, rush.start, rush.end, setting)
    made = solved.placement
    assert violations(following, made) == 0
    assert (made["machine"] >= 0).all()
    figures = rush_figures(load, netted, plan.placement, setting, tick, build)
    assert figures["rush_moved_pct"] < 5.0 < figures["pushed_moved_pct"]
    assert figures["held_moved_pct"] == 0.0
    assert figures["rush_late_days"] < figures["held_late_days"] / 2, figures


def _busy(folder: Path) -> None:
    """Ten items of six steps over eight machines, 400 orders, more work than there is time."""
    rng = random.Random(7)
    items, centers = [f"FG{k}" for k in range(10)], [f"WC{k}" for k in range(8)]
    steps = [(item, seq, center) for item in items for seq, center in enumerate(rng.sample(centers, 6), 1)]
    due = [NOW + timedelta(days=rng.uniform(2, 30)) for _ in range(400)]
    tables = {
        "params": {"key": ["now", "horizon_days"], "value": [NOW.isoformat(), "30"]},
        "calendars": {"calendar": [], "weekday": [], "start_hour": [], "end_hour": []},
        "workcenters": {"workcenter": centers},
        "routings": {"item": [s[0] for s in steps], "seq": [10 * s[1] for s in steps],
                     "operation": [f"{s[0]}-{s[1]:02d}" for s in steps], "workcenter": [s[2] for s in steps],
                     "setup_s": [600] * len(steps), "run_s_per_unit": [rng.randint(300, 1500) for _ in steps]},
        "bom": {"item": items, "component": ["RM"] * 10, "qty_per": [1] * 10},
        "lots": {"item": items, "lot_min": [1] * 10, "lot_multiple": [1] * 10, "safety_stock": [0] * 10},
        "suppliers": {"item": ["RM"], "supplier": ["S"], "leadtime_days": [1], "lot_min": [1], "lot_multiple": [1]},
        "inventory": {"item": ["RM"], "onhand": [100_000]},
        "purchase_orders": {"po": ["PO1"], "item": ["RM"], "qty": [1], "receipt": [NOW.isoformat()]},
        "sales_orders": {"order": [f"SO{k}" for k in range(400)], "item": [rng.choice(items) for _ in due],
                         "qty": [rng.randint(1, 20) for _ in due],
                         "due": [at.replace(minute=0, second=0, microsecond=0).isoformat() for at in due],
                         "priority": [rng.randint(1, 3) for _ in due]},
    }  # fmt: skip
    for name, columns in tables.items():
        pl.DataFrame(columns, strict=False).write_csv(folder / f"{name}.csv")


def _workload(folder: Path) -> None:
    """One item of one step, one raw material with three days of lead time, one order an hour over most of a year."""
    due = [NOW + timedelta(days=10, hours=k) for k in range(ORDERS)]
    tables = {
        "params": {"key": ["now", "horizon_days"], "value": [NOW.isoformat(), "180"]},
        "calendars": {"calendar": [], "weekday": [], "start_hour": [], "end_hour": []},
        "workcenters": {"workcenter": ["WC"], "capacity": [1], "calendar": ["24x7"]},
        "routings": {"item": ["FG"], "seq": [10], "operation": ["FG-010"], "workcenter": ["WC"], "setup_s": [36],
                     "run_s_per_unit": [40]},
        "bom": {"item": ["FG"], "component": ["RM"], "qty_per": [1]},
        "lots": {"item": ["FG"], "lot_min": [1], "lot_multiple": [1], "safety_stock": [0]},
        "suppliers": {"item": ["RM"], "supplier": ["S"], "leadtime_days": [3], "lot_min": [1], "lot_multiple": [1]},
        "inventory": {"item": ["FG", "RM"], "onhand": [0, 0]},
        "purchase_orders": {"po": ["PO1"], "item": ["FG"], "qty": [0], "receipt": [NOW.isoformat()]},
        "sales_orders": {"order": [f"SO{k}" for k in range(ORDERS)], "item": ["FG"] * ORDERS, "qty": [1] * ORDERS,
                         "due": [at.isoformat() for at in due], "priority": [1] * ORDERS},
    }  # fmt: skip
    for name, columns in tables.items():
        pl.DataFrame(columns, strict=False).write_csv(folder / f"{name}.csv")
