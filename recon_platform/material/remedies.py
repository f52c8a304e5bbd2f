"""Remedies as proposals: what could make a message go away, and what it would do to others. A person decides.

Belongs here: lead-time compression up the peg path, splitting a parent's lot, and cycle counts where record errors cost
most messages. Nothing here changes a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from recon_platform.material.demand import day_numbers
from recon_platform.material.lead_times import least_lead_times
from recon_platform.material.work_days import WorkDays, work_days
from recon_platform.tables.model import Frames

MAX_LEVELS = 30
MAX_LEAD = 10_000  # of an item without a lead time: its order takes as long as its dates say


@dataclass(frozen=True, slots=True)
class Compression:
    """Can we get back on schedule? `orders`: one firm planned order per level (item, order, start_date, due_date, was_start,
    was_due, recovered_days), from the lowest up; `open_days`: what no level takes up; `feasible`: nothing is left."""

    orders: pl.DataFrame
    open_days: int
    feasible: bool


COMPRESSION_SCHEMA = {
    "item": pl.String, "order": pl.String, "start_date": pl.Date, "due_date": pl.Date, "was_start": pl.Date,
    "was_due": pl.Date, "recovered_days": pl.Int64,
}  # fmt: skip


def compress(
    frames: Frames, supply_type: str, supply: str, new_date: date, least: dict[str, int] | None = None
) -> Compression:
    """Firm planned orders that take up the delay of a late supply on its way to the customer.

    Working days; an order that has more time than its lead time gives that up first. c = lead time − least lead time per
    level, least from the routing's set-up and run without queue, or as a planner approved it in `least` (item → working
    days). Greedy from the lowest level up, which keeps the fewest siblings disturbed: only components of the orders moved
    change their need.
    """
    days = work_days(frames["plant_days"])
    floor = {**_least_days(frames), **(least or {})}
    lead_times = frames["items"].select("item", pl.col("lead_time_days").cast(pl.Float64).ceil().cast(pl.Int64))
    planned_lead = {item: lead for item, lead in lead_times.iter_rows() if lead is not None}
    rows: list[dict[str, object]] = []
    kind, name, ready = supply_type, supply, _number(new_date)
    for _ in range(MAX_LEVELS):
        step = (
            frames["pegging"]
            .filter(
                (pl.col("supply_type") == kind) & (pl.col("supply") == name)
                & pl.col("demand_type").is_in(["planned", "work_order"])
            )
            .sort("need_date", "demand")
        )  # fmt: skip
        if step.is_empty():
            break
        kind, name = step.item(0, "demand_type"), step.item(0, "demand")
        order = _dates(frames, kind, name)
        if order is None or _number(order["start"]) >= ready:
            return Compression(pl.DataFrame(rows, schema=COMPRESSION_SCHEMA), 0, True)
        item, start, due = str(order["item"]), _number(order["start"]), _number(order["due"])
        lead = min(_between(days, start, due), planned_lead.get(item, MAX_LEAD))
        late = _between(days, start, ready)
        take = min(late, max(lead - floor.get(item, lead), 0))
        begin, end = ready, _plus(days, ready, lead - take)
        rows.append(
            {"item": item, "order": name, "start_date": begin, "due_date": end, "was_start": start, "was_due": due,
             "recovered_days": take}
        )  # fmt: skip
        ready = end
        if end <= due:
            break
    last = rows[-1] if rows else None
    left = 0 if last is None else max(_between(days, int(str(last["was_due"])), int(str(last["due_date"]))), 0)
    dates = ("start_date", "due_date", "was_start", "was_due")
    frame = pl.DataFrame(rows, schema={**COMPRESSION_SCHEMA, **dict.fromkeys(dates, pl.Int64)}).with_columns(
        pl.col(dates).cast(pl.Int32).cast(pl.Date)
    )
    return Compression(frame, left, left == 0)


def _number(day: object) -> int:
    return int(day_numbers(pl.Series([day], dtype=pl.Date))[0])


def _between(days: WorkDays, start: int, end: int) -> int:
    """Working days from one day to another; negative when `end` is before."""
    return int(days.floor[end - days.first] - days.floor[start - days.first])


def _plus(days: WorkDays, day: int, steps: int) -> int:
    return int(days.days[days.floor[day - days.first] + steps])


def _least_days(frames: Frames) -> dict[str, int]:
    return {
        item: int(-(-least // 1))
        for item, least in least_lead_times(frames).select("item", "least_lead_days").iter_rows()
        if least is not None
    }


def _dates(frames: Frames, kind: str, name: str) -> dict[str, object] | None:
    if kind == "planned":
        rows = frames["planned_orders"].filter(pl.col("order") == name).select(
            "item", pl.col("start_date").alias("start"), pl.col("due_date").alias("due")
        )  # fmt: skip
    else:
        rows = frames["supply_orders"].filter(pl.col("order") == name).select(
            "item", pl.col("start_date").alias("start"), pl.col("need_date").alias("due")
        )  # fmt: skip
    return None if rows.is_empty() else rows.row(0, named=True)


def split_parent(frames: Frames, message: str) -> pl.DataFrame:
    """A split of the parent's planned lot that makes an EXPEDITE of its component go away.

    The first part is as much as the component's stock covers without the late order; the rest is released on the day the
    component's order comes. Rows: order, part, qty, start_date, due_date, accepted (the parent never runs out), note.
    Empty where the message is not an EXPEDITE caused by one planned parent.
    """
    schema = {"order": pl.String, "part": pl.Int64, "qty": pl.Float64, "start_date": pl.Date, "due_date": pl.Date,
              "accepted": pl.Boolean, "note": pl.String}  # fmt: skip
    row = frames["action_messages"].filter((pl.col("message") == message) & (pl.col("code") == "EXPEDITE"))
    if row.is_empty():
        return pl.DataFrame(schema=schema)
    late = row.row(0, named=True)
    served = frames["pegging"].filter(
        (pl.col("supply") == late["order"])
        & (pl.col("demand_type") == "planned")
        & (pl.col("need_date") < late["from_date"])
    )
    if served.get_column("demand").n_unique() != 1:
        return pl.DataFrame(schema=schema)
    parent = frames["planned_orders"].row(by_predicate=pl.col("order") == served.item(0, "demand"), named=True)
    wanted = frames["pegging"].filter((pl.col("demand") == parent["order"]) & (pl.col("item") == late["item"]))
    per_unit = wanted.get_column("qty").sum() / parent["qty"]
    covered = wanted.filter(pl.col("supply") != late["order"]).get_column("qty").sum()
    first = float(int(covered / per_unit + 1e-9))
    if not 0 < first < parent["qty"]:
        return pl.DataFrame(schema=schema)
    days = work_days(frames["plant_days"])
    lead = _between(days, _number(parent["start_date"]), _number(parent["due_date"]))
    start = _number(late["from_date"])
    due = _plus(days, start, lead)
    needs = frames["requirements"].filter(
        (pl.col("item") == parent["item"]) & (pl.col("date") >= parent["due_date"])
        & (pl.col("date").cast(pl.Int32) < due)
    )  # fmt: skip
    lowest = needs.get_column("projected_with_planned").min()
    accepted = lowest is None or float(str(lowest)) - (parent["good_qty"] - first) >= -1e-6
    note = f"one more set-up of {parent['item']}; other components of it are needed in two parts"
    return pl.DataFrame(
        [
            {"order": parent["order"], "part": 1, "qty": first, "start_date": parent["start_date"],
             "due_date": parent["due_date"], "accepted": accepted, "note": note},
            {"order": parent["order"], "part": 2, "qty": parent["qty"] - first, "start_date": late["from_date"],
             "due_date": pl.Series([due], dtype=pl.Int32).cast(pl.Date).item(), "accepted": accepted, "note": note},
        ],
        schema=schema,
    )  # fmt: skip


def cycle_counts(messages: pl.DataFrame, causes: pl.DataFrame) -> pl.DataFrame:
    """Where record errors cost most messages: `event`, `messages`, `days`, `detail`, worst first. What to count next."""
    return (
        causes.filter(pl.col("category").is_in(["RECORD_ERROR", "UNEXPLAINED"]) & ~pl.col("carried"))
        .join(messages.select("message"), on="message", how="semi")
        .group_by("event")
        .agg(
            pl.col("message").n_unique().cast(pl.Int64).alias("messages"),
            pl.col("contribution_days").abs().sum().alias("days"),
            pl.col("detail").first(),
        )
        .sort(["messages", "days", "event"], descending=[True, True, False])
    )
