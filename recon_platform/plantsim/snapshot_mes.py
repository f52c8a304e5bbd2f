"""What the MES reports on one night: progress, consumption, machine states, stops, measured times, lots.

Belongs here: the floor's own way of writing the state down (pieces, its machine names, instants).
Does not belong here: errors of reporting (`drift`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.history import REASONS
from recon_platform.plantsim.master import PIECE
from recon_platform.plantsim.snapshot_erp import issue_rows
from recon_platform.plantsim.state import State

CYCLE_DAYS, EVENT_DAYS, STATE_DAYS = 28, 4, 1


def mes_tables(state: State) -> dict[str, pl.DataFrame]:
    """MES tables at the state's minute, names as in the landing contract."""
    return {
        "operation_status": _operation_status(state),
        "order_status": _order_status(state),
        "material_consumption": _consumption(state),
        "machine_states": _machine_states(state),
        "downtime_events": _downtime(state),
        "cycle_times": _cycle_times(state),
        "lots": _lots(state),
    }


def _mes_machine(state: State, index: pl.Series) -> pl.Series:
    return (
        state.history.world.machines["mes_machine"]
        .gather(index.clip(0))
        .zip_with(index >= 0, pl.Series([None], dtype=pl.String).new_from_index(0, len(index)))
    )


def reported(state: State) -> pl.DataFrame:
    """Operations of released orders with the minute of their last report: at the end of an operation, while it runs
    every few minutes, for carts that wait the scan of the night, otherwise the release."""
    known_from = pl.when("busy").then(pl.min_horizontal("release", "first_start")).otherwise("release")
    orders = state.orders.filter(pl.col("released")).select("work_order", order="index", release=known_from)
    ops = state.operations.join(orders, on="order").sort("order", "op_seq")
    minute = (
        pl.when(pl.col("status") == "complete")
        .then("end")
        .when(pl.col("status") != "waiting")
        .then(pl.max_horizontal("setup_start", state.now - 5 - pl.col("order") % 20))
        .when(pl.col("in_process") > 0)
        .then(state.now - 45)
        .otherwise("release")
    )
    return ops.with_columns(reported=minute)


def _operation_status(state: State) -> pl.DataFrame:
    clock = state.history.world.clock
    ops = reported(state)
    begun = (ops["status"] != "waiting").to_numpy()
    return ops.select(
        order="work_order",
        op_seq="op_seq",
        operation_code="operation_code",
        routing=pl.lit("main"),
        machine=_mes_machine(
            state, ops["machine"].zip_with(pl.Series(begun), pl.Series([-1]).new_from_index(0, len(ops)))
        ),
        status="status",
        good_qty=pl.col("good").cast(pl.Float64),
        scrap_qty=pl.col("scrap").cast(pl.Float64),
        in_process_qty=pl.col("in_process").cast(pl.Float64),
        rework_qty=pl.lit(0.0),
        uom=pl.lit(PIECE),
        started_at=clock.instants(np.where(begun, ops["setup_start"].to_numpy(), -1)),
        ended_at=clock.instants(np.where((ops["status"] == "complete").to_numpy(), ops["end"].to_numpy(), -1)),
        reported_at=clock.instants(ops["reported"].to_numpy()),
    )


def _order_status(state: State) -> pl.DataFrame:
    by_order = (
        reported(state)
        .group_by("order")
        .agg(
            pl.col("work_order").first(),
            pl.col("reported").max(),
            done=(pl.col("status") == "complete").all(),
            begun=(pl.col("status") != "waiting").any(),
        )
        .sort("order")
    )
    return by_order.select(
        order="work_order",
        status=pl.when(pl.col("done"))
        .then(pl.lit("complete"))
        .when(pl.col("begun"))
        .then(pl.lit("running"))
        .otherwise(pl.lit("waiting")),
        reported_at=state.history.world.clock.instants(by_order["reported"].to_numpy()),
    )


def _consumption(state: State) -> pl.DataFrame:
    rows = issue_rows(state).filter(pl.col("issued") > 0)
    at = np.where(
        (rows["status"] == "complete").to_numpy(),
        rows["end"].to_numpy(),
        np.maximum(state.now - 5, rows["start"].to_numpy()),
    )
    return rows.select(
        order="work_order",
        op_seq="op_seq",
        component_item="component_item",
        qty="issued",
        uom="uom",
        lot="lot",
        at=state.history.world.clock.instants(at.astype(np.int64)),
    )


