"""Write `docs/tables.md` from the registry: `python -m recon_platform.tables.docs [FILE]`; a test keeps it current."""

from __future__ import annotations

import sys
from pathlib import Path

from recon_platform.tables.model import Column, Layer, Table
from recon_platform.tables.registry import SOURCE_COLUMNS, TABLES

FILE = Path(__file__).resolve().parents[2] / "docs" / "tables.md"

INTRODUCTION = """# Tables

Generated from `recon_platform/tables` by `make docs`; do not edit by hand.

One description per table is the source of the Polars schema, the Pandera checks, the check before every commit, the
column metadata in Dagster and this page. In the lake a table lies at `<lake>/<layer>/<table>` as a Delta table with
`plant`, `planning_date` and `sequence` in front, partitioned by the first two; landing tables lie as text, as they
came, under `raw`, and typed under `conformed`.

| kind | holds | in Polars | in Delta |
| --- | --- | --- | --- |
| `key` | text that names something, never a number | `String` | string |
| `text` | other text | `String` | string |
| `number` | a finite number | `Float64` | double |
| `whole` | a whole number | `Int64` | long |
| `flag` | true or false | `Boolean` | boolean |
| `day` | a date in the plant's calendar | `Date` | date |
| `instant` | a point in time, UTC | `Datetime("us", "UTC")` | timestamp |
| `clock` | a time of day in the plant's time zone | `Time` | string `HH:MM:SS.ffffff` |

`?` marks a column that may be null, ○ a table that a plant may leave out.
"""

HEADINGS: dict[Layer, tuple[str, str]] = {
    Layer.LANDING: (
        "Landing: what a plant hands over",
        "Columns as in the file. Once conformed, each table has also "
        + " and ".join(f"`{column.name}`" for column in SOURCE_COLUMNS)
        + ": the file and row it came from.",
    ),
    Layer.CONFORMED: ("Conformed: made beside the landing tables", ""),
    Layer.HISTORY: ("History: what was valid on any date", ""),
    Layer.RECONCILED: ("Reconciled: ERP and MES made to agree", ""),
    Layer.MATERIAL: ("Material: netting, pegging, messages, shortages", ""),
    Layer.CAPACITY: ("Capacity: load and schedule", ""),
    Layer.PROPOSAL: ("Proposal: what changes, and what could", ""),
    Layer.PUBLISHED: ("Published: the schedule in force", ""),
    Layer.METRICS: ("Metrics", ""),
    Layer.GOVERNANCE: ("Governance: decisions and the audit trail", ""),
    Layer.RUNS: ("Runs: steps and manifests", ""),
    Layer.TRUTH: ("Truth: of generated plants only", ""),
}


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for layer, (heading, remark) in HEADINGS.items():
        tables = [table for table in TABLES.values() if table.layer is layer]
        parts.append(f"\n## {heading}\n")
        if remark:
            parts.append(f"{remark}\n")
        if layer is Layer.LANDING:
            parts.append(_contents(tables))
        parts.extend(_table(table) for table in tables)
    return "\n".join(parts)


def _contents(tables: list[Table]) -> str:
    lines = ["| table | from | holds |", "| --- | --- | --- |"]
    lines += [
        f"| [`{t.name}`](#{t.name}){' ○' if t.optional else ''} | {(t.source or '').upper()} | {t.meaning} |"
        for t in tables
    ]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> str:
    facts = [f"Key: {', '.join(f'`{name}`' for name in table.key)}." if table.key else "No key: rows add up."]
    if table.source:
        facts.append(f"Source: {table.source.upper()}.")
    facts.append(f"Owner: {table.owner}.")
    lines = [
        f"### {table.name}{' ○' if table.optional else ''}", "", table.meaning, "", " ".join(facts), "",
        "| column | kind | unit | limits | meaning |", "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    lines += [
        f"| `{column.name}`{'?' if column.nullable else ''} | {column.kind} | {column.unit or ''} | {_limits(column)} "
        f"| {column.meaning} |"
        for column in table.columns
    ]
    return "\n".join(lines) + "\n"


def _limits(column: Column) -> str:
    limits = []
    if column.allowed is not None:
        limits.append(", ".join(f"`{value}`" for value in column.allowed))
    if column.above is not None:
        limits.append(f"> {column.above:g}")
    if column.minimum is not None:
        limits.append(f"≥ {column.minimum:g}")
    if column.maximum is not None:
        limits.append(f"≤ {column.maximum:g}")
    if column.refers_to is not None:
        limits.append(f"key of {column.refers_to}")
    return "; ".join(limits)


def main(arguments: list[str]) -> None:
    """Write the page to the file named, or to `docs/tables.md`."""
    target = Path(arguments[0]) if arguments else FILE
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
