"""Data findings: one form for everything a data gate says about rows that came through or tables as a whole."""

from __future__ import annotations

import polars as pl

from recon_platform.conform.gates import GATES
from recon_platform.tables.conformed import DATA_FINDINGS

CATEGORY = "RECORD_ERROR"
_NONE = DATA_FINDINGS.empty()


def found(
    frame: pl.DataFrame,
    gate: str,
    *,
    entity: pl.Expr,
    evidence: pl.Expr,
    field: str | pl.Expr | None = None,
    erp_value: pl.Expr | None = None,
    mes_value: pl.Expr | None = None,
    correction: str | pl.Expr | None = None,
    value_at_stake: pl.Expr | None = None,
    applied: bool = False,
) -> pl.DataFrame:
    """One finding of `gate` per row of `frame`; severity, entity type and mode are the catalogue's.

    `evidence` is a struct expression and becomes JSON. The finding's identity is `gate:entity[:field]`.
    """
    if frame.is_empty():
        return _NONE
    rule = GATES[gate]
    null = pl.lit(None, pl.String)
    named = pl.lit(field, pl.String) if field is None or isinstance(field, str) else field.cast(pl.String)
    said = (
        pl.lit(correction, pl.String)
        if correction is None or isinstance(correction, str)
        else correction.cast(pl.String)
    )
    made = frame.select(
        pl.lit(gate).alias("rule"),
        pl.lit(rule.version).alias("rule_version"),
        pl.lit(rule.severity).alias("severity"),
        pl.lit("auto_overlay" if applied else rule.mode).alias("mode"),
        pl.lit(rule.entity_type).alias("entity_type"),
        entity.cast(pl.String).fill_null("").alias("entity"),
        named.alias("field"),
        (null if erp_value is None else erp_value.cast(pl.String)).alias("erp_value"),
        (null if mes_value is None else mes_value.cast(pl.String)).alias("mes_value"),
        said.alias("correction"),
        pl.lit(applied).alias("applied"),
        (pl.lit(0.0) if value_at_stake is None else value_at_stake.fill_null(0.0).clip(0.0)).alias("value_at_stake"),
        evidence.struct.json_encode().alias("evidence"),
        pl.lit(CATEGORY).alias("category"),
    )
    identity = pl.concat_str(["rule", "entity", "field"], separator=":", ignore_nulls=True)
    return DATA_FINDINGS.frame(made.with_columns(identity.alias("finding")))


def together(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """All findings, each once, sorted by identity."""
    filled = [part for part in parts if not part.is_empty()]
    if not filled:
        return DATA_FINDINGS.empty()
    order = ["finding", "erp_value", "mes_value", "evidence"]
    return (
        pl.concat(filled)
        .sort(order, nulls_last=True)
        .unique("finding", keep="first", maintain_order=True)
        .sort("finding")
    )
