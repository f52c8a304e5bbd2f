"""Decisions people made, applied to the tables a plan reads.

An approved move carries its change as data: rows to set, add or remove in named tables. Trying a move out and planning
after it was approved go through this same code, so the effect that was shown is the effect that is had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

import polars as pl

from recon_platform.tables.context import PlanContext
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

Change = Mapping[str, Any]
"""`{"verb": "set" | "add" | "remove", "table": …, "where": {column: value}, "values": {column: value}}`.

In `where` a value is matched exactly; `{"from": a, "to": b}` matches a ≤ value < b. The verb `grant` changes no table:
`{"verb": "grant", "grant": {…}}` allows the scheduler what it may not do by itself (overtime, a sibling, the fence).
"""

Made = TypeVar("Made")

APPLIED_KINDS = ("approved_move", "pin", "override", "parameter")


class ChangeError(ValueError):
    """A change names a table, a column or a row that is not there, or a value of the wrong type."""


def in_frozen_schedule(changes: Sequence[Change], context: PlanContext) -> bool:
    """Do `changes` touch the master schedule inside its frozen days? A change that names no day may touch any.

    Inside them the master schedule changes by the higher authority only (`master_schedule_frozen_days`, 0: never frozen).
    """
    frozen = context.policy.material.master_schedule_frozen_days
    end = (context.planning_date + timedelta(days=frozen)).isoformat()
    return frozen > 0 and any(
        day is None or str(day) < end
        for change in changes
        if change.get("table") == "master_schedule"
        for day in _schedule_days(change)
    )


def _schedule_days(change: Change) -> list[object]:
    """Days a change of the master schedule is about: of the rows it finds, and of the values it writes."""
    where, values = change.get("where", {}).get("due_date"), change.get("values", {})
    if isinstance(where, Mapping):
        where = where["from"]
    days = [] if change["verb"] == "add" else [where]
    return days + ([values["due_date"]] if "due_date" in values else [])


def apply_changes(frames: Frames, changes: list[Change]) -> dict[str, pl.DataFrame]:
    """`frames` with `changes` made, in order. Untouched tables are the same objects."""
    changed = dict(frames)
    for change in changes:
        if change["verb"] == "grant":
            continue
        table = str(change["table"])
        if table not in changed:
            continue  # a stage that does not read the table is not concerned by the change
        verb = change["verb"]
        if verb == "set":
            changed[table] = _set(table, changed[table], change["where"], change["values"])
        elif verb == "add":
            changed[table] = _add(table, changed[table], change["values"])
        elif verb == "remove":
            changed[table] = changed[table].filter(~_matches(table, changed[table], change["where"]))
        else:
            raise ChangeError(f"change of {table}: expected verb set, add, remove or grant, found {verb!r}")
    return changed


def changes_in_force(decisions: pl.DataFrame | None, kinds: Sequence[str] = APPLIED_KINDS) -> list[Change]:
    """The changes of all decisions that change a plan, of `kinds` alone, in the order of their identity."""
    if decisions is None or decisions.is_empty():
        return []
    rows = decisions.filter(pl.col("kind").is_in(kinds)).sort("decision")
    changes: list[Change] = []
    for value in rows.get_column("value"):
        changes.extend(json.loads(value).get("change", []))
    return changes


def switched_off(decisions: pl.DataFrame | None, agent: str) -> bool:
    """Whether people switched `agent` of the platform off, alone (`agent:NAME`) or with all others (`agent:*`)."""
    if decisions is None:
        return False
    switches = decisions.filter(pl.col("kind") == "switch", pl.col("subject").is_in([f"agent:{agent}", "agent:*"]))
    return any(json.loads(value).get("on") is False for value in switches.get_column("value"))


def with_trial(frames: Frames, context: PlanContext, changes: Sequence[Change]) -> dict[str, pl.DataFrame]:
    """`frames` with `changes` decided on besides what is in force: what a plan would read had they been approved."""
    trial = {
        "decision": "TRIAL", "kind": "approved_move", "subject": "trial",
        "value": json.dumps({"change": list(changes)}),
        "valid_from": context.as_of, "valid_until": None, "approved_by": "nobody", "reason": "tried out",
    }  # fmt: skip
    in_force = frames.get("decisions_in_force", DECISIONS_IN_FORCE.empty())
    return {**frames, "decisions_in_force": pl.concat([in_force, DECISIONS_IN_FORCE.frame([trial])])}


def decided(run: Callable[..., Made], kinds: Sequence[str] = APPLIED_KINDS) -> Callable[..., Made]:
    """A stage that sees its tables with the decisions in force applied, of `kinds` alone."""

    @wraps(run)
    def run_decided(frames: Frames, context: PlanContext, *shared: Reuse) -> Made:
        changes = changes_in_force(frames.get("decisions_in_force"), kinds)
        return run(apply_changes(frames, changes) if changes else frames, context, *shared)

    return run_decided


def _matches(table: str, frame: pl.DataFrame, where: Mapping[str, Any]) -> pl.Expr:
    matches, schema = pl.lit(True), frame.schema
    for column, value in where.items():
        dtype = _dtype(table, schema, column)
        if isinstance(value, Mapping):
            matches &= pl.col(column).is_between(
                _literal(table, column, value["from"], dtype), _literal(table, column, value["to"], dtype), "left"
            )
        else:
            matches &= pl.col(column).eq_missing(_literal(table, column, value, dtype))
    return matches


def _set(table: str, frame: pl.DataFrame, where: Mapping[str, Any], values: Mapping[str, Any]) -> pl.DataFrame:
    matches, schema = _matches(table, frame, where), frame.schema
    return frame.with_columns(
        pl.when(matches)
        .then(_literal(table, column, value, _dtype(table, schema, column)))
        .otherwise(pl.col(column))
        .alias(column)
        for column, value in values.items()
    )


def _add(table: str, frame: pl.DataFrame, values: Mapping[str, Any]) -> pl.DataFrame:
    schema = frame.schema  # told anew by the frame each time it is asked for
    row = frame.clear(1).with_columns(
        _literal(table, column, value, _dtype(table, schema, column)).alias(column) for column, value in values.items()
    )
    return pl.concat([frame, row])


def _dtype(table: str, schema: pl.Schema, column: str) -> pl.DataType:
    if column not in schema:
        raise ChangeError(f"change of {table}: no column {column!r}; it has {', '.join(schema)}")
    return schema[column]


def _literal(table: str, column: str, value: Any, dtype: pl.DataType) -> pl.Expr:
    """`value` (as JSON holds it: dates and instants as ISO text) as a literal of the column's type."""
    if value is None or not isinstance(value, str) or dtype == pl.String:
        return pl.lit(value, dtype=dtype)
    series = pl.Series([value])
    try:
        if isinstance(dtype, pl.Datetime):
            parsed = series.str.to_datetime(time_unit="us", time_zone="UTC")
        elif dtype == pl.Date:
            parsed = series.str.to_date()
        else:
            parsed = series.cast(dtype)
    except pl.exceptions.PolarsError as error:
        raise ChangeError(f"change of {table}.{column}: expected {dtype}, found {value!r}") from error
    return pl.lit(parsed.item(), dtype=dtype)
