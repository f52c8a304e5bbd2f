"""Units: what people and systems write to one canonical code, and the factor from any unit to an item's base unit.

Belongs here: UN/ECE Recommendation 20 common codes with pint's factors, item-specific factors, the search for a factor.
Does not belong here: which column of which table is a quantity (`quantities`).
Sources: UN/ECE Rec 20 (common codes) and Rec 21 (packages, X prefix).
A package or count unit has no factor of its own: a missing one blocks the row, it is never taken as 1.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import polars as pl

# Rec 20 common code → what it measures, and how many of that dimension's base unit it is, exactly. The values are
# pint's (a test compares every one); they stand here because reading pint's definitions costs a second per process.
PHYSICAL: dict[str, tuple[str, Fraction]] = {
    code: (dimension, Fraction(factor))
    for dimension, units in {
        "mass": {
            "KGM": "1", "GRM": "1/1000", "MGM": "1/1000000", "TNE": "1000", "LBR": "45359237/100000000",
            "ONZ": "45359237/1600000000",
        },
        "length": {
            "MTR": "1", "MMT": "1/1000", "CMT": "1/100", "DMT": "1/10", "KMT": "1000", "INH": "127/5000",
            "FOT": "381/1250", "YRD": "1143/1250",
        },
        "area": {"MTK": "1", "MMK": "1/1000000", "CMK": "1/10000", "DMK": "1/100", "FTK": "145161/1562500"},
        "volume": {
            "MTQ": "1", "LTR": "1/1000", "MLT": "1/1000000", "HLT": "1/10", "DMQ": "1/1000", "CMQ": "1/1000000",
            "GLL": "473176473/125000000000", "GLI": "454609/100000000",
        },
        "time": {"SEC": "1", "MIN": "60", "HUR": "3600", "DAY": "86400", "WEE": "604800"},
        "energy": {"JOU": "1", "KWH": "3600000", "MJ": "1000000"},
        "count": {
            "C62": "1", "H87": "1", "EA": "1", "PR": "2", "DZN": "12", "GRO": "144", "CEN": "100", "MIL": "1000",
            "T3": "1000", "MIO": "1000000",
        },
    }.items()
    for code, factor in units.items()
}  # fmt: skip

# What is written in practice → canonical code. Rec 20 codes stand for themselves.
ALIASES: dict[str, str] = {
    "KG": "KGM",
    "KILOGRAM": "KGM",
    "KILOGRAMS": "KGM",
    "G": "GRM",
    "GR": "GRM",
    "GRAM": "GRM",
    "MG": "MGM",
    "T": "TNE",
    "TO": "TNE",
    "TON": "TNE",
    "TONNE": "TNE",
    "LB": "LBR",
    "LBS": "LBR",
    "OZ": "ONZ",
    "M": "MTR",
    "METER": "MTR",
    "METRE": "MTR",
    "MM": "MMT",
    "CM": "CMT",
    "DM": "DMT",
    "KM": "KMT",
    "IN": "INH",
    "FT": "FOT",
    "YD": "YRD",
    "M2": "MTK",
    "QM": "MTK",
    "SQM": "MTK",
    "MM2": "MMK",
    "CM2": "CMK",
    "L": "LTR",
    "LT": "LTR",
    "LITER": "LTR",
    "LITRE": "LTR",
    "ML": "MLT",
    "HL": "HLT",
    "M3": "MTQ",
    "CBM": "MTQ",
    "GAL": "GLL",
    "S": "SEC",
    "SECOND": "SEC",
    "H": "HUR",
    "HR": "HUR",
    "HRS": "HUR",
    "STD": "HUR",
    "D": "DAY",
    "WK": "WEE",
    "PCE": "H87",
    "PC": "H87",
    "PCS": "H87",
    "PIECE": "H87",
    "PIECES": "H87",
    "ST": "H87",
    "STK": "H87",
    "STCK": "H87",
    "UN": "C62",
    "UNIT": "C62",
    "UNITS": "C62",
    "EACH": "EA",
    "NAR": "C62",
    "PAIR": "PR",
    "DZ": "DZN",
    "DOZ": "DZN",
    "DOZEN": "DZN",
    "HUNDRED": "CEN",
    "MPCE": "MIL",
    "TPCE": "MIL",
    "TSD": "MIL",
    "KPC": "MIL",
    "KPCS": "MIL",
    "THOUSAND": "MIL",
    "1000PC": "MIL",
    "TS": "MIL",
    "BX": "XBX",
    "BOX": "XBX",
    "CT": "XCT",
    "CTN": "XCT",
    "CARTON": "XCT",
    "CS": "XCS",
    "CASE": "XCS",
    "CAN": "XCX",
    "PAK": "XPK",
    "PK": "XPK",
    "PACK": "XPK",
    "BG": "XBG",
    "BAG": "XBG",
    "PAL": "XPX",
    "PLT": "XPX",
    "PALLET": "XPX",
    "ROL": "XRO",
    "ROLL": "XRO",
    "COIL": "XCL",
    "BTL": "XBO",
}

_WRITTEN, _CODES = pl.Series(list(ALIASES)), pl.Series(list(ALIASES.values()))

FACTOR_SCHEMA = {
    "item": pl.String,
    "from_uom": pl.String,
    "to_uom": pl.String,
    "factor": pl.Float64,
    "origin": pl.String,
}


def canonical(text: pl.Expr) -> pl.Expr:
    """The canonical code of a written unit; an unknown one stands as written, in capitals and without blanks."""
    code = text.str.strip_chars().str.to_uppercase().str.replace_all(r"[\s.]", "")
    return code.replace(_WRITTEN, _CODES)


def physical_factor(from_uom: str, to_uom: str) -> float | None:
    """How many `to_uom` one `from_uom` is, by physics alone; None between different things and for packages."""
    if from_uom == to_uom:
        return 1.0
    dimension, size = PHYSICAL.get(from_uom, (None, Fraction(1)))
    to_dimension, to_size = PHYSICAL.get(to_uom, (None, Fraction(1)))
    return float(size / to_size) if dimension is not None and dimension == to_dimension else None


@cache
def physical_factors() -> pl.DataFrame:
    """Every pair of codes that physics ties (both directions, and each to itself): `from_uom`, `to_uom`, `factor`."""
    rows = [(a, b, physical_factor(a, b)) for a in PHYSICAL for b in PHYSICAL if physical_factor(a, b) is not None]
    return pl.DataFrame(rows, schema={"from_uom": pl.String, "to_uom": pl.String, "factor": pl.Float64}, orient="row")


def item_factors(conversions: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Factors that hold for one item (item null: for all), both directions: columns of FACTOR_SCHEMA.

    From table `uom_conversions` and from the weight of one base unit (`items.weight_kg`).
    """
    given = conversions.select(
        "item", canonical(pl.col("from_uom")).alias("from_uom"), canonical(pl.col("to_uom")).alias("to_uom"), "factor",
        pl.lit("uom_conversions").alias("origin"),
    )  # fmt: skip
    weights = items.filter(pl.col("weight_kg") > 0).select(
        "item", pl.col("uom").alias("from_uom"), pl.lit("KGM").alias("to_uom"), pl.col("weight_kg").alias("factor"),
        pl.lit("weight_kg").alias("origin"),
    ).filter(pl.col("from_uom") != "KGM")  # fmt: skip
    both = pl.concat([given, weights]).cast(pl.Schema(FACTOR_SCHEMA))
    turned = both.select(
        "item",
        pl.col("to_uom").alias("from_uom"),
        pl.col("from_uom").alias("to_uom"),
        (1.0 / pl.col("factor")).alias("factor"),
        "origin",
    )
    return pl.concat([both, turned]).unique(["item", "from_uom", "to_uom"], keep="first", maintain_order=True)


