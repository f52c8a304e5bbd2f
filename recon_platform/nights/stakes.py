"""What a stop puts at stake in a plan: whether its work center is a constraint, and which frozen work stands in it.

Belongs here: reading both off a finished plan, so that events can be judged. What is major is `downtime`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from recon_platform.tables.policy import CapacityPolicy

if TYPE_CHECKING:  # sensors load this module, and a lake is slow to import
    from recon_platform.lake import Lake
    from recon_platform.nights.records import Manifest

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stakes:
    """Of one plan: machine (plant's or MES's key) → work center, load of each work center, frozen work by place."""

    centers: Mapping[str, str] = field(default_factory=dict)
    machines: Mapping[str, str] = field(default_factory=dict)  # MES key → plant's own, where they differ
    load_share: Mapping[str, float] = field(default_factory=dict)  # required minutes per minute of working time
    frozen: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={
                "work_center": pl.String, "machine": pl.String, "start": pl.Datetime("us", "UTC"),
                "end": pl.Datetime("us", "UTC"),
            }
        )
    )  # fmt: skip

    def center(self, machine: str | None, work_center: str | None) -> str | None:
        """The work center of a place."""
        return work_center if machine is None else self.centers.get(machine, work_center)

    def frozen_minutes(self, machine: str | None, work_center: str | None, stopped: Sequence[Interval]) -> float:
        """Minutes of frozen work that stand in `stopped` at the place."""
        if machine is not None:
            here = self.frozen.filter(pl.col("machine") == self.machines.get(machine, machine))
        else:
            here = self.frozen.filter(pl.col("work_center") == work_center)
        minutes = 0.0
        for start, end in stopped:
            common = pl.min_horizontal("end", pl.lit(end)) - pl.max_horizontal("start", pl.lit(start))
            minutes += float(here.select((common.dt.total_seconds() / 60).clip(lower_bound=0)).sum().item() or 0.0)
        return minutes


def stakes_of(lake: Lake, manifest: Manifest) -> Stakes:
    """What stands at stake in the plan of `manifest`.

    The load of a work center is what the material plan requires of it in the match-up period, over its regular working
    time then. Frozen is what the plan starts within the frozen hours of its work center.
    """
    context = manifest.pins.context
    policy = context.policy.capacity
    machines = manifest.read(lake, "machines").select("machine", "work_center", "mes_machine")
    own = machines.select("machine", "work_center").drop_nulls()
    named = machines.filter(pl.col("mes_machine").is_not_null())
    centers = dict(own.iter_rows()) | dict(named.select("mes_machine", "work_center").drop_nulls().iter_rows())
    return Stakes(
        centers=centers,
        machines=dict(named.select("mes_machine", "machine").iter_rows()),
        load_share=_load_share(manifest.read(lake, "capacity_load"), context.as_of, policy),
        frozen=_frozen(manifest.read(lake, "schedule"), context.as_of, policy),
    )


def _load_share(load: pl.DataFrame, as_of: datetime, policy: CapacityPolicy) -> dict[str, float]:
    until = (as_of + timedelta(days=policy.match_up_days)).date()
    share = pl.col("loaded_min").sum() / pl.col("available_min").sum()
    found = (
        load.filter(pl.col("basis") == "required", pl.col("bucket_start") <= until)
        .group_by("work_center")
        .agg(share.alias("share"), pl.col("available_min").sum().alias("open"))
        .filter(pl.col("open") > 0)
        .sort("work_center")
    )
    return dict(found.select("work_center", "share").iter_rows())


def _frozen(schedule: pl.DataFrame, as_of: datetime, policy: CapacityPolicy) -> pl.DataFrame:
    hours = pl.col("work_center").replace_strict(
        dict(policy.frozen_hours_by_work_center), default=policy.frozen_hours, return_dtype=pl.Float64
    )
    fence = pl.lit(as_of) + pl.duration(seconds=hours * 3600)
    return schedule.filter(pl.col("start") < fence).select("work_center", "machine", "start", "end")
