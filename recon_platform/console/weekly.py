"""The weekly report: the measures of Value on paper, this week against the week before and the baseline, and by mail.

It is made of the plant's own nights alone, so the same nights give the same file.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from fpdf import FPDF
from matplotlib import get_data_path

from recon_platform.console.charts import Limits, limits
from recon_platform.console.services.nights import Night
from recon_platform.console.services.value import Series, series, value
from recon_platform.console.words import day, language, number, speaking_for, stamp
from recon_platform.governance import Actor, Permission, Store
from recon_platform.governance.notices import tell
from recon_platform.tables.policy import WEEKDAYS, ReportPolicy

FONT = "DejaVu"  # shipped with matplotlib; holds the letters of every plant's names
DAYS = 7
GREY, INK, ACCENT, AMBER = (85, 98, 106), (27, 35, 38), (11, 92, 115), (138, 83, 0)
WIDTHS = (74, 22, 26, 26, 42)  # millimetres
CHART_HEIGHT, CHART_WIDTH = 30.0, 172.0
NOTE = "Baseline: the first nights of the plant, with natural limits (mean ± 2.66 mean moving range). A change is no proof of its cause."


def weekly_report(nights: Sequence[Night]) -> bytes:
    """The report as PDF, for the seven days that end with the newest of `nights` (oldest first, of one plant)."""
    with speaking_for(nights[-1].context.plant):
        return _pdf(nights)


def _pdf(nights: Sequence[Night]) -> bytes:
    newest = nights[-1]
    context = newest.context
    made = FPDF(format="A4")
    made.set_creation_date(context.as_of)
    made.set_lang(language())
    fonts = Path(get_data_path()) / "fonts" / "ttf"
    made.add_font(FONT, "", fonts / "DejaVuSans.ttf")
    made.add_font(FONT, "B", fonts / "DejaVuSans-Bold.ttf")
    made.set_title(f"{context.plant.code}: weekly report {week(newest)}")
    made.set_auto_page_break(True, 16)
    made.add_page()
    _line(made, f"{context.plant.code}: the week to {day(context.planning_date)}", 16, bold=True)
    _line(made, value(newest, list(nights)).answer, 11)
    measured = series(list(nights))
    _table(made, measured, newest)
    _line(made, NOTE, 8, GREY)
    for one in measured:
        _chart(made, one)
    _line(
        made,
        f"Run {newest.run_id}; data as of {stamp(context.as_of, context.plant.zone)}.",
        8,
        GREY,
    )
    return bytes(made.output())


def week(night: Night) -> str:
    """The ISO week that the report of `night` is of."""
    year, number_, _ = night.context.planning_date.isocalendar()
    return f"{year}-W{number_:02d}"


def waits_for(policy: ReportPolicy, planning_date: date, local: datetime) -> str | None:
    """Why the report of the week of `local` (plant time) is not to be sent yet; None where it is.

    `planning_date` is the newest night's: a report is sent from its day and hour on, once its own week has a night.
    """
    if policy.weekly_day == "never":
        return "the policy says that no report is sent by itself"
    day, hour = WEEKDAYS.index(policy.weekly_day), policy.weekly_hour
    if (local.weekday(), local.hour) < (day, hour):
        return f"this week's report goes on {policy.weekly_day.capitalize()} from {hour:02d}:00 on"
    if planning_date.isocalendar()[:2] != local.isocalendar()[:2]:
        return f"no night of this week is planned; the newest is that of {planning_date}"
    return None


def send(store: Store, actor: Actor, nights: Sequence[Night]) -> int:
    """Queue the report to managers and whoever subscribed to `weekly`; gives to how many. Once a week and person.

    Raises PermissionDeniedError without the right to run.
    """
    newest = nights[-1]
    plant = newest.context.plant.code
    made = weekly_report(nights)
    with speaking_for(newest.context.plant):
        said = value(newest, list(nights)).answer
    name = f"{plant}-{week(newest)}.pdf"
    with store.writing() as tx:
        tx.allow(actor, Permission.RUN, plant)
        return tell(
            tx, "weekly", f"{plant}/{week(newest)}", plant=plant, title=f"{plant}: weekly report {week(newest)}",
            text=f"{said} The report is attached.",
            attachment={"name": name, "type": "application/pdf", "base64": base64.b64encode(made).decode()},
        )  # fmt: skip


def _line(made: FPDF, text: str, size: float, colour: tuple[int, int, int] = INK, *, bold: bool = False) -> None:
    made.set_font(FONT, "B" if bold else "", size)
    made.set_text_color(*colour)
    made.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    made.ln(2)


def _table(made: FPDF, measured: Sequence[Series], newest: Night) -> None:
    made.set_font(FONT, "", 8.5)
    made.set_text_color(*INK)
    with made.table(col_widths=WIDTHS, text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"), line_height=5) as table:
        table.row(("Measure", "Unit", "This week", "Week before", "Baseline and limits"))
        for one in measured:
            now, before = _week_ending(one, newest, 0), _week_ending(one, newest, 1)
            table.row((one.label, one.unit, number(now), number(before), _limits(limits(one.known))))


def _week_ending(one: Series, newest: Night, weeks_ago: int) -> float | None:
    """The last value in the seven days that end so many weeks before the newest night."""
    end = newest.context.planning_date - timedelta(days=DAYS * weeks_ago)
    inside = [
        v for d, v in zip(one.dates, one.values, strict=True) if end - timedelta(days=DAYS) < d <= end and v is not None
    ]
    return inside[-1] if inside else None


def _limits(found: Limits | None) -> str:
    if found is None:
        return "from the third night on"
    return f"{number(found.centre)} ({number(found.low)} to {number(found.high)})"


def _chart(made: FPDF, one: Series) -> None:
    if made.get_y() + CHART_HEIGHT + 14 > made.h - 16:
        made.add_page()
    _line(made, f"{one.label}, {one.unit}" if one.unit else one.label, 9, bold=True)
    found, left, top = limits(one.known), made.l_margin, made.get_y()
    ends = [*one.known, *((found.low, found.high) if found else ())]
    low, high = min(ends), max(ends)
    spread = (high - low) or abs(high) or 1.0

    def y(number_: float) -> float:
        return top + CHART_HEIGHT * (1 - (number_ - low) / spread)

    if found is not None:
        for level, colour in ((found.centre, GREY), (found.low, AMBER), (found.high, AMBER)):
            made.set_draw_color(*colour)
            made.line(left, y(level), left + CHART_WIDTH, y(level))
    step = CHART_WIDTH / max(1, len(one.values))
    points = [(left + step * (i + 0.5), y(v)) for i, v in enumerate(one.values) if v is not None]
    made.set_draw_color(*ACCENT)
    made.set_fill_color(*ACCENT)
    made.polyline(points)
    for x, level in points:
        made.circle(x, level, 0.7, style="F")
    made.set_xy(left, top + CHART_HEIGHT + 1)
    _line(
        made,
        f"{one.labels[0]} to {one.labels[-1]}: {number(low)} to {number(high)}, last {number(one.known[-1])}",
        8,
        GREY,
    )
