"""Where every order and operation truly stands at one minute: the state both systems report from.

Belongs here: progress, quantities and stock at an instant, computed from the history. Does not belong here: how ERP
(`snapshot_erp`) and MES (`snapshot_mes`) write it down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN
from recon_platform.plantsim.history import History

KEEP_FINISHED_DAYS = 14
CLOSE_AFTER_MIN = 2 * DAY_MIN
KEEP_SHIPPED_DAYS = 60


@dataclass(frozen=True, slots=True)
class State:
    """The plant at minute `now`.

    `operations`: of the orders in `orders`, with status, processed, good, scrap and in-process units. `orders`: entered
    and not finished more than two weeks ago. `issues`: components drawn so far. `shipments`: customer lines shipped.
    `consumed`: units drawn from each purchase or pool since the beginning, by component and purchase.
    """

    now: int
    history: History
    orders: pl.DataFrame
    operations: pl.DataFrame
    issues: pl.DataFrame
    lines: pl.DataFrame
    completed: pl.DataFrame
    drawn: pl.DataFrame


def state_at(history: History, now: int) -> State:
    """The state at `now`, a pure function of the history."""
    orders = history.book.orders.filter(pl.col("created") <= now)
    ops = _operations(history, now)
    by_order = (
        ops.group_by("order")
        .agg(
            good=pl.col("good").last(),
            scrap=pl.col("scrap").sum(),
            first_start=pl.col("setup_start").first(),
            last_end=pl.col("end").last(),
            last_status=pl.col("status").last(),
            busy=(pl.col("status") != "waiting").any(),
            final_good=pl.col("units_in").last() - pl.col("scrap_units").last(),
        )
        .sort("order")
    )
    orders = orders.join(by_order, left_on="index", right_on="order", how="left").sort("index")
    done = pl.col("last_status") == "complete"
    status = (
        pl.when(done & (pl.col("last_end") + CLOSE_AFTER_MIN <= now))
        .then(pl.lit("closed"))
        .when(done)
        .then(pl.lit("complete"))
        .when(pl.col("busy"))
        .then(pl.lit("in_process"))
        .when(pl.col("release") <= now)
        .then(pl.lit("released"))
        .when(pl.col("start_day") > now // DAY_MIN + 24)
        .then(pl.lit("planned"))
        .otherwise(pl.lit("firm"))
    )
    handed_out = (pl.col("release") <= now) | pl.col("busy").fill_null(False)  # a schedule may start it earlier
    orders = orders.with_columns(status=status, released=handed_out)
    issues = _issues(history, orders, ops)
    lines = _lines(history, orders, now)
    recent = orders.filter((pl.col("status") != "closed") | (pl.col("last_end") > now - KEEP_FINISHED_DAYS * DAY_MIN))
    keep = recent.select(order="index")
    return State(
        now,
        history,
        recent,
        ops.join(keep, on="order", how="semi"),
        issues.join(keep, on="order", how="semi"),
        lines,
        orders.filter(pl.col("good") > 0).select("index", "item_index", "good", "status", "last_end"),
        issues.group_by("component_index", "purchase", "made_item", "made_order")
        .agg(pl.col("issued").sum())
        .sort("component_index", "purchase", "made_item", "made_order"),
    )


def _operations(history: History, now: int) -> pl.DataFrame:
    ops = history.operations
    known = np.searchsorted(history.book.orders["created"].to_numpy(), now, side="right")
    ops = ops.filter(pl.col("order") < int(known))
    begin, start, end = (ops[c].to_numpy() for c in ("setup_start", "start", "end"))
    machine, minutes = ops["machine"].to_numpy(), ops["minutes"].to_numpy()
    begun = (begin >= 0) & (begin <= now)
    complete = begun & (end <= now)
    running = begun & ~complete & (start <= now)
    at = np.flatnonzero(running & (machine >= 0))
    worked = history.intervals.worked(machine[at], np.full(len(at), now)) - history.intervals.worked(
        machine[at], start[at]
    )
    share = np.zeros(len(ops))
    share[at] = np.clip(worked / minutes[at], 0, 1)
    units_in, lost = ops["units_in"].to_numpy(), ops["scrap_units"].to_numpy()
    processed = np.where(complete, units_in, np.floor(units_in * share).astype(np.int64))
    scrap = np.where(complete, lost, np.floor(processed * (lost / np.maximum(units_in, 1))).astype(np.int64))
    good = processed - scrap
    order = ops["order"].to_numpy()
    first = np.concatenate([[True], order[1:] != order[:-1]]) if len(order) else np.zeros(0, bool)
    arrived = np.where(first, np.where(begun, units_in, 0), np.concatenate([[0], good[:-1]]))[: len(order)]
    working = np.zeros(len(ops), bool)
    if len(at):
        working[at] = history.intervals.worked(machine[at], np.full(len(at), now + 1)) > history.intervals.worked(
            machine[at], np.full(len(at), now)
        )
    external = ops["external_min"].to_numpy() > 0
    status = np.select(
        [complete, running & (working | external), running, begun],
        ["complete", "running", "paused", "setup"],
        "waiting",
    )
    return ops.with_columns(
        status=pl.Series(status, dtype=pl.String),
        processed=pl.Series(processed),
        good=pl.Series(good),
        scrap=pl.Series(scrap),
        in_process=pl.Series(arrived - processed),
    )


def _issues(history: History, orders: pl.DataFrame, ops: pl.DataFrame) -> pl.DataFrame:
    """Components drawn, backflushed from what the consuming operation has processed: wires, parts, bolts of kits."""
    book = history.book
    needs = book.needs.filter(pl.col("order").is_in(orders["index"].implode())).select(
        "order",
        "component_index",
        "qty_per",
        "op_seq",
        "need",
        "purchase",
        made_item=pl.lit(-1, pl.Int64),
        made_order=pl.lit(-1, pl.Int64),
    )
    kits = book.orders.filter(pl.col("bolt") & pl.col("feeds").is_in(orders["index"].implode()))
    fed = book.orders["qty"].gather(kits["feeds"])
    made = kits.select(
        order="feeds",
        component_index=pl.lit(-1, pl.Int64),
        qty_per=pl.lit(1.0),
        op_seq=pl.lit(10, pl.Int64),
        need=fed.cast(pl.Float64),
        purchase=pl.lit(-1, pl.Int64),
        made_item="item_index",
        made_order="index",
    )
    both = pl.concat([needs, made])
    at_op = ops.select("order", "op_seq", "processed", "status", "setup_start", "end", "start")
    return (
        both.join(at_op, on=["order", "op_seq"], how="left")
        .with_columns(issued=(pl.col("processed") * pl.col("qty_per")).round(4))
        .sort("order", "op_seq", "component_index", "made_item")
    )


def _lines(history: History, orders: pl.DataFrame, now: int) -> pl.DataFrame:
    """Customer lines entered so far with what has been shipped: a line ships once its order is complete, not earlier
    than its customer takes it; what the order lacks falls on its last lines."""
    clock, world = history.world.clock, history.world
    lines = history.book.lines.filter(pl.col("created") <= now)
    pack = world.items["pack"].gather(lines["item_index"])
    done = orders.filter(pl.col("last_status") == "complete").select(order="index", done="last_end", output="good")
    lines = lines.with_columns(pack=pack).join(done, on="order", how="left").sort("index")
    lines = lines.with_columns(wanted=pl.col("boxes") * pl.col("pack"))
    before = (pl.col("wanted").cum_sum() - pl.col("wanted")).over("order", order_by=["due_day", "index"])
    lines = lines.with_columns(
        available=((pl.col("output") - before).clip(0) // pl.col("pack")).clip(0, pl.col("boxes"))
    )
    early = pl.Series([2, 5, 5]).gather(world.customers["cls"].gather(lines["customer"])).to_numpy()
    finished = lines["done"].fill_null(-1).to_numpy()
    ship_day = np.maximum(lines["due_day"].to_numpy() - early, clock.local_days(finished) + 1)
    weekday = (ship_day + clock.origin.weekday()) % 7
    ship_day = ship_day + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))
    ship_at = clock.minutes_of_days(ship_day, 840)
    shipped = (finished >= 0) & (ship_at <= now)
    return lines.with_columns(
        ship_day=pl.Series(np.where(shipped, ship_day, -1)),
        ship_at=pl.Series(np.where(shipped, ship_at, -1)),
        shipped=pl.Series(np.where(shipped, lines["available"].fill_null(0).to_numpy(), 0)),
    ).sort("index")
