"""A night's report on one screen, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recon_platform.cli import output

if TYPE_CHECKING:
    from recon_platform.nights.report import Report

SHOWN_LINES = 25


def as_json(report: Report) -> dict[str, Any]:
    """Everything in the report, every row."""
    value = output.plain(report)
    assert isinstance(value, dict)
    return value


def render(report: Report, *, all_lines: bool = False) -> None:
    """Print the report for people: the answer first, then what stands behind it."""
    out = output.console()
    run = "" if report.sequence == 0 else f", rerun {report.sequence}"
    out.print(
        f"\n[bold]{report.plant}, {report.planning_date}{run}[/bold]  data as of {report.as_of:%a %d %b %H:%M %Z}"
    )
    output.say(report.headline)
    output.print_frame("Customer lines whose ship date moves", report.ships, shown=None if all_lines else SHOWN_LINES)
    if report.health.width:
        output.print_frame("Backlog health and measures", report.health)
    output.print_frame("Findings by rule", report.findings)
    output.print_frame("Messages by code", report.messages)
    output.print_frame(
        "Work centers, load of the next 14 days in percent of what is open", report.utilization, shown=10
    )
    output.print_frame(f"Shortages ({report.shortages_total:,}), items needed first", report.shortages)
    output.print_frame("Exceptions that could be taken", report.exceptions, shown=10)
    if report.impact.width:
        output.print_frame("Expected effect, in force beside proposed", report.impact)
    if report.unscheduled.height:
        output.print_frame("Orders that could not be scheduled", report.unscheduled)
    if report.quarantine.height:
        output.print_frame("Quarantined rows", report.quarantine, shown=10)
    if report.unavailable:
        output.say(f"\nNot handed over, so not judged: {', '.join(report.unavailable)}")
