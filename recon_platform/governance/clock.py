"""Time for governance: a clock is a function, injected; instants are UTC text of fixed width, which sorts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's clock, in UTC. Governance is about what people did when, so this is where it may be read."""
    return datetime.now(UTC)


def to_text(instant: datetime) -> str:
    """`instant` as `2026-11-22T05:30:00.000000Z`; ValueError without a time zone."""
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone, got {instant!r}")
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The instant that `to_text` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
