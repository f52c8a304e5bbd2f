"""Rows that came twice: by content, and by natural key with other content.

Belongs here: which of several equal rows stays. The choice depends on content only, never on the order of rows.
A table without a key is one whose rows add up: there two equal ERP rows are two postings and both stay; two equal MES
rows carry the same instant to the second, which is one message sent twice.
"""

from __future__ import annotations

import polars as pl

from recon_platform.conform.sheet import ID, Sheet

KEEP_EQUAL_ROWS = frozenset({"inventory", "master_schedule", "allocations", "receipts", "material_issues", "shipments"})


def refuse_duplicates(sheet: Sheet) -> None:
    """Refuse all but one of the rows that say the same, and all but one of those that share a key but differ."""
    frame, table = sheet.frame, sheet.table
    if frame.height < 2 or (not table.key and table.name in KEEP_EQUAL_ROWS):
        return
    content = list(table.column_names)
    keys = list(table.key) or content
    if not frame.select(
        pl.struct(keys).is_duplicated().any() if len(keys) > 1 else pl.col(keys[0]).is_duplicated().any()
    ).item():
        return
    shared = frame.filter(pl.struct(keys).is_duplicated()).sort(
        *content, ID, descending=[*([True] * len(content)), False], nulls_last=True
    )
    where = sheet.raw.select(ID, pl.format("row {} of {}", "_row", "_file").alias("_where"))
    shared = shared.join(where, on=ID, how="left", maintain_order="left").with_columns(
        pl.col(ID).first().over(keys).alias("_kept"), pl.col("_where").first().over(keys).alias("_kept_at"),
        pl.struct(content).first().over(keys).alias("_kept_content"),
    )  # fmt: skip
    same = pl.struct(content) == pl.col("_kept_content")
    extra = pl.col(ID) != pl.col("_kept")
    at = pl.col("_kept_at")
    equal = sheet.reasons(
        extra & same, None, "the same row came before: see value", "low", "duplicate_row", frame=shared, value=at
    )
    key = ", ".join(table.key)
    other = sheet.reasons(
        extra & ~same, key, f"another row has the same {key} and other values: see value", "high", "duplicate_key",
        frame=shared, value=at,
    )  # fmt: skip
    sheet.note(pl.concat([equal, other]))
