"""What the plant makes and of what: bolts, kits, wires, boxes, washers, bills and routings, drawn from the seed.

Belongs here: products and how they are made. Does not belong here: how many machines stand ready for them (`world`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from recon_platform.plantsim.parameters import (
    FINISHES,
    HEADS,
    LENGTHS_PER_DIAMETER,
    Operation,
    Parameters,
)
from recon_platform.plantsim.streams import stream

STOCK_SUPPLIER_SHARE = (0.45, 0.35, 0.20)  # of the first three suppliers


def bolts_of(parameters: Parameters, seed: int, count: int) -> pl.DataFrame:
    rng = stream(seed, "items")
    materials = parameters.materials
    diameter = rng.choice(len(parameters.sizes_mm), count, p=parameters.size_share)
    alloy = rng.choice(len(materials), count, p=[a.share for a in materials])
    mm = np.array(parameters.sizes_mm)[diameter]
    length = np.round(mm * rng.choice(LENGTHS_PER_DIAMETER, count) / 5) * 5
    head = rng.integers(0, len(HEADS), count)
    carbon = np.array([a.heat_treated for a in materials])[alloy]
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
    grade = pl.Series([a.property_class for a in materials])
    pack = np.array(parameters.pack_pieces)[diameter]
    price = (weight * np.array([a.price_per_kg for a in materials])[alloy] + 0.004 + 0.00004 * mm**2) * 1.0
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


def components_of(parameters: Parameters, seed: int, items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bought items (wire by alloy and diameter, boxes by size, washers by diameter) and who uses how much of them."""
    wire_code = pl.concat_str(
        pl.lit("W-"),
        pl.Series([a.code for a in parameters.materials]).gather(items["alloy"]),
        pl.lit("-"),
        pl.col("diameter_mm").cast(pl.String).str.zfill(2),
    )
    plain = items.filter(pl.col("kit_of") < 0)
    kit = items.filter(pl.col("kit_of") >= 0)
    wire_code_plain = pl.concat_str(
        pl.lit("W-"),
        pl.Series([a.code for a in parameters.materials]).gather(plain["alloy"]),
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
    share = rng.choice(len(STOCK_SUPPLIER_SHARE), len(components), p=STOCK_SUPPLIER_SHARE)
    price = pl.Series([a.price_per_kg for a in parameters.materials])
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


def routing_of(parameters: Parameters, seed: int, items: pl.DataFrame) -> pl.DataFrame:
    """Operations of every make item; run minutes per piece before sizing, batch operations with load and minutes."""
    rng = stream(seed, "routing")
    n, mm = len(items), items["diameter_mm"].to_numpy().astype(float)
    p = parameters.pace
    pace = np.clip(p.intercept + p.slope * mm + rng.uniform(-p.spread, p.spread, n), p.low, p.high)
    has = [_concerned(parameters, operation, items) for operation in parameters.operations]
    drawn = [rng.random(n) < operation.share if operation.share < 1 else True for operation in parameters.operations]
    frames = [
        _steps(parameters, rng, items, operation, at=np.flatnonzero(mask & chosen), pace=pace)
        for mask, chosen, operation in zip(has, drawn, parameters.operations, strict=True)
    ]
    return pl.concat(frames).sort("item_index", "op_seq")


def _concerned(parameters: Parameters, operation: Operation, items: pl.DataFrame) -> np.ndarray:
    """Which items the operation is for, before any share of them is drawn."""
    kit = items["kit_of"].to_numpy() >= 0
    if operation.of == "all":
        return np.ones(len(items), bool)
    if operation.of == "kits":
        return kit
    if operation.of == "made":
        return ~kit
    alloy, materials = items["alloy"].to_numpy(), parameters.materials
    quenched = np.array([m.quenched for m in materials])[alloy]
    finished = items["finish"].to_numpy() > 0
    made: np.ndarray = (
        ~kit
        & {
            "heat_treated": np.array([m.heat_treated for m in materials])[alloy] & ~quenched,
            "quenched": quenched,
            "finished": finished,
            "baked": finished & np.array([m.baked for m in materials])[alloy],
        }[operation.of]
    )
    return made


def _steps(
    parameters: Parameters, rng: np.random.Generator, items: pl.DataFrame, operation: Operation, *, at: np.ndarray,
    pace: np.ndarray,
) -> pl.DataFrame:  # fmt: skip
    """One operation of the items `at`."""
    weight = items["weight_kg"].to_numpy()[at]
    low, high = operation.vendor_days or (3, 5)
    vendor = rng.integers(low, high + 1, len(at))
    places = np.array([parameters.center_index[code] for code in operation.work_centers], np.int64)
    if operation.up_to_mm:
        which = np.searchsorted(np.array(operation.up_to_mm), items["diameter_mm"].to_numpy()[at])
    elif len(places) > 1:
        which = rng.integers(0, len(places), len(at))
    else:
        which = np.zeros(len(at), np.int64)
    batch = np.zeros(len(at), np.int64)
    if operation.load_kg:
        batch = np.maximum(1, np.floor(operation.load_kg / weight)).astype(np.int64)
        rate = operation.load_min / batch
    elif operation.kg_per_hour is not None:
        rate = weight * 60 / operation.kg_per_hour
    elif operation.pieces_per_min is not None:
        rate = np.full(len(at), 1 / operation.pieces_per_min)
    else:
        rate = 1 / (pace[at] * operation.speed) if operation.speed else np.zeros(len(at))
    return pl.DataFrame(
        {
            "item_index": at, "op_seq": np.full(len(at), operation.seq), "operation_code": [operation.code] * len(at),
            "wc": places[which], "run_min_per_unit": rate, "batch_max": batch,
            "batch_minutes": np.full(len(at), operation.load_min), "scrap": np.full(len(at), operation.scrap),
            "queue_min": np.full(len(at), operation.queue_min),
            "external_days": vendor if operation.vendor_days else np.zeros(len(at), np.int64),
        },
        schema_overrides=dict.fromkeys(("batch_minutes", "op_seq", "queue_min", "external_days"), pl.Int64),
    )  # fmt: skip
