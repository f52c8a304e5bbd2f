"""A plan as a whole: a pure function of its inputs that loses no row and reads only what it declares."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest

from recon_platform.connectors import Landing
from recon_platform.nights.context import landing_context
from recon_platform.planning import STAGES, plan, run_stage
from recon_platform.tables.model import Layer
from recon_platform.tables.registry import TABLES, output_table


@pytest.fixture(scope="module")
def planned(small_nights: list[Landing]) -> dict[str, pl.DataFrame]:
    return plan(small_nights[0].frames, landing_context(small_nights[0]))


def test_the_same_input_gives_the_same_rows(small_nights: list[Landing], planned: dict[str, pl.DataFrame]) -> None:
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in small_nights[0].frames.items()
    }
    again = plan(shuffled, landing_context(small_nights[0]))
    made = [name for stage in STAGES for name in stage.writes]
    assert [name for name in made if not again[name].equals(planned[name])] == []


def test_every_row_is_kept_or_quarantined(small_nights: list[Landing], planned: dict[str, pl.DataFrame]) -> None:
    counts = {row["table"]: row for row in planned["row_counts"].iter_rows(named=True)}
    for name, frame in small_nights[0].frames.items():
        assert counts[name]["rows_in"] == frame.height, name
        assert counts[name]["rows_in"] == counts[name]["rows_out"] + counts[name]["rows_quarantined"], name
    assert planned["row_counts"]["rows_quarantined"].sum() == planned["quarantine"].height > 0


def test_every_table_made_has_the_schema_it_is_described_with(planned: dict[str, pl.DataFrame]) -> None:
    for stage in STAGES:
        for name in stage.writes:
            assert dict(planned[name].schema) == output_table(name).schema, name
            output_table(name).pandera().validate(planned[name], lazy=True)


def test_stages_declare_every_landing_table_and_write_each_table_once() -> None:
    landing = {name for name, table in TABLES.items() if table.layer is Layer.LANDING}
    assert {name.removeprefix("raw.") for name in STAGES[0].reads} == landing | {
        "previous.deliveries",
        "decisions_in_force",
    }
    written = [name for stage in STAGES for name in stage.writes]
    assert len(written) == len(set(written))
    known: set[str] = set()
    for stage in STAGES:
        assert set(stage.required) <= known | set(STAGES[0].reads), stage.name
        known |= set(stage.writes)


def test_a_stage_without_its_inputs_says_which(planned: dict[str, pl.DataFrame], small_nights: list[Landing]) -> None:
    with pytest.raises(ValueError, match=r"stage load needs .*planned_orders"):
        run_stage(STAGES[3], {"items": planned["items"]}, landing_context(small_nights[0]))


def test_a_stage_that_makes_other_tables_than_it_declares_is_refused(small_nights: list[Landing]) -> None:
    context = landing_context(small_nights[0])
    wrong = dataclasses.replace(STAGES[3], reads=(), run=lambda frames, context: {"surprise": pl.DataFrame()})
    with pytest.raises(ValueError, match=r"made \['surprise'\] more and left out \['required_load'\]"):
        run_stage(wrong, {}, context)


def test_every_open_customer_line_has_a_promise(planned: dict[str, pl.DataFrame]) -> None:
    open_lines = planned["sales_orders"].filter(
        (pl.col("status") == "open") & (pl.col("qty") > pl.col("shipped_qty").fill_null(0))
    )
    promises = planned["order_promises"]
    assert promises.height == open_lines.height
    undated = promises.filter(pl.col("projected_ship").is_null())
    assert undated.filter(pl.col("bound_by").is_null()).is_empty()


def test_the_second_night_holds_the_hours_planned_against_the_hours_worked(
    small_nights: list[Landing], planned: dict[str, pl.DataFrame]
) -> None:
    first, second = planned["metrics"], small_nights[1]
    assert first.filter(metric="capacity_clarity").get_column("note").to_list() == ["no plan of an earlier night"]
    yesterday = landing_context(small_nights[0]).planning_date
    read = {
        name: planned[name] for name in STAGES[-1].reads
        if name in planned and name != "labour_hours"
    } | {"previous.capacity_load": planned["capacity_load"]}  # fmt: skip
    conformed = run_stage(
        STAGES[0], {f"raw.{name}": frame for name, frame in second.frames.items()}, landing_context(second)
    )
    made = run_stage(STAGES[-1], read | {"labour_hours": conformed["labour_hours"]}, landing_context(second))
    found = made["metrics"].filter(metric="capacity_clarity")
    assert set(found["scope"]) == {"plant", "work_center"} and set(found["period_end"]) == {yesterday}
    assert found.filter(scope="plant")["value"][0] > 0
