"""What people approved, as the checker reads it: by itself, from the decisions, not through the scheduler's reader."""

from __future__ import annotations

import json

import polars as pl

from recon_platform.tables.model import Frames

_SCHEMA = {
    "kind": pl.String(), "work_center": pl.String(), "work_order": pl.String(), "op_seq": pl.Int64(),
    "start": pl.String(), "end": pl.String(),
}  # fmt: skip


def granted(frames: Frames) -> pl.DataFrame:
    """One row per grant of the approved moves: kind, work_center, work_order, op_seq, start, end (instants in UTC)."""
    decisions = frames.get("decisions_in_force")
    grants = []
    if decisions is not None:
        for value in decisions.filter(pl.col("kind") == "approved_move").get_column("value"):
            grants += [change["grant"] for change in json.loads(value).get("change", []) if change["verb"] == "grant"]
    rows = [{name: grant.get(name) for name in _SCHEMA} for grant in grants]
    return pl.DataFrame(rows, schema=_SCHEMA).with_columns(
        pl.col("start", "end").str.to_datetime(time_unit="us", time_zone="UTC")
    )
