"""The peer workload: what its netting and its exchange files owe to a reader who recomputes the stock."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from recon_platform.bench.peer import run

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
