"""Asset checks, made by one factory over the table schemas: every derived table of a night has one, and it blocks.

The nights API validates a table before it commits it, so a bad table never reaches the lake; publishing verifies its
inputs again. The check is where the data team sees it: the Pandera schema of the table run on what was written, with
counts, the constraints broken and failing rows, kept as a history per partition. A raw table keeps every cell as it
came; its check compares the rows that landed with those its source says it sent, and warns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import polars as pl

    from recon_platform.tables.model import Table
    from recon_platform.tables.validation import Violation

CHECK = "schema"
SENT_CHECK = "as_sent"
FAILING_ROWS_SHOWN = 5


def check_specs(specs: Iterable[dg.AssetSpec]) -> list[dg.AssetCheckSpec]:
    """The blocking schema check of each table."""
    return [
        dg.AssetCheckSpec(
            CHECK, asset=spec.key, blocking=True,
            description="Columns, types, nulls, limits, allowed values and unique key, as the table registry has them.",
        )
        for spec in specs
    ]  # fmt: skip


def sent_specs(specs: Iterable[dg.AssetSpec]) -> list[dg.AssetCheckSpec]:
    """The check of each raw table: it landed whole."""
    return [
        dg.AssetCheckSpec(
            SENT_CHECK, asset=spec.key, blocking=False,
            description="As many rows landed as the source says it sent (`feeds.rows`); conforming reports it as a gate.",
        )
        for spec in specs
    ]  # fmt: skip


def sent_check(key: dg.AssetKey, rows: int, sent: int | None) -> dg.AssetCheckResult:
    """Whether `rows` landed of `sent`; None: the source did not say."""
    metadata: dict[str, dg.MetadataValue] = {"rows": dg.MetadataValue.int(rows)}
    if sent is not None:
        metadata["rows_sent"] = dg.MetadataValue.int(sent)
    return dg.AssetCheckResult(
        passed=sent is None or rows == sent, check_name=SENT_CHECK, asset_key=key,
        severity=dg.AssetCheckSeverity.WARN, metadata=metadata,
    )  # fmt: skip


def pandera_check(key: dg.AssetKey, table: Table, frame: pl.DataFrame) -> dg.AssetCheckResult:
    """The Pandera schema of `table` run on `frame`."""
    from pandera import errors

    try:
        table.pandera().validate(frame, lazy=True)
    except errors.SchemaErrors as error:
        return _result(key, frame.height, [_case(case) for case in error.failure_cases.to_dicts()])
    return _result(key, frame.height, [])


def violation_check(key: dg.AssetKey, rows: int, violations: Iterable[Violation]) -> dg.AssetCheckResult:
    """What the gate before the commit found, as a failed check."""
    return _result(
        key, rows,
        [
            {"column": found.column or "", "rule": found.rule, "row": row, "value": value, "count": found.count}
            for found in violations
            for row, value in zip(found.rows or ("",), found.values or ("",), strict=True)
        ],
    )  # fmt: skip


def _case(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "column": case.get("column") or "", "rule": str(case.get("check")), "row": case.get("index"),
        "value": str(case.get("failure_case")), "count": 1,
    }  # fmt: skip


def _result(key: dg.AssetKey, rows: int, cases: list[dict[str, Any]]) -> dg.AssetCheckResult:
    counts: dict[str, int] = {}
    for case in cases:
        rule = f"{case['column']}: {case['rule']}".removeprefix(": ")
        # A gate reports one rule with its total on every row shown; Pandera reports every row by itself.
        counts[rule] = case["count"] if case["count"] > 1 else counts.get(rule, 0) + 1
    metadata: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(rows), "failures": dg.MetadataValue.int(sum(counts.values())),
    }  # fmt: skip
    if cases:
        lines = ["| column | rule | row | value |", "| --- | --- | --- | --- |"]
        lines += [f"| {c['column']} | {c['rule']} | {c['row']} | {c['value']} |" for c in cases[:FAILING_ROWS_SHOWN]]
        metadata["broken"] = dg.MetadataValue.json(counts)
        metadata["failing_rows"] = dg.MetadataValue.md("\n".join(lines))
    return dg.AssetCheckResult(
        passed=not cases, check_name=CHECK, asset_key=key, severity=dg.AssetCheckSeverity.ERROR, metadata=metadata
    )
