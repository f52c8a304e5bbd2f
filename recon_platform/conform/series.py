"""Numbers missing from a series that is otherwise complete: a part file that did not come, an archive run too many.

Belongs here: gaps in document numbers. That single numbers are missing is ordinary (a document begun and given up) and
no finding; a run of them in the newer half of a dense series is.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.findings import found
from recon_platform.tables.conformed import DATA_FINDINGS

SERIES = (("work_orders", "work_order"), ("sales_orders", "sales_order"), ("purchase_orders", "purchase_order"))
OTHER_SERIES = 1_000  # numbers further apart belong to another number range
LEAST_NUMBERS = 100  # in the newer half
LEAST_RUN = 10
LEAST_DENSITY = 0.99  # of the newer half, without its long gaps
SHOWN = 3


def id_gaps(made: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Findings of gate `id_gap`: one per table, with how many numbers are missing and where."""
    return pl.concat([_gaps(table, made[table][column]) for table, column in SERIES])


def _gaps(table: str, keys: pl.Series) -> pl.DataFrame:
    numbers = pl.DataFrame({"key": keys.unique()}).select(
        prefix=pl.col("key").str.extract(r"^(.*?)(\d{1,15})$", 1),
        number=pl.col("key").str.extract(r"^(.*?)(\d{1,15})$", 2).cast(pl.Int64),
    )
    of_range = ["prefix", "range"]
    numbers = numbers.drop_nulls().unique().sort("prefix", "number")
    if not numbers.select((pl.col("number").diff().over("prefix") > LEAST_RUN).any()).item():
        return DATA_FINDINGS.empty()  # nearly always
    newer = (
        numbers
        .with_columns(step=pl.col("number").diff().over("prefix"))
        .with_columns(range=(pl.col("step") > OTHER_SERIES).fill_null(value=False).cum_sum().over("prefix"))
        .filter(pl.col("number") * 2 >= pl.col("number").min().over(of_range) + pl.col("number").max().over(of_range))
        .with_columns(missing=(pl.col("number").diff() - 1).over(of_range).fill_null(0))
        .with_columns(long=pl.col("missing") >= LEAST_RUN)
    )  # fmt: skip
    span = pl.col("number").max() - pl.col("number").min() + 1 - (pl.col("missing") * pl.col("long")).sum()
    dense = newer.group_by(of_range).agg(numbers=pl.len(), density=pl.len() / span).filter(
        (pl.col("numbers") >= LEAST_NUMBERS) & (pl.col("density") >= LEAST_DENSITY)
    )  # fmt: skip
    gaps = newer.filter("long").join(dense, on=of_range, how="semi").sort("prefix", "number")
    where = pl.format("{}{} to {}{}", "prefix", pl.col("number") - pl.col("missing"), "prefix", pl.col("number") - 1)
    summary = gaps.select(
        table=pl.lit(table), missing=pl.col("missing").sum(), gaps=pl.len(), where=where.head(SHOWN).str.join(", ")
    ).filter(pl.col("gaps") > 0)
    return found(
        summary, "id_gap", entity=pl.col("table"), field="key", mes_value=pl.col("missing"),
        correction=pl.format("ask the source for {}", "where"), evidence=pl.struct("table", "missing", "gaps", "where"),
    )  # fmt: skip
