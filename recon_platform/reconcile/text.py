"""How quantities and evidence are written in findings: plain numbers without trailing zeros, JSON with ISO instants."""

from __future__ import annotations

import polars as pl


def number(value: str | pl.Expr) -> pl.Expr:
    """A quantity as text: at most six decimals, no trailing zeros."""
    expression = pl.col(value) if isinstance(value, str) else value
    return expression.round(6).cast(pl.String).str.replace(r"\.0$", "")


def instant(name: str) -> pl.Expr:
    """An instant as ISO 8601 text in UTC, null stays null."""
    return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def json(**parts: str | pl.Expr) -> pl.Expr:
    """The named columns as one JSON object."""
    fields = [(pl.col(part) if isinstance(part, str) else part).alias(name) for name, part in parts.items()]
    return pl.struct(fields).struct.json_encode()
