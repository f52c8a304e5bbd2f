"""What the asset catalog says of every table: column lineage that names columns there are, checks, quarantine counts."""

from __future__ import annotations

import dagster as dg
import polars as pl
import pytest

from assets.catalog import derived_key, producers
from assets.checks import sent_check
from assets.definitions import build_definitions
from assets.lineage import column_lineage, quarantine_counts
from recon_platform.planning.stages import LANDING
from recon_platform.tables.history import RECORDED, history_name
from recon_platform.tables.provenance.declared import origins_of, reasons_of
from recon_platform.tables.provenance.notation import MadeFrom, origins
from recon_platform.tables.registry import TABLES, output_table, table
from recon_platform.tables.runs import PUBLISHED_SCHEDULE

# Read from the policy alone: there is no source column to lead back to.
OF_THE_POLICY = {"parameters_history", "plan_settings"}


@pytest.fixture(scope="module")
def assets() -> set[dg.AssetKey]:
    return build_definitions().get_repository_def().asset_graph.get_all_asset_keys()


def test_every_column_of_every_table_is_led_back_or_says_why_not(assets: set[dg.AssetKey]) -> None:
    for key in assets:
        layer, name = key.path
        if layer == "raw":
            continue  # the source itself
        columns = set(output_table(name).column_names)
        led_back = {column for column, deps in column_lineage(name).deps_by_column.items() if deps}
        assert led_back <= columns, name
        assert columns - led_back <= set(reasons_of(name)), (name, columns - led_back - set(reasons_of(name)))
        upstream = {dep.asset_key for deps in column_lineage(name).deps_by_column.values() for dep in deps} - {key}
        assert upstream or name in OF_THE_POLICY, name


def test_lineage_names_columns_that_exist_of_assets_that_exist(assets: set[dg.AssetKey]) -> None:
    for name in [*producers(), PUBLISHED_SCHEDULE.name]:
        for deps in column_lineage(name).deps_by_column.values():
            for dep in deps:
                layer, source = dep.asset_key.path
                columns = TABLES[source].column_names if layer == "raw" else output_table(source).column_names
                assert dep.column_name in columns, (name, source, dep.column_name)
                assert dep.asset_key in assets or dep.asset_key == derived_key("decisions_in_force"), (name, source)


def test_nothing_is_led_back_to_a_table_that_its_stage_does_not_read() -> None:
    for name, stage in producers().items():
        if name in LANDING:
            continue
        for column, made in origins_of(name).items():
            for origin in made:
                read = f"{origin.place}.{origin.table}".removeprefix(".").replace("published_schedule", "schedule")
                assert read in {*stage.reads, *stage.writes}, (name, column, read)


def test_conformed_and_history_columns_are_led_back_to_themselves() -> None:
    for name in LANDING:
        found = column_lineage(name).deps_by_column
        for column in TABLES[name].column_names:
            assert dg.TableColumnDep(dg.AssetKey(["raw", name]), column) in found[column]
    for name in RECORDED:
        found = column_lineage(history_name(name)).deps_by_column
        for column in TABLES[name].column_names:
            assert dg.TableColumnDep(dg.AssetKey(["conformed", name]), column) in found[column]


def test_a_declaration_that_does_not_fit_its_table_is_refused() -> None:
    orders = table("planned_orders")
    with pytest.raises(ValueError, match=r"nothing is said about \['qty'"):
        origins(orders, MadeFrom({"order": "items.item"}, carried="items"))
    with pytest.raises(ValueError, match=r"no columns \['weight'\]"):
        origins(orders, MadeFrom({"weight": "items.weight_kg"}))
    with pytest.raises(KeyError, match="has no column 'weight'"):
        origins(table("plan_settings"), MadeFrom({"setting": "items.weight", "value": "@policy"}))
    with pytest.raises(KeyError, match="@guess"):
        origins(table("plan_settings"), MadeFrom({"setting": "@guess", "value": "@policy"}))
    with pytest.raises(KeyError, match=r"expected table\.column"):
        origins(table("plan_settings"), MadeFrom({"setting": "last.items.item", "value": "@policy"}))


def test_a_raw_table_is_checked_against_what_its_source_sent() -> None:
    key = dg.AssetKey(["raw", "items"])
    assert sent_check(key, 5, 5).passed
    assert sent_check(key, 5, None).passed
    lost = sent_check(key, 4, 5)
    assert not lost.passed
    assert lost.severity is dg.AssetCheckSeverity.WARN
    assert {name: value.value for name, value in lost.metadata.items()} == {"rows": 4, "rows_sent": 5}


def test_quarantine_counts_are_those_of_the_night() -> None:
    counts = table("row_counts").frame([{"table": "items", "rows_in": 5, "rows_out": 3, "rows_quarantined": 2}])
    row = {"table": "items", "source": "erp", "file": "items.csv", "reason": "no", "severity": "high", "reasons": 1}
    refused = table("quarantine").frame([{**row, "row": n, "gate": gate} for n, gate in enumerate(["a", "b"])])
    made = quarantine_counts("items", {"row_counts": counts, "quarantine": refused})
    assert {name: value.value for name, value in made.items()} == {
        "rows_in": 5, "rows_quarantined": 2, "quarantined_by_gate": {"a": 1, "b": 1},
    }  # fmt: skip
    assert quarantine_counts("findings", {"row_counts": counts, "quarantine": refused}) == {}
    assert quarantine_counts("items", {"items": pl.DataFrame()}) == {}
