"""What a plant's systems wrote, marked as data.

An order note or an item name may hold anything, also words meant for the agent that reads it. So every text that is
neither one of our own closed lists of words nor shaped like a key is handed over as `{"plant_text": …}`: the agent's
host can treat that field as data, and no text can pass for another field of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from recon_platform.tables.model import Column, Kind

KEY_SHAPE = re.compile(r"[\w.\-/:#+]{1,64}")
LONGEST = 500  # characters of one text
MARK = "plant_text"


def marked_rows(frame: pl.DataFrame, columns: Mapping[str, Column]) -> Iterator[dict[str, Any]]:
    """The rows of `frame` as JSON values; `columns` says what each column holds, a column it lacks is marked."""
    for row in frame.iter_rows(named=True):
        yield {name: marked(value, columns.get(name)) for name, value in row.items()}


def marked(value: Any, column: Column | None) -> Any:
    """One value as JSON, marked unless it is ours: a number, a day, a word of a closed list, or shaped like a key."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    if column is not None:
        if column.allowed is not None and value in column.allowed:
            return value
        if column.kind is Kind.KEY and KEY_SHAPE.fullmatch(value):
            return value
    return marked_text(value)


def marked_text(text: str) -> dict[str, str]:
    """`text` as data: cut to a length that cannot flood an agent, without characters that a terminal obeys."""
    shown = "".join(character for character in text[:LONGEST] if character.isprintable() or character == "\n")
    return {MARK: shown + ("…" if len(text) > LONGEST else "")}
