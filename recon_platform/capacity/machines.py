"""Machines and when they are open: working time less downtime under way, as minutes.

Belongs here: which machines there are, their order, speed and open intervals. What runs on them is `prepare`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from recon_platform.capacity.clock import minute_down, minute_up, origin_of
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames


@dataclass(frozen=True, slots=True)
class Machines:
    """Machines sorted by (work center, machine) with `index`; work centers sorted with `center`; open intervals.

    `machines`: machine, work_center, index, center, speed, current_setup. `centers`: work_center, center, external,
    efficiency, continuity, sibling_group, sibling_speed, elapsed_per_working (calendar minutes per working minute).
    `intervals`: index, start, end in minutes, disjoint, sorted, touching ones merged.
    """

    machines: pl.DataFrame
    centers: pl.DataFrame
    intervals: pl.DataFrame
    horizon: int


def read_machines(frames: Frames, context: PlanContext, overtime: pl.DataFrame | None = None) -> Machines:
    """Machines, work centers and open intervals from the planning instant to the end of the known working time.

    `overtime` (work_center, start, end as instants) are windows in which approved overtime may be worked.
    """
    centers = (
        frames["work_centers"]
        .lazy()
        .select(
            "work_center",
            pl.col("external").fill_null(False),
            pl.col("efficiency").fill_null(1.0).replace(0.0, 1.0),
            "continuity",
            "sibling_group",
            pl.col("sibling_speed").fill_null(1.0),
        )
        .unique("work_center", keep="first", maintain_order=True)
        .sort("work_center")
        .with_row_index("center")
        .with_columns(pl.col("center").cast(pl.Int32))
        .collect()
    )
    known = frames["machines"].lazy().select("machine", "work_center", "speed", "current_setup")
    vendors = centers.lazy().filter("external").join(known, on="work_center", how="anti")
    invented = vendors.select(
        (pl.col("work_center") + "-01").alias("machine"), "work_center",
        pl.lit(None, pl.Float64).alias("speed"), pl.lit(None, pl.String).alias("current_setup"),
    )  # fmt: skip
    machines = (
        pl.concat([known, invented])
        .join(centers.lazy().select("work_center", "center"), on="work_center")
        .with_columns(pl.col("speed").fill_null(1.0).replace(0.0, 1.0))
        .unique("machine", keep="first", maintain_order=True)
        .sort("work_center", "machine")
        .with_row_index("index")
        .with_columns(pl.col("index").cast(pl.Int32))
        .collect()
    )
    intervals = _open_intervals(frames, context, machines, overtime)
    horizon = int(intervals["end"].max() or 0)  # type: ignore[arg-type]
    working = intervals.lazy().group_by("index").agg((pl.col("end") - pl.col("start")).sum().alias("working"))
    stretch = (
        machines.lazy()
        .join(working, on="index", how="left")
        .group_by("work_center")
        .agg((pl.lit(float(max(horizon, 1))) / pl.col("working").mean()).clip(1.0, 50.0).alias("elapsed_per_working"))
    )
    centers = (
        centers.lazy()
        .join(stretch, on="work_center", how="left", maintain_order="left")
        .with_columns(pl.col("elapsed_per_working").fill_null(1.0))
        .collect()
    )
    return Machines(machines, centers, intervals, horizon)


def under_repair_until(frames: Frames, context: PlanContext, machines: pl.DataFrame) -> pl.DataFrame:
    """Machines down now (machine, until): until the expected end, or as long as policy assumes where none is known.

    A stop whose expected end has passed without an end being reported is assumed to last as long again as policy says.
    """
    as_of = context.as_of
    assumed = as_of + timedelta(minutes=context.policy.capacity.assumed_repair_minutes)
    events = frames.get("downtime_events")
    if events is None or events.is_empty():
        return pl.DataFrame(schema={"machine": pl.String, "until": pl.Datetime("us", "UTC")})
    last = events.lazy().sort("event", "reported_at").unique("event", keep="last", maintain_order=True)
    now = last.filter(
        (pl.col("started_at") <= as_of) & (pl.col("ended_at").is_null() | (pl.col("ended_at") > as_of))
    ).with_columns(
        pl.coalesce("ended_at", pl.when(pl.col("expected_end") > as_of).then("expected_end"), pl.lit(assumed)).alias(
            "until"
        )
    )
    return (
        pl.concat(
            [
                now.filter(pl.col("machine").is_not_null()).select("machine", "until"),
                now.filter(pl.col("machine").is_null())
                .join(machines.lazy().select("work_center", pl.col("machine").alias("one")), on="work_center")
                .select(pl.col("one").alias("machine"), "until"),
            ]
        )
        .group_by("machine")
        .agg(pl.col("until").max())
        .sort("machine")
        .collect()
    )


def _open_intervals(
    frames: Frames, context: PlanContext, machines: pl.DataFrame, overtime: pl.DataFrame | None
) -> pl.DataFrame:
    origin: datetime = origin_of(context.as_of)
    time = frames["working_time"].lazy()
    open_time = time.filter(pl.col("kind") == "regular").select("machine", "start", "end")
    if overtime is not None and overtime.height:
        granted = (
            time.filter(pl.col("kind") == "overtime")
            .join(overtime.lazy().rename({"start": "from", "end": "to"}), on="work_center")
            .select(
                "machine",
                pl.max_horizontal("start", "from").alias("start"),
                pl.min_horizontal("end", "to").alias("end"),
            )
        )
        open_time = pl.concat([open_time, granted])
    down = under_repair_until(frames, context, machines)
    minutes = (
        open_time.join(machines.lazy().select("machine", "index"), on="machine")
        .join(down.lazy(), on="machine", how="left")
        .select(
            "index",
            pl.max_horizontal(minute_up("start", origin), minute_up("until", origin), pl.lit(0)).alias("start"),
            minute_down("end", origin).alias("end"),
        )
        .filter(pl.col("end") > pl.col("start"))
        .sort("index", "start", "end")
    )
    reached = pl.col("end").cum_max().shift(1).over("index")
    return (
        minutes.with_columns((reached.is_null() | (pl.col("start") > reached)).cum_sum().alias("block"))
        .group_by("index", "block", maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max())
        .select("index", pl.col("start").cast(pl.Int32), pl.col("end").cast(pl.Int32))
        .sort("index", "start")
        .collect()
    )
