"""What an agent may ask to be changed: a short list of values of orders, never rules, rights, parameters or grants.

A planning parameter goes through `recon rules propose` with a backtest; overtime, siblings and the fence are granted by
moves that the platform itself measures. So an agent's change names one row of an order and the value it should have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from recon_platform.tables.model import Frames, Kind
from recon_platform.tables.registry import output_table

MOST = 20  # changes in one request


@dataclass(frozen=True, slots=True)
class Changeable:
    """A table of the plan: the columns that name a row, those an agent may set, and what that means."""

    where: tuple[str, ...]
    values: tuple[str, ...]
    meaning: str


CHANGEABLE: dict[str, Changeable] = {
    "work_order_operations": Changeable(("work_order", "op_seq"), ("machine",), "keep an operation on a machine"),
    "reconciled_orders": Changeable(("work_order",), ("due_date",), "give a work order another due date"),
    "sales_orders": Changeable(
        ("sales_order", "line"), ("promised_date", "qty"), "promise a customer line for another day or quantity"
    ),
    "purchase_orders": Changeable(
        ("purchase_order", "line"),
        ("promised_date", "qty"),
        "let a purchase arrive on another day or in another quantity",
    ),
}


class ChangeRefusedError(ValueError):
    """A change that is not on the list, or that names a row or value which is not there."""


def change(table: str, where: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """One change in the form that plans read; ChangeRefusedError unless `CHANGEABLE` lists it."""
    allowed = CHANGEABLE.get(table)
    if allowed is None:
        raise ChangeRefusedError(f"table: expected one of {', '.join(CHANGEABLE)}, found {table!r}")
    if set(where) != set(allowed.where):
        raise ChangeRefusedError(
            f"{table}: where has to name exactly {', '.join(allowed.where)}, found {', '.join(sorted(where)) or 'nothing'}"
        )
    strange = sorted(set(values) - set(allowed.values))
    if strange or not values:
        raise ChangeRefusedError(
            f"{table}: an agent may set {', '.join(allowed.values)}, found {', '.join(strange) or 'nothing'}"
        )
    described = output_table(table)
    for name, value in (*where.items(), *values.items()):
        _check(table, name, described.column(name).kind, value)
    return {"verb": "set", "table": table, "where": dict(where), "values": dict(values)}


def find(frames: Frames, changes: Sequence[Mapping[str, Any]]) -> None:
    """Raise ChangeRefusedError unless every change names exactly one row, so that none silently does nothing."""
    if not 0 < len(changes) <= MOST:
        raise ChangeRefusedError(f"expected 1 to {MOST} changes, found {len(changes)}")
    for asked in changes:
        rows = frames[asked["table"]].filter(*(pl.col(name) == value for name, value in asked["where"].items())).height
        if rows != 1:
            named = ", ".join(f"{name} {value}" for name, value in asked["where"].items())
            raise ChangeRefusedError(f"{asked['table']}: expected one row with {named}, found {rows}")


def machines_only(changes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the changes only keep operations on machines: then the request is a pin, else an override."""
    return all(asked["table"] == "work_order_operations" for asked in changes)


def _check(table: str, name: str, kind: Kind, value: Any) -> None:
    expected = {
        Kind.KEY: "text", Kind.TEXT: "text", Kind.NUMBER: "a number above 0", Kind.WHOLE: "a whole number",
        Kind.DAY: "a day as YYYY-MM-DD",
    }[kind]  # fmt: skip
    right = {
        Kind.KEY: isinstance(value, str), Kind.TEXT: isinstance(value, str),
        Kind.NUMBER: isinstance(value, int | float) and not isinstance(value, bool) and value > 0,
        Kind.WHOLE: isinstance(value, int) and not isinstance(value, bool),
        Kind.DAY: isinstance(value, str) and _is_day(value),
    }[kind]  # fmt: skip
    if not right:
        raise ChangeRefusedError(f"{table}.{name}: expected {expected}, found {value!r}")


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
