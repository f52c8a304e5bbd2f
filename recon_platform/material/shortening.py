"""What shortening each step of a stacked lead time would save in messages, step by step down the longest chain."""

from __future__ import annotations

import polars as pl

from recon_platform.material.cause_shares import MOVING
from recon_platform.material.lead_times import lead_time_stacks
from recon_platform.material.plan import plan_material
from recon_platform.material.trial import parameter
from recon_platform.material.what_if import MADE, what_if
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

STEP_SCHEMA = {
    "item": pl.String, "lead_time_days": pl.Float64, "shortened_to": pl.Float64, "messages": pl.Int64,
    "saved": pl.Int64, "too_late": pl.Int64, "too_late_saved": pl.Int64,
}  # fmt: skip


def longest_chain(stacks: pl.DataFrame, item: str) -> list[str]:
    """`item` and the components that decide its stacked lead time, down to the last. Raises ValueError for an item the
    stacks do not know."""
    below = dict(stacks.select("item", "decided_by").iter_rows())
    if item not in below:
        raise ValueError(f"items: expected an item {item}, found none; name one of the item table")
    chain = [item]
    while (part := below[chain[-1]]) is not None:
        chain.append(part)
    return chain


def shortening(frames: Frames, item: str, days: int, context: PlanContext) -> pl.DataFrame:
    """Per step of the longest chain below `item`: reschedule messages and those that come too late (`feasible` false) in
    the present plan, and how many fewer there are with the step's lead time shorter by `days` (never below nothing)."""
    present = {name: frame for name, frame in frames.items() if not name.startswith("previous.")}
    if any(name not in present for name in MADE):
        present.update(plan_material(frames, context))
    lead = dict(present["items"].select("item", pl.col("lead_time_days").cast(pl.Float64).fill_null(0.0)).iter_rows())
    was = _counts(present["action_messages"])
    rows = []
    for step in longest_chain(lead_time_stacks(present, context), item):
        shorter = max(lead[step] - days, 0.0)
        if shorter == lead[step]:
            now = was
        else:
            changed = parameter(present, step, "lead_time_days", f"{shorter:g}")
            now = _counts(what_if(present, changed, context).tables["action_messages"])
        rows.append((step, lead[step], shorter, was[0], was[0] - now[0], was[1], was[1] - now[1]))
    return pl.DataFrame(rows, schema=STEP_SCHEMA, orient="row")


def _counts(messages: pl.DataFrame) -> tuple[int, int]:
    """Reschedule messages there are, and messages of any kind that come too late."""
    there = messages.filter(pl.col("lifecycle") != "CLEARED")
    return (
        there.filter(pl.col("code").is_in(MOVING)).height,
        int(there.get_column("feasible").not_().fill_null(False).sum()),
    )
