"""Asset specs, one per table, derived from the table registry and the stages of the night.

The registry says what a table is (columns, meaning, owner), the stages say what is made from what. Nothing is
described twice: a column added to a table appears in the asset catalog by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

import recon_platform
from recon_platform.planning.stages import LANDING, Stage
from recon_platform.tables.model import Column, Table
from recon_platform.tables.provenance.declared import reasons_of
from recon_platform.tables.registry import TABLES, output_table

PACKAGE = Path(recon_platform.__file__).parent

# Where the code of a stage lives; its content is the code version of the tables that the stage makes.
STAGE_PACKAGES: dict[str, tuple[str, ...]] = {
    "raw": ("connectors", "tables"),
    "conform": ("conform", "tables"),
    "history": ("conform", "tables"),
    "reconcile": ("reconcile", "tables"),
    "material": ("material", "tables"),
    "load": ("capacity", "tables"),
    "shortages": ("material", "tables"),
    "schedule": ("capacity", "planning", "tables"),
    "promises": ("planning", "tables"),
    "proposal": ("proposal", "planning", "capacity", "material", "tables"),
    "metrics": ("metrics", "tables"),
    "published": ("nights", "governance", "tables"),
}

# Landing tables that give every other landing table its keys and units: every conformed table rests on them.
KEYS_AND_UNITS: tuple[str, ...] = ("items", "item_xref", "work_center_xref", "order_xref", "uom_conversions")

DAILY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))


def raw_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", table])


@cache
def producers() -> dict[str, Stage]:
    """Which stage makes each derived table."""
    from assets.night_stages import night_stages

    return {name: stage for stage in night_stages() for name in stage.writes}


def derived_key(table: str) -> dg.AssetKey:
    """The asset key of a table that a stage makes: its layer, then its name.

    A landing table's conformed form stands under `conformed`; `decisions_in_force` under `governance`.
    """
    return dg.AssetKey([layer_of(table), table])


def layer_of(table: str) -> str:
    return "conformed" if table in LANDING else str(TABLES[table].layer)


def column_schema(table: Table) -> dg.TableSchema:
    """The columns as Dagster shows them: type, unit and meaning, limits as constraints, where no column makes them why."""
    why = reasons_of(table.name)
    return dg.TableSchema(columns=[_column(column, why.get(column.name)) for column in table.columns])


def _column(column: Column, why: str | None) -> dg.TableColumn:
    limits = [
        text
        for text in (
            None if column.allowed is None else f"one of {', '.join(column.allowed)}",
            None if column.minimum is None else f">= {column.minimum:g}",
            None if column.above is None else f"> {column.above:g}",
            None if column.maximum is None else f"<= {column.maximum:g}",
            None if column.refers_to is None else f"a key of {column.refers_to}",
        )
        if text
    ]
    made = f" Also made from: {why}." if why else ""
    return dg.TableColumn(
        column.name, str(column.kind),
        description=column.meaning + (f" Unit: {column.unit}." if column.unit else "") + made,
        constraints=dg.TableColumnConstraints(nullable=column.nullable, other=limits),
    )  # fmt: skip


@cache
def code_version(stage: str) -> str:
    """Digest of the source files behind a stage, so that Dagster marks its tables out of date when the code changes."""
    digest = hashlib.sha256()
    for package in STAGE_PACKAGES.get(stage, ("planning", "tables")):
        for path in sorted((PACKAGE / package).rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def spec(
    table: Table, key: dg.AssetKey, group: str, stage: str, deps: Iterable[dg.AssetKey], *,
    tags: dict[str, str] | None = None, kinds: frozenset[str] = frozenset({"deltalake", "polars"}),
) -> dg.AssetSpec:  # fmt: skip
    """The one place where an asset is described."""
    metadata: dict[str, Any] = {
        "dagster/column_schema": column_schema(table),
        "dagster/table_name": f"{key.path[0]}.{table.name}",
        "key": ", ".join(table.key) or "none",
    }
    return dg.AssetSpec(
        key=key, deps=sorted(set(deps)), group_name=group, owners=[f"team:{table.owner}"], kinds=set(kinds),
        description=table.meaning, code_version=code_version(stage), metadata=metadata, freshness_policy=DAILY,
        tags={"recon/stage": stage, "recon/layer": key.path[0], **(tags or {})},
    )  # fmt: skip


def raw_specs(source: str) -> list[dg.AssetSpec]:
    """Specs of the landing tables of one source system, as they came."""
    return [
        spec(
            TABLES[name], raw_key(name), "raw", "raw", (), tags={"recon/source": source},
            kinds=frozenset({"file", "deltalake"}),
        )
        for name in LANDING
        if TABLES[name].source == source
    ]  # fmt: skip


def stage_specs(stage: Stage) -> list[dg.AssetSpec]:
    """Specs of the tables a stage makes, each depending on what the stage reads of the same night."""
    return [
        spec(output_table(name), derived_key(name), stage.group, stage.name, dependencies(stage, name))
        for name in stage.writes
    ]


def dependencies(stage: Stage, table: str) -> list[dg.AssetKey]:
    """What `table` is made from, within the same night.

    A conformed landing table rests on its own raw table and on those that carry keys and units; everything else on what
    its stage reads, less what those tables were made from already: the graph keeps the shortest set of edges with the
    same lineage, so that it can be read. Tables of the run before and of the schedule in force are inputs pinned by the
    manifest, no edges of this graph: they belong to other partitions.
    """
    if stage.name == "conform":
        own = (table,) if table in LANDING else LANDING
        return [raw_key(name) for name in dict.fromkeys((*own, *KEYS_AND_UNITS)) if name in LANDING]
    reads = [name for name in stage.reads if name in producers()]
    implied = {name for read in reads for name in ancestors(read)}
    return [derived_key(name) for name in reads if name not in implied]


@cache
def ancestors(table: str) -> frozenset[str]:
    """Every derived table that `table` is made from, directly or not."""
    direct = {name for name in producers()[table].reads if name in producers()}
    return frozenset(direct.union(*(ancestors(name) for name in direct)))
