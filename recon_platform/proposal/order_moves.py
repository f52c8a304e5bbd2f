"""Exceptions of single orders: a rush, a split lot, overlapped operations, no planned waiting, and others held back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from recon_platform.planning.decisions import Change
from recon_platform.proposal.candidate import Candidate, add_row, set_row
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

RUSH = 10.0  # times the weight of its class
OVERLAP_SHARE = 0.25  # of the lot is through before the next operation begins
UNTOUCHED = ("firm", "released")


def rushes(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late orders that wait for a machine or people, put before others of their class."""
    waiting = (
        frames["schedule"]
        .filter(pl.col("bound_by").is_in(["machine", "labour", "tool"]) & ~pl.col("frozen"))
        .group_by(pl.col("work_order").alias("order"))
        .agg(pl.len().alias("operations"))
    )
    for row in late.join(waiting, on="order", maintain_order="left").iter_rows(named=True):
        yield Candidate(
            kind="rush",
            subject=row["order"],
            before=f"weight {row['weight']:g}",
            after=f"weight {RUSH * row['weight']:g}",
            changes=[set_row("supply_orders", {"order": row["order"]}, weight=RUSH * row["weight"])],
            reason=f"{row['order']} is late and {row['operations']} of its operations wait behind others",
            evidence={"lines": row["line_names"][:20]},
            orders=(row["order"],),
        )


