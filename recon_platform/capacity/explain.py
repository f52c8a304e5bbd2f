"""Why an operation starts when it starts, and what would bring it forward: from the stored schedule alone.

Belongs here: reading the reasons a schedule holds. Nothing is planned again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from recon_platform.tables.model import Frames

_WHY = {
    "now": "it could start at once",
    "material": "bought or stocked material is there only then",
    "predecessor": "the operation before it ends only then, with move and queue time",
    "component": "a component made by another order is there only then",
    "machine": "its machines were busy with work of a higher index",
    "calendar": "its machine opens only then",
    "labour": "the people it needs were taken",
    "tool": "every copy of its tool was in use",
    "fence": "it lies inside the frozen horizon, or outside it and may not move in",
    "batch": "it shares a load",
    "continuity": "its lot, coil or campaign runs together",
    "max_wait": "what follows must not wait too long, so it waits itself",
    "vendor": "the vendor takes it only then",
    "stability": "it keeps its start in force",
    "running": "it is running",
    "release": "its start date lets it start only then",
}
_REMEDY = {
    "material": "expedite {material}, or an approved substitute",
    "predecessor": "bring {after} forward, split the lot, or let it overlap by a transfer quantity",
    "component": "bring {after} forward",
    "machine": "overtime, a sibling work center, or a higher class; on {machine} it goes after {ahead}",
    "calendar": "overtime before {start}",
    "labour": "more people on that shift, or overtime",
    "tool": "another copy of the tool",
    "fence": "an approved break of the frozen horizon",
    "batch": "a load of its own",
    "continuity": "an approved break of the sequence",
    "max_wait": "capacity at the operation after it",
    "stability": "a rush approval: its place in force is kept",
    "release": "an earlier start date, or a longer pull-ahead",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One operation: when, where, why then, what else was considered, what would bring it forward."""

    work_order: str
    op_seq: int
    work_center: str
    machine: str
    start: datetime
    end: datetime
    bound_by: str
    why: str
    remedy: str | None
    terms: dict[str, Any]
    ahead: str | None  # what runs on the machine just before
    due: datetime | None
    late_hours: float | None  # of the order's last operation
    setup_start: datetime
    waited_hours: float  # since the operation before it ended; the first one: since the plan was made

    def lines(self) -> list[str]:
        """The explanation in words, one screen at most."""
        text = [
            f"{self.work_order}/{self.op_seq} on {self.machine} ({self.work_center}): {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC",
            f"starts then because {self.why} ({self.bound_by})",
        ]
        if self.ahead:
            text.append(f"before it on the machine: {self.ahead}")
        if self.terms.get("index"):
            text.append(
                "index {index}: urgency {urgency}, slack {slack}, set-up {setup}".format(
                    **{name: self.terms.get(name) for name in ("index", "urgency", "slack", "setup")}
                )
            )
        if self.terms.get("runner_up"):
            text.append(f"runner-up: {self.terms['runner_up']} with index {self.terms.get('runner_up_index')}")
        if self.late_hours is not None and self.due is not None:
            state = f"{self.late_hours:.1f} h late" if self.late_hours > 0 else f"{-self.late_hours:.1f} h to spare"
            text.append(f"order due {self.due:%Y-%m-%d %H:%M} UTC: {state}")
        if self.remedy:
            text.append(f"would come forward by: {self.remedy}")
        return text


ROWS = 12
"""Operations on one screen; of a longer order those that waited longest are shown."""


