"""People and tools looked at again: what all operations use together against what is there, from the tables alone.

Part of the independent check: shares no code with the scheduler. An operation uses its people in every minute in which
its machine is open and the shift has as many of them; those minutes must cover what it needs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

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


OF_PEOPLE = (
    "work_order", "op_seq", "machine", "setup_start", "start", "end", "external", "shares_load", "needs_min", "setup_skill",
    "setup_people", "run_skill", "run_people", "tool",
)  # fmt: skip
"""What is read of operations here."""


def people_problems(rows: pl.DataFrame, open_time: pl.DataFrame, frames: Frames, context: PlanContext) -> pl.DataFrame:
    """Minutes in which more people of a skill are used than are there, and operations that have too few such minutes.

    A load of several operations needs the people of the first.
    """
    labour = frames.get("labour")
    if labour is None or labour.is_empty():
        return pl.DataFrame(schema=EMPTY)
    found: list[pl.DataFrame] = []
    begin: datetime = rows["setup_start"].min()  # type: ignore[assignment]
    finish: datetime = rows["end"].max()  # type: ignore[assignment]
    length = int((finish - begin) / timedelta(minutes=1)) + 1
    machines = open_time.select("machine").unique(maintain_order=True).with_row_index("nr")
    windows = open_time.join(machines, on="machine").select("nr", _minute("start", begin), _minute("end", begin))
    opens = _Opens(*(windows.sort("nr", "start_minute")[name].to_numpy() for name in windows.columns))
    inside = rows.filter(~pl.col("external") & (pl.col("end") > pl.col("setup_start")))
    loads = inside.filter("shares_load").sort("work_order", "op_seq")
    firsts = loads.unique(["machine", "setup_start", "start", "end"], keep="first", maintain_order=True)
    single = pl.concat([inside.filter(~pl.col("shares_load")), firsts]).join(machines, on="machine")
    shifts = _shifts(frames)
    overtime = not granted(frames).filter(pl.col("kind") == "overtime").is_empty()
    for skill in labour["skill"].unique().sort().to_list():
        uses = single.select(
            "work_order", "op_seq", "machine", "nr", _minute("setup_start", begin), _minute("start", begin), _minute("end", begin),
            "needs_min", _need("setup", skill).alias("setup_need"), _need("run", skill).alias("run_need"),
        ).filter((pl.col("setup_need") > 0) | (pl.col("run_need") > 0))  # fmt: skip
        there = _people(skill, frames, context, begin, length, shifts, overtime=overtime)
        used = np.zeros(length, np.int64)
        got = np.zeros(uses.height, np.int64)
        for need, low, high in (("setup_need", "setup_start", "start"), ("run_need", "start", "end")):
            amounts = uses[need].to_numpy()
            of, first, last = opens.pieces(
                *(uses[name].to_numpy() for name in ("nr", f"{low}_minute", f"{high}_minute"))
            )
            for amount in np.unique(amounts[amounts > 0]):
                # whoever needs so many works only in the minutes that have so many
                enough = there >= amount
                mine = amounts[of] == amount
                edges = np.bincount(first[mine], minlength=length + 1) - np.bincount(last[mine], minlength=length + 1)
                used += np.where(enough, np.cumsum(edges)[:length] * amount, 0)
                if need == "run_need":
                    upto = np.concatenate([[0], np.cumsum(enough)])
                    minutes = np.bincount(of[mine], upto[last[mine]] - upto[first[mine]], uses.height)
                    got += minutes.astype(np.int64)
        few = uses.with_columns(pl.Series("got", got)).filter(
            (pl.col("run_need") > 0) & (pl.col("got") < pl.col("needs_min") * (1 - 2e-6) - 0.11)
        )
        text = pl.format("has {} min with {}, needs {}", "got", pl.lit(skill), pl.col("needs_min").round(1))
        found.append(
            few.select(pl.lit("labour").alias("constraint"), "work_order", "op_seq", "machine", text.alias("detail"))
        )
        over = np.flatnonzero(used > np.maximum(there, 0))
        if over.size:
            when = begin + timedelta(minutes=int(over[0]))
            told = f"{skill}: {used[over[0]] / 100} people used, {there[over[0]] / 100} there at {when} and {over.size} min in all"
            found.append(pl.DataFrame([("labour", "", 0, "", told)], schema=EMPTY, orient="row"))
    return pl.concat([part.cast(EMPTY) for part in found])  # type: ignore[arg-type]


class _Opens(NamedTuple):
    """Open time of all machines, sorted by machine and start: machine number, first and last minute."""

    machine: np.ndarray[Any, Any]
    start: np.ndarray[Any, Any]
    end: np.ndarray[Any, Any]

    def pieces(
        self, machine: np.ndarray[Any, Any], low: np.ndarray[Any, Any], high: np.ndarray[Any, Any]
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Spans [low, high) of machines cut to open time: (number of the span, first minute, last minute) per piece."""
        shift = int(min(self.start.min(initial=0), low.min(initial=0)))
        wide = int(max(self.end.max(initial=0), high.max(initial=0))) - shift + 1
        own = self.machine.astype(np.int64) * wide - shift
        key = machine.astype(np.int64) * wide - shift
        first = np.searchsorted(own + self.end, key + low, side="right")
        count = np.maximum(np.searchsorted(own + self.start, key + high, side="left") - first, 0)
        count[high <= low] = 0
        of = np.repeat(np.arange(machine.size), count)
        piece = np.arange(count.sum()) + np.repeat(first - np.cumsum(count) + count, count)
        return of, np.maximum(self.start[piece], low[of]), np.minimum(self.end[piece], high[of])


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


