"""Candidates: exceptions that might bring late customer lines back, each as a change to the tables a plan reads.

A candidate promises nothing: its effect is measured by planning again (`evaluate`). Each search below looks at one
kind of remedy, takes only what policy and master data allow, and names the stored facts it rests on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl

from recon_platform.planning.decisions import Change
from recon_platform.proposal.substitution import qualified_substitutes
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

RULE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One exception that could be taken. `direct_cost` is what it costs besides labour, in plant currency."""

    kind: str
    subject: str
    before: str
    after: str
    changes: list[Change]
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    direct_cost: float = 0.0
    overtime_hours: float = 0.0
    signature: bool = False
    approval: str = "supervisor"


def candidates(frames: Frames, context: PlanContext) -> list[Candidate]:
    """Candidates worth trying, the most promising of each kind first, kinds taken in turn up to policy's number."""
    late = late_orders(frames)
    if late.is_empty():
        return []
    searches = [
        list(search(frames, context, late))
        for search in (_expedites, _substitutes, _overtime, _siblings, _frozen_breaks)
    ]
    limit = context.policy.proposal.max_moves
    in_turn = [found[i] for i in range(max(map(len, searches))) for found in searches if i < len(found)]
    return in_turn[:limit]


def late_orders(frames: Frames) -> pl.DataFrame:
    """`order`, `weight`, `lines`: made orders behind customer lines that this plan ships late, through all levels."""
    lines = frames["order_promises"].filter((pl.col("late_days") > 0) | pl.col("projected_ship").is_null())
    names = pl.concat_str("sales_order", "line", separator="/")
    found = (
        frames["pegging"]
        .filter(pl.col("demand_type") == "sales_order", pl.col("supply_type").is_in(["work_order", "planned"]))
        .join(lines.select(names.alias("demand")), on="demand", how="semi")
        .select(pl.col("supply").alias("order"), pl.col("demand").alias("line_name"))
        .unique()
    )
    links = frames["order_links"].select(pl.col("supply_order"), pl.col("demand_order").alias("order"))
    everything, newest = found, found
    while not newest.is_empty():  # one pass a level of the bill of material
        newest = (
            newest.join(links, on="order")
            .select(pl.col("supply_order").alias("order"), "line_name")
            .unique()
            .join(everything, on=["order", "line_name"], how="anti")
        )
        everything = pl.concat([everything, newest])
    weights = frames["supply_orders"].select("order", "weight")
    return (
        everything.group_by("order")
        .agg(pl.col("line_name").n_unique().alias("lines"))
        .join(weights, on="order")
        .sort(pl.col("lines") * pl.col("weight"), "order", descending=[True, False])
    )


