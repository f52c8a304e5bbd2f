"""The list for people: what is open and matters, most urgent first.

Critical findings come first; then by the customer order lines that wait behind, then by value at stake. A group stands
where its weightiest member would: its value and its waiting lines are those of all members.
"""

from __future__ import annotations

import polars as pl

from recon_platform.reconcile.groups import material
from recon_platform.tables.context import PlanContext


def rank(findings: pl.DataFrame, context: PlanContext) -> pl.DataFrame:
    """`findings` (with `group`, `severity`) with `rank`; null where nobody has to look tonight.

    A finding of low or medium severity with little value and nobody waiting behind stays open without a rank, unless
    its group as a whole matters.
    """
    case = pl.coalesce("group", "work_order", "finding")
    rows = findings.filter(pl.col("state") == "open").with_columns(case=case)
    cases = rows.group_by("case").agg(
        urgent=(pl.col("severity") == "critical").any(),
        behind=pl.col("orders_behind").max(),
        weight=pl.col("value_at_stake").sum(),
        matters=material(context).any()
        | (pl.col("value_at_stake").sum() >= context.policy.reconciliation.attention_value),
    )
    ordered = (
        rows.join(cases.filter("matters"), on="case", how="inner")
        .sort(
            ["urgent", "behind", "weight", "case", "value_at_stake", "finding"],
            descending=[True, True, True, False, True, False],
        )
        .with_row_index("rank", offset=1)
        .select("finding", pl.col("rank").cast(pl.Int64))
    )
    return findings.join(ordered, on="finding", how="left", maintain_order="left")
