"""The catalogue of data gates: every check of the spine with its severity, threshold, owner and what it does.

Belongs here: what is checked and what follows. The checks themselves stand where their data are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gate:
    """One check. `action`: `quarantine` takes the row out, `report` writes a finding, `stop` refuses the night."""

    id: str
    meaning: str
    severity: str
    action: str
    entity_type: str = "row"
    threshold: str = ""
    owner: str = "master data"
    version: str = "1"
    mode: str = "planner_review"


_QUARANTINE = (
    Gate("row_malformed", "The row has more or fewer fields than the header.", "critical", "quarantine", owner="integration"),
    Gate("value_missing", "A column that may not be empty is.", "high", "quarantine"),
    Gate("value_unreadable", "A cell is not of its column's kind, or not one of the allowed words.", "high", "quarantine"),
    Gate("value_impossible", "A number lies outside what is possible (negative quantity, yield above 1, …).", "high", "quarantine"),
    Gate("time_damaged", "A time lost its date in a spreadsheet, or stands on the spreadsheet's day zero.", "high", "quarantine", owner="integration"),
    Gate("key_unreadable", "A key is a formula or holds control characters.", "high", "quarantine", owner="integration"),
    Gate("key_ambiguous", "A key fits two keys of its master.", "critical", "quarantine"),
    Gate("key_orphan", "A key names nothing in its master.", "high", "quarantine"),
    Gate("unit_missing", "No factor leads from the row's unit to the item's base unit.", "high", "quarantine"),
    Gate("duplicate_row", "The same row came twice.", "low", "quarantine", owner="integration"),
    Gate("duplicate_key", "Two rows share their key and differ.", "high", "quarantine"),
    Gate("routing_broken", "Another operation of the same routing was refused; without it the routing would skip a step.", "high", "quarantine"),
)  # fmt: skip
_REPORT = (
    Gate("key_collision", "Two master keys become one once blanks, capitals and zeros are ignored; they are kept apart.", "critical", "report", "row"),
    Gate("key_unknown", "A key names nothing in its master; the row is kept.", "medium", "report", "row"),
    Gate("time_ambiguous", "A local time exists twice; the first is taken.", "low", "report", "row", owner="integration"),
    Gate("time_nonexistent", "A local time does not exist; it is read an hour later.", "low", "report", "row", owner="integration"),
    Gate("routing_missing", "An order that needs work has no routing valid on its start.", "high", "report", "work_order"),
    Gate("calendar_empty", "A calendar that is used has no working time.", "high", "report", "row"),
    Gate("calendar_overlap", "Two shifts of one calendar overlap; the time counts once.", "medium", "report", "row"),
    Gate("plant_calendar", "The plant calendar is not among the calendars; the one most work centers use stands in.", "high", "report", "plant"),
)  # fmt: skip
GATES: dict[str, Gate] = {gate.id: gate for gate in (*_QUARANTINE, *_REPORT)}
