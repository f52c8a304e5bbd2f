"""Errors in what the MES reports: counts, status, time of the last report, key of the order, stops never logged.

Belongs here: errors of the floor's reports. Does not belong here: the ERP's own (`drift_orders`).
"""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.drift_orders import finished, in_process, number
from recon_platform.plantsim.planting import DriftKind, Planting


def _operation(p: Planting, orders: pl.DataFrame, ops: pl.DataFrame) -> pl.DataFrame:
    """Rows of `operation_status` for the (order, op_seq) of `ops`, in the order of the file, with those columns."""
    named = ops.join(orders.select(order="index", work_order="work_order", order_qty="qty"), on="order")
    named = named.with_columns(op_seq=pl.col("op_seq").cast(pl.String))
    rows = p.frames["operation_status"].join(
        named.rename({"order": "_index", "work_order": "order"}).drop("status", "operation_code", strict=False),
        on=["order", "op_seq"], how="inner", maintain_order="left",
    )  # fmt: skip
    return rows


def _queued(p: Planting) -> pl.DataFrame:
    """Operations that wait with units in front of them, the operation before them complete."""
    ops = p.state.operations
    before = (pl.col("status").shift(1) == "complete") & (pl.col("order").shift(1) == pl.col("order"))
    return ops.with_columns(before=before).filter(
        (pl.col("status") == "waiting") & (pl.col("in_process") > 0) & pl.col("before")
    )


def cart_lost(p: Planting, share: float) -> None:
    """Units that left one operation and are not in front of the next."""
    queued = _queued(p)
    orders = in_process(p).filter(pl.col("index").is_in(queued["order"].implode()))
    chosen = p.pick("cart_lost", share, orders)
    rows = _operation(p, chosen, queued)
    left = (rows["in_process"] * 0.7).floor()
    p.set("cart_lost", "operation_status", rows, "in_process_qty", number(left), entity=pl.col("order"), rules="QT-13")


def rework(p: Planting, share: float) -> None:
    """Part of an operation's output sent to rework: neither good nor scrap."""
    queued = _queued(p)
    orders = in_process(p).filter(pl.col("index").is_in(queued["order"].implode()))
    chosen = p.pick("rework", share, orders)
    after = _operation(p, chosen, queued)
    ops = p.state.operations.with_columns(next_in=pl.col("in_process").shift(-1), next_seq=pl.col("op_seq").shift(-1))
    source = ops.join(queued.select("order", next_seq="op_seq"), on=["order", "next_seq"])
    before = _operation(p, chosen, source)
    units = (before["good"] * 0.06).floor()
    kind, table = "rework", "operation_status"
    p.set(kind, table, before, "good_qty", number(before["good"] - units), entity=pl.col("order"), rules="QT-08")
    p.set(kind, table, before, "rework_qty", number(units), entity=pl.col("order"), rules="QT-08")
    taken = after.join(before.select("order", units=units), on="order", how="left", maintain_order="left")["units"]
    p.set(
        kind, table, after, "in_process_qty", number(after["in_process"] - taken), entity=pl.col("order"), rules="QT-08"
    )


def counted_twice(p: Planting, share: float) -> None:
    """A container counted twice at sorting: more good than went in, and the packing cannot account for it."""
    orders = finished(p, 4)
    sorted_ops = p.state.operations.filter(pl.col("operation_code") == "SORT")
    chosen = p.pick("counted_twice", share, orders.filter(pl.col("index").is_in(sorted_ops["order"].implode())))
    rows = _operation(p, chosen, sorted_ops)
    extra = (rows["order_qty"] * 0.03).ceil()
    p.set(
        "counted_twice", "operation_status", rows, "good_qty", number(rows["good"] + extra), entity=pl.col("order"),
        rules="QT-07,QT-13",
    )  # fmt: skip


