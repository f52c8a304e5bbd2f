"""A value study: one world under every policy, cells run once, a killed study goes on, the page says what was found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from recon_platform.lake import Lake
from recon_platform.metrics.payback import WEEKS_A_YEAR, UnitCosts
from recon_platform.metrics.programme import LEVER_SCHEMA
from recon_platform.nights import value_study
from recon_platform.nights.value_cell import run_cell
from recon_platform.nights.value_charts import COLOURS
from recon_platform.nights.value_claims import CLAIMS, Found, held_against
from recon_platform.nights.value_findings import by_world, differences, gains, means, promised_and_kept, worth
from recon_platform.nights.value_measured import Cell, Result
from recon_platform.nights.value_platform import BY_DUE, VARIANTS, PlatformDecider, asked_about
from recon_platform.nights.value_programme import PULLED, as_measures
from recon_platform.nights.value_report import BEGIN, END, write_report
from recon_platform.nights.value_study import (
    BY_DUE_WORKS,
    MEASURED,
    cells_of,
    finished,
    measures,
    pulled,
    rows_of,
    run_study,
    take_over,
)
from recon_platform.plantsim.executing import begin, land
from recon_platform.plantsim.parameters import plant_named
from recon_platform.tables.metrics import VALUE_MEASURES
from recon_platform.tables.registry import TABLES


def rows(
    policy: str, seed: int, values: dict[str, tuple[float, float | None]], weeks: tuple[int, ...] = (4, 5)
) -> pl.DataFrame:
    made = [
        {
            "cell": f"fastener/{seed}/{policy}", "part": "main", "works": "fastener", "orders": 100, "weeks": 5,
            "seed": seed, "policy": policy, "week": week, "metric": metric, "numerator": n, "denominator": d,
        }
        for week in weeks
        for metric, (n, d) in values.items()
    ]  # fmt: skip
    return VALUE_MEASURES.frame(made)


def world(policy: str, seed: int, kept: float, chased: float, hours: float) -> pl.DataFrame:
    return rows(
        policy, seed,
        {"otif_first_promised": (kept, 100.0), "expedites": (chased, 50.0), "overtime_hours": (hours, None),
         "premium_freight": (10.0, None)},
    )  # fmt: skip


@pytest.fixture
def found() -> pl.DataFrame:
    return pl.concat(
        [
            world("as_is", 1, 60, 20, 30), world("as_is", 2, 64, 20, 30), world("as_is", 3, 59, 22, 30),
            world("platform", 1, 80, 10, 40), world("platform", 2, 83, 11, 20), world("platform", 3, 80, 12, 30),
        ]
    )  # fmt: skip


def test_values_are_pooled_over_measured_weeks_and_differences_are_paired(found: pl.DataFrame) -> None:
    early = rows("as_is", 1, {"otif_first_promised": (0.0, 100.0)}, weeks=(1, 2, 3))
    worlds = by_world(pl.concat([found, early]))
    table = means(worlds, ["as_is", "platform"])
    assert table.filter(metric="otif_first_promised").row(0)[1:] == pytest.approx((0.61, 0.81))
    assert table.filter(metric="expedites").row(0)[1:] == pytest.approx((124 / 3, 22.0))
    made = {one.metric: one for one in differences(worlds, "platform", "as_is")}
    gain = made["otif_first_promised"]
    assert (gain.of.count, gain.of.mean, gain.verdict) == (3, pytest.approx(0.20), "better")
    assert gain.of.half == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)  # 0.20, 0.19, 0.21
    assert made["expedites"].verdict == "better"
    assert made["overtime_hours"].verdict == "open"
    assert gains(worlds)["platform"].to_list() == pytest.approx([0.80, 0.83, 0.80])


def test_a_worse_measure_is_called_worse(found: pl.DataFrame) -> None:
    made = {one.metric: one for one in differences(by_world(found), "as_is", "platform")}
    assert made["otif_first_promised"].verdict == "worse"
    assert made["expedites"].verdict == "worse"


def test_money_is_of_a_mean_week_of_worlds_that_have_both(found: pl.DataFrame) -> None:
    alone = world("platform", 9, 0, 50, 500)
    made = worth(pl.concat([found, alone]), "platform", "as_is", UnitCosts(late_line=10, expedite=20, overtime_hour=30))
    assert made is not None
    assert made.late_lines == pytest.approx(20 * 10 * WEEKS_A_YEAR)
    assert made.expedites == pytest.approx((62 - 33) / 3 * 20 * WEEKS_A_YEAR)
    assert made.overtime == pytest.approx(0)
    assert made.premium_freight == pytest.approx(0)
    assert worth(alone, "platform", "as_is", UnitCosts()) is None


def test_a_study_runs_every_cell_once_and_goes_on_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def instant(cell: Cell, progress: object = None) -> Result:
        if len(ran) == 4 and "stopped" not in ran:
            ran.append("stopped")
            raise KeyboardInterrupt
        ran.append(cell.key)
        made = world(cell.policy, cell.seed, 60, 20, 30).select("week", "metric", "numerator", "denominator")
        return Result(made, 1.5, 35, 2, 0)

    monkeypatch.setattr(value_study, "run_cell", instant)
    cells = cells_of(["main", "parts"], seeds=1, weeks=5, orders=60)
    keys = list(dict.fromkeys(cell.key for _, cell in cells))
    assert run_study(tmp_path, cells, limit=2) == 2
    with pytest.raises(KeyboardInterrupt):
        run_study(tmp_path, cells)
    assert finished(Lake(str(tmp_path / "lake"))) == frozenset(keys[:4])
    assert run_study(tmp_path, cells) == len(keys) - 4
    assert run_study(tmp_path, cells) == 0
    assert [key for key in ran if key != "stopped"] == keys
    stored = measures(tmp_path)
    assert stored["cell"].n_unique() == len(keys)
    assert stored.filter((pl.col("cell") == keys[0]) & (pl.col("metric") == "cpu_seconds"))["numerator"].to_list() == [
        1.5
    ]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "value.md").write_text(f"# Value\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_report(docs, stored, len(keys) + 7)
    text = (docs / "value.md").read_text(encoding="utf-8")
    assert f"**{len(keys)} of {len(keys) + 7} cells are finished.**" in text
    assert "old" not in text
    assert text.endswith("after\n")
    first = (docs / "images" / "value.svg").read_bytes()
    write_report(docs, stored, len(keys) + 7)
    assert (docs / "images" / "value.svg").read_bytes() == first


def test_the_load_sweep_shares_its_own_load_with_the_other_parts_and_tells_gains_load_by_load(
    tmp_path: Path, found: pl.DataFrame
) -> None:
    cells = cells_of(["main", "load"], seeds=3, weeks=5, orders=60)
    shared = [cell.key for part, cell in cells if part == "load" and cell.works == "fastener"]
    assert len(shared) == 12
    assert set(shared) < {cell.key for part, cell in cells if part == "main"}
    seeds = pl.col("seed") + value_study.FIRST_SEED - 1
    busy = found.with_columns(works=pl.lit("fastener at 95%"), part=pl.lit("load"), cell="95% " + pl.col("cell"))
    (tmp_path / "value.md").write_text(f"{BEGIN}{END}", encoding="utf-8")
    write_report(tmp_path, found.with_columns(seed=seeds), 20)
    assert not (tmp_path / "images" / "value_load.svg").exists()  # one load is no sweep
    write_report(tmp_path, pl.concat([found, busy]).with_columns(seed=seeds), 20)
    drawn = (tmp_path / "images" / "value_load.svg").read_text(encoding="utf-8")
    assert all(colour in drawn for policy, colour in COLOURS.items() if policy in ("as_is", "platform"))
    text = (tmp_path / "value.md").read_text(encoding="utf-8")
    section = text.split("### By load")[1].split("###")[0]
    assert "| 80% | 3 | 0.610 |  | 0.810 |  | +0.2 ±" in section
    assert "| 95% | 3 | 0.610 |  | 0.810 |  | +0.2 ±" in section
    assert "70%" not in section


def test_a_floor_by_due_dates_runs_in_the_worlds_of_the_main_part_and_is_held_against_both(
    tmp_path: Path, found: pl.DataFrame
) -> None:
    cells = [cell for _, cell in cells_of(["main", "by_due"], seeds=5, weeks=5, orders=60)]
    mine = [replace(cell, policy="platform").key for cell in cells if cell.policy == BY_DUE]
    assert set(mine) < {cell.key for cell in cells if cell.policy == "platform"}
    assert Counter(key.split("/")[0] for key in mine) == {BY_DUE_WORKS: 5, "fastener": 3, "process": 3}
    (tmp_path / "value.md").write_text(f"{BEGIN}{END}", encoding="utf-8")
    write_report(tmp_path, found, 20)
    assert _section(tmp_path, "### A floor") == "Not run yet."
    due = pl.concat([world(BY_DUE, seed, 90, 8, 20) for seed in (1, 2, 3)]).with_columns(part=pl.lit(BY_DUE))
    write_report(tmp_path, pl.concat([found, due]).with_columns(works=pl.lit(BY_DUE_WORKS)), 20)
    section = _section(tmp_path, "### A floor")
    assert "| machining | 3 | +0.09 ±" in section
    assert "| on time in full | +3 to +7 points | machining | +29.0 ±" in section
    assert BY_DUE not in (tmp_path / "value.md").read_text(encoding="utf-8").split("### A floor")[0]


def _section(folder: Path, title: str) -> str:
    """What stands below a heading of the page, without the heading."""
    text = (folder / "value.md").read_text(encoding="utf-8").split(title)[1]
    return text.split("\n", 1)[1].split("###")[0].strip()


def test_what_was_found_stands_inside_or_beyond_what_the_field_claims(found: pl.DataFrame) -> None:
    stands = {one.claim.name: one for one in held_against(differences(by_world(found), "platform", "as_is"))}
    assert stands["on time in full"].gain == pytest.approx(0.20)
    assert stands["on time in full"].verdict == "beyond, with the whole interval"
    assert stands["expedites"].gain == pytest.approx(1 - 11 / (62 / 3), rel=1e-6)
    assert stands["premium freight"].verdict == "below"  # none was saved
    assert "overtime" not in stands  # no share of it is measured here
    one = Found(CLAIMS[0], 0.05, 0.01)
    assert [one.verdict, replace(one, gain=0.08).verdict, replace(one, gain=0.02).verdict] == [
        "inside",
        "beyond",
        "below",
    ]


def test_a_lever_is_pulled_as_its_own_world_recommended_it_and_its_promise_is_kept_beside_what_came() -> None:
    cells = [cell for _, cell in cells_of(["programme"], seeds=2, weeks=13, orders=250)]
    assert [cell.works for cell in cells[:4]] == [
        "fastener",
        *(f"{PULLED}{lever}" for lever in ("vendor", "scrap", "records")),
    ]
    recommended = pl.DataFrame(
        [("vendor", "S300", 3.0, "days", 9, 7, 0, ""), ("vendor", "S100", 2.0, "days", 8, 2, 0, "")],
        schema=LEVER_SCHEMA, orient="row",
    )  # fmt: skip
    base, vendor, scrap, records = cells[:4]
    worlds = [(base, 20, as_measures(recommended)), (vendor, 26, as_measures(recommended.clear()))]
    found = VALUE_MEASURES.empty()
    for cell, kept, levers in worlds:
        service = pl.DataFrame(
            {"week": [5], "metric": ["otif_first_promised"], "numerator": [float(kept)], "denominator": [30.0]}
        )
        result = Result(pl.concat([levers, service], how="vertical_relaxed"), 1.0, 91, 0, 0)
        found = pl.concat([found, rows_of("programme", cell, result)])
    acted = pulled(vendor, found)
    assert acted is not None
    assert acted.key == vendor.key
    assert {one.code: one.safety_days for one in acted.parameters.suppliers}["S300"] == 4
    assert {one.code: one.safety_days for one in acted.parameters.suppliers}["S100"] == 1
    assert pulled(scrap, found) is None
    assert pulled(records, found) == records
    assert records.drift == 0.0
    assert promised_and_kept(found).select("lever", "subject", "amount", "promised", "saved").rows() == [
        ("vendor", "S300", 3.0, 7.0, 6.0)
    ]


def test_people_are_asked_about_what_the_erp_is_to_change_and_what_could_not_be_planned() -> None:
    changes = TABLES["order_changes"].empty().select("work_order")
    frames = {
        "order_changes": pl.concat([changes, pl.DataFrame({"work_order": ["WO2", None]})]),
        "unscheduled": pl.DataFrame(
            {"work_order": ["WO3", "WO2"], "reason": ["operation 35 is on hold", "no routing"]}
        ),
    }
    assert asked_about(frames) == ("WO2", "WO3")


def test_without_reconciliation_the_plan_stands_on_what_the_erp_has() -> None:
    plant = begin(orders=60, nights=7, seed=5, drift=0.05, plant=plant_named("fastener"))
    planned = {}
    for name in ("platform", "no_reconciliation"):
        decider = PlatformDecider(name)
        decider.decide(plant, land(plant))
        planned[name] = decider.frames
    reported = {name: frames["operation_status"].height for name, frames in planned.items()}
    left = {name: frames["reconciled_operations"]["remaining_qty"].sum() for name, frames in planned.items()}
    assert reported["platform"] > reported["no_reconciliation"] == 0
    assert (
        left["platform"] < left["no_reconciliation"]
    )  # what the floor has done and the ERP does not know is planned again


def test_the_measures_beside_the_page_are_all_of_them_and_a_study_goes_on_from_them(
    tmp_path: Path, found: pl.DataFrame
) -> None:
    (tmp_path / "value.md").write_text(f"{BEGIN}\n{END}", encoding="utf-8")
    (tmp_path / "images").mkdir()
    write_report(tmp_path, found, 24)
    beside = pl.read_parquet(tmp_path / MEASURED)
    assert_frame_equal(beside, found.sort(VALUE_MEASURES.key))
    assert take_over(tmp_path / "study", beside) == found["cell"].n_unique()
    assert take_over(tmp_path / "study", beside) == 0
    assert_frame_equal(measures(tmp_path / "study"), found, check_row_order=False)


def test_a_page_without_marks_is_refused(tmp_path: Path, found: pl.DataFrame) -> None:
    (tmp_path / "value.md").write_text("# Value\n", encoding="utf-8")
    with pytest.raises(ValueError, match="marks"):
        write_report(tmp_path, found, 1)


def test_unknown_parts_and_policies_are_refused() -> None:
    with pytest.raises(ValueError, match="known parts are main"):
        cells_of(["mian"], seeds=1, weeks=5, orders=60)
    with pytest.raises(ValueError, match="known policies are as_is"):
        Cell("fastener", plant_named("fastener"), 60, 1, "magic", 5)


@pytest.mark.timeout(900)  # a minute of one core, and kernels that may have to be compiled first
def test_the_platform_and_what_it_can_do_without_plan_a_world_that_as_is_meets_too(tmp_path: Path) -> None:
    """A week with everything real: nights, remedies of Friday, published schedule; the same orders fall due for all."""
    due, made = {}, {}
    for policy in ("as_is", "fair_peer", "platform", BY_DUE):
        result = run_cell(Cell("fastener", plant_named("fastener"), 60, 5, policy, 1))
        made[policy] = result.measures
        assert result.failed_nights == 0
        due[policy] = dict(
            result.measures.filter(metric="otif_first_promised").select("week", "denominator").iter_rows()
        )
        assert result.measures.filter(metric="exceptions_to_decide")["denominator"].min() > 0
    assert due["as_is"] == due["fair_peer"] == due["platform"] == due[BY_DUE]
    assert made["platform"].filter(metric="schedule_stability")["denominator"].sum() > 0
    reserve = {name: float(one.filter(metric="reserve_cost")["numerator"].sum()) for name, one in made.items()}
    assert reserve["as_is"] == reserve["fair_peer"] == 0.0 < reserve["platform"]
    assert not made["platform"].equals(made["as_is"])
    assert not made["platform"].equals(made[BY_DUE])
    assert set(VARIANTS) > {"platform"}
