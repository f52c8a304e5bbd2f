"""Corrections of orders in an ERP that has workflows of its own: close and cancel, checked before and read again after.

What books stock or cost (quantities, components) is not done from outside: it is refused, and a person enters it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recon_platform.connectors.model_door import RefusedError
from recon_platform.connectors.write_back import Write, WriteAnswer

BECOMES = {"close": "closed", "cancel": "cancelled"}


@dataclass(frozen=True, slots=True)
class ErpOrder:
    """One order behind a door: how its status is read (as it lands), why it cannot be closed now, and the two steps."""

    system: str
    number: str
    status: Callable[[], str]
    not_closable: Callable[[], str | None]
    close: Callable[[], object]
    cancel: Callable[[], object]


def changed(write: Write, order: ErpOrder) -> WriteAnswer:
    """Carry out one `order_changes` write. What the ERP says is not believed: its order is read again."""
    change, now = str(write.content["change"]), order.status()
    wanted = BECOMES.get(change)
    if wanted is not None and now == wanted:
        return WriteAnswer(True, "known")
    why_not = _why_not(write, order, now)
    if why_not is not None:
        return WriteAnswer(False, why_not)
    try:
        (order.close if change == "close" else order.cancel)()
    except RefusedError as error:
        return WriteAnswer(False, f"refused: {order.system} says: {error}")
    after = order.status()
    if after != wanted:
        return WriteAnswer(False, f"refused: {order.system} took the call, and {order.number} is still {after}")
    return WriteAnswer(True, "written")


def _why_not(write: Write, order: ErpOrder, now: str) -> str | None:
    """Why a change must not be tried; None where it may."""
    change, read = str(write.content["change"]), write.content.get("from")
    if change not in BECOMES:
        field = write.content.get("field")
        return f"refused: {change} of {field} is booked in {order.system} by a person, not from outside"
    if read is not None and now != read:
        return f"changed: {order.number} is {now} in {order.system}, the plan read {read}"
    not_closable = order.not_closable() if change == "close" else None
    return None if not_closable is None else f"refused: {not_closable}"
