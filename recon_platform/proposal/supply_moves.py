"""Exceptions of supply: an inbound order sooner, a substitute, buying what is made and the reverse, scarce stock elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.proposal.candidate import Candidate, add_row, set_row
from recon_platform.proposal.substitution import qualified_substitutes
from recon_platform.tables.context import PlanContext
from recon_platform.tables.lines import PURCHASE_LINE
from recon_platform.tables.model import Frames

DEFAULT_FLEXIBLE_SHARE = 0.1  # of a week's committed quantity, where a supplier's agreement does not say


def expedites(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Open purchase lines pegged to late orders, asked for in the expedited delivery time counted from today.

    Where the supplier commits a weekly capacity, only its flexible share may be moved: a larger line is split, and the
    part beyond keeps its date. Lines that an expedite would not bring sooner are left out.
    """
    lines = frames["purchase_orders"].filter(pl.col("status") == "open")
    offers = frames["supplier_items"].select(
        "supplier", "item", "expedite_days", "expedite_fee", "committed_qty_per_week", "flexible_share"
    )
    wanted = (
        frames["pegging"]
        .filter(pl.col("supply_type") == "purchase_order")
        .join(late.select(pl.col("order").alias("demand"), "lines", "weight"), on="demand")
        .group_by("supply")
        .agg(
            (pl.col("lines") * pl.col("weight")).sum().alias("worth"),
            pl.col("qty").sum().alias("wanted"),
            pl.col("demand").unique().sort().alias("for_orders"),
        )
    )
    rows = (
        lines.with_columns(
            PURCHASE_LINE.alias("supply"),
            pl.coalesce("promised_date", "due_date").alias("date"),
            (pl.col("qty") - pl.col("received_qty").fill_null(0.0)).alias("open_qty"),
            (pl.lit(context.planning_date) + pl.duration(days=pl.lit(0))).alias("today"),
        )
        .join(wanted, on="supply")
        .join(offers, on=["supplier", "item"])
        .with_columns((pl.col("today") + pl.duration(days=pl.col("expedite_days").fill_null(0))).alias("sooner"))
        .filter((pl.col("expedite_days") > 0) & (pl.col("date") > pl.col("sooner")))
        .sort("worth", "supply", descending=[True, False])
    )
    for row in rows.iter_rows(named=True):
        moved, claims = _flexible(row)
        if moved <= 0:
            continue
        new = row["sooner"].isoformat()
        where = {"purchase_order": row["purchase_order"], "line": row["line"]}
        if moved >= row["open_qty"]:
            changes = [set_row("purchase_orders", where, promised_date=new)]
        else:
            own = {name: row[name] for name in lines.columns}
            changes = [
                set_row("purchase_orders", where, qty=row["qty"] - moved),
                add_row(
                    "purchase_orders",
                    {**own, "line": f"{row['line']}+", "qty": moved, "received_qty": 0.0, "promised_date": new},
                ),
            ]
        yield Candidate(
            kind="expedite_purchase",
            subject=row["supply"],
            before=row["date"].isoformat(),
            after=new if moved >= row["open_qty"] else f"{moved:g} of {row['open_qty']:g} on {new}",
            changes=changes,
            reason=f"{row['item']} on {row['supply']} holds up {len(row['for_orders'])} late orders",
            evidence={
                "supplier": row["supplier"],
                "expedite_days": row["expedite_days"],
                "qty": moved,
                "orders": row["for_orders"][:20],
            },
            direct_cost=row["expedite_fee"] if row["expedite_fee"] is not None else context.policy.cost.expedite,
            orders=tuple(row["for_orders"]),
            claims=claims,
        )


def _flexible(row: dict[str, Any]) -> tuple[float, dict[str, tuple[float, float]]]:
    """Quantity of the line that may be moved, and what it takes of the supplier's flexible share."""
    committed = row["committed_qty_per_week"]
    if committed is None:
        return float(row["open_qty"]), {}
    share = row["flexible_share"] if row["flexible_share"] is not None else DEFAULT_FLEXIBLE_SHARE
    limit = float(committed * share)
    moved = min(float(row["open_qty"]), limit)
    return moved, {f"flexible share of {row['supplier']} for {row['item']}": (moved, limit)}


