"""What an exception is before anybody measured it: the change to the plan's inputs, its reason, its evidence.

Belongs here: the record and the few shapes a change takes. Which exceptions are worth a trial stands in the searches
(`supply_moves`, `capacity_moves`, `order_moves`), what they bring in `evaluate`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recon_platform.planning.decisions import Change


@dataclass(frozen=True, slots=True)
class Candidate:
    """One exception that could be taken.

    `direct_cost` is what it costs besides hours worked, in plant currency. `orders` are the late orders it is meant for.
    `claims` names what it uses up of something limited: name → (quantity, limit), as the share of a supplier's
    capacity that may still be moved. `parts` are the moves a bundle consists of.
    """

    kind: str
    subject: str
    before: str
    after: str
    changes: list[Change]
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    direct_cost: float = 0.0
    signature: bool = False
    approval: str = "supervisor"
    orders: tuple[str, ...] = ()
    claims: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


def set_row(table: str, where: Mapping[str, Any], **values: Any) -> Change:
    """Set values in the rows of `table` that match `where`."""
    return {"verb": "set", "table": table, "where": dict(where), "values": values}


def add_row(table: str, values: Mapping[str, Any]) -> Change:
    """Add a row; what is not named is null."""
    return {"verb": "add", "table": table, "values": {name: plain(value) for name, value in values.items()}}


def grant(kind: str, **facts: Any) -> Change:
    """Allow the scheduler what it may not do by itself."""
    return {"verb": "grant", "grant": {"kind": kind, **facts}}


def plain(value: Any) -> Any:
    """A value as JSON holds it: days and instants as ISO text."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def canonical_json(value: object) -> str:
    """JSON with sorted keys: the same content is the same text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
