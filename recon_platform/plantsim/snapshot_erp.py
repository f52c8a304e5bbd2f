"""What the ERP knows on one night: order books, stock by lot, purchases, postings.

Belongs here: the ERP's own way of writing the state down (thousands of pieces, boxes, kilograms, dates).
Does not belong here: master data (`master`), errors of reporting (`drift`).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.master import BOX, KILOGRAM, PIECE, THOUSAND
from recon_platform.plantsim.shifts import SATURDAY
from recon_platform.plantsim.snapshot_stock import inventory, item_names, purchases, reservations
from recon_platform.plantsim.state import KEEP_SHIPPED_DAYS, State

FORECAST_FROM_DAYS, FORECAST_TO_DAYS = 21, 49


def erp_tables(state: State) -> dict[str, pl.DataFrame]:
    """Moving ERP tables at the state's minute, names as in the landing contract."""
    reserved = {"allocations": reservations(state)} if state.history.world.parameters.reserves_material else {}
    return {
        **reserved,
        "sales_orders": _sales_orders(state),
        "master_schedule": _forecast(state),
        "inventory": inventory(state),
        **purchases(state),
        "work_orders": _work_orders(state),
        "work_order_operations": _operations(state),
        "material_issues": _issues(state),
        "shipments": _shipments(state),
        "labour_hours": _labour_hours(state),
        "accounting_periods": _periods(state),
        "machines": _machines(state),
    }


def _sales_orders(state: State) -> pl.DataFrame:
    world, clock = state.history.world, state.history.world.clock
    keep = (pl.col("ship_day") < 0) | (pl.col("ship_at") > state.now - KEEP_SHIPPED_DAYS * DAY_MIN)
    lines = state.lines.filter(keep)
    price = (world.items["cost"].gather(lines["item_index"]) * lines["pack"] * 1.45).round(2)
    days = lines["due_day"].to_numpy()
    shipped = pl.col("ship_day") >= 0
    return lines.select(
        "sales_order",
        "line",
        customer=world.customers["customer"].gather(lines["customer"]),
        item=item_names(state, lines["item_index"]),
        qty=pl.col("boxes").cast(pl.Float64),
        uom=pl.lit(BOX),
        shipped_qty=pl.col("shipped").cast(pl.Float64),
        requested_date=clock.dates(lines["requested_day"].to_numpy()),
        first_promised_date=clock.dates(days),
        promised_date=clock.dates(days),
        status=pl.when(shipped & (pl.col("ship_at") < state.now - 3 * DAY_MIN))
        .then(pl.lit("closed"))
        .when(shipped)
        .then(pl.lit("shipped"))
        .otherwise(pl.lit("open")),
        partial_allowed=pl.lit(True),
        rush="rush",
        unit_price=price,
    )


def _forecast(state: State) -> pl.DataFrame:
    """Expected demand by item and week, three to seven weeks out, what is already ordered included."""
    clock = state.history.world.clock
    today = state.now // DAY_MIN
    lines = state.history.book.lines
    lines = lines.filter(pl.col("due_day").is_between(today + FORECAST_FROM_DAYS, today + FORECAST_TO_DAYS))
    monday = lines["due_day"] - (lines["due_day"] + clock.origin.weekday()) % 7
    week = (
        lines.with_columns(
            monday=monday, pieces=pl.col("boxes") * state.history.world.items["pack"].gather(lines["item_index"])
        )
        .group_by("item_index", "monday")
        .agg(pl.col("pieces").sum())
        .sort("item_index", "monday")
    )
    return week.select(
        item=item_names(state, week["item_index"]),
        due_date=clock.dates(week["monday"].to_numpy() + 2),
        qty=pl.col("pieces").cast(pl.Float64),
        uom=pl.lit(PIECE),
        source=pl.lit("forecast"),
        firm=pl.lit(False),
    )


