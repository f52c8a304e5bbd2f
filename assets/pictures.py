"""Pictures for the morning's reader: load per work center and the first days of the schedule, as Markdown images.

Functions of a frame only; the result is a PNG in a data address, so that the catalog shows it without any file server.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.figure import Figure

MOST_WORK_CENTERS = 12
MOST_MACHINES = 14
GANTT_HOURS = 48
PICTURE_DPI = 70


def _markdown(figure: Figure, title: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PICTURE_DPI)
    return f"![{title}](data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()})"


def _figure(height: float) -> Figure:
    # The object interface: no global state and no display, so that two runs in one process do not share a canvas.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def load_picture(load: pl.DataFrame) -> str | None:
    """Loaded against available hours per work center (`capacity_load` or `required_load`); None without rows."""
    import polars as pl

    if load.is_empty():
        return None
    basis = "scheduled" if "scheduled" in load["basis"] else load["basis"][0]
    totals = (
        load.filter(pl.col("basis") == basis)
        .group_by("work_center")
        .agg((pl.col("loaded_min").sum() / 60).alias("loaded"), (pl.col("available_min").sum() / 60).alias("available"))
        .sort("loaded", "work_center", descending=[True, False])
        .head(MOST_WORK_CENTERS)
        .reverse()
    )
    figure = _figure(0.9 + 0.32 * totals.height)
    axes = figure.add_subplot()
    names = totals["work_center"].to_list()
    axes.barh(names, totals["available"].to_list(), color="#dddddd", label="available")
    axes.barh(names, totals["loaded"].to_list(), height=0.45, color="#2b6cb0", label=basis)
    axes.set_xlabel("hours over the horizon")
    axes.legend(loc="lower right", frameon=False)
    return _markdown(figure, f"Load per work center ({basis})")


def gantt_picture(schedule: pl.DataFrame) -> str | None:
    """The first hours of the schedule on the busiest machines; None without rows."""
    import polars as pl
    from matplotlib.dates import DateFormatter, date2num

    rows = schedule.filter(pl.col("machine").is_not_null() & (pl.col("end") > pl.col("start")))
    if rows.is_empty():
        return None
    first = rows["start"].min()
    rows = rows.filter((pl.col("start") - pl.lit(first)) < pl.duration(hours=GANTT_HOURS))
    busiest = rows.group_by("machine").len().sort("len", "machine", descending=[True, False]).head(MOST_MACHINES)
    machines = sorted(busiest["machine"].to_list(), reverse=True)
    line = {machine: position for position, machine in enumerate(machines)}
    figure = _figure(0.9 + 0.3 * len(machines))
    axes = figure.add_subplot()
    for machine in machines:
        own = rows.filter(pl.col("machine") == machine).sort("start")
        for frozen, color in ((True, "#2f855a"), (False, "#2b6cb0")):
            part = own.filter(pl.col("frozen") == frozen)
            starts, ends = date2num(part["start"].to_list()), date2num(part["end"].to_list())
            spans = list(zip(starts, ends - starts, strict=True)) if part.height else []
            axes.broken_barh(spans, (line[machine] - 0.35, 0.7), facecolors=color, edgecolor="white", linewidth=0.4)
    axes.set_yticks(range(len(machines)), machines)
    axes.xaxis.set_major_formatter(DateFormatter("%d %b %H:%M", tz="UTC"))
    axes.set_xlabel(f"first {GANTT_HOURS} hours (UTC); green: frozen")
    return _markdown(figure, "Schedule excerpt")
