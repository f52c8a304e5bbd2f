"""What people said about findings: a lock (the finding is wrong, or unwanted) or an approval (it is right).

A decision on a case names every finding it was taken on in its value; one on a single finding names it as its subject.
It may keep how a finding stood (`as_stood`): an approval then holds while the finding says the same, and no longer.
"""

from __future__ import annotations

import json

import polars as pl

from recon_platform.tables.model import Frames

LOCK, APPROVAL = "lock", "approved_move"
STOOD = ("erp_value", "mes_value", "correction")
"""What of a finding an approval was given on, in this order."""
SAID: dict[str, pl.DataType] = {
    "decision": pl.String(), "kind": pl.String(), "finding": pl.String(), "approved_by": pl.String(),
    "valid_from": pl.Datetime("us", "UTC"), "valid_until": pl.Datetime("us", "UTC"), "stood": pl.List(pl.String),
}  # fmt: skip


def said(frames: Frames) -> pl.DataFrame:
    """Columns of `SAID`: one row per decision and finding (or cause) it is about, in the order of the decisions.

    `stood` are the values of `STOOD` when the decision was taken; null where it does not tell.
    """
    decisions = frames.get("decisions_in_force")
    if decisions is None:
        return pl.DataFrame(schema=SAID)
    mine = decisions.filter(pl.col("kind").is_in([LOCK, APPROVAL])).sort("decision")
    about = [_about(subject, value) for subject, value in mine.select("subject", "value").iter_rows()]
    told = pl.List(pl.Struct({"finding": pl.String(), "stood": SAID["stood"]}))
    named = mine.with_columns(pl.Series("about", about, dtype=told)).explode("about").unnest("about")
    return named.select(list(SAID)).cast(pl.Schema(SAID))


def _about(subject: str, value: str) -> list[dict[str, object]]:
    content = json.loads(value)
    told = content if isinstance(content, dict) else {}
    findings = [str(finding) for finding in told.get("findings") or ()] or [subject.removeprefix("finding:")]
    stood = told.get("as_stood") or {}
    return [{"finding": finding, "stood": stood.get(finding)} for finding in findings]