def substitutes(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Approved, fitting substitutes in stock for material that late orders are short of."""
    short = (
        frames["shortages"]
        .join(late.select(pl.col("order").alias("work_order"), "lines"), on="work_order")
        .group_by("item")
        .agg(pl.col("short_qty").sum(), pl.col("lines").sum(), pl.col("work_order").unique().sort())
        .sort("lines", "item", descending=[True, False])
    )
    for row in short.iter_rows(named=True):
        for option in qualified_substitutes(frames, context, row["item"], row["short_qty"], row["work_order"]):
            yield Candidate(
                kind="substitute",
                subject=row["item"],
                before=row["item"],
                after=option.item,
                changes=option.changes,
                reason=f"{row['item']} is short by {row['short_qty']:g} for {len(row['work_order'])} late orders; "
                f"{option.item} is approved for it and in stock",
                evidence=option.evidence,
                direct_cost=option.extra_cost,
                signature=True,
                orders=tuple(row["work_order"]),
            )


def make_or_buy(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late planned orders bought where a supplier sells the item, late planned purchases made where a routing exists."""
    planned = frames["planned_orders"].filter(~pl.col("firm"))
    weights = late.select("order", "lines", "weight")
    offers = frames["supplier_items"].filter(pl.col("lead_time_days").is_not_null())
    cost = frames["items"].select("item", pl.col("cost").fill_null(0.0))
    buyable = (
        planned.filter(pl.col("make_buy") == "make")
        .join(weights, on="order")
        .join(offers.select("supplier", "item", "lead_time_days", "price", "min_qty"), on="item")
        .join(cost, on="item")
        .with_columns(pl.max_horizontal("good_qty", pl.col("min_qty").fill_null(0.0)).alias("bought"))
        .sort(pl.col("lines") * pl.col("weight"), "order", "lead_time_days", "supplier", descending=[True, False, False, False])
    )  # fmt: skip
    for row in buyable.iter_rows(named=True):
        day = context.planning_date + timedelta(days=int(row["lead_time_days"]))
        name = f"BUY-{row['order']}"
        yield Candidate(
            kind="make_or_buy",
            subject=row["order"],
            before="make",
            after=f"buy from {row['supplier']}, here on {day.isoformat()}",
            changes=[
                add_row(
                    "purchase_orders",
                    {"purchase_order": name, "line": "1", "supplier": row["supplier"], "item": row["item"],
                     "qty": row["bought"], "received_qty": 0.0, "uom": _uom(frames, row["item"]),
                     "ordered_on": context.planning_date, "due_date": day, "promised_date": day, "status": "open"},
                )
            ],
            reason=f"{row['order']} is late as made here; {row['supplier']} sells {row['item']}",
            evidence={"supplier": row["supplier"], "lead_time_days": row["lead_time_days"], "qty": row["bought"]},
            direct_cost=max(0.0, ((row["price"] or row["cost"]) - row["cost"]) * row["bought"]),
            orders=(row["order"],),
        )  # fmt: skip
    routed = frames["routings"].filter(pl.col("routing") == "main").select("item").unique()
    structured = frames["bom_lines"].select(pl.col("parent_item").alias("item")).unique()
    served = (
        frames["pegging"]
        .filter(pl.col("supply_type") == "planned")
        .join(late.select(pl.col("order").alias("demand"), "lines", "weight"), on="demand")
        .group_by(pl.col("supply").alias("order"))
        .agg((pl.col("lines") * pl.col("weight")).sum().alias("worth"), pl.col("demand").unique().sort().alias("for"))
    )
    makeable = (
        planned.filter(pl.col("make_buy") == "buy")
        .join(served, on="order")
        .join(routed, on="item", how="semi")
        .join(structured, on="item", how="semi")
        .sort("worth", "order", descending=[True, False])
        .unique("item", keep="first", maintain_order=True)
    )
    for row in makeable.iter_rows(named=True):
        yield Candidate(
            kind="make_or_buy",
            subject=row["item"],
            before="buy",
            after="make",
            changes=[set_row("items", {"item": row["item"]}, make_buy="make", lead_time_days=1)],
            reason=f"{row['item']} comes too late as bought; it has a routing here",
            evidence={"orders": row["for"][:20], "planned_purchase": row["order"]},
            orders=tuple(row["for"]),
        )


def _uom(frames: Frames, item: str) -> str:
    return str(frames["items"].filter(pl.col("item") == item).item(0, "uom"))


def reallocations(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Scarce stock pegged to a demand of lower weight, or one with time to spare, reserved for a late order.

    The order that gives way then waits for the supply the late one waited for. Weight is the customer class and nothing
    else of the customer; at equal weight only an order that is not late itself gives way.
    """
    pegging = frames["pegging"].filter(pl.col("demand_type").is_in(["work_order", "planned"]))
    facts = frames["supply_orders"].select(pl.col("order").alias("demand"), "weight")
    is_late = late.select(pl.col("order").alias("demand"), pl.lit(True).alias("late"), "lines")
    takers = (
        frames["shortages"]
        .select(pl.col("work_order").alias("demand"), "item", "short_qty", "needed_at", "covered_at")
        .join(is_late, on="demand")
        .join(facts, on="demand")
        .join(frames["reconciled_orders"].select(pl.col("work_order").alias("demand")), on="demand", how="semi")
    )
    givers = (
        pegging.filter(pl.col("supply_type") == "stock")
        .join(facts, on="demand")
        .join(is_late.select("demand", "late"), on="demand", how="left")
        .select("item", pl.col("demand").alias("giver"), pl.col("qty").alias("given"), pl.col("weight").alias("giver_weight"),
                pl.col("late").fill_null(False).alias("giver_late"), pl.col("need_date").alias("giver_needs"))
    )  # fmt: skip
    pairs = (
        takers.join(givers, on="item")
        .filter(
            (pl.col("demand") != pl.col("giver"))
            & (
                (pl.col("giver_weight") < pl.col("weight"))
                | ((pl.col("giver_weight") == pl.col("weight")) & ~pl.col("giver_late"))
            )
        )
        .with_columns(pl.min_horizontal("short_qty", "given").alias("takes"))
        .sort(pl.col("lines") * pl.col("weight"), "demand", "item", "takes", "giver_weight", "giver",
              descending=[True, False, False, True, False, False])
    )  # fmt: skip
    for row in pairs.iter_rows(named=True):
        yield Candidate(
            kind="reallocate",
            subject=f"{row['item']} for {row['demand']}",
            before=row["giver"],
            after=row["demand"],
            changes=[
                add_row(
                    "allocations",
                    {"item": row["item"], "qty": row["takes"], "uom": _uom(frames, row["item"]), "for_order": row["demand"]},
                )
            ],
            reason=f"{row['takes']:g} of {row['item']} would go to {row['giver']}, which can wait for the next supply",
            evidence={"gives_way": row["giver"], "qty": row["takes"], "weights": [row["giver_weight"], row["weight"]]},
            orders=(row["demand"],),
        )  # fmt: skip
