"""The list for people: what is open, most urgent first, by customer orders behind it and value at stake."""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.catalogue import BY_ID

SEVERITY_ORDER = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}
_SEVERITY = {name: SEVERITY_ORDER[definition.severity] for name, definition in BY_ID.items()}


def rank(findings: pl.DataFrame) -> pl.DataFrame:
    """`findings` with `group` and `rank`; null where nobody has to look."""
    urgent = pl.col("rule").replace_strict(_SEVERITY, return_dtype=pl.Int64) == 0
    weight = pl.col("value_at_stake") * (1 + pl.col("orders_behind"))
    ordered = (
        findings.filter(pl.col("state") == "open")
        .select("finding", urgent=urgent, weight=weight, behind="orders_behind")
        .sort(["urgent", "behind", "weight", "finding"], descending=[True, True, True, False])
        .with_row_index("rank", offset=1)
        .select("finding", pl.col("rank").cast(pl.Int64))
    )
    return findings.with_columns(group=pl.lit(None, dtype=pl.String)).join(
        ordered, on="finding", how="left", maintain_order="left"
    )
