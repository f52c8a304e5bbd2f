"""Values as people in the plant say them: its time zone, its words, its way of writing, units beside numbers.

Which plant is spoken for belongs to the request, like its visitor: `speak_for` says it once at the door.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from recon_platform.console.page import Column, Show
from recon_platform.tables.context import Plant
from recon_platform.tables.locales import LOCALES, WITHOUT_CENTS, DateOrder, Locale

NOTHING = "–"
CURRENCY = "plant currency"  # the unit of money in tables and definitions
_NONE = Plant("")  # before anybody has come to a plant: the defaults
_PLANT: ContextVar[Plant] = ContextVar("plant", default=_NONE)
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
    "PLANNER_ACTION": "a planner's action", "SEQUENCING": "sequenced anew, no fact",
}  # fmt: skip


def words(code: str | None) -> str:
    """A code in words, with the code kept where no words are known."""
    if code is None:
        return NOTHING
    for known in (MOVE_WORDS, MESSAGE_WORDS, BOUND_WORDS, CAUSE_WORDS):
        if code in known:
            return known[code]
    return code.replace("_", " ")


def speak_for(plant: Plant) -> None:
    """From here on in this context, values are written as in `plant`."""
    _PLANT.set(plant)


@contextmanager
def speaking_for(plant: Plant) -> Iterator[None]:
    """The same for what is done inside."""
    before = _PLANT.set(plant)
    try:
        yield
    finally:
        _PLANT.reset(before)


def writing() -> Locale:
    """The way of writing of the plant spoken for."""
    return LOCALES[_PLANT.get().locale]


def language() -> str:
    """The language of pages (BCP 47): English, of the plant's country where it has one of its own."""
    locale = _PLANT.get().locale
    return locale if locale.startswith("en-") else "en"


def currency() -> str:
    """The currency of the plant spoken for (ISO 4217)."""
    return _PLANT.get().currency


def unit(text: str) -> str:
    """A unit with the plant's currency by its code."""
    return text.replace(CURRENCY, currency())


def day(value: date | None) -> str:
    """A date as people say it."""
    if value is None:
        return NOTHING
    return f"{value:%a}{_comma()} {_date(value, f'{value.year}')}"


def short_day(value: date) -> str:
    """A date without its year, for axes."""
    return _date(value)


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """A point in time in the plant's time zone."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{local:%a}{_comma()} {_date(local)}{_comma()} {_clock(local)}"


def stamp(value: datetime | None, zone: ZoneInfo) -> str:
    """A point in time with year, seconds and zone, for records."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{local:%a}{_comma()} {_date(local, f'{local.year}')}{_comma()} {_clock(local, seconds=True)} {local:%Z}"


def _date(value: date, year: str = "") -> str:
    match writing().order:
        case DateOrder.DAY:
            return f"{value.day} {value:%b} {year}".rstrip()
        case DateOrder.MONTH:
            return f"{value:%b} {value.day}" + (f", {year}" if year else "")
        case DateOrder.YEAR:
            return (f"{year}-" if year else "") + f"{value:%m-%d}"


def _comma() -> str:
    return "," if writing().order is DateOrder.MONTH else ""


def _clock(value: datetime, *, seconds: bool = False) -> str:
    way = writing()
    told = f"{value.hour % 12 or 12}" if way.noon else f"{value:%H}"
    told += f"{way.clock}{value:%M}" + (f"{way.clock}{value:%S}" if seconds else "")
    return told + (f"\u00a0{'AM' if value.hour < 12 else 'PM'}" if way.noon else "")


def age(value: timedelta) -> str:
    """How long ago, in the largest unit that says something."""
    hours = value.total_seconds() / 3600
    if hours < 1:
        return count(max(1, round(hours * 60)), "minute")
    return count(round(hours), "hour") if hours < 48 else count(round(hours / 24), "day")


def number(value: float | None, digits: int = 1) -> str:
    """A number with groups of thousands; whole numbers without decimals."""
    if value is None:
        return NOTHING
    return _separated(f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}")


def money(value: float | None) -> str:
    """An amount of the plant's currency, which stands beside it as the unit; with cents where it has them."""
    if value is None:
        return NOTHING
    return _separated(f"{value:,.{0 if currency() in WITHOUT_CENTS else 2}f}")


def share(value: float) -> str:
    """A share in per cent."""
    return _separated(f"{100 * value:,.1f}") + "\u00a0%"


def _separated(text: str) -> str:
    """Python's `1,234.5` with the separators of the plant."""
    way = writing()
    return text.translate({ord(","): way.group, ord("."): way.decimal})


def signed(value: float | None) -> str:
    """A change, with its sign."""
    if value is None:
        return NOTHING
    return "±0" if not value else f"{'+' if value > 0 else '−'}{number(abs(value))}"


def count(value: int, one: str, many: str | None = None) -> str:
    """`3 orders`, `1 order`, `no orders`."""
    plural = many or f"{one}s"
    return f"{number(value)} {one if value == 1 else plural}" if value else f"no {plural}"


def label(column: Column) -> str:
    """The heading of a column, with the unit of money."""
    return f"{column.label}, {currency()}" if column.show is Show.MONEY else column.label


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
        return share(float(value))
    if show is Show.MONEY and isinstance(value, int | float):
        return money(float(value))
    if show in {Show.NUMBER, Show.WHOLE} and isinstance(value, int | float):
        return number(float(value))
    return str(value)