def _work_orders(state: State) -> pl.DataFrame:
    clock = state.history.world.clock
    orders = state.orders
    first_line = state.history.book.lines.group_by("order").agg(pl.col("sales_order", "line").first())
    orders = orders.join(first_line, left_on="index", right_on="order", how="left").sort("index")
    return orders.select(
        "work_order",
        item=item_names(state, orders["item_index"]),
        routing=pl.lit("main"),
        qty=(pl.col("qty") / 1000).round(3),
        completed_qty=(pl.col("good") / 1000).round(3),
        scrapped_qty=(pl.col("scrap") / 1000).round(3),
        uom=pl.lit(THOUSAND),
        status="status",
        start_date=clock.dates(orders["start_day"].to_numpy()),
        due_date=clock.dates(orders["due_day"].to_numpy()),
        sales_order="sales_order",
        line="line",
        lot=pl.concat_str(pl.lit("L"), (pl.col("index") + 1_000_001).cast(pl.String)),
    )


def _operations(state: State) -> pl.DataFrame:
    """Operations of open orders at the dates the ERP has: spread evenly between start and due date, capacity unseen."""
    clock, world = state.history.world.clock, state.history.world
    open_orders = state.orders.filter(pl.col("status").is_in(["firm", "released", "in_process"]))
    ops = state.operations.join(
        open_orders.select(order="index", work_order="work_order", begin="start_day", due="due_day"), on="order"
    )
    ops = ops.sort("order", "op_seq")
    rank = pl.int_range(pl.len()).over("order")
    span = ((pl.col("due") - pl.col("begin")).clip(1) * DAY_MIN).cast(pl.Float64)
    share = ops.select(a=rank / pl.len().over("order"), b=(rank + 1) / pl.len().over("order"), span=span)
    base = clock.minutes_of_days(ops["begin"].to_numpy(), 360)
    start = base + (share["a"] * share["span"]).to_numpy().astype(np.int64)
    end = base + (share["b"] * share["span"]).to_numpy().astype(np.int64)
    machine = ops["machine"].to_numpy()
    shown = (machine >= 0) & (ops["status"].to_numpy() != "waiting")
    names = world.machines["machine"].gather(np.maximum(machine, 0))
    return ops.select(
        "work_order",
        "op_seq",
        "operation_code",
        work_center=pl.Series([w.code for w in world.parameters.work_centers]).gather(ops["wc"]),
        machine=pl.when(pl.Series(shown)).then(names),
        planned_start=clock.instants(start),
        planned_end=clock.instants(end),
        completed_qty=(pl.col("good") / 1000).round(3),
        status=pl.when(pl.col("status") == "complete")
        .then(pl.lit("complete"))
        .when(pl.col("status") == "waiting")
        .then(pl.lit("waiting"))
        .otherwise(pl.lit("running")),
    )


def issue_rows(state: State) -> pl.DataFrame:
    """Components of released orders with names, units and lots as both systems write them."""
    world = state.history.world
    released = state.orders.filter(pl.col("released")).select(order="index", work_order="work_order")
    rows = state.issues.join(released, on="order").sort("order", "op_seq", "component_index", "made_item")
    bought = rows["component_index"] >= 0
    component = world.components["component"].gather(rows["component_index"].clip(0))
    kind = world.components["kind"].gather(rows["component_index"].clip(0))
    made = item_names(state, rows["made_item"].clip(0))
    lot = state.history.book.purchases["lot"].gather(rows["purchase"].clip(0))
    made_lot = pl.concat_str(pl.lit("L"), (pl.col("made_order") + 1_000_001).cast(pl.String))
    wire = bought & (kind == "wire")
    return rows.with_columns(
        component_item=component.zip_with(bought, made),
        uom=pl.when(wire).then(pl.lit(KILOGRAM)).otherwise(pl.lit(PIECE)),
        lot=pl.when(wire).then(lot).when(~bought).then(made_lot),
    )


def _issues(state: State) -> pl.DataFrame:
    return issue_rows(state).select(
        "work_order",
        "component_item",
        "op_seq",
        required_qty=pl.col("need").round(4),
        issued_qty="issued",
        uom="uom",
        lot="lot",
        backflushed=pl.lit(True),
    )


