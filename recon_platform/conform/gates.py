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


def _gate(
    id_: str,
    meaning: str,
    severity: str,
    action: str,
    *,
    entity: str = "row",
    threshold: str = "",
    owner: str = "master data",
) -> Gate:
    return Gate(id_, meaning, severity, action, entity, threshold, owner)


_OUT, _SAY, _STOP = "quarantine", "report", "stop"
_FEEDS, _FLOOR, _BUYING, _METHODS = "integration", "shop floor", "purchasing", "industrial engineering"

_LIST: tuple[Gate, ...] = (
    _gate("row_malformed", "The row has more or fewer fields than the header.", "critical", _OUT, owner=_FEEDS),
    _gate("value_missing", "A column that may not be empty is.", "high", _OUT),
    _gate("value_unreadable", "A cell is not of its column's kind, or not one of the allowed words.", "high", _OUT),
    _gate("value_impossible", "A number or a span of time lies outside what is possible.", "high", _OUT),
    _gate(
        "time_damaged", "A time lost its date in a spreadsheet, or stands on its day zero.", "high", _OUT, owner=_FEEDS
    ),
    _gate("key_unreadable", "A key is a formula or holds control characters.", "high", _OUT, owner=_FEEDS),
    _gate("key_ambiguous", "A key fits two keys of its master.", "critical", _OUT),
    _gate("key_orphan", "A key names nothing in its master.", "high", _OUT),
    _gate("key_refused", "A key names a row that was itself refused.", "high", _OUT),
    _gate("unit_missing", "No factor leads from the row's unit to the item's base unit.", "high", _OUT),
    _gate("duplicate_row", "The same row came twice.", "low", _OUT, owner=_FEEDS),
    _gate("duplicate_key", "Two rows share their key and differ.", "high", _OUT),
    _gate("routing_broken", "Another operation of the routing was refused; it would skip a step.", "high", _OUT),
    _gate("bom_loop", "An item contains itself.", "critical", _OUT),
    _gate("table_missing", "A required table did not come.", "critical", _STOP, entity="feed", owner=_FEEDS),
    _gate(
        "table_refused",
        "Rows of a required table came, and none is valid.",
        "critical",
        _STOP,
        entity="feed",
        owner=_FEEDS,
    ),
    _gate("plant_days_missing", "The plant calendar has no working day.", "critical", _STOP, entity="plant"),
    _gate(
        "key_collision",
        "Two master keys are alike but for blanks, capitals, separators or zeros; they are kept apart.",
        "high",
        _SAY,
    ),
    _gate("key_unknown", "A key names nothing in its master; the row is kept.", "medium", _SAY),
    _gate("lot_loop", "A lot descends from itself.", "high", _SAY, owner=_FLOOR),
    _gate("unit_unknown", "A base unit is no common code; only the item's own factors apply.", "low", _SAY),
    _gate(
        "quantity_factor",
        "A quantity misses what it should be by the factor between two units.",
        "high",
        _SAY,
        threshold="spine.unit_factor_tolerance_share",
    ),
    _gate("time_ambiguous", "A local time exists twice; the first is taken.", "low", _SAY, owner=_FEEDS),
    _gate("time_nonexistent", "A local time does not exist; it is read an hour later.", "low", _SAY, owner=_FEEDS),
    _gate(
        "time_mended",
        "An end without date or before its start was put on the day it can only mean.",
        "medium",
        _SAY,
        owner=_FEEDS,
    ),
    _gate(
        "time_default",
        "Starts at exactly midnight, far more than chance: entered later.",
        "low",
        _SAY,
        entity="feed",
        owner=_FLOOR,
    ),
    _gate(
        "time_future",
        "Reports later than the as-of instant: another clock.",
        "high",
        _SAY,
        entity="feed",
        threshold="spine.future_minutes",
        owner=_FEEDS,
    ),
    _gate(
        "feed_offset",
        "The clocks of two feeds run a constant time apart.",
        "high",
        _SAY,
        entity="feed",
        threshold="20 events, 80 % alike",
        owner=_FEEDS,
    ),
    _gate(
        "feed_epoch",
        "The dates of a feed lie years from the as-of instant: another epoch, or an old copy.",
        "high",
        _SAY,
        entity="feed",
        threshold="20 rows, half of them 2 years off",
        owner=_FEEDS,
    ),
    _gate(
        "id_gap",
        "A run of numbers is missing from a series that is otherwise complete.",
        "low",
        _SAY,
        entity="feed",
        threshold="10 in a row, in a series 99 % complete",
        owner=_FEEDS,
    ),
    _gate(
        "feed_stale",
        "A feed's watermark is old.",
        "high",
        _SAY,
        entity="feed",
        threshold="spine.feed_stale_hours",
        owner=_FEEDS,
    ),
    _gate("feed_rows", "Other rows came than the source says it sent.", "high", _SAY, entity="feed", owner=_FEEDS),
    _gate(
        "feed_shrunk",
        "Far fewer rows than on the nights before; of a required table it refuses publication until accepted.",
        "high",
        _SAY,
        entity="feed",
        threshold="reconciliation.feed_shrink_share of the median of 7 nights, at least 20 rows",
        owner=_FEEDS,
    ),
    _gate(
        "routing_missing",
        "An order that needs work has no routing valid on its start.",
        "high",
        _SAY,
        entity="work_order",
        owner=_METHODS,
    ),
    _gate(
        "item_unrouted", "A make item that is ordered has no routing.", "medium", _SAY, entity="item", owner=_METHODS
    ),
    _gate("work_center_empty", "A work center has no machine.", "medium", _SAY, entity="work_center", owner=_METHODS),
    _gate("calendar_empty", "A work center has machines and no working time.", "high", _SAY, entity="work_center"),
    _gate("calendar_overlap", "Two shifts of one calendar overlap; the time counts once.", "medium", _SAY),
    _gate(
        "plant_calendar",
        "The plant calendar does not exist; the one most work centers use stands in.",
        "high",
        _SAY,
        entity="plant",
    ),
    _gate("validity_overlap", "Two validities of one key overlap; the later one holds.", "medium", _SAY),
    _gate("validity_gap", "Between two validities of one key nothing holds.", "low", _SAY),
    _gate(
        "lead_time_stale",
        "Receipts contradict the planned lead time.",
        "medium",
        _SAY,
        entity="item",
        threshold="spine.lead_time_share",
        owner=_BUYING,
    ),
    _gate(
        "standard_time_stale",
        "Measured cycles contradict the standard time.",
        "medium",
        _SAY,
        entity="operation",
        threshold="spine.standard_time_share",
        owner=_METHODS,
    ),
    _gate(
        "machine_overlap",
        "Runs of one machine overlap.",
        "low",
        _SAY,
        entity="machine",
        threshold="spine.overlap_minutes",
        owner=_FLOOR,
    ),
    _gate(
        "machine_elsewhere",
        "An operation was reported on a machine of another work center.",
        "medium",
        _SAY,
        entity="operation",
        owner=_FLOOR,
    ),
    _gate("posting_repeated", "Equal rows in a table whose rows add up.", "low", _SAY, entity="feed", owner=_FEEDS),
)
GATES: dict[str, Gate] = {gate.id: gate for gate in _LIST}


def table() -> str:
    """The catalogue as a Markdown table, the order of the catalogue kept."""
    lines = ["| gate | meaning | severity | action | threshold | owner |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| `{g.id}` | {g.meaning} | {g.severity} | {g.action} | {g.threshold or '–'} | {g.owner} |" for g in _LIST
    ]
    return "\n".join(lines)
