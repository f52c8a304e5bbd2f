"""Exceptions of capacity: overtime, a sibling work center, letting go of the frozen horizon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from recon_platform.proposal.candidate import Candidate, grant
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames


def overtime(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Overtime shifts that the calendar offers in the coming days, on work centers where late orders queue."""
    until = context.as_of + timedelta(days=context.policy.proposal.overtime_window_days)
    queued = (
        frames["schedule"]
        .filter(pl.col("bound_by").is_in(["machine", "calendar"]) & (pl.col("start") < until))
        .join(late.select(pl.col("order").alias("work_order"), "lines"), on="work_order")
        .group_by("work_center")
        .agg(
            pl.col("lines").sum().alias("worth"),
            pl.len().alias("operations"),
            pl.col("work_order").unique().sort().alias("orders"),
        )
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
                grant(
                    "overtime", work_center=row["work_center"], start=context.as_of.isoformat(), end=until.isoformat()
                )
            ],
            reason=f"{row['operations']} operations of late orders wait for a machine at {row['work_center']}",
            evidence={"offered_hours": row["hours"]},
            orders=tuple(row["orders"]),
        )


def siblings(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Operations of late orders that wait for a machine, moved to a work center of the same sibling group."""
    centers = frames["work_centers"].filter(pl.col("sibling_group").is_not_null())
    speed = pl.col("sibling_speed").fill_null(1.0)
    other = centers.select(pl.col("work_center").alias("to"), "sibling_group", speed.alias("to_speed"))
    waiting = (
        frames["schedule"]
        .filter((pl.col("bound_by") == "machine") & ~pl.col("frozen"))
        .join(late.select(pl.col("order").alias("work_order"), "lines", "weight"), on="work_order")
        .join(centers.select("work_center", "sibling_group"), on="work_center")
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
                grant("sibling", work_order=row["work_order"], op_seq=row["op_seq"], work_center=row["to"]),
            ],
            reason=f"operation {row['op_seq']} of {row['work_order']} waits for a machine at {row['work_center']}",
            evidence={"sibling_group": row["sibling_group"], "speed": row["to_speed"]},
            orders=(row["work_order"],),
        )


def frozen_breaks(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late orders held in their place by the frozen horizon, let go with what stands frozen before them and weighs no more."""
    waiting = frames["reconciled_operations"].filter(pl.col("status") == "waiting").select("work_order", "op_seq")
    weights = frames["supply_orders"].select(pl.col("order").alias("work_order"), "weight")
    frozen = (
        frames["schedule"]
        .filter(pl.col("frozen"))
        .join(waiting, on=["work_order", "op_seq"], how="semi")
        .join(weights, on="work_order")
        .select("work_order", "op_seq", "machine", "start", "weight")
    )
    held = frozen.join(late.select(pl.col("order").alias("work_order"), "lines"), on="work_order")
    before = (
        held.select(
            pl.col("work_order").alias("for"), "machine", pl.col("start").alias("until"), pl.col("weight").alias("most")
        )
        .join(frozen, on="machine")
        .filter(
            (pl.col("start") < pl.col("until"))
            & (pl.col("weight") <= pl.col("most"))
            & (pl.col("work_order") != pl.col("for"))
        )
        .select("for", "work_order", "op_seq")
        .unique()
        .sort("for", "work_order", "op_seq")
        .group_by("for", maintain_order=True)
        .agg(pl.struct("work_order", "op_seq").alias("ahead"))
    )
    held = (
        held.group_by("work_order")
        .agg(pl.col("lines").first(), pl.col("weight").first(), pl.col("op_seq").sort())
        .join(before, left_on="work_order", right_on="for", how="left")
        .sort(pl.col("lines") * pl.col("weight"), "work_order", descending=[True, False])
    )
    for row in held.iter_rows(named=True):
        yield Candidate(
            kind="frozen_break",
            subject=row["work_order"],
            before="frozen in place",
            after="free to be resequenced",
            changes=[
                *(grant("fence", work_order=row["work_order"], op_seq=op_seq) for op_seq in row["op_seq"]),
                *(grant("fence", **operation) for operation in row["ahead"] or ()),
            ],
            reason=f"{row['work_order']} is late and {len(row['op_seq'])} of its operations are frozen",
            evidence={"operations": row["op_seq"], "lines": row["lines"], "let_go_before_it": row["ahead"] or []},
            orders=(row["work_order"],),
        )