def over_confirmed(p: Planting, share: float) -> None:
    """The last operation confirmed nine percent too much, posted and backflushed in the ERP as reported."""
    chosen = p.pick("over_confirmed", share, finished(p, 4).filter(pl.col("boxes") > 0))
    chosen = chosen.filter(chosen["good"] * 1.09 > chosen["qty"] * 1.055)
    last = p.state.operations.filter(pl.col("operation_code") == "PACK")
    rows = _operation(p, chosen, last)
    kind, rules = "over_confirmed", "QT-06,QT-07"
    good = (rows["good"] * 1.09).ceil()
    p.set(kind, "operation_status", rows, "good_qty", number(good), entity=pl.col("order"), rules=rules)
    orders = p.ids("work_orders", "work_order", chosen["work_order"])
    posted = orders.join(
        rows.select(work_order="order", posted=good), on="work_order", how="left", maintain_order="left"
    )
    p.set(
        kind, "work_orders", orders, "completed_qty", number(posted["posted"] / 1000), entity=pl.col("work_order"),
        rules=rules,
    )  # fmt: skip
    for table, key, column in (
        ("material_issues", "work_order", "issued_qty"),
        ("material_consumption", "order", "qty"),
    ):
        boxes = p.ids(table, key, chosen["work_order"]).filter(pl.col("op_seq") == "70")
        p.set(
            kind, table, boxes, column, number(boxes[column].cast(pl.Float64) * 1.09), entity=pl.col(key), rules=rules
        )


def ended_short(p: Planting, share: float) -> None:
    """Terminated on the floor before all was made: nothing begun, or stopped between two operations."""
    idle = p.state.orders.filter(pl.col("status") == "released")
    chosen = p.pick("ended_short", share, idle)
    _terminate(p, chosen, "ST-03")
    queued = _queued(p)
    orders = in_process(p).filter(pl.col("index").is_in(queued["order"].implode()))
    running = p.state.operations.filter(pl.col("status").is_in(["running", "setup", "paused"]))
    between = p.pick("ended_short", share, orders.filter(~pl.col("index").is_in(running["order"].implode())))
    _terminate(p, between, "QT-13,ST-03")


def _terminate(p: Planting, chosen: pl.DataFrame, rules: str) -> None:
    kind, table = "ended_short", "operation_status"
    rows = p.ids(table, "order", chosen["work_order"]).filter(pl.col("status") != "complete")
    done = pl.Series(["terminated"] * len(rows), dtype=pl.String)
    none = pl.Series(["0.0"] * len(rows), dtype=pl.String)
    p.set(kind, table, rows, "status", done, entity=pl.col("order"), rules=rules)
    p.set(kind, table, rows, "in_process_qty", none, entity=pl.col("order"), rules=rules)
    orders = p.ids("order_status", "order", chosen["work_order"])
    ended = pl.Series(["terminated"] * len(orders), dtype=pl.String)
    p.set(kind, "order_status", orders, "status", ended, entity=pl.col("order"), rules=rules)


def stalled(p: Planting, share: float) -> None:
    """Work in process nobody has reported on for a week or more."""
    running = p.state.operations.filter(pl.col("status").is_in(["running", "setup", "paused"]))
    orders = in_process(p).filter(~pl.col("index").is_in(running["order"].implode()))
    chosen = p.pick("stalled", share, orders)
    for table, columns in (
        ("operation_status", ("started_at", "ended_at", "reported_at")),
        ("order_status", ("reported_at",)),
    ):
        rows = p.ids(table, "order", chosen["work_order"])
        for column in columns:
            at = (
                rows[column].str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.offset_by("-9d").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
            )
            p.set("stalled", table, rows, column, at, entity=pl.col("order"), rules="ST-08")


def on_hold(p: Planting, share: float) -> None:
    """Held by quality on the floor, running as usual in the ERP."""
    queued = _queued(p)
    orders = in_process(p).filter(pl.col("index").is_in(queued["order"].implode()))
    chosen = p.pick("on_hold", share, orders)
    rows = _operation(p, chosen, queued)
    held = pl.Series(["hold"] * len(rows), dtype=pl.String)
    p.set("on_hold", "operation_status", rows, "status", held, entity=pl.col("order"), rules="ST-09")
    orders = p.ids("order_status", "order", chosen["work_order"])
    held = pl.Series(["hold"] * len(orders), dtype=pl.String)
    p.set("on_hold", "order_status", orders, "status", held, entity=pl.col("order"), rules="ST-09")


def not_dispatched(p: Planting, share: float) -> None:
    """Released days ago and unknown to the MES."""
    today = p.state.history.world.clock.day_number(p.night)
    late = p.state.orders.filter((pl.col("status") == "released") & (pl.col("start_day") < today - 2))
    chosen = p.pick("not_dispatched", share, late)
    for table in ("operation_status", "order_status"):
        rows = p.ids(table, "order", chosen["work_order"])
        if rows.height:
            gone = pl.Series([None] * len(rows), dtype=pl.String)
            p.note("not_dispatched", table, rows, "*", rows["reported_at"], gone, entity=pl.col("order"), rules="ST-07")
            p.drop(table, rows)


