"""The plant's master data as its ERP hands them over each night.

Belongs here: landing tables that change seldom: items, structures, routings, resources, calendars, suppliers, units.
Does not belong here: orders and stock (`snapshot`), reports of the floor (`snapshot_mes`).
"""

from __future__ import annotations

from datetime import time, timedelta

import numpy as np
import polars as pl

from recon_platform.plantsim.clock import DAY_MIN, holidays
from recon_platform.plantsim.demand import item_yield, lead_time_working_days
from recon_platform.plantsim.history import History
from recon_platform.plantsim.parameters import (
    ALLOYS,
    CALENDARS,
    DIAMETERS_MM,
    OPERATION_CODES,
    PLATERS,
    SUPPLIERS,
    WORK_CENTERS,
)
from recon_platform.plantsim.world import World

PIECE, KILOGRAM, THOUSAND, BOX = "H87", "KGM", "MIL", "XBX"
"""UN/ECE Recommendation 20 and 21 codes: piece, kilogram, thousand, box."""

PLANNERS = ("K. Brandt", "M. Sommer", "T. Yilmaz", "E. Novak")
CUSTOMER_TERMS = {
    "A": (2, 0, 2.0, 2.0),
    "B": (5, 1, 5.0, 5.0),
    "C": (5, 2, 5.0, 10.0),
}  # days early, late; pct under, over


def master_tables(history: History) -> dict[str, pl.DataFrame]:
    """All master data of the world, names as in the landing contract."""
    world = history.world
    return {
        "items": _items(world),
        "customers": _customers(world),
        "customer_requirements": _requirements(world),
        "bom_lines": _bom(world),
        "routings": _routings(world),
        "operation_codes": pl.DataFrame(
            {"operation_code": list(OPERATION_CODES), "description": list(OPERATION_CODES.values())}
        ),
        "work_centers": _work_centers(world),
        "calendars": _calendars(),
        "setup_matrix": _setup_matrix(),
        "setup_attributes": _setup_attributes(world),
        "labour": _labour(world),
        "suppliers": pl.DataFrame({"supplier": [s.code for s in SUPPLIERS], "name": [s.name for s in SUPPLIERS]}),
        "supplier_items": _supplier_items(world),
        "substitutes": _substitutes(world),
        "uom_conversions": _uom_conversions(world),
        "work_center_xref": _work_center_xref(),
    }


def _items(world: World) -> pl.DataFrame:
    items, grade = world.items, pl.Series([a.property_class for a in ALLOYS])
    alloy, tensile = pl.Series([a.code for a in ALLOYS]), pl.Series([a.tensile_mpa for a in ALLOYS])
    corrosion = pl.Series([a.corrosion_class for a in ALLOYS])
    make = items.select(
        "item",
        "description",
        make_buy=pl.lit("make"),
        uom=pl.lit(PIECE),
        lead_time_days=pl.Series(lead_time_working_days(world)),
        lot_rule=pl.lit("lot_for_lot"),
        multiple_qty=pl.lit(100.0),
        **{"yield": pl.Series(item_yield(world))},
        cost="cost",
        family="family",
        grade=grade.gather(items["alloy"]),
        alloy=alloy.gather(items["alloy"]),
        property_class=grade.gather(items["alloy"]),
        tensile_mpa=tensile.gather(items["alloy"]).cast(pl.Float64),
        corrosion_class=corrosion.gather(items["alloy"]),
        weight_kg="weight_kg",
        lot_traced=pl.lit(True),
        planner=pl.Series(PLANNERS).gather(items["diameter_index"] % len(PLANNERS)),
    )
    parts = world.components
    wire = parts["kind"] == "wire"
    at = parts["alloy"].clip(0)
    lead = pl.Series([s.lead_time_days for s in SUPPLIERS]).gather(parts["supplier"])
    bought = parts.select(
        item="component",
        description=pl.concat_str(pl.col("kind"), pl.lit(" "), pl.col("component")),
        make_buy=pl.lit("buy"),
        uom=pl.when(wire).then(pl.lit(KILOGRAM)).otherwise(pl.lit(PIECE)),
        lead_time_days=lead.cast(pl.Int64),
        lot_rule=pl.lit("period"),
        lot_periods=pl.lit(1, pl.Int64),
        multiple_qty=pl.when(wire).then(100.0).when(pl.col("kind") == "box").then(50.0).otherwise(1000.0),
        cost="cost",
        family=pl.col("kind").str.to_uppercase(),
        grade=pl.when(wire).then(grade.gather(at)),
        alloy=pl.when(wire).then(alloy.gather(at)),
        property_class=pl.when(wire).then(grade.gather(at)),
        tensile_mpa=pl.when(wire).then(tensile.gather(at).cast(pl.Float64)),
        corrosion_class=pl.when(wire).then(corrosion.gather(at)),
        weight_kg=pl.when(wire).then(1.0),
        lot_traced=wire,
        planner=pl.lit("P. Keller"),
    )
    return pl.concat([make, bought], how="diagonal")