def _expedites(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Open purchase lines pegged to late orders, pulled in by the days the supplier offers for a fee."""
    lines = frames["purchase_orders"].filter(pl.col("status") == "open")
    offers = frames["supplier_items"].select("supplier", "item", "expedite_days", "expedite_fee")
    wanted = (
        frames["pegging"]
        .filter(pl.col("supply_type") == "purchase_order")
        .join(late.select(pl.col("order").alias("demand"), "lines", "weight"), on="demand")
        .group_by("supply")
        .agg(
            (pl.col("lines") * pl.col("weight")).sum().alias("worth"),
            pl.col("demand").unique().sort().alias("for_orders"),
        )
    )
    rows = (
        lines.with_columns(
            pl.concat_str("purchase_order", "line", separator="/").alias("supply"),
            pl.coalesce("promised_date", "due_date").alias("date"),
        )
        .join(wanted, on="supply")
        .join(offers, on=["supplier", "item"])
        .filter((pl.col("expedite_days") > 0) & (pl.col("date") > context.planning_date))
        .sort("worth", "supply", descending=[True, False])
    )
    for row in rows.iter_rows(named=True):
        new = max(row["date"] - timedelta(days=int(row["expedite_days"])), context.planning_date)
        yield Candidate(
            kind="expedite_purchase",
            subject=row["supply"],
            before=row["date"].isoformat(),
            after=new.isoformat(),
            changes=[
                {
                    "verb": "set",
                    "table": "purchase_orders",
                    "where": {"purchase_order": row["purchase_order"], "line": row["line"]},
                    "values": {"promised_date": new.isoformat()},
                }
            ],
            reason=f"{row['item']} on {row['supply']} holds up {len(row['for_orders'])} late orders",
            evidence={
                "supplier": row["supplier"],
                "expedite_days": row["expedite_days"],
                "orders": row["for_orders"][:20],
            },
            direct_cost=row["expedite_fee"] if row["expedite_fee"] is not None else context.policy.cost.expedite,
        )


def _substitutes(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
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
                signature=True,
            )


def _overtime(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Overtime shifts that the calendar offers in the coming days, on work centers where late orders queue."""
    until = context.as_of + timedelta(days=context.policy.proposal.overtime_window_days)
    queued = (
        frames["schedule"]
        .filter(pl.col("bound_by").is_in(["machine", "calendar"]) & (pl.col("start") < until))
        .join(late.select(pl.col("order").alias("work_order"), "lines"), on="work_order")
        .group_by("work_center")
        .agg(pl.col("lines").sum().alias("worth"), pl.len().alias("operations"))
    )
    allowed = frames["work_centers"].filter(pl.col("overtime_allowed").fill_null(False)).select("work_center")
    offered = (
        frames["working_time"]
        .filter((pl.col("kind") == "overtime") & (pl.col("start") >= context.as_of) & (pl.col("start") < until))
        .with_columns(((pl.col("end") - pl.col("start")).dt.total_seconds() / 3600).alias("hours"))
        .group_by("work_center")
        .agg(pl.col("hours").sum(), pl.col("start").min().alias("first"))
    )
    rows = queued.join(allowed, on="work_center").join(offered, on="work_center")
    for row in rows.sort("worth", "work_center", descending=[True, False]).iter_rows(named=True):
        yield Candidate(
            kind="overtime",
            subject=row["work_center"],
            before="regular shifts",
            after=f"{row['hours']:.0f} machine hours of overtime from {row['first'].date().isoformat()}",
            changes=[
                {
                    "verb": "grant",
                    "grant": {
                        "kind": "overtime",
                        "work_center": row["work_center"],
                        "start": context.as_of.isoformat(),
                        "end": until.isoformat(),
                    },
                }
            ],
            reason=f"{row['operations']} operations of late orders wait for a machine at {row['work_center']}",
            evidence={"offered_hours": row["hours"]},
            overtime_hours=row["hours"],
            direct_cost=row["hours"] * (context.policy.cost.overtime_hour - context.policy.cost.labour_hour),
        )


def _siblings(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Operations of late orders that wait for a machine, moved to a work center of the same sibling group."""
    centers = frames["work_centers"].filter(pl.col("sibling_group").is_not_null())
    speed = pl.col("sibling_speed").fill_null(1.0)
    other = centers.select(pl.col("work_center").alias("to"), "sibling_group", speed.alias("to_speed"))
    waiting = (
        frames["schedule"]
        .filter((pl.col("bound_by") == "machine") & ~pl.col("frozen"))
        .join(late.select(pl.col("order").alias("work_order"), "lines", "weight"), on="work_order")
        .join(centers.select("work_center", "sibling_group", speed.alias("from_speed")), on="work_center")
        .join(other, on="sibling_group")
        .filter(pl.col("to") != pl.col("work_center"))
        .sort(pl.col("lines") * pl.col("weight"), "work_order", "op_seq", "to", descending=[True, False, False, False])
    )
    for row in waiting.iter_rows(named=True):
        yield Candidate(
            kind="sibling",
            subject=f"{row['work_order']}/{row['op_seq']}",
            before=row["work_center"],
            after=row["to"],
            changes=[
                {
                    "verb": "grant",
                    "grant": {
                        "kind": "sibling",
                        "work_order": row["work_order"],
                        "op_seq": row["op_seq"],
                        "work_center": row["to"],
                    },
                }
            ],
            reason=f"operation {row['op_seq']} of {row['work_order']} waits for a machine at {row['work_center']}",
            evidence={"sibling_group": row["sibling_group"], "speed": row["to_speed"] / row["from_speed"]},
        )


def _frozen_breaks(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late orders held in their place by the frozen horizon, let go so that they may be resequenced."""
    held = (
        frames["schedule"]
        .filter(pl.col("frozen") & (pl.col("start") > context.as_of))
        .join(late.select(pl.col("order").alias("work_order"), "lines", "weight"), on="work_order")
        .group_by("work_order")
        .agg(pl.col("lines").first(), pl.col("weight").first(), pl.col("op_seq").sort())
        .sort(pl.col("lines") * pl.col("weight"), "work_order", descending=[True, False])
    )
    for row in held.iter_rows(named=True):
        yield Candidate(
            kind="frozen_break",
            subject=row["work_order"],
            before="frozen in place",
            after="free to be resequenced",
            changes=[
                {"verb": "grant", "grant": {"kind": "fence", "work_order": row["work_order"], "op_seq": op_seq}}
                for op_seq in row["op_seq"]
            ],
            reason=f"{row['work_order']} is late and {len(row['op_seq'])} of its operations are frozen",
            evidence={"operations": row["op_seq"], "lines": row["lines"]},
        )


def canonical_json(value: object) -> str:
    """JSON with sorted keys: the same content is the same text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
