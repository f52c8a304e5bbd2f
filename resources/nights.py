"""The nights API as a resource: opens the night of a run once, runs its steps, and answers what sensors ask.

Belongs here: the binding of one installation (lake, landing, governance store, clock) to `recon_platform.nights`.
Does not belong here: how a night is run, written or published – that is the library, shared with the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from resources.clock import ClockResource
from resources.landing import LandingResource

if TYPE_CHECKING:
    import polars as pl
    from recon_platform.nights.gates import Verdict


@dataclass(frozen=True, slots=True)
class NightRecord:
    """A completed plan run, as its manifest has it."""

    plant: str
    planning_date: date
    sequence: int
    run_id: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Publishable:
    """An approved plan that is not in force yet. `key` names the plan and its approvals."""

    plant: str
    planning_date: date
    run_id: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fallback:
    """What stays in force after a failure; `schedule_version` None where nothing was ever published."""

    message: str
    schedule_version: int | None
    published_at: datetime | None
    age_hours: float | None


@dataclass(frozen=True, slots=True)
class Written:
    """One table as committed."""

    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Step:
    """What a step of the night did: tables by name, or why it was refused before anything was written."""

    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    written: Mapping[str, Written] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)  # table → Delta version read
    refused: str = ""


class NightsResource(dg.ConfigurableResource):
    """Nights of one installation."""

    lake_root: str
    lake_options: str = "{}"
    governance_url: str
    landing: dg.ResourceDependency[LandingResource]
    clock: dg.ResourceDependency[ClockResource]

    _open: dict[str, Any] = PrivateAttr(default_factory=dict)
