"""How numbers, dates, hours and money are written where a plant stands: separators, order of a date, clock.

Words stay English; what is read wrongly elsewhere (1.234 or 1,234; 3 Apr or Apr 3; 2:30 PM or 14:30) follows the plant,
which names its own as `locale` in `plant.toml`. The values are those of the Unicode CLDR (version 47: number symbols,
medium date, short time). Another locale is one more row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_LOCALE = "en-GB"
NARROW, WIDE = "\u202f", "\u00a0"  # blanks at which no line is broken


class DateOrder(StrEnum):
    """What a date begins with."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Locale:
    """One way of writing. `decimal` and `group` separate decimals and thousands, `clock` hours and minutes; `noon`:
    hours are counted to twelve, twice a day."""

    decimal: str
    group: str
    order: DateOrder = DateOrder.DAY
    clock: str = ":"
    noon: bool = False


LOCALES: dict[str, Locale] = {
    "cs-CZ": Locale(",", WIDE), "da-DK": Locale(",", ".", clock="."), "de-AT": Locale(",", "."),
    "de-CH": Locale(".", "’"), "de-DE": Locale(",", "."), "en-AU": Locale(".", ",", noon=True),
    "en-CA": Locale(".", ",", DateOrder.MONTH, noon=True), "en-GB": Locale(".", ","), "en-IE": Locale(".", ","),
    "en-US": Locale(".", ",", DateOrder.MONTH, noon=True), "es-ES": Locale(",", "."),
    "es-MX": Locale(".", ",", noon=True), "fi-FI": Locale(",", WIDE, clock="."), "fr-BE": Locale(",", NARROW),
    "fr-CA": Locale(",", WIDE), "fr-CH": Locale(",", NARROW), "fr-FR": Locale(",", NARROW), "hr-HR": Locale(",", "."),
    "hu-HU": Locale(",", WIDE, DateOrder.YEAR), "it-IT": Locale(",", "."), "ja-JP": Locale(".", ",", DateOrder.YEAR),
    "ko-KR": Locale(".", ",", DateOrder.YEAR, noon=True), "nb-NO": Locale(",", WIDE), "nl-BE": Locale(",", "."),
    "nl-NL": Locale(",", "."), "pl-PL": Locale(",", WIDE), "pt-BR": Locale(",", "."), "pt-PT": Locale(",", WIDE),
    "ro-RO": Locale(",", "."), "sk-SK": Locale(",", WIDE), "sl-SI": Locale(",", "."), "sv-SE": Locale(",", WIDE),
    "tr-TR": Locale(",", "."), "zh-CN": Locale(".", ",", DateOrder.YEAR),
}  # fmt: skip
WITHOUT_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "VND"})
"""Currencies (ISO 4217) without a smaller unit."""
