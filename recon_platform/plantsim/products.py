"""What the plant makes and of what: bolts, kits, wires, boxes, washers, bills and routings, drawn from the seed.

Belongs here: products and how they are made. Does not belong here: how many machines stand ready for them (`world`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.plantsim.parameters import (
    ALLOYS,
    DIAMETER_SHARE,
    DIAMETERS_MM,
    FINISHES,
    HEADS,
    LENGTHS_PER_DIAMETER,
    WIRE_SUPPLIERS,
    WORK_CENTER_INDEX,
    Parameters,
)
from recon_platform.plantsim.streams import stream

FURNACE_LOAD_KG = 1600.0
OVEN_LOAD_KG = 3000.0


def bolts_of(parameters: Parameters, seed: int, count: int) -> pl.DataFrame:
    rng = stream(seed, "items")
    diameter = rng.choice(len(DIAMETERS_MM), count, p=DIAMETER_SHARE)
    alloy = rng.choice(len(ALLOYS), count, p=[a.share for a in ALLOYS])
    mm = np.array(DIAMETERS_MM)[diameter]
    length = np.round(mm * rng.choice(LENGTHS_PER_DIAMETER, count) / 5) * 5
    head = rng.integers(0, len(HEADS), count)
    carbon = np.array([a.heat_treated for a in ALLOYS])[alloy]
    finish = np.where(carbon, rng.choice(3, count, p=[0.35, 0.45, 0.20]), 0)
    weight = 7.85e-6 * np.pi / 4 * mm**2 * (length + 1.1 * mm)
    popularity = 1.0 / np.arange(1, count + 1) ** 0.6
    rng.shuffle(popularity)
    frame = pl.DataFrame(
        {
            "diameter_index": diameter,
            "diameter_mm": mm,
            "length_mm": length.astype(np.int64),
            "head": head,
            "alloy": alloy,
            "finish": finish,
            "weight_kg": np.round(weight, 5),
            "popularity": popularity,
            "sequence": np.arange(1, count + 1),
        }
    )
    head_names, finish_names = pl.Series(HEADS), pl.Series(FINISHES)
    grade = pl.Series([a.property_class for a in ALLOYS])
    pack = np.array([2000, 1000, 1000, 500, 500, 250, 200, 100, 100, 50])[diameter]
    price = (weight * np.array([a.price_per_kg for a in ALLOYS])[alloy] + 0.004 + 0.00004 * mm**2) * 1.0
    return frame.with_columns(
        item=pl.Series([f"B{n:06d}" for n in range(1, count + 1)]),
        description=pl.concat_str(
            head_names.gather(head),
            pl.lit(" M"),
            pl.col("diameter_mm"),
            pl.lit("x"),
            pl.col("length_mm"),
            pl.lit(" "),
            grade.gather(alloy),
            pl.lit(" "),
            finish_names.gather(finish),
        ),
        family=pl.concat_str(pl.lit("M"), pl.col("diameter_mm"), pl.lit("-"), head_names.gather(head)),
        kit_of=pl.lit(-1, pl.Int64),
        pack=pl.Series(pack.astype(np.int64)),
        cost=pl.Series(np.round(price, 5)),
    )


def kits_of(seed: int, bolts: pl.DataFrame, count: int) -> pl.DataFrame:
    rng = stream(seed, "kits")
    of = np.sort(rng.choice(len(bolts), min(count, len(bolts)), replace=False))
    base = bolts[of]
    return base.with_columns(
        item=pl.Series([f"K{n:06d}" for n in range(1, len(of) + 1)]),
        description=pl.concat_str(pl.lit("Kit "), pl.col("description")),
        family=pl.lit("KIT"),
        kit_of=pl.Series(of.astype(np.int64)),
        weight_kg=(pl.col("weight_kg") * 1.15).round(5),
        cost=(pl.col("cost") * 1.6 + 0.01).round(5),
        sequence=pl.int_range(1, len(of) + 1, dtype=pl.Int64) + len(bolts),
    )


def components_of(seed: int, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bought items (wire by alloy and diameter, boxes by size, washers by diameter) and who uses how much of them."""
    wire_code = pl.concat_str(
        pl.lit("W-"),
        pl.Series([a.code for a in ALLOYS]).gather(items["alloy"]),
        pl.lit("-"),
        pl.col("diameter_mm").cast(pl.String).str.zfill(2),
    )
    plain = items.filter(pl.col("kit_of") < 0)
    kit = items.filter(pl.col("kit_of") >= 0)
    wire_code_plain = pl.concat_str(
        pl.lit("W-"),
        pl.Series([a.code for a in ALLOYS]).gather(plain["alloy"]),
        pl.lit("-"),
        pl.col("diameter_mm").cast(pl.String).str.zfill(2),
    )
    del wire_code
    wires = plain.select(
        item_index="index",
        component=wire_code_plain,
        qty_per=(pl.col("weight_kg") * 1.02).round(6),
        op_seq=pl.lit(10, pl.Int64),
        kind=pl.lit("wire"),
        alloy="alloy",
        diameter_mm="diameter_mm",
    )
    boxes = items.select(
        item_index="index",
        component=pl.concat_str(pl.lit("BOX-"), pl.col("pack").cast(pl.String)),
        qty_per=1.0 / pl.col("pack"),
        op_seq=pl.lit(70, pl.Int64),
        kind=pl.lit("box"),
        alloy=pl.lit(-1, pl.Int64),
        diameter_mm=pl.lit(0, pl.Int64),
    )
    washers = kit.select(
        item_index="index",
        component=pl.concat_str(pl.lit("WSH-M"), pl.col("diameter_mm")),
        qty_per=pl.lit(1.0),
        op_seq=pl.lit(10, pl.Int64),
        kind=pl.lit("washer"),
        alloy=pl.lit(-1, pl.Int64),
        diameter_mm="diameter_mm",
    )
    bolts_in_kits = kit.select(
        item_index="index",
        component=items["item"].gather(kit["kit_of"]),
        qty_per=pl.lit(1.0),
        op_seq=pl.lit(10, pl.Int64),
        kind=pl.lit("made"),
        alloy=pl.lit(-1, pl.Int64),
        diameter_mm="diameter_mm",
    )
    bought = pl.concat([wires, boxes, washers])
    components = (
        bought.group_by("component")
        .agg(pl.col("kind", "alloy", "diameter_mm").first())
        .sort("component")
        .with_row_index("index")
        .with_columns(pl.col("index").cast(pl.Int64))
    )
    rng = stream(seed, "suppliers")
    share = rng.choice(len(WIRE_SUPPLIERS), len(components), p=[0.45, 0.35, 0.20])
    price = pl.Series([a.price_per_kg for a in ALLOYS])
    components = components.with_columns(
        supplier=pl.when(pl.col("kind") == "wire")
        .then(pl.Series(share.astype(np.int64)))
        .when(pl.col("kind") == "box")
        .then(3)
        .otherwise(4)
        .cast(pl.Int64),
        cost=pl.when(pl.col("kind") == "wire")
        .then(price.gather(components["alloy"].clip(0)))
        .when(pl.col("kind") == "box")
        .then(0.35)
        .otherwise(0.012),
    )
    index = dict(zip(components["component"], components["index"], strict=True))
    bom = pl.concat([bought, bolts_in_kits]).with_columns(
        component_index=pl.col("component").replace_strict(index, default=-1, return_dtype=pl.Int64)
    )
    return components, bom.sort("item_index", "op_seq", "component")