def _minute(column: str, begin: datetime) -> pl.Expr:
    return ((pl.col(column) - pl.lit(begin)).dt.total_microseconds() // 60_000_000).alias(f"{column}_minute")


def _need(part: str, skill: str) -> pl.Expr:
    people = (pl.col(f"{part}_people").fill_null(1.0) * 100).round().cast(pl.Int64)
    return pl.when(pl.col(f"{part}_skill") == skill).then(people).otherwise(0)


def _shifts(frames: Frames) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Weekday, kind, start and end of the rows of each calendar and shift."""
    shifts: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    columns = ("calendar", "shift", "weekday", "kind", "start", "end")
    for calendar, shift, *times in frames["calendars"].select(columns).drop_nulls(columns[:2]).iter_rows():
        shifts.setdefault((calendar, shift), []).append(tuple(times))
    return shifts


def _people(
    skill: str, frames: Frames, context: PlanContext, begin: datetime, length: int,
    shifts: dict[tuple[str, str], list[tuple[Any, ...]]], *, overtime: bool,
) -> np.ndarray[Any, Any]:  # fmt: skip
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

    def add(day: Any, start: Any, end: Any, people: float) -> None:
        opening = datetime.combine(day, start, zone)
        closing = datetime.combine(day + timedelta(days=1 if end <= start else 0), end, zone)
        a = -int(-(opening.timestamp() - begin.timestamp()) // 60)
        b = -int(-(closing.timestamp() - begin.timestamp()) // 60)
        there[max(a, 0) : max(b, 0)] += round(people * 100)

    labour = frames["labour"].filter(pl.col("skill") == skill)
    days = [(begin - timedelta(days=2)).date() + timedelta(days=k) for k in range(length // 1440 + 5)]
    for calendar, shift, regular, over in labour.select("calendar", "shift", "people", "overtime_people").iter_rows():
        for weekday, kind, start, end in shifts.get((calendar, shift), ()):
            people = regular if kind == "regular" else (over or 0.0) if overtime else 0.0
            for day in days:
                if day.isoweekday() == weekday and (calendar, day) not in closed:
                    add(day, start, end, absent.get((day, shift), people))
    for calendar, day, start, end in extra:
        most = labour.filter(pl.col("calendar") == calendar)["people"].max()
        if most is not None:
            add(day, start, end, absent.get((day, "extra"), float(most)))  # type: ignore[arg-type]
    return there
