"""The plant's resources as its ERP hands them over: work centers, calendars, set-ups, people, planned downtime."""

from __future__ import annotations

from datetime import time, timedelta

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN, holidays
from recon_platform.plantsim.history import History
from recon_platform.plantsim.shifts import CALENDARS
from recon_platform.plantsim.world import World


def work_centers(world: World) -> pl.DataFrame:
    count = np.bincount(world.machines["wc"].to_numpy(), minlength=len(world.parameters.work_centers))
    return pl.DataFrame(
        [
            {
                "work_center": w.code,
                "description": w.description,
                "line": w.line,
                "calendar": w.calendar,
                "machines": int(max(1, count[i])),
                "efficiency": 1.0,
                "sibling_group": w.sibling_group,
                "sibling_speed": w.sibling_speed,
                "external": w.external,
                "supplier": world.parameters.suppliers[5].code if w.external else None,
                "overtime_allowed": w.calendar in ("PLANT", "TWO"),
                "cost_per_hour": w.cost_per_hour,
                "continuity": w.continuity,
            }
            for i, w in enumerate(world.parameters.work_centers)
        ]
    )


def calendars() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "calendar": name,
                "weekday": s.weekday,
                "shift": s.name,
                "kind": s.kind,
                "start": time(s.start // 60, s.start % 60),
                "end": time(s.end // 60, s.end % 60),
            }
            for name, shifts in CALENDARS.items()
            for s in shifts
        ]
    )


def calendar_exceptions(world: World, now: int) -> pl.DataFrame:
    """Holidays of the past year and of the next."""
    last = world.clock.instant(now).date() + timedelta(days=365)
    return pl.DataFrame(
        [
            {"calendar": name, "date": day, "kind": "closed", "reason": why}
            for name in ("PLANT", "TWO")
            for day, why in holidays(world.clock.origin, last)
        ]
    )


def setup_matrix(world: World) -> pl.DataFrame:
    rows = []
    for w in world.parameters.work_centers:
        for attribute, minutes in (
            ("diameter", w.setup_diameter_min),
            ("length", w.setup_length_min),
            ("coil", w.setup_coil_min),
            ("family", w.setup_class_min),
        ):
            if minutes and not w.external:
                rows.append(
                    {
                        "work_center": w.code,
                        "attribute": attribute,
                        "from_value": "*",
                        "to_value": "*",
                        "minutes": float(minutes),
                    }
                )
    return pl.DataFrame(rows)


def setup_attributes(world: World) -> pl.DataFrame:
    items = world.items
    alloy = pl.Series([a.code for a in world.parameters.materials]).gather(items["alloy"])
    values = items.select(
        "item",
        diameter=pl.col("diameter_mm").cast(pl.String),
        length=pl.concat_str(pl.col("head"), pl.lit("-"), pl.col("length_mm")),
        coil=pl.concat_str(pl.lit("W-"), alloy, pl.lit("-"), pl.col("diameter_mm").cast(pl.String).str.zfill(2)),
        family=alloy,
    )
    return values.unpivot(index="item", variable_name="attribute", value_name="value").sort("item", "attribute")


def labour(world: World) -> pl.DataFrame:
    """Setters for every fourth header, operators and packers for the machines they attend."""
    count = np.bincount(world.machines["wc"].to_numpy(), minlength=len(world.parameters.work_centers))
    need: dict[tuple[str, str], float] = {}
    for i, w in enumerate(world.parameters.work_centers):
        if w.setup_skill:
            need[w.setup_skill, w.calendar] = need.get((w.setup_skill, w.calendar), 0.0) + float(count[i]) / 2.5
        if w.run_skill and w.run_people:
            need[w.run_skill, w.calendar] = need.get((w.run_skill, w.calendar), 0.0) + float(count[i]) * w.run_people
    cost = {"SETTER": 42.0, "OPERATOR": 34.0, "FURNACE": 38.0, "PACKER": 30.0}
    rows = []
    for (skill, calendar), people in sorted(need.items()):
        for shift in dict.fromkeys(s.name for s in CALENDARS[calendar]):
            present = float(np.ceil(people * 1.1)) + 1
            overtime = shift == "saturday"
            rows.append(
                {
                    "skill": skill,
                    "calendar": calendar,
                    "shift": shift,
                    "people": 0.0 if overtime else present,
                    "overtime_people": float(np.ceil(present / 2)) if overtime else 0.0,
                    "cost_per_hour": cost.get(skill, 36.0),
                }
            )
    return pl.DataFrame(rows)


def work_center_xref(world: World) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": ["mes"] * len(world.parameters.work_centers),
            "source_key": [f"M{w.code}" for w in world.parameters.work_centers],
            "key": [w.code for w in world.parameters.work_centers],
        }
    )


def planned_downtime(history: History, now: int) -> pl.DataFrame:
    """Maintenance from two weeks back to a quarter ahead."""
    world = history.world
    stops = history.stops.filter(
        pl.col("planned") & (pl.col("end") > now - 14 * DAY_MIN) & (pl.col("start") < now + 91 * DAY_MIN)
    )
    return stops.select(
        machine=world.machines["machine"].gather(stops["machine"]),
        start=world.clock.instants(stops["start"].to_numpy()),
        end=world.clock.instants(stops["end"].to_numpy()),
        kind=pl.lit("maintenance"),
        reason=pl.lit("four-week service"),
    )