def find_factors(wanted: pl.DataFrame, factors: pl.DataFrame) -> pl.DataFrame:
    """`wanted` (item, from_uom, base_uom; unique) with `factor`, null where nothing leads from one unit to the other.

    Tried in this order: the same unit; physics; the item's own factor with physics before and after it; two of the
    item's factors (box → carton → piece) with physics around; the same with factors that hold for every item.
    """
    pairs = wanted.with_columns(
        pl.when(pl.col("from_uom") == pl.col("base_uom")).then(1.0).otherwise(None).alias("factor")
    )
    physical = physical_factors().lazy()
    tied = pairs.lazy().filter(pl.col("factor").is_null()).join(
        physical.rename({"to_uom": "base_uom", "factor": "found"}), on=["from_uom", "base_uom"], how="inner"
    )  # fmt: skip
    pairs = _fill(pairs, tied)
    for own in (True, False):
        steps = factors.filter(pl.col("item").is_not_null() == own)
        if not own and not steps.is_empty():  # a general factor holds for every item, next to the item's own ones
            steps = pl.concat([steps, factors.filter(pl.col("item").is_not_null())])
        for hops in (1, 2):
            if not pairs["factor"].null_count() or steps.is_empty():
                continue
            pairs = _fill(pairs, _walk(pairs.lazy().filter(pl.col("factor").is_null()), steps.lazy(), physical, hops))
    return pairs


def _walk(missing: pl.LazyFrame, steps: pl.LazyFrame, physical: pl.LazyFrame, hops: int) -> pl.LazyFrame:
    """`missing` with `found`: physics, then `hops` item factors each followed by physics, ending in the base unit."""
    here = missing.select("item", "from_uom", "base_uom", pl.col("from_uom").alias("at"), pl.lit(1.0).alias("found"))
    here = _by_physics(here, physical)
    keyed, general = steps.filter(pl.col("item").is_not_null()), steps.filter(pl.col("item").is_null())
    for _ in range(hops):
        moved = [
            here.join(keyed, left_on=["item", "at"], right_on=["item", "from_uom"], how="inner"),
            here.join(general.drop("item"), left_on="at", right_on="from_uom", how="inner"),
        ]
        here = pl.concat(
            [
                part.select(
                    "item", "from_uom", "base_uom", pl.col("to_uom").alias("at"),
                    (pl.col("found") * pl.col("factor")).alias("found"),
                )
                for part in moved
            ]
        )  # fmt: skip
        here = _by_physics(here, physical)
    arrived = here.filter(pl.col("at") == pl.col("base_uom"))
    return arrived.sort("item", "from_uom", "base_uom", "found", nulls_last=True).unique(
        ["item", "from_uom", "base_uom"], keep="first", maintain_order=True
    )


def _by_physics(here: pl.LazyFrame, physical: pl.LazyFrame) -> pl.LazyFrame:
    tied = here.join(physical, left_on="at", right_on="from_uom", how="inner").select(
        "item", "from_uom", "base_uom", pl.col("to_uom").alias("at"), pl.col("found") * pl.col("factor")
    )
    stays = here.select("item", "from_uom", "base_uom", "at", "found")
    return pl.concat([stays, tied]).unique(["item", "from_uom", "base_uom", "at"], keep="first", maintain_order=True)


def _fill(pairs: pl.DataFrame, found: pl.LazyFrame) -> pl.DataFrame:
    keys = ["item", "from_uom", "base_uom"]
    filled = pairs.lazy().join(
        found.select(*keys, "found"), on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    return filled.select(*keys, pl.coalesce("factor", "found").alias("factor")).collect()
