"""Keys nobody knows, and the known key each of them resembles: proposals with a score, never applied alone.

Source of the score: normalised Indel similarity (rapidfuzz `fuzz.ratio`), 0 to 100, on capitals without separators.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.keys import Register, form
from recon_platform.tables.conformed import KEY_PROPOSALS

MOST_PER_MASTER = 50  # the most frequent ones; a feed with thousands of unknown keys has another problem


def propose_keys(unknown: pl.DataFrame, registers: Mapping[str, Register], least_score: float) -> pl.DataFrame:
    """Table `key_proposals` for `unknown` (source, table, column, key, refers_to, rows).

    A proposal is made where the best known key scores at least `least_score` and better than the second best.
    """
    from rapidfuzz import fuzz, process  # noqa: PLC0415 - only needed where something is unknown

    made: list[dict[str, object]] = []
    for master, register in sorted(registers.items()):
        asked = unknown.filter(pl.col("refers_to") == master)
        if asked.is_empty() or register.keys.is_empty():
            continue
        frequent = asked.sort("rows", "key", "table", "column", descending=[True, False, False, False]).head(
            MOST_PER_MASTER
        )
        frequent = frequent.with_columns(form(pl.col("key")).alias("form"))
        known = register.keys.sort("key")
        forms, keys = known["form"].to_list(), known["key"].to_list()
        for row in frequent.iter_rows(named=True):
            best = process.extract(row["form"], forms, scorer=fuzz.ratio, score_cutoff=least_score, limit=2)
            if not best or (len(best) > 1 and best[1][1] == best[0][1]):
                continue
            made.append(
                {
                    "source": row["source"], "table": row["table"], "column": row["column"], "raw_key": row["key"],
                    "proposed_key": keys[best[0][2]], "score": float(best[0][1]),
                    "second_score": float(best[1][1]) if len(best) > 1 else None, "rows": row["rows"],
                }
            )  # fmt: skip
    if not made:
        return KEY_PROPOSALS.empty()
    return KEY_PROPOSALS.frame(made).sort(*KEY_PROPOSALS.key)
