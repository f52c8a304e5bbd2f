"""What people approved, as the checker reads it: by itself, from the decisions, not through the scheduler's reader."""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl

from recon_platform.tables.model import Frames

_SCHEMA = {
    "kind": pl.String(), "work_center": pl.String(), "work_order": pl.String(), "op_seq": pl.Int64(),
    "start": pl.String(), "end": pl.String(),
}  # fmt: skip

_AT = pl.Datetime("us", "UTC")
_NO_GRANT = pl.DataFrame(schema={**_SCHEMA, "start": _AT, "end": _AT})


def granted(frames: Frames) -> pl.DataFrame:
    """One row per grant of the approved moves: kind, work_center, work_order, op_seq, start, end (instants in UTC)."""
    decisions = frames.get("decisions_in_force")
    grants = []
    if decisions is not None:
        for value in decisions.filter(pl.col("kind") == "approved_move").get_column("value"):
            grants += [change["grant"] for change in json.loads(value).get("change", []) if change["verb"] == "grant"]
    if not grants:
        return _NO_GRANT
    rows = [{name: grant.get(name) for name in _SCHEMA} for grant in grants]
    return pl.DataFrame(rows, schema=_SCHEMA).with_columns(
        pl.col("start", "end").str.to_datetime(time_unit="us", time_zone="UTC")
    )


def pinned(frames: Frames, as_of: datetime) -> pl.DataFrame:
    """One row per operation that a decision in force at `as_of` keeps on a machine; the last decision counts."""
    decisions = frames.get("decisions_in_force")
    rows: dict[tuple[str, int], str] = {}
    if decisions is not None:
        in_force = decisions.filter(
            pl.col("kind").is_in(["pin", "override", "approved_move"])
            & (pl.col("valid_from").fill_null(as_of) <= as_of)
            & (pl.col("valid_until").is_null() | (pl.col("valid_until") > as_of))
        )
        for value in in_force.sort("decision").get_column("value"):
            for change in json.loads(value).get("change", []):
                where, machine = change.get("where") or {}, (change.get("values") or {}).get("machine")
                if change.get("table") != "work_order_operations" or change["verb"] != "set" or machine is None:
                    continue
                if "work_order" in where and "op_seq" in where:
                    rows[where["work_order"], where["op_seq"]] = machine
    keys = list(rows)
    return pl.DataFrame(
        {"work_order": [k[0] for k in keys], "op_seq": [k[1] for k in keys], "machine": list(rows.values())},
        schema={"work_order": pl.String, "op_seq": pl.Int64, "machine": pl.String},
    )
