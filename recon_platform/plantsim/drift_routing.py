"""Errors in routings and operation codes: none, another one, a code nobody knows."""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.planting import DriftKind, Planting


def routing_missing(p: Planting, share: float) -> None:
    """An item whose routing was never entered; its firm orders cannot be planned."""
    today = p.state.orders
    waiting = today.group_by("item_index").agg(
        firm=(pl.col("status") == "firm").sum(), other=(~pl.col("status").is_in(["firm", "planned"])).sum()
    )
    known = today.filter(pl.col("index").is_in(list(p.taken)))["item_index"].unique()
    free = waiting.filter(~pl.col("item_index").is_in(known.implode()))
    candidates = free.filter((pl.col("firm") > 0) & (pl.col("other") == 0)).sort("item_index")
    wanted = max(1, round(p.rate * share * p.open_orders / 3))
    draw = p.draw("routing_missing", candidates["item_index"].to_numpy())
    items = candidates.with_columns(draw=pl.Series(draw)).sort("draw").head(wanted)["item_index"]
    if items.is_empty():
        return
    names = p.state.history.world.items["item"].gather(items)
    orders = today.filter(pl.col("item_index").is_in(items.implode()) & (pl.col("status") == "firm"))
    rows = p.ids("work_orders", "work_order", orders["work_order"])
    gone = p.ids("routings", "item", names)
    nothing = pl.Series([None] * len(rows), dtype=pl.String)
    p.note(
        "routing_missing", "work_orders", rows, "routing", rows["routing"], nothing, entity=pl.col("work_order"),
        rules="RT-01,routing_missing",
    )  # fmt: skip
    item_rows = p.ids("items", "item", names)
    p.note(
        "routing_missing", "items", item_rows, "routing", pl.Series(["main"] * len(item_rows)),
        pl.Series([None] * len(item_rows), dtype=pl.String), entity=pl.col("item"), rules="item_unrouted",
        entity_type="item",
    )  # fmt: skip
    p.drop("routings", gone)
    p.drop("work_order_operations", p.ids("work_order_operations", "work_order", orders["work_order"]))
    p.taken.update(today.filter(pl.col("item_index").is_in(items.implode()))["index"].to_list())


def _live(p: Planting) -> pl.DataFrame:
    return p.state.orders.filter(pl.col("status").is_in(["released", "in_process"]) & ~pl.col("item_index").is_null())


def code_not_in_routing(p: Planting, share: float) -> None:
    """The floor reports packing under the code of assembly."""
    kits = p.state.history.world.items.filter(pl.col("kit_of") >= 0)["index"]
    chosen = p.pick("code_not_in_routing", share, _live(p).filter(~pl.col("item_index").is_in(kits.implode())))
    rows = p.ids("operation_status", "order", chosen["work_order"]).filter(pl.col("op_seq") == "70")
    code = pl.Series(["ASSY"] * len(rows), dtype=pl.String)
    entity = rows.select(pl.format("{}/{}", "order", "op_seq")).to_series()
    p.set(
        "code_not_in_routing", "operation_status", rows, "operation_code", code, entity=entity, rules="RT-02",
        entity_type="operation",
    )  # fmt: skip


def other_routing(p: Planting, share: float) -> None:
    """The floor follows an alternate routing the order does not name."""
    chosen = p.pick("other_routing", share, _live(p))
    rows = p.ids("operation_status", "order", chosen["work_order"])
    other = pl.Series(["alt1"] * len(rows), dtype=pl.String)
    p.set("other_routing", "operation_status", rows, "routing", other, entity=pl.col("order"), rules="RT-03")


def unknown_code(p: Planting, share: float) -> None:
    """A misspelt operation code in the ERP's operations of an order."""
    chosen = p.pick("unknown_code", share, p.state.orders.filter(pl.col("status") == "firm"))
    rows = p.ids("work_order_operations", "work_order", chosen["work_order"]).filter(pl.col("op_seq") == "70")
    code = pl.Series(["PAKC"] * len(rows), dtype=pl.String)
    entity = rows.select(pl.format("{}/{}", "work_order", "op_seq")).to_series()
    p.set(
        "unknown_code", "work_order_operations", rows, "operation_code", code, entity=entity, rules="RT-04",
        entity_type="operation",
    )  # fmt: skip


ROUTING_KINDS: tuple[DriftKind, ...] = (
    DriftKind("routing_missing", "17 wrong routing", 0.01, routing_missing),
    DriftKind("code_not_in_routing", "17 wrong routing", 0.02, code_not_in_routing),
    DriftKind("other_routing", "17 wrong routing", 0.02, other_routing),
    DriftKind("unknown_code", "13 unknown codes", 0.02, unknown_code),
)