def _machine_states(state: State) -> pl.DataFrame:
    """Set-up, run and stop of every machine over the last day, disjoint per machine; what is left is idle."""
    world, history, now = state.history.world, state.history, state.now
    since = now - STATE_DAYS * DAY_MIN
    iv = history.intervals
    owner = np.repeat(np.arange(len(iv.ptr) - 1), np.diff(iv.ptr))
    near = (iv.end > since) & (iv.start < now)
    work = pl.DataFrame(
        {"machine": owner[near], "a": np.maximum(iv.start[near], since), "b": np.minimum(iv.end[near], now)}
    )
    ops = state.operations.filter(
        (pl.col("machine") >= 0)
        & (pl.col("setup_start") >= 0)
        & (pl.col("setup_start") < now)
        & (pl.col("end") > since)
    )
    spans = pl.concat(
        [
            ops.select("machine", begin="setup_start", finish="start", state=pl.lit("setup")),
            ops.select("machine", begin="start", finish="end", state=pl.lit("run")),
        ]
    )
    busy = (
        work.join(spans, on="machine")
        .with_columns(a=pl.max_horizontal("a", "begin"), b=pl.min_horizontal("b", "finish"))
        .filter(pl.col("a") < pl.col("b"))
        .select("machine", "a", "b", "state")
    )
    down = history.stops.filter((pl.col("end") > since) & (pl.col("start") < now) & ~pl.col("planned")).select(
        "machine", a=pl.col("start").clip(since), b=pl.col("end").clip(upper_bound=now), state=pl.lit("down")
    )
    rows = pl.concat(
        [busy.with_columns(pl.col("a", "b").cast(pl.Int64)), down.with_columns(pl.col("a", "b").cast(pl.Int64))]
    ).sort("machine", "a")
    rows = rows.filter(pl.col("a") >= pl.col("b").shift(1).over("machine").fill_null(0))
    return rows.select(
        machine=_mes_machine(state, rows["machine"]),
        state="state",
        from_at=world.clock.instants(rows["a"].to_numpy()),
        to_at=world.clock.instants(np.where((rows["b"] >= now).to_numpy(), -1, rows["b"].to_numpy())),
    )


def _downtime(state: State) -> pl.DataFrame:
    world, now = state.history.world, state.now
    stops = state.history.stops.with_row_index("n").filter(
        ~pl.col("planned") & (pl.col("start") <= now) & (pl.col("end") > now - EVENT_DAYS * DAY_MIN)
    )
    over = stops["end"].to_numpy() <= now
    start, end = stops["start"].to_numpy(), stops["end"].to_numpy()
    return stops.select(
        event=pl.concat_str(pl.lit("E"), pl.col("machine"), pl.lit("-"), pl.col("start")),
        machine=_mes_machine(state, stops["machine"]),
        started_at=world.clock.instants(start),
        ended_at=world.clock.instants(np.where(over, end, -1)),
        expected_end=world.clock.instants(np.maximum(end, start + 30)),
        planned=pl.lit(False),
        reason=pl.Series(REASONS).gather(stops["reason"].clip(0)),
        reported_at=world.clock.instants(np.where(over, end, start + 2)),
    )


def _cycle_times(state: State) -> pl.DataFrame:
    clock, now = state.history.world.clock, state.now
    ops = state.history.operations.filter(
        (pl.col("machine") >= 0)
        & (pl.col("end") >= 0)
        & (pl.col("end") <= now)
        & (pl.col("end") > now - CYCLE_DAYS * DAY_MIN)
    )
    machine = ops["machine"].to_numpy()
    setup = state.history.intervals.worked(machine, ops["start"].to_numpy()) - state.history.intervals.worked(
        machine, ops["setup_start"].to_numpy()
    )
    orders = state.history.book.orders["work_order"].gather(ops["order"])
    return ops.select(
        order=orders,
        op_seq="op_seq",
        machine=_mes_machine(state, ops["machine"]),
        qty=pl.col("units_in").cast(pl.Float64),
        run_min="measured_min",
        setup_min=pl.Series(setup).cast(pl.Float64),
        at=clock.instants(ops["end"].to_numpy()),
    )


def _lots(state: State) -> pl.DataFrame:
    """Lots of orders that have drawn their material, and the wire lots they came from."""
    world = state.history.world
    rows = issue_rows(state).filter((pl.col("issued") > 0) & (pl.col("op_seq") == 10) & pl.col("lot").is_not_null())
    made = rows.group_by("order").agg(pl.col("lot", "work_order", "component_index").first()).sort("order")
    heat = pl.when(pl.col("component_index") >= 0).then("lot")
    orders = made.select(
        lot=pl.concat_str(pl.lit("L"), (pl.col("order") + 1_000_001).cast(pl.String)),
        parent_lot="lot",
        item=world.items["item"].gather(state.history.book.orders["item_index"].gather(made["order"])),
        heat=heat,
        coil=heat,
        order="work_order",
    )
    wires = (
        rows.filter(pl.col("component_index") >= 0).group_by("lot").agg(pl.col("component_item").first()).sort("lot")
    )
    return pl.concat([wires.select("lot", item="component_item", heat="lot", coil="lot"), orders], how="diagonal")
