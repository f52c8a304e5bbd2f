"""What planners propose themselves: firm, resequence, split, rush, any override; measured like the platform's own moves.

A planner's proposal is a `Candidate` like those the searches find, so its effect, digest and approval come from the same
code. It is not asked whether it pays: a person wants to know what it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from recon_platform.planning.decisions import Change
from recon_platform.proposal.candidate import Candidate, add_row, grant, set_row
from recon_platform.proposal.moves import measured, move_digest, move_row
from recon_platform.proposal.order_moves import RUSH, split_order
from recon_platform.proposal.sets import Evaluator
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

LINE_KINDS = ("firm", "resequence", "split", "rush", "sibling", "frozen_break")
"""What one line of a proposal can ask; any other change is an `override`."""

ASKED_OF = (
    "planned_orders", "items", "supply_orders", "reconciled_orders", "reconciled_operations", "schedule", "work_centers",
)  # fmt: skip
"""Tables that a line of a proposal is understood from; measuring it takes all of the night."""


class ProposalError(ValueError):
    """A line of a proposal that cannot be understood: `column` it is in, what was `expected` there, what was `found`."""

    def __init__(self, column: str, expected: str, found: str) -> None:
        super().__init__(f"{column}: expected {expected}, found {found}")
        self.column, self.expected, self.found = column, expected, found


def own_proposal(frames: Frames, *, kind: str, subject: str, value: str, reason: str) -> Candidate:
    """The candidate for one line of a planner's proposal.

    kind, subject, value: `firm` a planned order, no value; `resequence` an order, not before this instant (ISO, UTC);
    `split` a work order not begun, quantity of the part split off; `rush` an order, no value; `sibling` an operation
    (`order/op`), work center; `frozen_break` an order, no value. Raises ProposalError for the first wrong column.
    """
    if not reason.strip():
        raise ProposalError("reason", "why", "nothing; a proposal carries its reason")
    makers = dict(zip(LINE_KINDS, (_firm, _resequence, _split, _rush, _sibling, _frozen_break), strict=True))
    if kind not in makers:
        raise ProposalError("kind", f"one of {', '.join(makers)}", repr(kind))
    before, after, changes, orders = makers[kind](frames, subject, value)
    return Candidate(kind, subject, before, after, changes, reason, {"proposed_by": "planner"}, orders=orders)


def override(subject: str, changes: list[Change], reason: str) -> Candidate:
    """Any change by hand, as `recon override` takes it."""
    return Candidate("override", subject, "as planned", "as stated", changes, reason, {"proposed_by": "planner"})


def evaluate_own(frames: Frames, context: PlanContext, proposals: Sequence[Candidate]) -> list[dict[str, Any]]:
    """Rows as in `exception_moves` for the proposals given, in their order, each measured alone."""
    evaluator = Evaluator(frames, context)
    tried = measured(proposals, evaluator)
    rows = []
    for rank, one in enumerate(tried, start=1):
        row = move_row(one, evaluator, tried, in_set=False) | {"rank": rank}
        rows.append(row | {"digest": move_digest(row)})
    return rows


Made = tuple[str, str, list[Change], tuple[str, ...]]


def _row(frames: Frames, table: str, column: str, name: str, what: str) -> dict[str, Any]:
    found = frames[table].filter(pl.col(column) == name)
    if found.is_empty():
        raise ProposalError("subject", what, f"{name!r}, which this plan does not know")
    return found.row(0, named=True)


def _firm(frames: Frames, subject: str, value: str) -> Made:
    order = _row(frames, "planned_orders", "order", subject, "a planned order")
    uom = _row(frames, "items", "item", order["item"], "an item")["uom"]
    row = {
        "item": order["item"], "due_date": order["due_date"], "qty": order["qty"], "uom": uom, "source": "plan",
        "firm": True,
    }  # fmt: skip
    return "planned again each night", "firm", [add_row("master_schedule", row)], (subject,)


def _resequence(frames: Frames, subject: str, value: str) -> Made:
    order = _row(frames, "supply_orders", "order", subject, "an order of the plan")
    try:
        instant = pl.Series([value]).str.to_datetime(time_unit="us", time_zone="UTC").item()
    except pl.exceptions.PolarsError as error:
        raise ProposalError("value", "an instant as 2026-03-02T06:00:00Z", repr(value)) from error
    changes = [set_row("supply_orders", {"order": subject}, earliest_at=instant.isoformat())]
    return order["earliest_at"].isoformat(), f"not before {instant.isoformat()}", changes, (subject,)


def _split(frames: Frames, subject: str, value: str) -> Made:
    order = _row(frames, "reconciled_orders", "work_order", subject, "a work order")
    try:
        part = float(value)
    except ValueError as error:
        raise ProposalError("value", "the quantity split off", repr(value)) from error
    operations = frames["reconciled_operations"].filter(pl.col("work_order") == subject).sort("op_seq")
    if operations.filter(pl.col("status") != "waiting").height or order["completed_qty"] > 0:
        raise ProposalError("subject", "a work order not begun", f"{subject}, which runs already")
    if not 0 < part < order["remaining_qty"]:
        raise ProposalError("value", f"more than 0 and less than {order['remaining_qty']:g}", value)
    return f"{order['remaining_qty']:g}", f"{part:g} apart", split_order(order, operations, part), (subject,)


def _rush(frames: Frames, subject: str, value: str) -> Made:
    order = _row(frames, "supply_orders", "order", subject, "an order of the plan")
    weight = order["weight"]
    changes = [set_row("supply_orders", {"order": subject}, weight=RUSH * weight)]
    return f"weight {weight:g}", f"weight {RUSH * weight:g}", changes, (subject,)


def _sibling(frames: Frames, subject: str, value: str) -> Made:
    order, _, op_seq = subject.rpartition("/")
    here = frames["schedule"].filter(
        (pl.col("work_order") == order) & (pl.col("op_seq").cast(pl.String) == op_seq)
    )  # fmt: skip
    if here.is_empty():
        raise ProposalError("subject", "order/operation of the schedule", repr(subject))
    center = here.item(0, "work_center")
    groups = dict(frames["work_centers"].select("work_center", "sibling_group").iter_rows())
    siblings = sorted(c for c, group in groups.items() if group is not None and group == groups[center] and c != center)
    if value not in siblings:
        raise ProposalError("value", f"a sibling of {center} ({', '.join(siblings) or 'it has none'})", repr(value))
    return center, value, [grant("sibling", work_order=order, op_seq=int(op_seq), work_center=value)], (order,)


def _frozen_break(frames: Frames, subject: str, value: str) -> Made:
    held = frames["schedule"].filter((pl.col("work_order") == subject) & pl.col("frozen"))
    if held.is_empty():
        raise ProposalError("subject", "an order with frozen operations", f"{subject!r}, which has none")
    changes = [grant("fence", work_order=subject, op_seq=op_seq) for op_seq in held["op_seq"].sort()]
    return "frozen in place", "free to be resequenced", changes, (subject,)
