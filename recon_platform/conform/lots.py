"""Lots resolved to their root: from which first lot each one, however often split, descends.

Belongs here: genealogy as far as a lot's ancestors go. A lot with several parents (a merge) has several roots. A lot
that descends from itself has no root; it is reported as such.
"""

from __future__ import annotations

import polars as pl

from recon_platform.tables.conformed import LOT_ROOTS

DEEPEST = 64


def lot_roots(lots: pl.DataFrame) -> pl.DataFrame:
    """Table `lot_roots`: one row per lot and root, with the number of splits between them; lots on a loop left out."""
    known = pl.concat([lots["lot"], lots["parent_lot"].drop_nulls().rename("lot")]).unique().sort()
    parents = lots.filter(pl.col("parent_lot").is_not_null()).select("lot", "parent_lot").unique()
    made: list[pl.DataFrame] = []
    here = pl.DataFrame({"lot": known, "at": known}).with_columns(pl.lit(0, pl.Int64).alias("depth"))
    for _ in range(DEEPEST):
        if here.is_empty():
            break
        made.append(here.join(parents, left_on="at", right_on="lot", how="anti"))
        here = (
            here.join(parents, left_on="at", right_on="lot", how="inner")
            .select("lot", pl.col("parent_lot").alias("at"), pl.col("depth") + 1)
            .filter(pl.col("lot") != pl.col("at"))
            .unique()
        )
    if not made:
        return LOT_ROOTS.empty()
    rows = pl.concat(made).group_by("lot", "at").agg(pl.col("depth").min()).rename({"at": "root"})
    return LOT_ROOTS.frame(rows).sort(*LOT_ROOTS.key)


def looping_lots(lots: pl.DataFrame, roots: pl.DataFrame) -> pl.DataFrame:
    """Lots that have no root because they descend from themselves: lot, parents."""
    with_parent = lots.filter(pl.col("parent_lot").is_not_null()).join(
        roots.select("lot").unique(), on="lot", how="anti"
    )
    return (
        with_parent.group_by("lot")
        .agg(pl.col("parent_lot").unique().sort().str.join(", ").alias("parents"))
        .sort("lot")
    )
