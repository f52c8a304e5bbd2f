"""Every column that is led back names a column that is there."""

from __future__ import annotations

import polars as pl

from assets.catalog import producers
from assets.lineage import column_lineage, quarantine_counts
from recon_platform.planning.stages import LANDING
from recon_platform.tables.history import RECORDED, history_name
from recon_platform.tables.registry import TABLES, output_table, table


def test_lineage_names_columns_that_exist() -> None:
    led_back = {}
    for name in producers():
        found = column_lineage(name)
        if found is None:
            continue
        led_back[name] = set(found.deps_by_column)
        assert led_back[name] <= set(output_table(name).column_names), name
        for deps in found.deps_by_column.values():
            for dep in deps:
                layer, source = dep.asset_key.path
                columns = TABLES[source].column_names if layer == "raw" else output_table(source).column_names
                assert dep.column_name in columns, (name, source, dep.column_name)
    for name in LANDING:
        assert led_back[name] == set(TABLES[name].column_names), name
    assert {history_name(name) for name in RECORDED} <= set(led_back)


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