def unknown_order(p: Planting, share: float) -> None:
    """The floor reports on an order number the ERP does not have."""
    count = max(1, round(p.rate * share * p.open_orders))
    rows = (
        p.frames["operation_status"].filter((pl.col("op_seq") == "10") & (pl.col("status") == "complete")).head(count)
    )
    if rows.is_empty():
        return
    new = rows.with_columns(order=pl.Series([f"WX{i + 77_001}" for i in range(len(rows))]))
    new = p.add("operation_status", new)
    p.note(
        "unknown_order", "operation_status", new, "order", rows["order"], new["order"], entity=pl.col("order"),
        rules="MP-01", entity_type="mes_order",
    )  # fmt: skip


def missing_downtime(p: Planting, share: float) -> None:
    """Stops nobody logged: neither the event nor the state. What is not landed cannot be seen."""
    events = p.frames["downtime_events"]
    start = events["event"].str.split("-").list.last().cast(pl.Int64).to_numpy()
    machine = events["event"].str.extract(r"E(\d+)-").cast(pl.Int64).to_numpy()
    gone = events.filter(pl.Series(p.draw("missing_downtime", start * 4096 + machine) < min(0.9, 40 * p.rate * share)))
    if gone.is_empty():
        return
    nothing = pl.Series([None] * len(gone), dtype=pl.String)
    p.note(
        "missing_downtime", "downtime_events", gone, "*", gone["started_at"], nothing, entity=pl.col("machine"),
        rules="", entity_type="machine", observable=False, key="event",
    )  # fmt: skip
    states = p.frames["machine_states"].join(
        gone.select("machine", from_at="started_at"), on=["machine", "from_at"], how="semi"
    )
    p.drop("machine_states", states.filter(pl.col("state") == "down"))
    p.drop("downtime_events", gone)


def split_on_the_floor(p: Planting, share: float) -> None:
    """An order run as two lots the ERP does not know; their lots descend from the order's own."""
    lots = p.frames["lots"].filter(pl.col("order").is_not_null())
    orders = in_process(p).filter(pl.col("work_order").is_in(lots["order"].implode()))
    chosen = p.pick("split_on_the_floor", share, orders)
    kind, rules = "split_on_the_floor", "MP-02"
    for table in ("operation_status", "order_status"):
        rows = p.ids(table, "order", chosen["work_order"])
        second = p.add(table, _part_of(rows, 2))
        first = _part_of(rows, 1)
        for column in ("order", *(QUANTITIES if table == "operation_status" else ())):
            p.set(kind, table, rows, column, first[column], entity=rows["order"], rules=rules)
        p.note(kind, table, second, "*", rows["order"], second["order"], entity=rows["order"], rules=rules)
    roots = p.ids("lots", "order", chosen["work_order"])
    for number_ in (1, 2):
        part = roots.with_columns(
            lot=pl.col("lot") + f"-{number_}", parent_lot=pl.col("lot"), order=pl.col("order") + f"-{number_}"
        )
        p.add("lots", part)


QUANTITIES = ("good_qty", "scrap_qty", "in_process_qty")


def _part_of(rows: pl.DataFrame, part: int) -> pl.DataFrame:
    """The rows as the first (three fifths) or second part of a split reports them."""
    quantities = []
    for name in QUANTITIES:
        if name in rows.columns:
            whole = pl.col(name).cast(pl.Float64)
            first = (whole * 0.6).floor()
            quantities.append((first if part == 1 else whole - first).cast(pl.String).alias(name))
    return rows.with_columns(*quantities, order=pl.col("order") + f"-{part}")


FLOOR_KINDS: tuple[DriftKind, ...] = (
    DriftKind("counted_twice", "2 over-reported quantity", 0.04, counted_twice),
    DriftKind("over_confirmed", "2 over-reported quantity", 0.03, over_confirmed),
    DriftKind("cart_lost", "3 under-reported quantity", 0.03, cart_lost),
    DriftKind("rework", "3 under-reported quantity", 0.02, rework),
    DriftKind("ended_short", "1 status of ERP against MES", 0.02, ended_short),
    DriftKind("stalled", "11 old reports", 0.02, stalled),
    DriftKind("on_hold", "1 status of ERP against MES", 0.02, on_hold),
    DriftKind("not_dispatched", "1 status of ERP against MES", 0.02, not_dispatched),
    DriftKind("split_on_the_floor", "20 lots split and renamed", 0.02, split_on_the_floor),
    DriftKind("unknown_order", "19 key form", 0.01, unknown_order),
    DriftKind("missing_downtime", "14 missing downtime", 0.05, missing_downtime),
)
