"""Factors between units: physics exactly, packages only by what the plant says, never a guessed 1."""

from __future__ import annotations

from fractions import Fraction

import pint
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recon_platform.conform.units import (
    ALIASES,
    PHYSICAL,
    canonical,
    find_factors,
    item_factors,
    physical_factor,
    physical_factors,
)  # fmt: skip

TIED = [(a, b) for a, b, _ in physical_factors().rows()]


@pytest.mark.parametrize(
    ("from_uom", "to_uom", "factor"),
    [
        ("KGM", "GRM", 1000.0), ("LBR", "KGM", 0.45359237), ("INH", "MMT", 25.4), ("GLL", "LTR", 3.785411784),
        ("MIL", "H87", 1000.0), ("DZN", "C62", 12.0), ("TNE", "KGM", 1000.0), ("HUR", "MIN", 60.0),
    ],
)  # fmt: skip
def test_physics(from_uom: str, to_uom: str, factor: float) -> None:
    assert physical_factor(from_uom, to_uom) == factor


PINT = {
    "KGM": "kilogram",
    "GRM": "gram",
    "MGM": "milligram",
    "TNE": "metric_ton",
    "LBR": "pound",
    "ONZ": "ounce",
    "MTR": "meter",
    "MMT": "millimeter",
    "CMT": "centimeter",
    "DMT": "decimeter",
    "KMT": "kilometer",
    "INH": "inch",
    "FOT": "foot",
    "YRD": "yard",
    "MTK": "meter**2",
    "MMK": "millimeter**2",
    "CMK": "centimeter**2",
    "DMK": "decimeter**2",
    "FTK": "foot**2",
    "LTR": "liter",
    "MLT": "milliliter",
    "HLT": "hectoliter",
    "MTQ": "meter**3",
    "DMQ": "decimeter**3",
    "CMQ": "centimeter**3",
    "GLL": "gallon",
    "GLI": "imperial_gallon",
    "SEC": "second",
    "MIN": "minute",
    "HUR": "hour",
    "DAY": "day",
    "WEE": "week",
    "JOU": "joule",
    "KWH": "kilowatt_hour",
    "MJ": "megajoule",
    "C62": "count",
    "H87": "count",
    "EA": "count",
    "PR": "2 * count",
    "DZN": "12 * count",
    "GRO": "144 * count",
    "CEN": "100 * count",
    "MIL": "1000 * count",
    "T3": "1000 * count",
    "MIO": "1000000 * count",
}


def test_every_factor_is_pint_s() -> None:
    registry = pint.UnitRegistry(non_int_type=Fraction)
    size = {code: Fraction(registry.Quantity(text).to_base_units().magnitude) for code, text in PINT.items()}
    dimension = {code: registry.Quantity(text).dimensionality for code, text in PINT.items()}
    assert set(PINT) == set(PHYSICAL)
    assert {code: factor for code, (_, factor) in PHYSICAL.items()} == size
    assert all((PHYSICAL[a][0] == PHYSICAL[b][0]) == (dimension[a] == dimension[b]) for a in PINT for b in PINT)


def test_different_dimensions_and_packages_have_no_factor() -> None:
    assert physical_factor("KGM", "MTR") is None
    assert physical_factor("H87", "KGM") is None
    assert physical_factor("XCT", "H87") is None
    assert physical_factor("XCT", "XCT") == 1.0


@given(st.sampled_from(TIED), st.floats(1e-6, 1e9))
def test_a_round_trip_is_exact(pair: tuple[str, str], quantity: float) -> None:
    there, back = physical_factor(*pair), physical_factor(pair[1], pair[0])
    assert there is not None
    assert back is not None
    assert quantity * there * back == pytest.approx(quantity, rel=1e-9)


def test_every_alias_leads_to_a_code_and_codes_stand_for_themselves() -> None:
    written = pl.DataFrame({"uom": [*ALIASES, *PHYSICAL, " ea ", "pcs.", "tsd", "Rolle"]})
    codes = dict(written.select("uom", code=canonical(pl.col("uom"))).rows())
    assert all(codes[alias] == code for alias, code in ALIASES.items() if alias not in PHYSICAL)
    assert all(codes[code] == code for code in PHYSICAL)
    assert (codes[" ea "], codes["pcs."], codes["tsd"], codes["Rolle"]) == ("EA", "H87", "MIL", "ROLLE")


def _factors(*rows: tuple[str | None, str, str, float], weight: float | None = None) -> pl.DataFrame:
    schema = {"item": pl.String, "from_uom": pl.String, "to_uom": pl.String, "factor": pl.Float64}
    conversions = pl.DataFrame(rows, schema=schema, orient="row")
    items = pl.DataFrame(
        {"item": ["A"], "uom": ["H87"], "weight_kg": [weight]}, schema_overrides={"weight_kg": pl.Float64}
    )
    return item_factors(conversions, items)


def _find(item: str, from_uom: str, factors: pl.DataFrame, base: str = "H87") -> float | None:
    wanted = pl.DataFrame({"item": [item], "from_uom": [from_uom], "base_uom": [base]})
    return find_factors(wanted, factors)["factor"][0]  # type: ignore[no-any-return]


def test_item_factors_chain_with_physics_and_each_other() -> None:
    factors = _factors(("A", "XBX", "XCT", 10.0), ("A", "XCT", "MIL", 0.5), weight=0.01)
    assert _find("A", "XCT", factors) == pytest.approx(500.0)
    assert _find("A", "XBX", factors) == pytest.approx(5000.0)
    assert _find("A", "GRM", factors) == pytest.approx(0.1)
    assert _find("A", "TNE", factors) == pytest.approx(100_000.0)


def test_a_missing_factor_is_missing() -> None:
    factors = _factors(("A", "XBX", "H87", 10.0))
    assert _find("A", "XCT", factors) is None
    assert _find("B", "XBX", factors) is None
    assert _find("B", "KGM", factors) is None


def test_a_general_factor_holds_for_every_item_but_the_item_s_own_goes_first() -> None:
    factors = _factors((None, "XBX", "H87", 100.0), ("A", "XBX", "H87", 10.0))
    assert _find("A", "XBX", factors) == 10.0
    assert _find("B", "XBX", factors) == 100.0