def splits(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late work orders not begun, cut in two halves that may run on two machines at once; each half sets up."""
    for order, operations in _not_begun(frames, late):
        first = float(int(order["remaining_qty"] / 2))
        machines = frames["machines"].filter(pl.col("work_center").is_in(operations["work_center"].unique().implode()))
        if first < 1 or machines.height <= operations["work_center"].n_unique():
            continue  # one piece, or nowhere two parts could run side by side
        yield Candidate(
            kind="split",
            subject=order["work_order"],
            before=f"one lot of {order['remaining_qty']:g}",
            after=f"{order['remaining_qty'] - first:g} and {first:g}",
            changes=split_order(order, operations, first),
            reason=f"{order['work_order']} is late and can run on more than one machine",
            evidence={"operations": operations.height, "setup_min": float(operations["setup_min"].sum())},
            orders=(order["work_order"],),
        )


def split_order(order: dict[str, Any], operations: pl.DataFrame, second: float) -> list[Change]:
    """Changes that cut a work order not begun: `second` units go to an order of their own, the rest stays."""
    name, new = order["work_order"], f"{order['work_order']}-S"
    share = second / order["remaining_qty"]
    expected = order["expected_qty"] * share
    changes = [
        set_row(
            "reconciled_orders", {"work_order": name}, qty=order["qty"] - second,
            remaining_qty=order["remaining_qty"] - second, expected_qty=order["expected_qty"] - expected,
        ),
        add_row(
            "reconciled_orders",
            {**order, "work_order": new, "qty": second, "remaining_qty": second, "expected_qty": expected,
             "completed_qty": 0.0, "scrapped_qty": 0.0, "unposted_qty": 0.0, "over_qty": 0.0, "rework_qty": 0.0},
        ),
    ]  # fmt: skip
    for row in operations.iter_rows(named=True):
        mine = row["remaining_qty"] * share
        changes.append(
            set_row(
                "reconciled_operations", {"work_order": name, "op_seq": row["op_seq"]}, qty=row["qty"] - mine,
                remaining_qty=row["remaining_qty"] - mine,
            )
        )  # fmt: skip
        changes.append(
            add_row(
                "reconciled_operations",
                {**row, "work_order": new, "machine": None, "qty": mine, "remaining_qty": mine, "in_process_qty": 0.0},
            )
        )
    return changes


def overlaps(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late work orders whose next operation begins while the one before still runs."""
    for order, operations in _not_begun(frames, late):
        following = operations.with_columns(
            pl.col("external_days").shift(-1).alias("next_external"), pl.col("batch_minutes").shift(-1).alias("next_batch"),
            (pl.int_range(pl.len()) < pl.len() - 1).alias("has_next"),
        ).filter(
            pl.col("has_next") & pl.col("external_days").is_null() & pl.col("batch_minutes").is_null()
            & pl.col("next_external").is_null() & pl.col("next_batch").is_null() & pl.col("max_wait_min").is_null()
            & (pl.col("overlap_qty").is_null() | (pl.col("overlap_qty") > OVERLAP_SHARE * pl.col("remaining_qty")))
        )  # fmt: skip
        if following.is_empty() or order["remaining_qty"] < 2:
            continue
        yield Candidate(
            kind="overlap",
            subject=order["work_order"],
            before="each operation waits for the whole lot",
            after=f"begins when {100 * OVERLAP_SHARE:.0f} % of the lot is through",
            changes=[
                set_row(
                    "reconciled_operations", {"work_order": order["work_order"], "op_seq": row["op_seq"]},
                    overlap_qty=OVERLAP_SHARE * row["remaining_qty"],
                )
                for row in following.iter_rows(named=True)
            ],
            reason=f"{order['work_order']} is late and {following.height} of its operations could overlap the next",
            evidence={"operations": following["op_seq"].to_list()},
            orders=(order["work_order"],),
        )  # fmt: skip


def compressions(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Late work orders carried through without the planned waiting before their operations."""
    queued = (
        frames["reconciled_operations"]
        .filter((pl.col("status") != "complete") & (pl.col("queue_min") > 0))
        .group_by(pl.col("work_order").alias("order"))
        .agg(pl.col("queue_min").sum(), pl.col("op_seq").sort())
    )
    for row in late.join(queued, on="order", maintain_order="left").iter_rows(named=True):
        yield Candidate(
            kind="compress",
            subject=row["order"],
            before=f"{row['queue_min'] / 60:.1f} h of planned waiting",
            after="carried from operation to operation",
            changes=[
                set_row("reconciled_operations", {"work_order": row["order"], "op_seq": op_seq}, queue_min=0.0)
                for op_seq in row["op_seq"]
            ],
            reason=f"{row['order']} is late and waits {row['queue_min'] / 60:.1f} h in planned queues",
            evidence={"operations": row["op_seq"]},
            orders=(row["order"],),
        )


def delays(frames: Frames, context: PlanContext, late: pl.DataFrame) -> Iterator[Candidate]:
    """Orders nothing late waits for, with time to spare, held back where they run just before a late order."""
    slack_days = 2.0
    place = ["machine", "setup_start", "work_order", "op_seq"]
    rows = (
        frames["schedule"]
        .sort(place)
        .with_columns(
            pl.col("work_order").shift(-1).over("machine").alias("behind"),
            pl.col("bound_by").shift(-1).over("machine").alias("behind_bound"),
        )
        .filter(~pl.col("frozen") & (pl.col("behind_bound") == "machine"))
        .join(late.select(pl.col("order").alias("behind"), "lines", pl.col("weight").alias("late_weight")), on="behind")
        .join(late.select(pl.col("order").alias("work_order")), on="work_order", how="anti")
        .join(frames["supply_orders"].select(pl.col("order").alias("work_order"), "due_at", "earliest_at"), on="work_order")
        .with_columns(pl.col("end").max().over("work_order").alias("last"))
        .with_columns(((pl.col("due_at") - pl.col("last")).dt.total_hours() / 24).alias("spare"))
        .filter(pl.col("spare") >= slack_days)
        .sort(pl.col("lines") * pl.col("late_weight"), "spare", "work_order", descending=[True, True, False])
        .unique("work_order", keep="first", maintain_order=True)
    )  # fmt: skip
    for row in rows.iter_rows(named=True):
        until = row["setup_start"] + (row["due_at"] - row["last"]) / 2
        yield Candidate(
            kind="delay",
            subject=row["work_order"],
            before=row["setup_start"].isoformat(),
            after=f"not before {until.isoformat()}",
            changes=[set_row("supply_orders", {"order": row["work_order"]}, earliest_at=until.isoformat())],
            reason=f"{row['work_order']} has {row['spare']:.1f} days to spare and runs before {row['behind']}, which is late",
            evidence={"spare_days": round(row["spare"], 2), "before": row["behind"]},
            orders=(row["behind"],),
        )


def _not_begun(frames: Frames, late: pl.DataFrame) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """Late work orders of which nothing has run, with their operations in order."""
    operations = frames["reconciled_operations"]
    begun = operations.filter((pl.col("status") != "waiting") | (pl.col("good_qty") > 0)).select("work_order").unique()
    orders = (
        late.select(pl.col("order").alias("work_order"))
        .join(frames["reconciled_orders"], on="work_order", maintain_order="left")
        .filter(pl.col("status").is_in(UNTOUCHED) & (pl.col("remaining_qty") > 0) & (pl.col("completed_qty") == 0))
        .join(begun, on="work_order", how="anti", maintain_order="left")
    )
    for order in orders.iter_rows(named=True):
        mine = operations.filter(pl.col("work_order") == order["work_order"]).sort("op_seq")
        if mine.height:
            yield order, mine