def order_screen(told: list[Explanation], zone: str = "UTC") -> list[str]:
    """An order on one screen: when it starts and ends, why then, what each operation waited for, and what would bring it
    forward, the longest wait first. `told` are its operations in sequence; times in `zone`.
    """
    at = ZoneInfo(zone)

    def when(moment: datetime) -> str:
        return f"{moment.astimezone(at):%Y-%m-%d %H:%M}"

    first, last = told[0], told[-1]
    text = [f"{first.work_order}: starts {when(first.setup_start)}, ends {when(last.end)} ({zone})"]
    if first.due is not None and first.late_hours is not None:
        state = f"{first.late_hours:.1f} h late" if first.late_hours > 0 else f"{-first.late_hours:.1f} h to spare"
        text[0] += f"; due {when(first.due)}: {state}"
    text.append(f"It starts then because {first.why} ({first.bound_by}).")
    shown = told
    if len(told) > ROWS:
        longest = sorted(told, key=lambda one: (-one.waited_hours, one.op_seq))[:ROWS]
        shown = sorted(longest, key=lambda one: one.op_seq)
    table = [("op", "machine", "start", "end", "waited h", "bound by", "after", "index", "runner-up")]
    for one in shown:
        index = one.terms.get("index")
        table.append(
            (
                str(one.op_seq), one.machine, when(one.setup_start), when(one.end), f"{one.waited_hours:.1f}", one.bound_by,
                str(one.ahead or one.terms.get("after") or "-"), "-" if not index else f"{index:.2f}",
                str(one.terms.get("runner_up") or "-"),
            )
        )  # fmt: skip
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    text += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    if len(shown) < len(told):
        text.append(f"({len(told) - len(shown)} more operations waited less)")
    chosen = max(told, key=lambda one: (one.waited_hours, -one.op_seq))
    if chosen.terms.get("index"):
        terms = {name: chosen.terms.get(name) for name in ("index", "urgency", "slack", "setup")}
        text.append(
            "index of op {op} when it was chosen: {index} = urgency {urgency}, slack {slack}, set-up {setup}".format(
                op=chosen.op_seq, **terms
            )
        )
    waits = [one for one in told if one.remedy and one.waited_hours > 0]
    ranked = sorted(waits, key=lambda one: (-one.waited_hours, one.op_seq))
    if ranked:
        text.append("It would come forward by:")
        text += [f"  op {one.op_seq}, up to {one.waited_hours:.1f} h: {one.remedy}" for one in ranked[:3]]
    else:
        text.append("Nothing held it up: it would come forward by shorter times or parallel work only.")
    return text


def explain_operation(
    frames: Frames, work_order: str, op_seq: int | None = None, *, as_of: datetime | None = None
) -> list[Explanation]:
    """Explanations of one operation, or of every operation of an order, in sequence. `as_of`: when the plan was made.

    Reads schedule and supply_orders, and unscheduled where present. Raises KeyError with the reason where the order is
    not in the schedule.
    """
    schedule = frames["schedule"]
    mine = schedule.filter(pl.col("work_order") == work_order).sort("op_seq")
    since = pl.col("end").shift(1).fill_null(pl.lit(as_of or schedule["setup_start"].min()))
    waited = (pl.col("setup_start") - since).dt.total_microseconds() / 3.6e9
    mine = mine.with_columns(waited.clip(0.0).alias("waited_hours"))
    if op_seq is not None:
        mine = mine.filter(pl.col("op_seq") == op_seq)
    if mine.is_empty():
        left_out = frames.get("unscheduled")
        reason = left_out.filter(pl.col("work_order") == work_order)["reason"].to_list() if left_out is not None else []
        wanted = work_order if op_seq is None else f"{work_order}/{op_seq}"
        raise KeyError(f"{wanted} is not in the schedule: {reason[0] if reason else 'no such operation is planned'}")
    order = frames["supply_orders"].filter(pl.col("order") == work_order)
    facts: dict[str, Any] = order.row(0, named=True) if order.height else {}
    due = facts.get("due_at")
    last: datetime = schedule.filter(pl.col("work_order") == work_order)["end"].max()  # type: ignore[assignment]
    late = None if due is None else (last - due).total_seconds() / 3600
    result = []
    for row in mine.iter_rows(named=True):
        terms = json.loads(row["terms"]) if row["terms"] else {}
        before = (
            schedule.filter((pl.col("machine") == row["machine"]) & (pl.col("end") <= row["setup_start"]))
            .sort("end", "work_order", "op_seq")
            .tail(1)
        )
        ahead = None
        if before.height and row["bound_by"] in ("machine", "stability", "fence"):
            ahead = f"{before['work_order'][0]}/{before['op_seq'][0]}"
        remedy = _REMEDY.get(row["bound_by"])
        if remedy is not None:
            remedy = remedy.format(
                material=facts.get("material_bound") or "its material",
                after=terms.get("after", "the operation before"),
                machine=row["machine"],
                ahead=ahead or "others",
                start=f"{row['setup_start']:%Y-%m-%d %H:%M}",
            )
        result.append(
            Explanation(
                work_order,
                row["op_seq"],
                row["work_center"],
                row["machine"],
                row["start"],
                row["end"],
                row["bound_by"],
                _WHY[row["bound_by"]],
                remedy,
                terms,
                ahead,
                due,
                late,
                row["setup_start"],
                row["waited_hours"],
            )
        )
    return result
