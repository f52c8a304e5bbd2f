"""The production log: operations that report more than their order asked for are found, listed and kept out of supply."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from recon_platform.conform import conform
from recon_platform.connectors import read_landing
from recon_platform.connectors.mapping import apply_profile
from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from recon_platform.reconcile import reconcile
from recon_platform.tables.context import PlanContext
from tests.conftest import SHARED


def test_over_reported_operations_are_listed_with_their_quantities(tmp_path: Path) -> None:
    apply_profile(
        "production_log", SHARED / "data" / "production_log", tmp_path, assume={"as_of": "2012-04-01T00:00:00"}
    )
    landing = read_landing(tmp_path)
    day = landing.as_of.astimezone(landing.plant.zone).date()
    context = PlanContext(landing.plant, day, landing.as_of, policy=landing.policy)
    frames = conform(landing.frames, context)
    made = reconcile(frames, context)
    ordered = frames["work_orders"].select(order="work_order", ordered="qty")
    over = frames["operation_status"].join(ordered, on="order").filter(pl.col("good_qty") > pl.col("ordered"))
    assert over.height > 30
    listed = made["findings"].filter(pl.col("rule").is_in(["QT-06", "QT-07", "QT-13"]) & (pl.col("state") == "open"))
    told = {
        (row["work_order"], operation["op_seq"]): operation["beyond_order"]
        for row in listed.iter_rows(named=True)
        for operation in json.loads(row["evidence"])["operations"]
        if operation["beyond_order"] > 0
    }
    wanted = {(row["order"], row["op_seq"]): row["good_qty"] - row["ordered"] for row in over.iter_rows(named=True)}
    assert told == wanted
    orders = made["reconciled_orders"]
    assert (orders["completed_qty"] <= orders["qty"]).all()
    assert orders.height == frames["work_orders"].height


def test_a_night_runs_on_the_log_and_keeps_what_it_found(tmp_path: Path) -> None:
    apply_profile("production_log", SHARED / "data" / "production_log", tmp_path / "landing")
    lake: Lake = Lake(str(tmp_path / "lake"))
    manifest = run_night(lake, read_landing(tmp_path / "landing")).manifest
    counts = manifest.read(lake, "row_counts")
    assert (counts["rows_in"] == counts["rows_out"] + counts["rows_quarantined"]).all()
    findings = manifest.read(lake, "findings")
    assert {"QT-07", "QT-13"} <= set(findings.filter(pl.col("state") == "open")["rule"])
    orders = manifest.read(lake, "reconciled_orders")
    assert (
        orders["completed_qty"] + orders["scrapped_qty"] + orders["remaining_qty"] - orders["qty"]
    ).abs().max() < 1e-6
    assert manifest.outputs["schedule"].rows > 80
