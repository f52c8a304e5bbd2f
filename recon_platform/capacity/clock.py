"""Instants and whole minutes: the scheduler counts minutes from an origin, tables hold instants in UTC.

Belongs here: the conversion, and the bounds of the scheduling window. The origin is `as_of`, rounded up to a minute.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

MINUTE_US = 60_000_000
INSTANT = pl.Datetime("us", "UTC")


def origin_of(as_of: datetime) -> datetime:
    """Minute 0 of a plan: the planning instant rounded up to a whole minute, in UTC."""
    at = as_of.astimezone(UTC)
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(minutes=1)


def minute_up(column: str | pl.Expr, origin: datetime) -> pl.Expr:
    """Whole minutes after the origin, rounded up: nothing may start before the instant."""
    return -_micros(column, origin).neg().floordiv(MINUTE_US)


def minute_down(column: str | pl.Expr, origin: datetime) -> pl.Expr:
    """Whole minutes after the origin, rounded down: nothing may last beyond the instant."""
    return _micros(column, origin).floordiv(MINUTE_US)


def instant(column: str | pl.Expr, origin: datetime) -> pl.Expr:
    """The instant of a minute after the origin."""
    minutes = pl.col(column) if isinstance(column, str) else column
    return (pl.lit(micros(origin)) + minutes.cast(pl.Int64) * MINUTE_US).cast(INSTANT)


def _micros(column: str | pl.Expr, origin: datetime) -> pl.Expr:
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.cast(INSTANT).dt.timestamp("us") - pl.lit(micros(origin))


def micros(at: datetime) -> int:
    """An instant as tables hold it: microseconds since 1970."""
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
