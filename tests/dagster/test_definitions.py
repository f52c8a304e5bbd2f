"""The code location as a whole: what it defines, that it loads fast, and that Dagster finds it valid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.definitions import build_definitions
from assets.night_stages import night_stages
from recon_platform.tables.registry import output_table
from tests.dagster import snapshot

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_LOAD_CPU_SECONDS = 6.0
SEVEN_STAGES = (
    "raw", "conformed", "reconciled_backlog", "capacity_load", "shortages", "schedule_proposal", "published",
)  # fmt: skip


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


def test_definitions_are_those_of_the_snapshot(definitions: dg.Definitions) -> None:
    stored = json.loads(snapshot.SNAPSHOT.read_text(encoding="utf-8"))
    assert json.loads(snapshot.text(definitions)) == stored, "if meant: python -m tests.dagster.snapshot"


def test_every_asset_is_described(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    for key in graph.get_all_asset_keys():
        spec = graph.get(key)
        assert spec.description, key
        assert spec.owners, key
        assert spec.kinds, key
        assert spec.code_version, key
        assert spec.freshness_policy is not None, key
        columns = spec.metadata["dagster/column_schema"].columns
        assert all(column.description for column in columns), key


def test_the_graph_shows_the_seven_stages_from_raw_to_published(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    groups = {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    assert set(SEVEN_STAGES) <= groups
    published = dg.AssetKey(["published", "published_schedule"])
    above = _ancestors(graph, published)
    assert {graph.get(key).group_name for key in above} >= set(SEVEN_STAGES) - {"published", "metrics"}


def test_every_table_a_stage_reads_is_above_the_tables_it_makes(definitions: dg.Definitions) -> None:
    graph = definitions.get_repository_def().asset_graph
    made = {name for stage in night_stages() for name in stage.writes}
    by_table = {(key.path[0], key.path[-1]): key for key in graph.get_all_asset_keys()}
    for stage in night_stages():
        reads = {name for name in stage.reads if name in made}
        for name in stage.writes:
            above = {key.path[-1] for key in _ancestors(graph, by_table[str(output_table(name).layer), name])}
            assert reads <= above, (stage.name, name, reads - above)


def test_every_stage_table_has_a_blocking_schema_check_and_every_raw_one_a_warning(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    for key in graph.get_all_asset_keys():
        checks = list(graph.get(key).check_keys)
        raw = key.path[0] == "raw"
        assert [check.name for check in checks] == ["as_sent" if raw else "schema"], key
        assert all(graph.get_check_spec(check).blocking != raw for check in checks)


def test_an_unknown_resource_is_refused() -> None:
    with pytest.raises(ValueError, match="no resource"):
        build_definitions(lakehouse=1)


def test_loading_is_fast_and_imports_nothing_heavy() -> None:
    code = (
        "import time, sys; from assets.definitions import defs; defs.get_repository_def();"
        "slow = ('pandera', 'numba', 'deltalake', 'matplotlib', 'sqlalchemy.orm', 'pandas');"
        "heavy = [m for m in slow if m in sys.modules];"
        "print(time.process_time(), *heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    seconds, *heavy = done.stdout.split()
    assert heavy == []
    assert float(seconds) < LONGEST_LOAD_CPU_SECONDS


def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"], cwd=PROJECT, text=True,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path), "RECON_HOME": str(tmp_path)},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _ancestors(graph: dg.AssetGraph, key: dg.AssetKey) -> set[dg.AssetKey]:
    found: set[dg.AssetKey] = set()
    ahead = [key]
    while ahead:
        for parent in graph.get(ahead.pop()).parent_keys:
            if parent not in found:
                found.add(parent)
                ahead.append(parent)
    return found
