"""Two real extracts through their profiles: measured facts reproduced, nothing lost, what is dirty refused with reasons."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from recon_platform.conform import conform
from recon_platform.conform.checks_floor import wrong_machine_rows
from recon_platform.connectors import read_landing
from recon_platform.connectors.files import Landing
from recon_platform.connectors.mapping import MappingReport, apply_profile
from recon_platform.planning import plan
from recon_platform.tables.context import PlanContext
from recon_platform.tables.registry import output_table
from recon_platform.tables.validation import violations
from tests.conftest import SHARED

DATA = SHARED / "data"
Night = tuple[MappingReport, Landing, dict[str, pl.DataFrame]]


def night(name: str, out: Path, **assume: str | int | bool) -> Night:
    report = apply_profile(name, DATA / name, out, assume=assume)
    landing = read_landing(out)
    day = landing.as_of.astimezone(landing.plant.zone).date()
    return (
        report,
        landing,
        conform(landing.frames, PlanContext(landing.plant, day, landing.as_of, policy=landing.policy)),
    )


@pytest.fixture(scope="module")
def adventureworks(tmp_path_factory: pytest.TempPathFactory) -> Night:
    return night("adventureworks", tmp_path_factory.mktemp("aw"))


@pytest.fixture(scope="module")
def whole_log(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The production log at its end, nothing rewound."""
    return night("production_log", tmp_path_factory.mktemp("log"), as_of="2012-04-01T00:00:00")


def facts(report: MappingReport) -> dict[str, int]:
    return {fact.name: fact.count for fact in report.facts}


def nothing_lost(made: dict[str, pl.DataFrame]) -> None:
    counts = made["row_counts"]
    assert (counts["rows_in"] == counts["rows_out"] + counts["rows_quarantined"]).all()
    assert [str(v) for name, frame in made.items() for v in violations(output_table(name), frame)] == []


def test_the_log_s_facts_are_reproduced(whole_log: Night) -> None:
    report, _, made = whole_log
    assert facts(report) == {
        "exact_duplicates": 18, "machine_disagrees": 17, "overlapping_runs": 249, "machine_rows": 2040,
        "zero_duration": 7, "midnight_starts": 347,
    }  # fmt: skip
    assert report.sources == {"log": 3081}
    assert report.tables["cycle_times"] == 3081
    nothing_lost(made)
    refused = made["quarantine"]
    assert refused["table"].unique().to_list() == ["cycle_times"]
    assert refused["gate"].to_list() == ["duplicate_row"] * 18
    assert made["cycle_times"].height == 3081 - 18


def test_the_log_s_contradictions_are_findings(whole_log: Night) -> None:
    made = whole_log[2]
    elsewhere = wrong_machine_rows(made).filter(pl.col("table") == "cycle_times")
    assert elsewhere.height == 17
    assert sorted(elsewhere["machine"].unique()) == ["Machine 15", "Machine 25"]
    of_machine = pl.col("entity").str.starts_with("Machine ")
    overlaps = made["data_findings"].filter((pl.col("rule") == "machine_overlap") & of_machine)
    assert sum(int(value) for value in overlaps["mes_value"]) == 233  # of 249: 16 were copies of the row before


def test_the_log_rewound_has_open_orders_and_says_what_it_assumed(tmp_path: Path) -> None:
    report, landing, made = night("production_log", tmp_path)
    nothing_lost(made)
    status = dict(made["work_orders"]["status"].value_counts().rows())
    assert status["in_process"] > 20
    assert made["operation_status"]["reported_at"].max() <= landing.as_of  # type: ignore[operator]
    assert made["cycle_times"]["at"].max() <= landing.as_of  # type: ignore[operator]
    assert set(landing.absent) == {"customers", "sales_orders", "bom_lines", "inventory", "purchase_orders"}
    assert "due_days" in landing.assumptions
    note = made["availability"].filter(pl.col("table") == "bom_lines").row(0, named=True)
    assert (note["present"], note["note"]) == (False, "not known: structures: requirements and shortages of components")
    assert json.loads((tmp_path / "mapping_report.json").read_text())["profile"] == report.profile


def test_adventureworks_facts_are_reproduced(adventureworks: Night) -> None:
    report, _, made = adventureworks
    assert facts(report) == {
        "short_receipts": 380, "rejected_receipts": 563, "bom_pairs_with_history": 195, "vendor_units_without_factor": 306,
        "padded_codes": 2679, "orders_without_routing": 47,
    }  # fmt: skip
    nothing_lost(made)
    pairs = made["bom_lines"].group_by("parent_item", "component_item").len().filter(pl.col("len") > 1)
    assert pairs.height == 174  # of 195: six have no parent, 15 are in ounces or inches of a piece


def test_adventureworks_dirt_is_refused_with_its_reason(adventureworks: Night) -> None:
    made = adventureworks[2]
    counts = made["quarantine"].group_by("table", "gate").len().sort("table", "gate").rows()
    assert counts == [
        ("bom_lines", "unit_missing", 101), ("purchase_orders", "unit_missing", 9), ("receipts", "key_refused", 9),
        ("work_orders", "time_damaged", 72_491),
    ]  # fmt: skip
    assert made["work_orders"].height == 100
    assert set(made["work_orders"]["status"]) == {"in_process"}
    assert made["bom_lines"]["uom"].unique().to_list() == ["EA"]
    missing = made["data_findings"].filter(pl.col("rule") == "routing_missing")
    assert missing.height == 47


def test_adventureworks_purchases_at_the_end_of_the_extract(tmp_path: Path) -> None:
    report, _, made = night("adventureworks", tmp_path, as_of="2014-12-31T00:00:00", damaged_feed=False)
    assert report.tables["purchase_orders"] == 8845
    nothing_lost(made)
    assert made["work_orders"]["status"].unique().to_list() == ["closed"]
    refused = made["quarantine"].filter(pl.col("table") == "purchase_orders")
    assert set(refused["gate"]) == {"unit_missing"}
    short = made["purchase_orders"].filter((pl.col("status") == "closed") & (pl.col("received_qty") < pl.col("qty")))
    assert 0 < short.height <= 380
    lead = made["parameter_proposals"].filter(pl.col("kind") == "lead_time")
    assert lead.height > 50


@pytest.mark.parametrize("name", ["production_log", "adventureworks"])
def test_real_inputs_run_to_a_schedule(name: str, tmp_path: Path) -> None:
    _, landing, _ = night(name, tmp_path, **({"damaged_feed": False} if name == "adventureworks" else {}))
    day = landing.as_of.astimezone(landing.plant.zone).date()
    made = plan(landing.frames, PlanContext(landing.plant, day, landing.as_of, policy=landing.policy))
    assert made["schedule"].height > 80
    assert made["unscheduled"].filter(pl.col("reason") == "").is_empty()
