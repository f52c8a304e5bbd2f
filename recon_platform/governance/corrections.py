"""Corrections of the ERP: what an approval, or a rule inside its limits, sends to it.

Belongs here: the message that leaves. Which changes are proposed is `nights.corrections`; what is sent with a decision is
queued in the decision's own transaction, and its key makes a second delivery harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recon_platform.governance.outbox import Message
from recon_platform.tables.model import SIGNED

ERP = "erp"
CORRECTION, SAMPLE = "correction", "sample"
LOCKING = frozenset({"move", CORRECTION, SAMPLE})
"""Kinds of requests whose rejection keeps the same advice away for a while."""
SIGNED_BY = tuple(column.name for column in SIGNED)  # not in rows of before agents signed what they make
TOLD = ("work_order", "purchase_order", "change", "field", "from", "to", "reason")


def messages(plant: str, changes: Iterable[Mapping[str, Any]], approved_by: str | None = None) -> list[Message]:
    """One message per row of `order_changes`; `approved_by` names the person, or else the row says which rule acts."""
    return [_message(plant, change, approved_by or str(change["approved_by"])) for change in changes]


def key_of(plant: str, change: Mapping[str, Any]) -> str:
    """The key under which a change is queued: the same change of the same values is sent once."""
    return f"{plant}/{change['idempotency_key']}"


def _message(plant: str, change: Mapping[str, Any], approved_by: str) -> Message:
    key = key_of(plant, change)
    content = {name: change[name] for name in TOLD} | {"approved_by": approved_by, "idempotency_key": key}
    content |= {name: change[name] for name in SIGNED_BY if change.get(name) is not None}
    subject = change["work_order"] or change["purchase_order"]
    return Message(key=key, kind="order_changes", target=ERP, subject=str(subject), content=content)
