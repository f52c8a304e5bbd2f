"""What a page consists of: an answer in words, a few numbers with what they compare to, and lists ranked by consequence.

Services make these; templates and the JSON API show them. Instants are UTC here and become plant time when shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl


class Show(StrEnum):
    """How a value is shown."""

    TEXT = "text"
    KEY = "key"  # never broken, never formatted
    NUMBER = "number"
    WHOLE = "whole"
    SHARE = "share"
    MONEY = "money"  # in the plant's currency, which the header names
    DAY = "day"
    INSTANT = "instant"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list. `link` is an address below the plant with `{names}` of columns in it."""

    name: str
    label: str
    show: Show = Show.TEXT
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A ranked list. `empty` says what it means that there is nothing, and how to get something."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame
    empty: str
    note: str | None = None

    def selected(self, search: str = "", sort: str = "", descending: bool = False) -> pl.DataFrame:
        """The rows that hold `search` in any text or whole number, in the order asked for; unknown columns keep the own order."""
        rows = self.rows
        if search:
            kinds = {column.name: rows.schema[column.name] for column in self.columns}
            told = [
                pl.col(name).cast(pl.String) for name, kind in kinds.items() if kind == pl.String or kind.is_integer()
            ]
            text = pl.concat_str(told, separator=" ", ignore_nulls=True) if told else pl.lit("")
            rows = rows.filter(text.str.to_lowercase().str.contains(search.lower(), literal=True))
        if sort in {column.name for column in self.columns}:
            rows = rows.sort(sort, descending=descending, nulls_last=True, maintain_order=True)
        return rows


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the comparison that gives it meaning. `link` leads to the rows behind it."""

    label: str
    value: Any
    show: Show = Show.NUMBER
    unit: str = ""
    against: str = ""
    link: str | None = None
    attention: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture drawn on the server: SVG, with its data as a list for those who do not see it."""

    title: str
    svg: str
    said: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page: `answer` is its first line, in words."""

    title: str
    answer: str
    figures: tuple[Figure, ...] = ()
    listings: tuple[Listing, ...] = ()
    charts: tuple[Chart, ...] = ()
    why: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def listing(self, name: str) -> Listing | None:
        """One of its lists."""
        return next((listing for listing in self.listings if listing.name == name), None)
