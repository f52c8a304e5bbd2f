"""Qualified substitutes: which stock may stand in for a component, for which orders, and from which lots.

A substitute must be approved and in date; of the same alloy family rules as the item: not of another corrosion class,
never weaker (property class or tensile strength), with the certificate where one is required, and not excluded by a
customer whose order would receive it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from recon_platform.planning.decisions import Change
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames


@dataclass(frozen=True, slots=True)
class Substitute:
    """One item that may stand in, with the stock change that uses it and the facts it rests on."""

    item: str
    changes: list[Change]
    evidence: dict[str, Any]
    extra_cost: float = 0.0  # value of what is drawn less the value of what it replaces, plant currency; never below 0


def qualified_substitutes(
    frames: Frames, context: PlanContext, item: str, short_qty: float, orders: list[str]
) -> list[Substitute]:
    """Substitutes for `short_qty` of `item` (its base uom) in `orders`, most stock first."""
    day = context.planning_date
    approved = frames["substitutes"].filter(
        (pl.col("item") == item)
        & pl.col("approved").fill_null(False)
        & (pl.col("valid_from").is_null() | (pl.col("valid_from") <= day))
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= day))
    )
    if approved.is_empty():
        return []
    original = frames["items"].filter(pl.col("item") == item).row(0, named=True)
    wishes = _wishes(frames, orders)
    if not wishes.filter(pl.col("requirement") == "no_substitute").is_empty():
        return []
    excluded = _values(wishes, "exclude_grade")
    found = []
    for row in approved.sort("substitute_item").iter_rows(named=True):
        candidates = frames["items"].filter(pl.col("item") == row["substitute_item"])
        if candidates.is_empty():
            continue
        other = candidates.row(0, named=True)
        if not _fits(original, other) or other["grade"] in excluded:
            continue
        certificates = _values(wishes, "certificate") | ({row["certificate_required"]} - {None})
        lots = _usable_lots(frames, context, row["substitute_item"], certificates)
        ratio = row["ratio"] or 1.0
        if _one_heat_only(frames, orders):
            lots = _best_heat(lots, short_qty * ratio)
        changes, used, covered = _draw(item, lots, short_qty, ratio)
        if covered <= 0:
            continue
        found.append(
            Substitute(
                item=row["substitute_item"],
                changes=changes,
                evidence={
                    "approval": row["approval_ref"],
                    "ratio": ratio,
                    "covers": covered,
                    "lots": used,
                    "grade": [original["grade"], other["grade"]],
                    "tensile_mpa": [original["tensile_mpa"], other["tensile_mpa"]],
                    "orders": orders[:20],
                    "impact": f"lots {', '.join(str(lot) for lot, _ in used)} of {row['substitute_item']} enter the "
                    f"genealogy of {len(orders)} orders in place of {item}; the approval is {row['approval_ref']}",
                },
                extra_cost=max(0.0, covered * (ratio * (other["cost"] or 0.0) - (original["cost"] or 0.0))),
            )
        )
    return sorted(found, key=lambda option: (-option.evidence["covers"], option.item))


def _fits(original: dict[str, Any], other: dict[str, Any]) -> bool:
    if original["corrosion_class"] != other["corrosion_class"]:
        return False
    if original["tensile_mpa"] is not None:
        return other["tensile_mpa"] is not None and other["tensile_mpa"] >= original["tensile_mpa"]
    return original["property_class"] is None or original["property_class"] == other["property_class"]


def _wishes(frames: Frames, orders: list[str]) -> pl.DataFrame:
    """What the customers behind any of `orders` require, whatever item they said it of: rather one offer too few."""
    customers = (
        frames["supply_orders"]
        .filter(pl.col("order").is_in(orders))
        .join(frames["sales_orders"].select("sales_order", "line", "customer"), on=["sales_order", "line"])
        .select("customer")
        .unique()
    )
    return frames["customer_requirements"].join(customers, on="customer", how="semi")


def _values(wishes: pl.DataFrame, requirement: str) -> set[str]:
    return set(wishes.filter(pl.col("requirement") == requirement).get_column("value").drop_nulls())


def _usable_lots(frames: Frames, context: PlanContext, item: str, certificates: set[str]) -> pl.DataFrame:
    """Free stock of `item` by lot, first expiry first; only lots with every certificate that is asked for."""
    usable = pl.col("expiry").is_null() | (pl.col("expiry") > context.planning_date)
    stock = frames["inventory"].filter((pl.col("item") == item) & (pl.col("status") == "available") & usable)
    for certificate in sorted(certificates):
        stock = stock.filter(pl.col("certificate") == certificate)
    taken = (
        frames["allocations"].filter(pl.col("item") == item).group_by("lot").agg(pl.col("qty").sum().alias("allocated"))
    )
    return (
        stock.join(taken, on="lot", how="left", nulls_equal=True)
        .with_columns((pl.col("qty") - pl.col("allocated").fill_null(0)).alias("free"))
        .filter(pl.col("free") > 0)
        .sort("expiry", "lot", "location", nulls_last=True)
    )


def _one_heat_only(frames: Frames, orders: list[str]) -> bool:
    """Whether an operation of `orders` runs where lots or coils are kept together: heats are not mixed there."""
    kept = frames["work_centers"].filter(pl.col("continuity").is_in(["lot", "coil"])).select("work_center")
    return (
        not frames["reconciled_operations"]
        .filter(pl.col("work_order").is_in(orders))
        .join(kept, on="work_center", how="semi")
        .is_empty()
    )


def _best_heat(lots: pl.DataFrame, wanted: float) -> pl.DataFrame:
    """The lots of one heat: of those that cover `wanted` the one whose first lot expires first, else the largest."""
    heats = lots.group_by("heat", maintain_order=True).agg(pl.col("free").sum())
    enough = heats.filter(pl.col("free") >= wanted - 1e-9)
    chosen = enough.head(1) if enough.height else heats.sort("free", descending=True, maintain_order=True).head(1)
    return lots.join(chosen.select("heat"), on="heat", how="semi", nulls_equal=True, maintain_order="left")


def _draw(item: str, lots: pl.DataFrame, short_qty: float, ratio: float) -> tuple[list[Change], list[list[Any]], float]:
    """Changes that take what is needed from `lots` and put it in stock as `item`; lots used; quantity covered."""
    changes: list[Change] = []
    used: list[list[Any]] = []
    missing = short_qty
    for lot in lots.iter_rows(named=True):
        take = min(lot["free"], missing * ratio)
        if take <= 0:
            break
        where = {name: lot[name] for name in ("item", "lot", "location", "status")}
        changes.append({"verb": "set", "table": "inventory", "where": where, "values": {"qty": lot["qty"] - take}})
        changes.append(
            {
                "verb": "add",
                "table": "inventory",
                "values": {
                    "item": item,
                    "lot": lot["lot"],
                    "location": lot["location"],
                    "qty": take / ratio,
                    "uom": lot["uom"],
                    "status": "available",
                    "heat": lot["heat"],
                    "certificate": lot["certificate"],
                },
            }
        )
        used.append([lot["lot"], take])
        missing -= take / ratio
    return changes, used, short_qty - missing
