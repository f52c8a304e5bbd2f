"""What holds whatever the two sides say: on backlogs made at random, most of them nonsense."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon_platform.tables.reconciled import ORDER_STATUSES, TABLES
from tests.reconcile.small_plant import AS_OF, TODAY, Rows, issue, item, night, order, plant, report

OPEN = ("firm", "released", "in_process")
QUANTITY = st.one_of(st.sampled_from([0.0, 1.0, 500.0, 960.0, 1000.0, 1040.0, 5000.0]), st.floats(0, 2000, width=32))
STATUSES = ("waiting", "setup", "running", "paused", "hold", "complete", "terminated")


@st.composite
def reports(draw: st.DrawFn, name: str) -> Rows:
    return [
        report(
            name, seq, draw(QUANTITY), draw(QUANTITY) / 10, draw(st.none() | QUANTITY),
            status=draw(st.sampled_from(STATUSES)), hours_ago=draw(st.sampled_from([0.0, 3.0, 30.0, 100.0, 3000.0])),
            rework_qty=draw(st.sampled_from([0.0, 0.0, 20.0])),
        )
        for seq in sorted(draw(st.sets(st.sampled_from([10, 20, 30]))))
    ]  # fmt: skip


@st.composite
def backlogs(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    orders, told, issues = [], [], []
    for n in range(draw(st.integers(1, 4))):
        name = f"A{n}"
        late = draw(st.sampled_from([-5, 3, 200]))
        orders.append(
            order(
                name, qty=draw(st.sampled_from([1.0, 100.0, 1000.0])), good=draw(QUANTITY), scrap=draw(QUANTITY) / 10,
                status=draw(st.sampled_from(ORDER_STATUSES)), item=draw(st.sampled_from(["P", "T"])),
                due_date=TODAY - timedelta(days=late), start_date=TODAY - timedelta(days=late + 5),
            )
        )  # fmt: skip
        told += draw(reports(name))
        issues += [issue(name, draw(QUANTITY), component) for component in draw(st.sets(st.sampled_from("CLX")))]
    return plant(
        orders, told,
        items=[item("P"), item("T", lot_traced=True), item("C"), item("L", lot_traced=True), item("X")],
        bom_lines=[
            {"parent_item": parent, "component_item": component, "qty_per": 2.0, "uom": "PCE", "op_seq": 10,
             "backflush": True}
            for parent in "PT" for component in "CL"
        ],
        material_issues=issues,
        inventory=[
            {"item": name, "qty": draw(st.sampled_from([-10.0, 0.0, 100.0, 1e6])), "uom": "PCE", "status": "available"}
            for name in "CL"
        ],
        accounting_periods=[
            {"period_start": date(2025, 1, 1), "period_end": date(2026, 2, 27), "open": draw(st.booleans())},
            {"period_start": date(2026, 2, 28), "period_end": date(2026, 12, 31), "open": True},
        ],
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(backlogs())
def test_whatever_is_reported(frames: dict[str, pl.DataFrame]) -> None:
    holds(frames)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=500, deadline=None)
@given(backlogs())
def test_whatever_is_reported_at_length(frames: dict[str, pl.DataFrame]) -> None:
    holds(frames)


def holds(frames: dict[str, pl.DataFrame]) -> None:
    made = night(frames)
    for table in TABLES:
        table.pandera().validate(made[table.name])
    orders = made["reconciled_orders"]
    every_order_has_one_status(frames, orders)
    quantities_are_conserved(frames, orders)
    operations_fit_their_orders(made)
    nothing_acts_alone_where_it_must_not(frames, made)
    a_second_time_nothing_changes(frames, made)


def every_order_has_one_status(frames: dict[str, pl.DataFrame], orders: pl.DataFrame) -> None:
    assert orders["work_order"].to_list() == sorted(frames["work_orders"]["work_order"])
    assert orders["status"].is_in(ORDER_STATUSES).all()


def quantities_are_conserved(frames: dict[str, pl.DataFrame], orders: pl.DataFrame) -> None:
    total = orders["completed_qty"] + orders["scrapped_qty"] + orders["remaining_qty"]
    assert ((total - orders["qty"]).abs() <= 1e-6 * orders["qty"].clip(1.0)).all()
    assert (orders["expected_qty"] <= orders["remaining_qty"] + 1e-6).all()
    assert (orders.filter(pl.col("status").is_in(["complete", "closed", "cancelled"]))["expected_qty"] == 0).all()


def operations_fit_their_orders(made: dict[str, pl.DataFrame]) -> None:
    operations = made["reconciled_operations"]
    live = made["reconciled_orders"].filter(pl.col("status").is_in(OPEN))
    assert set(operations["work_order"]) <= set(live["work_order"])
    assert (operations.filter(pl.col("status") == "complete")["remaining_qty"] == 0).all()
    assert (operations.filter(pl.col("status") != "complete")["remaining_qty"] > 0).all()


def nothing_acts_alone_where_it_must_not(frames: dict[str, pl.DataFrame], made: dict[str, pl.DataFrame]) -> None:
    traced = set(frames["items"].filter("lot_traced")["item"])
    closed = frames["accounting_periods"].filter(~pl.col("open"))
    parents = dict(frames["work_orders"].select("work_order", "item").iter_rows())
    for row in made["order_changes"].iter_rows(named=True):
        if row["approved_by"] is None or row["change"] in ("close", "cancel"):
            continue
        touched = row["field"] if row["change"] == "component" else parents[row["work_order"]]
        assert touched not in traced, row
        last = frames["operation_status"].filter(pl.col("order") == row["work_order"])["reported_at"].max()
        day = (last or AS_OF).date()  # type: ignore[union-attr]
        inside = closed.filter((pl.col("period_start") <= day) & (pl.col("period_end") >= day))
        assert inside.is_empty(), row
    below_zero(frames, made["order_changes"])


def below_zero(frames: dict[str, pl.DataFrame], changes: pl.DataFrame) -> None:
    posted = changes.filter((pl.col("change") == "component") & pl.col("approved_by").is_not_null())
    stock = dict(frames["inventory"].select("item", "qty").iter_rows())
    for row in posted.iter_rows(named=True):
        stock[row["field"]] -= float(row["to"]) - float(row["from"])
        assert stock[row["field"]] >= -1e-6, row


def a_second_time_nothing_changes(frames: dict[str, pl.DataFrame], made: dict[str, pl.DataFrame]) -> None:
    again = night({name: frame.sample(fraction=1.0, shuffle=True, seed=1) for name, frame in frames.items()})
    for name, frame in made.items():
        assert frame.equals(again[name]), f"{name} depends on the order of rows"
    accepted = _posted(frames, made["order_changes"].filter(pl.col("approved_by").is_not_null()))
    third = night(accepted)
    done = set(made["order_changes"].filter(pl.col("approved_by").is_not_null())["idempotency_key"])
    assert done.isdisjoint(third["order_changes"]["idempotency_key"]), "the ERP is told the same thing again"


def _posted(frames: dict[str, pl.DataFrame], changes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The ERP after it did what it was told."""
    orders: dict[str, dict[str, Any]] = {row["work_order"]: row for row in frames["work_orders"].iter_rows(named=True)}
    issued = frames["material_issues"].to_dicts()
    for row in changes.iter_rows(named=True):
        if row["change"] == "quantity":
            orders[row["work_order"]][row["field"]] = float(row["to"])
        elif row["change"] == "close":
            orders[row["work_order"]]["status"] = "closed"
        elif row["change"] == "component":
            mine = [i for i in issued if (i["work_order"], i["component_item"]) == (row["work_order"], row["field"])]
            if not mine:
                issued.append(issue(row["work_order"], 0.0, row["field"]))
                mine = issued[-1:]
            mine[0]["issued_qty"] += float(row["to"]) - float(row["from"])
    return {
        **frames,
        "work_orders": pl.DataFrame(list(orders.values()), schema=frames["work_orders"].schema),
        "material_issues": pl.DataFrame(issued, schema=frames["material_issues"].schema),
    }