def routing_of(seed: int, items: pl.DataFrame) -> pl.DataFrame:
    """Operations of every make item; run minutes per piece before sizing, batch operations with load and minutes."""
    rng = stream(seed, "routing")
    n = len(items)
    mm = items["diameter_mm"].to_numpy().astype(float)
    weight = items["weight_kg"].to_numpy()
    kit = items["kit_of"].to_numpy() >= 0
    alloy = items["alloy"].to_numpy()
    carbon = np.array([a.heat_treated for a in ALLOYS])[alloy] & ~kit
    strong = np.array([a.property_class in ("10.9", "12.9") for a in ALLOYS])[alloy]
    plated = (items["finish"].to_numpy() > 0) & ~kit
    header = np.where(mm <= 6, 0, np.where(mm <= 12, 1, 2))
    quench = np.array([a.property_class == "12.9" for a in ALLOYS])[alloy]
    pieces_min = np.clip(320 - 11 * mm + rng.uniform(-20, 20, n), 80, 300)
    point = (rng.random(n) < 0.2) & ~kit
    wc = WORK_CENTER_INDEX
    parts: list[tuple[np.ndarray, int, str, np.ndarray, np.ndarray, float, float, int]] = [
        # mask, op_seq, code, work center, run minutes a piece, load kg, load minutes, queue minutes
        (~kit, 10, "HEAD", header, 1 / pieces_min, 0, 0, 60),
        (kit, 10, "ASSY", np.full(n, wc["AS1"]), np.full(n, 1 / 55.0), 0, 0, 60),
        (point, 20, "POINT", np.full(n, wc["PT1"]), 1 / (pieces_min * 0.9), 0, 0, 60),
        (~kit, 30, "ROLL", np.full(n, wc["TR1"]), 1 / (pieces_min * 1.15), 0, 0, 60),
        (carbon & ~quench, 40, "HEAT", np.full(n, wc["FC1"]), weight * 60 / 3200, 0, 0, 120),
        (carbon & quench, 40, "HEAT", np.full(n, wc["FQ1"]), np.full(n, np.nan), FURNACE_LOAD_KG, 240, 120),
        (plated, 50, "PLATE", np.full(n, wc["PL1"]), np.zeros(n), 0, 0, 240),
        (plated & strong, 55, "BAKE", np.full(n, wc["BK1"]), np.full(n, np.nan), OVEN_LOAD_KG, 480, 60),
        (~kit, 60, "SORT", np.full(n, wc["SO1"]), np.full(n, 1 / 420.0), 0, 0, 240),
        (np.ones(n, bool), 70, "PACK", np.full(n, wc["PK1"]), np.full(n, 1 / 900.0), 0, 0, 60),
    ]
    scrap = {"HEAD": 0.006, "POINT": 0.003, "ROLL": 0.003, "HEAT": 0.002, "SORT": 0.008}
    frames = []
    for mask, seq, code, center, run, load_kg, load_min, queue in parts:
        at = np.flatnonzero(mask)
        batch = np.floor(load_kg / weight[at]).astype(np.int64) if load_kg else np.zeros(len(at), np.int64)
        rate = load_min / np.maximum(batch, 1) if load_kg else run[at]
        frames.append(
            pl.DataFrame(
                {
                    "item_index": at,
                    "op_seq": np.full(len(at), seq),
                    "operation_code": [code] * len(at),
                    "wc": center[at].astype(np.int64),
                    "run_min_per_unit": rate,
                    "batch_max": batch,
                    "batch_minutes": np.full(len(at), load_min),
                    "scrap": np.full(len(at), scrap.get(code, 0.0)),
                    "queue_min": np.full(len(at), queue),
                    "external_days": np.where(code == "PLATE", rng.integers(3, 6, len(at)), 0),
                },
                schema_overrides={
                    "batch_minutes": pl.Int64,
                    "op_seq": pl.Int64,
                    "queue_min": pl.Int64,
                    "external_days": pl.Int64,
                },
            )
        )
    return pl.concat(frames).sort("item_index", "op_seq")
