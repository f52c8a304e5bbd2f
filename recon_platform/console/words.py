"""Values as people in the plant say them: its time zone, its words, units beside numbers."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from recon_platform.console.page import Show

NOTHING = "–"
MOVE_WORDS = {
    "substitute": "Use a substitute", "expedite_purchase": "Expedite a purchase", "overtime": "Work overtime",
    "sibling": "Move to a sister machine", "frozen_break": "Break the frozen fence", "rush": "Take a rush order",
    "split": "Split an order", "overlap": "Overlap operations", "make_or_buy": "Make instead of buy",
    "reallocate": "Reallocate stock", "compress": "Compress the lead time", "delay": "Delay an order",
    "cancel": "Cancel an order", "pin": "Keep on a machine", "parameter": "Change a parameter",
    "override": "Override a value", "base": "Release the plan", "lock": "Keep advice away", "switch": "Switch a line",
    "policy": "Change a rule", "rollback": "Go back to an earlier schedule",
}  # fmt: skip
"""Kinds of moves and requests, as one asks for them."""
MESSAGE_WORDS = {
    "ORDER_NEW": "open a new order", "RELEASE": "release the order", "EXPEDITE": "pull the order in",
    "DELAY": "push the order out", "CANCEL": "cancel the order", "DECREASE": "cut the quantity",
    "INCREASE": "raise the quantity", "FENCE_CONFLICT": "the change lies inside the fence",
    "PAST_DUE_SUPPLY": "supply is past due", "PAST_DUE_DEMAND": "demand is past due", "UNCOVERED": "nothing covers it",
    "BELOW_SS": "falls below the safety stock", "EXCESS": "more than is needed",
    "ORDER_QTY_RULE": "breaks the lot-size rule", "FPO_DRIFT": "a firm order drifts from its need",
    "PHASE_OUT": "the item phases out", "PARENT_AT_RISK": "an order above it is at risk",
    "DATA_ERROR": "the data do not fit", "OVERLOAD": "more load than capacity",
}  # fmt: skip
BOUND_WORDS = {
    "now": "it can start at once", "material": "waits for material", "predecessor": "waits for the operation before it",
    "component": "waits for a component made here", "machine": "waits for the machine", "calendar": "waits for a shift",
    "labour": "waits for people", "tool": "waits for a tool", "fence": "kept by the frozen fence",
    "batch": "waits to fill a batch", "continuity": "the line must not stop", "max_wait": "must not wait too long",
    "vendor": "at a vendor", "stability": "kept where it was", "running": "is running", "release": "not released yet",
}  # fmt: skip
CAUSE_WORDS = {
    "RECORD_ERROR": "a wrong record", "UNEXPLAINED": "unexplained", "UNPLANNED_TXN": "an unplanned transaction",
    "SCRAP": "scrap", "YIELD_CHANGE": "a changed yield", "OVER_RECEIPT": "an over-receipt",
    "VENDOR_FALLDOWN": "a late vendor", "PLANT_FALLDOWN": "the plant fell behind",
    "ENGINEERING_CHANGE": "an engineering change", "LEAD_TIME_CHANGE": "a changed lead time",
    "LOT_SIZE_CHANGE": "a changed lot size", "SAFETY_STOCK_CHANGE": "a changed safety stock",
    "CALENDAR": "a changed calendar", "POLICY_VERSION": "a changed rule", "MPS_CHANGE": "a changed master schedule",
    "PLANNER_ACTION": "a planner's action",
}  # fmt: skip


def words(code: str | None) -> str:
    """A code in words, with the code kept where no words are known."""
    if code is None:
        return NOTHING
    for known in (MOVE_WORDS, MESSAGE_WORDS, BOUND_WORDS, CAUSE_WORDS):
        if code in known:
            return known[code]
    return code.replace("_", " ")


def day(value: date | None) -> str:
    """A date as people say it."""
    return NOTHING if value is None else f"{value:%a} {value.day} {value:%b %Y}"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """A point in time in the plant's time zone."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def stamp(value: datetime | None, zone: ZoneInfo) -> str:
    """A point in time with year and zone, for records."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}"


def age(value: timedelta) -> str:
    """How long ago, in the largest unit that says something."""
    hours = value.total_seconds() / 3600
    if hours < 1:
        return count(max(1, round(hours * 60)), "minute")
    return count(round(hours), "hour") if hours < 48 else count(round(hours / 24), "day")


def number(value: float | None, digits: int = 1) -> str:
    """A number with thin groups; whole numbers without decimals."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}"


def signed(value: float | None) -> str:
    """A change, with its sign."""
    if value is None:
        return NOTHING
    return "±0" if not value else f"{'+' if value > 0 else '−'}{number(abs(value))}"


def count(value: int, one: str, many: str | None = None) -> str:
    """`3 orders`, `1 order`, `no orders`."""
    plural = many or f"{one}s"
    return f"{value:,} {one if value == 1 else plural}" if value else f"no {plural}"


def cell(value: object, show: Show, zone: ZoneInfo) -> str:  # noqa: PLR0911 - one return per kind of value
    """One value as shown in a table."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return instant(value, zone)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if show is Show.SHARE and isinstance(value, int | float):
        return f"{100 * value:.1f} %"
    if show in {Show.NUMBER, Show.WHOLE} and isinstance(value, int | float):
        return number(float(value))
    return str(value)
