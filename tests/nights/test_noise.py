"""Who makes the messages: the report adds up, edits are the habit's own, and leaving causes out is measured."""

from __future__ import annotations

import polars as pl
import pytest

from recon_platform.material.cause_shares import SELF_INFLICTED
from recon_platform.nights.noise import AS_IT_IS, CALM, HABITS, VARIANTS, Habits, edited, measure_noise, savings
from recon_platform.nights.noise_report import BEGIN, END, report_text, write_noise
from tests.material.plant import MONDAY, frames


def catalogue() -> pl.DataFrame:
    rows = [
        {
            "item": f"I{n}",
            "lead_time_days": 10,
            "lot_rule": "period",
            "lot_qty": 100.0,
            "lot_periods": 2,
            "safety_stock": 40.0,
        }
        for n in range(200)
    ]
    return frames(MONDAY, items=rows)["items"]


def test_leaving_a_habit_out_leaves_the_others_as_they_were() -> None:
    items, habits = catalogue(), Habits(0.1)
    whole = edited(items, habits, AS_IT_IS, 1, 5)
    for habit, column in zip(HABITS, ("lead_time_days", "lot_qty", "safety_stock"), strict=True):
        without = edited(items, habits, habit, 1, 5)
        assert (without[column] == items.sort("item")[column]).all()
        assert (whole[column] != items.sort("item")[column]).any()
        others = [c for c in ("lead_time_days", "lot_qty", "safety_stock") if c != column]
        assert whole.select(others).equals(without.select(others))
    assert set(edited(items, habits, CALM, 1, 5)["lot_rule"]) == {"lot_for_lot"}
    assert edited(items, habits, AS_IT_IS, 1, 0).equals(items.sort("item"))


def test_the_report_adds_up_and_says_what_each_cause_costs(tmp_path: object) -> None:
    noise = measure_noise(nights=3, orders=60, seed=1, habits=Habits(0.1))
    assert noise.shares["share"].sum() == pytest.approx(1.0)
    counts = noise.counts
    assert set(counts["variant"]) == set(VARIANTS)
    assert counts.group_by("variant").len()["len"].to_list() == [2] * len(VARIANTS)
    rows = {r["variant"]: r for r in savings(noise).iter_rows(named=True)}
    base = rows[AS_IT_IS]["caused"]
    assert base > 0 and rows[AS_IT_IS]["saved"] == 0
    assert all(r["saved"] == pytest.approx((base - r["caused"]) / base) for r in rows.values())
    assert set(noise.shares["category"]) & set(SELF_INFLICTED)
    page = tmp_path / "noise.md"  # type: ignore[operator]
    page.write_text(f"# Noise\n\n{BEGIN}\nold\n{END}\ntail\n", encoding="utf-8")
    write_noise(tmp_path, noise)  # type: ignore[arg-type]
    text = page.read_text(encoding="utf-8")
    assert report_text(noise) in text and "old" not in text and text.endswith("tail\n")
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="are missing"):
        write_noise(tmp_path, noise)  # type: ignore[arg-type]


def test_one_night_has_nothing_to_compare_with() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        measure_noise(1, 10)
