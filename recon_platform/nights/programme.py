"""The root-cause programme of a plant: what its nights had late and why, and the levers that would have saved most.

Belongs here: which nights are read. How causes are told is `metrics.programme`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.material.buffers import safety_times, start_allowance
from recon_platform.metrics.definitions import Period
from recon_platform.metrics.programme import LEVER_SCHEMA, PROJECTED_SCHEMA, judged, levers, missed, projected
from recon_platform.nights import records
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames

if TYPE_CHECKING:
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

OF_A_NIGHT = ("order_promises", "supply_orders", "findings", "purchase_orders", "message_causes")
AT_THE_END = (
    "sales_orders", "shipments", "customers", "purchase_orders", "receipts", "work_orders", "operation_status", "routings",
)  # fmt: skip


@dataclass(slots=True)
class Causes:
    """What nights had late and why, and the causes of their messages."""

    nights: list[pl.DataFrame] = field(default_factory=list)
    messages: list[pl.DataFrame] = field(default_factory=list)

    def note(self, frames: Frames, context: PlanContext) -> None:
        """Keep what a night tells (`OF_A_NIGHT`)."""
        self.nights.append(projected(frames, context))
        self.messages.append(frames["message_causes"].select("message", "category").unique())

    def lost(self, frames: Frames, context: PlanContext, period: Period) -> pl.DataFrame:
        """Lines due in `period` that missed their promise, and why (`metrics.programme.missed`); `frames`: `AT_THE_END`."""
        return missed(frames, pl.concat([pl.DataFrame(schema=PROJECTED_SCHEMA), *self.nights]), period, context)

    def levers(self, frames: Frames, context: PlanContext, lost: pl.DataFrame) -> pl.DataFrame:
        """The levers over `lost`, the one that would have saved most first; `frames`: `AT_THE_END`."""
        if not self.messages:
            return pl.DataFrame(schema=LEVER_SCHEMA)
        level = context.policy.material.buffer_level
        allowance = start_allowance(frames, level)
        return levers(lost, safety_times(frames, level), (allowance.share, allowance.covers), pl.concat(self.messages))


@dataclass(frozen=True, slots=True)
class Programme:
    """`levers` as in `LEVER_SCHEMA`; `causes`: cause, lines missed; over so many nights and the lines due in `period`."""

    nights: int
    period: Period
    causes: pl.DataFrame
    levers: pl.DataFrame


def programme(lake: Lake, newest: Manifest, weeks: int) -> Programme:
    """The programme of the plant of `newest`, over the last `weeks` weeks whose lines can be judged on that night."""
    context = newest.pins.context
    period = judged(context.planning_date, weeks)
    causes, days = Causes(), set()
    for one in reversed(records.manifests(lake, str(newest.pins.plant["code"]))):
        day = one.pins.context.planning_date
        if one.pins.rerun_of is None and day not in days and period.start <= day <= context.planning_date:
            days.add(day)  # the last run of a night stands for it
            causes.note({name: one.read(lake, name) for name in OF_A_NIGHT}, one.pins.context)
    frames = {name: newest.read(lake, name) for name in AT_THE_END}
    lost = causes.lost(frames, context, period)
    counted = lost.group_by("cause").agg(pl.len().alias("lines")).sort("lines", "cause", descending=[True, False])
    return Programme(len(days), period, counted, causes.levers(frames, context, lost))
