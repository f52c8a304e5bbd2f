"""Weeks before go-live, captured once; the newest week beside them, with money at stated unit costs."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from recon_platform.connectors import read_landing
from recon_platform.lake import Lake
from recon_platform.metrics.baseline import COUNTED, last_week, value_week, weekly
from recon_platform.metrics.definitions import Period
from recon_platform.metrics.payback import UnitCosts
from recon_platform.nights.baseline import BaselineError, baseline, capture, measured, week_of
from recon_platform.nights.night import run_night
from recon_platform.planning.stages import STAGES
from recon_platform.plantsim import generate

MONDAY = date(2026, 3, 2)


def weeks_of(metric: str, counts: list[tuple[float, float | None]], first: date = date(2026, 1, 5)) -> pl.DataFrame:
    rows = [
        {
            "metric": metric, "period_start": first + timedelta(days=7 * n), "period_end": first + timedelta(days=7 * n + 6),
            "numerator": float(of), "denominator": out_of, "value": float(of if out_of is None else of / out_of), "unit": "",
        }
        for n, (of, out_of) in enumerate(counts)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"denominator": pl.Float64})


def test_a_week_is_whole_and_ends_on_the_sunday_before() -> None:
    assert last_week(MONDAY) == Period(date(2026, 2, 23), date(2026, 3, 1))
    assert last_week(MONDAY + timedelta(days=6)) == Period(date(2026, 2, 23), date(2026, 3, 1))
    assert last_week(MONDAY + timedelta(days=7)) == Period(date(2026, 3, 2), date(2026, 3, 8))


def test_the_newest_week_stands_beside_the_baseline_at_its_own_load() -> None:
    captured = pl.concat(
        [
            weeks_of("otif_first_promised", [(70, 100), (80, 100), (90, 100)]),
            weeks_of("overtime_hours", [(10, None), (14, None), (12, None)]),
        ]
    )
    now = pl.concat(
        [
            weeks_of("otif_first_promised", [(170, 200), (190, 200)], MONDAY),
            weeks_of("overtime_hours", [(30.0, None)], MONDAY),
        ]
    )
    found = {
        row["metric"]: row for row in value_week(captured, now, UnitCosts(late_line=100, overtime_hour=50)).to_dicts()
    }
    otif, hours = found["otif_first_promised"], found["overtime_hours"]
    assert (otif["value"], otif["week_before"], otif["baseline"]) == pytest.approx((0.95, 0.85, 0.8))
    assert (otif["low"], otif["high"], otif["outside"]) == (
        pytest.approx(0.8 - 0.266),
        pytest.approx(0.8 + 0.266),
        False,
    )
    assert otif["saved"] == pytest.approx((190 - 160) * 100), "thirty lines fewer late than at the baseline's rate"
    assert (hours["outside"], hours["week_before"], hours["saved"]) == (True, None, pytest.approx((12 - 30) * 50))
    alone = value_week(captured.clear(), now, UnitCosts()).filter(metric="overtime_hours").to_dicts()[0]
    assert (alone["baseline"], alone["saved"], alone["outside"], alone["baseline_weeks"]) == (None, None, None, 0)


def test_a_baseline_is_captured_once_from_what_a_night_was_handed(tmp_path: Path) -> None:
    made = generate(tmp_path / "landing", orders=60, drift=0.0)
    lake = Lake(str(tmp_path / "lake"))
    manifest = run_night(lake, read_landing(made.nights[0]), stages=STAGES[:1]).manifest
    plant = str(manifest.pins.plant["code"])
    assert baseline(lake, plant).is_empty()
    kept = capture(lake, manifest, 4, "paula")
    stored = baseline(lake, plant)
    assert (
        stored.select(COUNTED)
        .sort("metric", "period_start")
        .equals(kept.select(COUNTED).sort("metric", "period_start"))
    )
    assert stored["period_end"].max() == MONDAY - timedelta(days=1)
    assert stored.filter(metric="otif_first_promised").height >= 2
    with pytest.raises(BaselineError, match="captured once"):
        capture(lake, manifest, 2, "paula")
    week = week_of(lake, manifest)
    same = measured(lake, manifest, 1).filter(metric="otif_first_promised")
    assert week.filter(metric="otif_first_promised")["value"].to_list() == same["value"].to_list()
    assert week["baseline_weeks"].min() > 0
    with pytest.raises(ValueError, match="at least 1"):
        weekly({}, MONDAY, 0)
