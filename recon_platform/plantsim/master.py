"""The plant's master data as its ERP hands them over each night.

Belongs here: landing tables that change seldom: items, structures, routings, resources, calendars, suppliers, units.
Does not belong here: orders and stock (`snapshot`), reports of the floor (`snapshot_mes`).
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from recon_platform.plantsim.demand import item_yield, lead_time_working_days
from recon_platform.plantsim.history import History
from recon_platform.plantsim.master_resources import (
    calendars,
    labour,
    setup_attributes,
    setup_matrix,
    work_center_xref,
    work_centers,
)
from recon_platform.plantsim.stocking import stock_rules
from recon_platform.plantsim.streams import stream
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
            {
                "operation_code": list(world.parameters.operation_codes),
                "description": list(world.parameters.operation_codes.values()),
            }
        ),
        "work_centers": work_centers(world),
        "calendars": calendars(),
        "setup_matrix": setup_matrix(world),
        "setup_attributes": setup_attributes(world),
        "labour": labour(world),
        "suppliers": pl.DataFrame(
            {
                "supplier": [s.code for s in world.parameters.suppliers],
                "name": [s.name for s in world.parameters.suppliers],
            }
        ),
        "supplier_items": _supplier_items(world),
        "substitutes": _substitutes(world),
        "uom_conversions": _uom_conversions(world),
        "work_center_xref": work_center_xref(world),
    }


def _items(world: World) -> pl.DataFrame:
    items, grade = world.items, pl.Series([a.property_class for a in world.parameters.materials])
    alloy, tensile = (
        pl.Series([a.code for a in world.parameters.materials]),
        pl.Series([a.tensile_mpa for a in world.parameters.materials]),
    )
    corrosion = pl.Series([a.corrosion_class for a in world.parameters.materials])
    make = items.select(
        "item",
        "description",
        make_buy=pl.lit("make"),
        uom=pl.lit(PIECE),
        lead_time_days=pl.Series(lead_time_working_days(world)),
        lot_rule=pl.lit("lot_for_lot"),
        multiple_qty=pl.lit(float(world.parameters.quantity_step)),
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
    if world.parameters.make_to_stock:
        make = make.drop("lot_rule").hstack(stock_rules(world))
    parts = world.components
    wire = parts["kind"] == "wire"
    at = parts["alloy"].clip(0)
    lead = pl.Series([s.lead_time_days for s in world.parameters.suppliers]).gather(parts["supplier"])
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


def _standards_kept(world: World) -> pl.Series:
    """Of each routing row: the ERP's run time ÷ the true one."""
    draws = stream(world.seed, "standards").normal(0.0, 1.0, world.routing.height)
    return pl.Series(np.exp(world.parameters.standards_sigma * draws))


def _routings(world: World) -> pl.DataFrame:
    routing = world.routing
    wc = routing["wc"]
    standard = pl.Series(
        [
            float(max(w.setup_diameter_min, w.setup_length_min, w.setup_coil_min, w.setup_class_min))
            for w in world.parameters.work_centers
        ]
    )
    batch = pl.col("batch_max") > 0
    setter = pl.Series([w.setup_skill for w in world.parameters.work_centers], dtype=pl.String).gather(wc)
    runner = pl.Series([w.run_skill for w in world.parameters.work_centers], dtype=pl.String).gather(wc)
    people = pl.Series([w.run_people for w in world.parameters.work_centers], dtype=pl.Float64).gather(wc)
    family = world.items["alloy"].gather(routing["item_index"])
    classes = pl.Series([a.code for a in world.parameters.materials])
    return routing.select(
        item=world.items["item"].gather(routing["item_index"]),
        routing=pl.lit("main"),
        op_seq="op_seq",
        operation_code="operation_code",
        work_center=pl.Series([w.code for w in world.parameters.work_centers]).gather(wc),
        setup_min=standard.gather(wc),
        run_min_per_unit=pl.when(batch).then(0.0).otherwise(pl.col("run_min_per_unit") * _standards_kept(world)),
        setup_skill=setter,
        setup_people=pl.when(setter.is_not_null()).then(1.0),
        run_skill=runner,
        run_people=people,
        queue_min=pl.col("queue_min").cast(pl.Float64),
        move_min=pl.lit(0.0),
        setup_family=pl.when(pl.col("operation_code").is_in(world.parameters.campaigns)).then(classes.gather(family)),
        pausable=pl.col("operation_code").is_in(world.parameters.unpausable).not_(),
        batch_max=pl.when(batch).then(pl.col("batch_max").cast(pl.Float64)),
        batch_minutes=pl.when(batch).then(pl.col("batch_minutes").cast(pl.Float64)),
        external_days=pl.when(pl.col("external_days") > 0).then(pl.col("external_days").cast(pl.Float64)),
        **{"yield": (1 - pl.col("scrap")).round(4)},
    )


def _supplier_items(world: World) -> pl.DataFrame:
    parts = world.components
    lead = pl.Series([s.lead_time_days for s in world.parameters.suppliers]).gather(parts["supplier"]).cast(pl.Int64)
    wire = parts["kind"] == "wire"
    return parts.select(
        supplier=pl.Series([s.code for s in world.parameters.suppliers]).gather(parts["supplier"]),
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
    for mm in world.parameters.sizes_mm:
        for a in world.parameters.materials:
            stronger = [
                b
                for b in world.parameters.materials
                if b.corrosion_class == a.corrosion_class and b.tensile_mpa > a.tensile_mpa
            ]
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