def _customers(world: World) -> pl.DataFrame:
    terms = {k: pl.Series([CUSTOMER_TERMS[c][k] for c in "ABC"]) for k in range(4)}
    cls = world.customers["cls"]
    return world.customers.select(
        "customer",
        "name",
        pl.col("customer_class").alias("class"),
        "annual_revenue",
        days_early=terms[0].gather(cls),
        days_late=terms[1].gather(cls),
        under_pct=terms[2].gather(cls),
        over_pct=terms[3].gather(cls),
        contact=pl.concat_str(pl.lit("orders@"), pl.col("customer").str.to_lowercase(), pl.lit(".example")),
    )


def _requirements(world: World) -> pl.DataFrame:
    """One in nine automotive customers excludes boron steel, every fourth asks for a 3.1 certificate (EN 10204)."""
    customers = world.customers.filter(pl.col("cls") == 0)
    families = world.items["family"].unique().sort().to_list()
    boron = customers.filter(pl.col("index") % 9 == 0).select(
        "customer", requirement=pl.lit("exclude_grade"), value=pl.lit("10B21")
    )
    certificate = customers.filter(pl.col("index") % 4 == 0).select(
        "customer", requirement=pl.lit("certificate"), value=pl.lit("3.1")
    )
    both = pl.concat([boron, certificate])
    return both.join(pl.DataFrame({"family": families}), how="cross")


def _bom(world: World) -> pl.DataFrame:
    bom = world.bom
    return bom.select(
        parent_item=world.items["item"].gather(bom["item_index"]),
        component_item="component",
        qty_per="qty_per",
        uom=pl.when(pl.col("kind") == "wire").then(pl.lit(KILOGRAM)).otherwise(pl.lit(PIECE)),
        op_seq="op_seq",
        backflush=pl.lit(True),
    )


def _routings(world: World) -> pl.DataFrame:
    routing = world.routing
    wc = routing["wc"]
    standard = pl.Series(
        [
            float(max(w.setup_diameter_min, w.setup_length_min, w.setup_coil_min, w.setup_class_min))
            for w in WORK_CENTERS
        ]
    )
    batch = pl.col("batch_max") > 0
    setter = pl.Series([w.setup_skill for w in WORK_CENTERS], dtype=pl.String).gather(wc)
    runner = pl.Series([w.run_skill for w in WORK_CENTERS], dtype=pl.String).gather(wc)
    people = pl.Series([w.run_people for w in WORK_CENTERS], dtype=pl.Float64).gather(wc)
    family = world.items["alloy"].gather(routing["item_index"])
    classes = pl.Series([a.code for a in ALLOYS])
    return routing.select(
        item=world.items["item"].gather(routing["item_index"]),
        routing=pl.lit("main"),
        op_seq="op_seq",
        operation_code="operation_code",
        work_center=pl.Series([w.code for w in WORK_CENTERS]).gather(wc),
        setup_min=standard.gather(wc),
        run_min_per_unit=pl.when(batch).then(0.0).otherwise("run_min_per_unit"),
        setup_skill=setter,
        setup_people=pl.when(setter.is_not_null()).then(1.0),
        run_skill=runner,
        run_people=people,
        queue_min=pl.col("queue_min").cast(pl.Float64),
        move_min=pl.lit(0.0),
        setup_family=pl.when(pl.col("operation_code") == "HEAT").then(classes.gather(family)),
        pausable=pl.col("operation_code").is_in(["HEAT", "BAKE"]).not_(),
        batch_max=pl.when(batch).then(pl.col("batch_max").cast(pl.Float64)),
        batch_minutes=pl.when(batch).then(pl.col("batch_minutes").cast(pl.Float64)),
        external_days=pl.when(pl.col("external_days") > 0).then(pl.col("external_days").cast(pl.Float64)),
        **{"yield": (1 - pl.col("scrap")).round(4)},
    )


