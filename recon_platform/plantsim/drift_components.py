"""Errors in what was issued to orders: never posted, posted in part, twice, in another unit, from another material.

Belongs here: issues against what the floor used. Does not belong here: bills that are wrong for every order of an item
are planted here too, since they show in the issues.
"""

from __future__ import annotations

import polars as pl

from recon_platform.plantsim.drift_orders import finished, number
from recon_platform.plantsim.planting import DriftKind, Planting

CONSECUTIVE = 5  # orders in a row that make a wrong bill


def _boxes(p: Planting, orders: pl.DataFrame) -> pl.DataFrame:
    """Issue rows of boxes, at least four pieces, of the given orders."""
    enough = pl.col("issued_qty").cast(pl.Float64) >= 4
    rows = p.frames["material_issues"].filter(pl.col("component_item").str.starts_with("BOX-") & enough)
    return rows.filter(pl.col("work_order").is_in(orders["work_order"].implode()))


def _entity(rows: pl.DataFrame) -> pl.Series:
    return rows.select(pl.format("{}/{}", "work_order", "component_item")).to_series()


def _scale(p: Planting, kind: str, share: float, factor: float, rules: str) -> None:
    """Boxes of finished orders issued `factor` times what was used."""
    orders = finished(p, 4)
    rows = _boxes(p, orders)
    chosen = p.pick(kind, share, orders.filter(pl.col("work_order").is_in(rows["work_order"].implode())))
    mine = rows.filter(pl.col("work_order").is_in(chosen["work_order"].implode()))
    values = number(mine["issued_qty"].cast(pl.Float64) * factor)
    p.set(
        kind, "material_issues", mine, "issued_qty", values, entity=_entity(mine), rules=rules, entity_type="component"
    )


def double_backflush(p: Planting, share: float) -> None:
    """A component posted twice."""
    _scale(p, "double_backflush", share, 2.0, "BF-04")


def issue_missing(p: Planting, share: float) -> None:
    """A component used and never posted."""
    _scale(p, "issue_missing", share, 0.0, "BF-02")


def issue_short(p: Planting, share: float) -> None:
    """A component posted in part."""
    _scale(p, "issue_short", share, 0.6, "BF-03")


def issue_excess(p: Planting, share: float) -> None:
    """More posted than the floor used."""
    _scale(p, "issue_excess", share, 1.3, "BF-05")


def issue_unit(p: Planting, share: float) -> None:
    """An issue posted in thousands."""
    _scale(p, "issue_unit", share, 1000.0, "BF-09")


def _wires(p: Planting, kind: str, share: float) -> pl.DataFrame:
    rows = p.frames["material_issues"].filter(pl.col("component_item").str.starts_with("W-"))
    orders = finished(p, 4)
    chosen = p.pick(kind, share, orders.filter(pl.col("work_order").is_in(rows["work_order"].implode())))
    return rows.filter(pl.col("work_order").is_in(chosen["work_order"].implode()))


def lot_short(p: Planting, share: float) -> None:
    """A lot-traced wire posted in part: never corrected by itself."""
    rows = _wires(p, "lot_short", share)
    values = number(rows["issued_qty"].cast(pl.Float64) * 0.5)
    p.set(
        "lot_short", "material_issues", rows, "issued_qty", values, entity=_entity(rows), rules="BF-08",
        entity_type="component",
    )  # fmt: skip


def substituted(p: Planting, share: float) -> None:
    """A stronger wire was taken and posted, the one on the bill not."""
    stronger = p.frames["substitutes"].unique("item", keep="first", maintain_order=True)
    rows = _wires(p, "substituted", share)
    rows = rows.filter(pl.col("component_item").is_in(stronger["item"].implode()))
    other = rows.join(
        stronger.select(component_item="item", other="substitute_item"), on="component_item", how="left",
        maintain_order="left",
    )["other"]  # fmt: skip
    p.set(
        "substituted", "material_issues", rows, "component_item", other, entity=_entity(rows), rules="BF-06",
        entity_type="component",
    )  # fmt: skip


def wrong_bill(p: Planting, share: float) -> None:
    """A bill that asks too little for every order of an item: each issue is over by four percent, order after order."""
    orders = p.state.orders.filter(pl.col("good") > 0)
    rows = _boxes(p, orders)
    owner = rows.join(orders.select("work_order", "item_index", "index"), on="work_order", maintain_order="left")
    counted = owner.group_by("item_index").agg(n=pl.len(), first=pl.col("index").min()).sort("item_index")
    wanted = max(1, round(p.rate * share * p.open_orders / CONSECUTIVE))
    free = orders.filter(pl.col("index").is_in(list(p.taken)))["item_index"].unique()
    candidates = counted.filter((pl.col("n") >= CONSECUTIVE) & ~pl.col("item_index").is_in(free.implode()))
    draw = p.draw("wrong_bill", candidates["item_index"].to_numpy())
    items = candidates.with_columns(draw=pl.Series(draw)).sort("draw").head(wanted)["item_index"]
    mine = owner.filter(pl.col("item_index").is_in(items.implode()))
    p.taken.update(orders.filter(pl.col("item_index").is_in(items.implode()))["index"].to_list())
    values = number(mine["issued_qty"].cast(pl.Float64) * 1.04)
    p.set(
        "wrong_bill", "material_issues", mine, "issued_qty", values, entity=_entity(mine), rules="BF-05",
        entity_type="component",
    )  # fmt: skip
    names = p.state.history.world.items["item"].gather(mine["item_index"])
    pair = mine.with_columns(parent=names).unique(["parent", "component_item"], keep="first", maintain_order=True)
    bill = p.frames["bom_lines"].join(
        pair.select(parent_item="parent", component_item="component_item"),
        on=["parent_item", "component_item"],
        how="semi",
    )
    true = (bill["qty_per"].cast(pl.Float64) * 1.04).round(9).cast(pl.String)
    p.note(
        "wrong_bill", "bom_lines", bill, "qty_per", true, bill["qty_per"], rules="BF-11", entity_type="component",
        entity=bill.select(pl.format("{}/{}", "parent_item", "component_item")).to_series(),
    )  # fmt: skip


COMPONENT_KINDS: tuple[DriftKind, ...] = (
    DriftKind("wrong_bill", "15 backflush errors", 0.02, wrong_bill),
    DriftKind("double_backflush", "15 backflush errors", 0.06, double_backflush),
    DriftKind("issue_missing", "15 backflush errors", 0.05, issue_missing),
    DriftKind("issue_short", "15 backflush errors", 0.03, issue_short),
    DriftKind("issue_excess", "15 backflush errors", 0.02, issue_excess),
    DriftKind("issue_unit", "18 unit mismatch", 0.02, issue_unit),
    DriftKind("lot_short", "15 backflush errors", 0.02, lot_short),
    DriftKind("substituted", "15 backflush errors", 0.02, substituted),
)