def _shipments(state: State) -> pl.DataFrame:
    clock = state.history.world.clock
    out = state.lines.filter(
        (pl.col("ship_day") >= 0)
        & (pl.col("ship_at") > state.now - KEEP_SHIPPED_DAYS * DAY_MIN)
        & (pl.col("shipped") > 0)
    )
    late = pl.col("ship_day") > pl.col("due_day") + 2
    contracted = (40 + pl.col("boxes") * 0.4).round(2)
    return out.select(
        "sales_order",
        "line",
        shipped_on=clock.dates(out["ship_day"].to_numpy()),
        qty=pl.col("shipped").cast(pl.Float64),
        uom=pl.lit(BOX),
        freight_cost=pl.when(late).then(contracted * 3).otherwise(contracted),
        contracted_freight_cost=contracted,
    )


def _labour_hours(state: State) -> pl.DataFrame:
    """Attended machine hours by work center and day, of the last two weeks; Saturday shifts that were called apart."""
    clock, world, intervals = state.history.world.clock, state.history.world, state.history.intervals
    centers = world.parameters.work_centers
    people = np.array([w.run_people or 0.0 for w in centers])
    machines = world.machines["index"].to_numpy()
    wc = world.machines["wc"].to_numpy()
    today = clock.day_number(clock.instant(state.now).astimezone(clock.zone).date())

    def hours(begin: int, end: int) -> np.ndarray:
        worked = intervals.worked(machines, np.full(len(machines), end)) - intervals.worked(
            machines, np.full(len(machines), begin)
        )
        return np.bincount(wc, weights=worked / 60 * people[wc], minlength=len(centers))

    rows = []
    for day in range(today - 14, today):
        one = np.array([day])
        on = clock.dates(one)[0]
        all_day = hours(*(int(clock.minutes_of_days(one + k, 0)[0]) for k in (0, 1)))
        called = np.array([(i, day) in state.history.overtime for i in range(len(centers))])
        over = np.zeros(len(centers))
        if called.any():
            over = np.where(called, hours(*(int(clock.minutes_of_days(one, minute)[0]) for minute in SATURDAY)), 0.0)
        rows += [
            {
                "date": on, "work_center": w.code, "regular_hours": round(float(total - extra), 2),
                "overtime_hours": round(float(extra), 2),
            }
            for w, total, extra in zip(centers, all_day, over, strict=True)
            if total > 0
        ]  # fmt: skip
    return pl.DataFrame(rows)


def _periods(state: State) -> pl.DataFrame:
    today = state.history.world.clock.instant(state.now).date()
    months = [divmod(today.year * 12 + today.month - 1 + k, 12) for k in range(-12, 2)]
    starts = [date(y, m + 1, 1) for y, m in months]
    ends = [date.fromordinal(s.toordinal() - 1) for s in starts[1:]]
    last = date.fromordinal(today.toordinal() - 20)
    return pl.DataFrame({"period_start": starts[:-1], "period_end": ends}).with_columns(
        open=pl.col("period_end") >= last
    )


def _machines(state: State) -> pl.DataFrame:
    world = state.history.world
    last = (
        state.operations.filter((pl.col("machine") >= 0) & (pl.col("status") != "waiting"))
        .sort("setup_start")
        .group_by("machine")
        .agg(pl.col("item_index", "order").last())
        .sort("machine")
    )
    machines = world.machines.join(last, left_on="index", right_on="machine", how="left").sort("index")
    item = item_names(state, machines["item_index"].fill_null(0))
    return machines.select(
        "machine",
        work_center=pl.Series([w.code for w in world.parameters.work_centers]).gather(machines["wc"]),
        mes_machine="mes_machine",
        speed=pl.lit(1.0),
        current_setup=pl.when(pl.col("item_index").is_not_null()).then(item),
        current_lot=pl.when(pl.col("order").is_not_null()).then(
            pl.concat_str(pl.lit("L"), (pl.col("order") + 1_000_001).cast(pl.String))
        ),
    )