def _work_centers(world: World) -> pl.DataFrame:
    count = np.bincount(world.machines["wc"].to_numpy(), minlength=len(WORK_CENTERS))
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
                "supplier": PLATERS[0].code if w.external else None,
                "overtime_allowed": w.calendar in ("PLANT", "TWO"),
                "cost_per_hour": w.cost_per_hour,
                "continuity": w.continuity,
            }
            for i, w in enumerate(WORK_CENTERS)
        ]
    )


def _calendars() -> pl.DataFrame:
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


def _setup_matrix() -> pl.DataFrame:
    rows = []
    for w in WORK_CENTERS:
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


def _setup_attributes(world: World) -> pl.DataFrame:
    items = world.items
    alloy = pl.Series([a.code for a in ALLOYS]).gather(items["alloy"])
    values = items.select(
        "item",
        diameter=pl.col("diameter_mm").cast(pl.String),
        length=pl.concat_str(pl.col("head"), pl.lit("-"), pl.col("length_mm")),
        coil=pl.concat_str(pl.lit("W-"), alloy, pl.lit("-"), pl.col("diameter_mm").cast(pl.String).str.zfill(2)),
        family=alloy,
    )
    return values.unpivot(index="item", variable_name="attribute", value_name="value").sort("item", "attribute")


def _labour(world: World) -> pl.DataFrame:
    """Setters for every fourth header, operators and packers for the machines they attend."""
    count = np.bincount(world.machines["wc"].to_numpy(), minlength=len(WORK_CENTERS))
    need: dict[tuple[str, str], float] = {}
    for i, w in enumerate(WORK_CENTERS):
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
                    "cost_per_hour": cost[skill],
                }
            )
    return pl.DataFrame(rows)


def _supplier_items(world: World) -> pl.DataFrame:
    parts = world.components
    lead = pl.Series([s.lead_time_days for s in SUPPLIERS]).gather(parts["supplier"]).cast(pl.Int64)
    wire = parts["kind"] == "wire"
    return parts.select(
        supplier=pl.Series([s.code for s in SUPPLIERS]).gather(parts["supplier"]),
        item="component",
        lead_time_days=lead,
        min_qty=pl.when(wire).then(100.0).otherwise(50.0),
        multiple_qty=pl.when(wire).then(100.0).otherwise(50.0),
        price="cost",
        expedite_fee=pl.when(wire).then(450.0).otherwise(90.0),
        expedite_days=(lead / 2).ceil().cast(pl.Int64),
        committed_qty_per_week=pl.when(wire).then(60_000.0),
        flexible_share=pl.lit(0.1),
    )


def _substitutes(world: World) -> pl.DataFrame:
    """For every wire the next stronger wire of the same diameter and corrosion class, where the works buys one."""
    known = set(world.components["component"])
    rows = []
    for mm in DIAMETERS_MM:
        for a in ALLOYS:
            stronger = [b for b in ALLOYS if b.corrosion_class == a.corrosion_class and b.tensile_mpa > a.tensile_mpa]
            if not stronger:
                continue
            b = min(stronger, key=lambda alloy: alloy.tensile_mpa)
            item, other = f"W-{a.code}-{mm:02d}", f"W-{b.code}-{mm:02d}"
            if item in known and other in known:
                rows.append(
                    {
                        "item": item,
                        "substitute_item": other,
                        "ratio": 1.0,
                        "approved": mm >= 8,
                        "certificate_required": "3.1",
                        "approval_ref": f"QA-{a.code}-{mm:02d}" if mm >= 8 else None,
                        "valid_from": world.start - timedelta(days=300),
                        "note": "stronger wire of the same diameter",
                    }
                )
    schema = {"item": pl.String, "substitute_item": pl.String, "ratio": pl.Float64, "approved": pl.Boolean}
    return pl.DataFrame(rows) if rows else pl.DataFrame(schema=schema)


def _uom_conversions(world: World) -> pl.DataFrame:
    general = pl.DataFrame(
        {"item": [None], "from_uom": [THOUSAND], "to_uom": [PIECE], "factor": [1000.0]},
        schema_overrides={"item": pl.String},
    )
    boxes = world.items.select(
        "item", from_uom=pl.lit(BOX), to_uom=pl.lit(PIECE), factor=pl.col("pack").cast(pl.Float64)
    )
    weight = world.items.select("item", from_uom=pl.lit(PIECE), to_uom=pl.lit(KILOGRAM), factor="weight_kg")
    return pl.concat([general, boxes, weight])


def _work_center_xref() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": ["mes"] * len(WORK_CENTERS),
            "source_key": [f"M{w.code}" for w in WORK_CENTERS],
            "key": [w.code for w in WORK_CENTERS],
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
