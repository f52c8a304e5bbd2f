"""What a plan may know besides its tables: plant, date, the instant it is as of, and the policy in force.

Nothing here is read from the machine: whoever starts a night decides these values once and the manifest keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from recon_platform.tables.locales import DEFAULT_LOCALE
from recon_platform.tables.policy import Policy


@dataclass(frozen=True, slots=True)
class Plant:
    """One plant: its code (letters, digits, `_`, `-`), IANA time zone, ISO 4217 currency, plant calendar, and the
    `locale` (a key of `locales.LOCALES`) in which people there read numbers and dates."""

    code: str
    timezone: str = "UTC"
    currency: str = "EUR"
    calendar: str = "PLANT"
    locale: str = DEFAULT_LOCALE

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class PlanContext:
    """The fixed frame of one plan run.

    `as_of` is the instant (UTC) the data speak of; `planning_date` the working date planned on, in plant time;
    `sequence` 0 for the nightly run and 1, 2, … for reruns after events; `agents` the version of each agent, which signs
    the rows it makes (empty: nothing is signed). `look_ahead`: the dispatch setting (k1, k2) the schedule is made with,
    as in a rerun, which keeps that of its night; None where the plan compares several. `in_turn`: the sequence in force is held,
    operation by operation, as long as that makes nothing later worth naming: so does a rerun after an event.
    """

    plant: Plant
    planning_date: date
    as_of: datetime
    sequence: int = 0
    policy: Policy = field(default_factory=Policy)
    agents: Mapping[str, str] = field(default_factory=dict)
    look_ahead: tuple[float, float] | None = None
    in_turn: bool = False

    def __post_init__(self) -> None:
        if self.as_of.tzinfo is None:
            raise ValueError(f"as_of must carry a time zone, got {self.as_of!r}; convert it to UTC first")
