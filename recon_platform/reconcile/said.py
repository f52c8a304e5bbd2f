"""What people said about findings: a lock (the finding is wrong, or unwanted) or an approval (it is right).

A decision on a case names every finding it was taken on in its value; one on a single finding names it as its subject.
"""

from __future__ import annotations

import json

import polars as pl

from recon_platform.tables.model import Frames

LOCK, APPROVAL = "lock", "approved_move"
SAID: dict[str, pl.DataType] = {
    "decision": pl.String(), "kind": pl.String(), "finding": pl.String(), "approved_by": pl.String(),
    "valid_from": pl.Datetime("us", "UTC"), "valid_until": pl.Datetime("us", "UTC"),
}  # fmt: skip


def said(frames: Frames) -> pl.DataFrame:
    """Columns of `SAID`: one row per decision and finding (or cause) it is about, in the order of the decisions."""
    decisions = frames.get("decisions_in_force")
    if decisions is None:
        return pl.DataFrame(schema=SAID)
    mine = decisions.filter(pl.col("kind").is_in([LOCK, APPROVAL])).sort("decision")
    about = [_about(subject, value) for subject, value in mine.select("subject", "value").iter_rows()]
    named = mine.with_columns(pl.Series("finding", about, dtype=pl.List(pl.String))).explode("finding")
    return named.select(list(SAID)).cast(pl.Schema(SAID))


def _about(subject: str, value: str) -> list[str]:
    content = json.loads(value)
    findings = content.get("findings") if isinstance(content, dict) else None
    return [str(finding) for finding in findings] if findings else [subject.removeprefix("finding:")]
