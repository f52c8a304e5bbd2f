"""People and tools looked at again: what all operations use together against what is there, from the tables alone.

Part of the independent check: shares no code with the scheduler. An operation uses its people in every minute in which
its machine is open and the shift has as many of them; those minutes must cover what it needs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from recon_platform.capacity.check_grants import granted
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

EMPTY = {
    "constraint": pl.String,
    "work_order": pl.String,
    "op_seq": pl.Int64,
    "machine": pl.String,
    "detail": pl.String,
}


def people_problems(
    rows: pl.DataFrame, loads: pl.DataFrame, open_time: pl.DataFrame, frames: Frames, context: PlanContext
) -> pl.DataFrame:
    """Minutes in which more people of a skill are used than are there, and operations that have too few such minutes."""
    labour = frames.get("labour")
    if labour is None or labour.is_empty():
        return pl.DataFrame(schema=EMPTY)
    found: list[dict[str, Any]] = []
    begin: datetime = rows["setup_start"].min()  # type: ignore[assignment]
    finish: datetime = rows["end"].max()  # type: ignore[assignment]
    length = int((finish - begin) / timedelta(minutes=1)) + 1
    single = rows.join(loads.select("work_order", "op_seq"), on=["work_order", "op_seq"], how="semi").filter(
        ~pl.col("external")
    )
    opens = {
        str(machine): part.select(_minute("start", begin), _minute("end", begin)).to_numpy()
        for (machine,), part in open_time.group_by("machine", maintain_order=True)
    }
    for skill in labour["skill"].unique().sort().to_list():
        there = _people(skill, frames, context, begin, length)
        used = np.zeros(length, np.int64)
        uses = single.select(
            "work_order", "op_seq", "machine", _minute("setup_start", begin), _minute("start", begin), _minute("end", begin),
            "needs_min", _need("setup", skill).alias("setup_need"), _need("run", skill).alias("run_need"),
        ).filter((pl.col("setup_need") > 0) | (pl.col("run_need") > 0))  # fmt: skip
        for order, seq, machine, a, b, c, needs, setup_need, run_need in uses.iter_rows():
            windows = opens.get(machine)
            if windows is None:
                continue
            got = 0
            for low, high, need in ((a, b, setup_need), (b, c, run_need)):
                if need <= 0 or high <= low:
                    continue
                first = int(np.searchsorted(windows[:, 1], low, side="right"))
                for start, end in windows[first:]:
                    if start >= high:
                        break
                    part = slice(max(int(start), low), min(int(end), high))
                    enough = there[part] >= need
                    used[part][enough] += need
                    got += int(enough.sum()) if low == b else 0
            if run_need > 0 and got < needs * (1 - 2e-6) - 0.11:
                found.append(_row("labour", order, seq, machine, f"has {got} min with {skill}, needs {needs:.1f}"))
        over = np.flatnonzero(used > np.maximum(there, 0))
        if over.size:
            when = begin + timedelta(minutes=int(over[0]))
            text = f"{skill}: {used[over[0]] / 100} people used, {there[over[0]] / 100} there at {when} and {over.size} min in all"
            found.append(_row("labour", "", 0, "", text))
    return pl.DataFrame(found, schema=EMPTY)


def tool_problems(rows: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """Instants at which more copies of a tool are used than exist."""
    tools = frames.get("tools")
    if tools is None or tools.is_empty():
        return pl.DataFrame(schema=EMPTY)
    uses = rows.filter(
        pl.col("tool").is_not_null() & ~pl.col("external") & (pl.col("end") > pl.col("setup_start"))
    ).join(tools.filter(pl.col("copies") > 0).select("tool", "copies"), on="tool")
    # Members of one load stand in one furnace with their own copies each.
    steps = pl.concat(
        [
            uses.select(
                "tool",
                "copies",
                "work_order",
                "op_seq",
                "machine",
                pl.col("setup_start").alias("at"),
                pl.lit(1).alias("change"),
            ),
            uses.select(
                "tool",
                "copies",
                "work_order",
                "op_seq",
                "machine",
                pl.col("end").alias("at"),
                pl.lit(-1).alias("change"),
            ),
        ]
    ).sort("tool", "at", "change", "work_order", "op_seq")
    over = steps.with_columns(pl.col("change").cum_sum().over("tool").alias("in_use")).filter(
        pl.col("in_use") > pl.col("copies")
    )
    return over.select(
        pl.lit("tool").alias("constraint"), "work_order", "op_seq", "machine",
        pl.concat_str(pl.col("tool"), pl.lit(": "), pl.col("in_use").cast(pl.String), pl.lit(" copies in use, there are "),
                      pl.col("copies").cast(pl.String)).alias("detail"),
    )  # fmt: skip


def _row(constraint: str, order: str, seq: int, machine: str, detail: str) -> dict[str, Any]:
    return {"constraint": constraint, "work_order": order, "op_seq": seq, "machine": machine, "detail": detail}


def _minute(column: str, begin: datetime) -> pl.Expr:
    return ((pl.col(column) - pl.lit(begin)).dt.total_microseconds() // 60_000_000).alias(f"{column}_minute")


def _need(part: str, skill: str) -> pl.Expr:
    people = (pl.col(f"{part}_people").fill_null(1.0) * 100).round().cast(pl.Int64)
    return pl.when(pl.col(f"{part}_skill") == skill).then(people).otherwise(0)


def _people(skill: str, frames: Frames, context: PlanContext, begin: datetime, length: int) -> np.ndarray[Any, Any]:
    """Hundredths of people of `skill` at each minute after `begin`."""
    there = np.zeros(length, np.int64)
    zone = context.plant.zone
    absent_table = frames.get("labour_exceptions")
    absent: dict[tuple[Any, Any], float] = {}
    if absent_table is not None:
        for who, day, shift, people in absent_table.select("skill", "date", "shift", "people").iter_rows():
            if who == skill:
                absent[day, shift] = people
    closed = set()
    extra = []
    exceptions = frames.get("calendar_exceptions")
    if exceptions is not None:
        for calendar, day, kind, start, end in exceptions.select(
            "calendar", "date", "kind", "start", "end"
        ).iter_rows():
            if kind == "closed":
                closed.add((calendar, day))
            elif start is not None:
                extra.append((calendar, day, start, end))
    overtime = not granted(frames).filter(pl.col("kind") == "overtime").is_empty()

    def add(day: Any, start: Any, end: Any, people: float) -> None:
        opening = datetime.combine(day, start, zone)
        closing = datetime.combine(day + timedelta(days=1 if end <= start else 0), end, zone)
        a = -int(-(opening.timestamp() - begin.timestamp()) // 60)
        b = -int(-(closing.timestamp() - begin.timestamp()) // 60)
        there[max(a, 0) : max(b, 0)] += round(people * 100)

    labour = frames["labour"].filter(pl.col("skill") == skill)
    days = [(begin - timedelta(days=2)).date() + timedelta(days=k) for k in range(length // 1440 + 5)]
    for calendar, shift, regular, over in labour.select("calendar", "shift", "people", "overtime_people").iter_rows():
        shifts = frames["calendars"].filter((pl.col("calendar") == calendar) & (pl.col("shift") == shift))
        for weekday, kind, start, end in shifts.select("weekday", "kind", "start", "end").iter_rows():
            people = regular if kind == "regular" else (over or 0.0) if overtime else 0.0
            for day in days:
                if day.isoweekday() == weekday and (calendar, day) not in closed:
                    add(day, start, end, absent.get((day, shift), people))
    for calendar, day, start, end in extra:
        most = labour.filter(pl.col("calendar") == calendar)["people"].max()
        if most is not None:
            add(day, start, end, absent.get((day, "extra"), float(most)))  # type: ignore[arg-type]
    return there
