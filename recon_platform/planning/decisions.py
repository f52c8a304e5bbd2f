"""Decisions people made, applied to the tables a plan reads.

An approved move carries its change as data: rows to set, add or remove in named tables. Trying a move out and planning
after it was approved go through this same code, so the effect that was shown is the effect that is had.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, wraps
from itertools import groupby
from typing import Any, TypeVar

import polars as pl

from recon_platform.tables.asked import laid_over
from recon_platform.tables.context import PlanContext
from recon_platform.tables.governance import DECISIONS_IN_FORCE
from recon_platform.tables.model import Frames
from recon_platform.tables.reuse import Reuse

Change = Mapping[str, Any]
"""`{"verb": "set" | "add" | "remove", "table": …, "where": {column: value}, "values": {column: value}}`.

In `where` a value is matched exactly; `{"from": a, "to": b}` matches a ≤ value < b. The verb `grant` changes no table:
`{"verb": "grant", "grant": {…}}` allows the scheduler what it may not do by itself (overtime, a sibling, the fence).
"""

Result = TypeVar("Result")

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


def apply_changes(frames: Frames, changes: Sequence[Change]) -> Frames:
    """`frames` with `changes` made, in order. Untouched tables are the same objects, and are not asked for."""
    return Made(changes).of(frames)


class Made:
    """Changes made to tables, each table once: stages of one plan ask for the same tables one after the other."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes: dict[str, list[Change]] = {}
        self._known: dict[str, tuple[pl.DataFrame, pl.DataFrame]] = {}
        for change in changes:
            if change["verb"] != "grant":
                self._changes.setdefault(str(change["table"]), []).append(change)

    def of(self, frames: Frames) -> Frames:
        """`frames` with the changes made. A change of a table that is not among them concerns others."""
        changed: dict[str, pl.DataFrame] = {}
        for table, changes in self._changes.items():
            if table in frames:
                known = self._known.get(table)
                if known is None or known[0] is not frames[table]:
                    known = self._known[table] = frames[table], _changed(table, frames[table], changes)
                changed[table] = known[1]
        return laid_over(frames, changed) if changed else frames


def _changed(table: str, frame: pl.DataFrame, changes: Sequence[Change]) -> pl.DataFrame:
    for verb, alike in groupby(changes, key=lambda change: change["verb"]):
        if verb == "add":
            frame = pl.concat([frame, _rows(table, frame.schema, [change["values"] for change in alike])])
            continue
        for change in alike:
            if verb == "set":
                frame = _set(table, frame, change["where"], change["values"])
            elif verb == "remove":
                frame = frame.filter(~_matches(table, frame, change["where"]))
            else:
                raise ChangeError(f"change of {table}: expected verb set, add, remove or grant, found {verb!r}")
    return frame


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


def decided(
    run: Callable[..., Result], kinds: Sequence[str] = APPLIED_KINDS, made: Made | None = None
) -> Callable[..., Result]:
    """A stage that sees its tables with the decisions in force applied, of `kinds` alone.

    `made`: these decisions, where stages of one plan share them.
    """

    @wraps(run)
    def run_decided(frames: Frames, context: PlanContext, *shared: Reuse) -> Result:
        changes = made or Made(changes_in_force(frames.get("decisions_in_force"), kinds))
        return run(changes.of(frames), context, *shared)

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


def _rows(table: str, schema: pl.Schema, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows of `values` as a frame of `schema`; what is not named is null."""
    for name in {name: None for values in rows for name in values}:
        _dtype(table, schema, name)
    made = [{name: _value(table, name, value, schema[name]) for name, value in values.items()} for values in rows]
    for name, value in ((name, value) for values in made for name, value in values.items()):
        if schema[name] == pl.String and not isinstance(value, str | None):
            raise ChangeError(f"change of {table}.{name}: expected {schema[name]}, found {value!r}")
    try:
        return pl.DataFrame(made, schema=schema)
    except (TypeError, pl.exceptions.PolarsError) as error:
        expected = ", ".join(f"{name} {schema[name]}" for name in made[0])
        raise ChangeError(f"change of {table}: expected {expected}, found {made[0]!r}") from error


def _dtype(table: str, schema: pl.Schema, column: str) -> pl.DataType:
    if column not in schema:
        raise ChangeError(f"change of {table}: no column {column!r}; it has {', '.join(schema)}")
    return schema[column]


def _literal(table: str, column: str, value: Any, dtype: pl.DataType) -> pl.Expr:
    """`value` (as JSON holds it: dates and instants as ISO text) as a literal of the column's type."""
    return pl.lit(_value(table, column, value, dtype), dtype=dtype)


def _value(table: str, column: str, value: Any, dtype: pl.DataType) -> Any:
    """`value` as a column of `dtype` holds it; ISO text is read."""
    if isinstance(value, float) and dtype.is_integer():
        return int(value)
    if not isinstance(value, str) or dtype == pl.String:
        return value
    try:
        return _read(value, dtype)
    except pl.exceptions.PolarsError as error:
        raise ChangeError(f"change of {table}.{column}: expected {dtype}, found {value!r}") from error


@lru_cache(maxsize=4096)
def _read(text: str, dtype: pl.DataType) -> Any:
    series = pl.Series([text])
    if isinstance(dtype, pl.Datetime):
        parsed = series.str.to_datetime(time_unit="us", time_zone="UTC")
    elif dtype == pl.Date:
        parsed = series.str.to_date()
    else:
        parsed = series.cast(dtype)
    return parsed.item()
