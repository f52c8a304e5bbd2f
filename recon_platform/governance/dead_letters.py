"""Dead letters: what a target refused, or never took, and a person sending it again.

Belongs here: the one way back into the queue. A message is sent again as it is, under its own key and expected version, so
that the receiver's own checks hold; it is not where a later message speaks of the same thing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.errors import GovernanceError, StaleError, UnknownRecordError
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.store import Store
    from recon_platform.governance.transaction import Transaction

DEAD = ("dead", "refused")
PART = ("op_seq", "field", "change", "to")
"""What, besides its subject and kind, a message is about."""


def replay(store: Store, actor: Actor, keys: Sequence[str], reason: str) -> int:
    """Put messages back into the queue, all or none; gives how many. It is due at once, and its attempts begin anew.

    Raises UnknownRecordError for a key that is not in the outbox, GovernanceError for one that is not dead or where no
    reason is given, StaleError where a later message about the same thing was queued, PermissionDeniedError.
    """
    if not reason.strip():
        raise GovernanceError("a message is sent again for a reason; give one")
    table = schema.outbox
    with store.writing() as tx:
        for key in dict.fromkeys(keys):
            row = tx.connection.execute(select(table).where(table.c.key == key)).one_or_none()
            if row is None:
                raise UnknownRecordError(f"no message {key} is in the outbox; `recon outbox show` lists them")
            tx.allow(actor, Permission.RUN, row.plant or None)
            if row.state not in DEAD:
                raise GovernanceError(f"message {key} is {row.state}; only dead and refused ones are sent again")
            later = _later(tx, row)
            if later is not None:
                raise StaleError(f"message {key} is older than {later}, which is about the same thing")
            answer = f"to be sent again, says {actor.name}: {reason}; before: {row.answer}"
            values = {
                "state": "waiting",
                "attempts": 0,
                "next_at": tx.at,
                "answered_at": None,
                "answer": answer[:2_000],
            }
            tx.connection.execute(table.update().where(table.c.position == row.position).values(values))
            tx.audit(actor, "outbox.replayed", key, {"reason": reason, "was": row.state}, row.plant or None)
    return len(dict.fromkeys(keys))


def _later(tx: Transaction, row: Any) -> str | None:
    """Key of a later message about the same thing."""
    table = schema.outbox
    mine = _part(row.content)
    found = tx.connection.execute(
        select(table.c.key, table.c.content).where(
            table.c.position > row.position, table.c.target == row.target, table.c.plant == row.plant,
            table.c.kind == row.kind, table.c.subject == row.subject,
        )
    )  # fmt: skip
    return next((other.key for other in found if _part(other.content) == mine), None)


def _part(content: str) -> list[Any]:
    told = json.loads(content)
    return [told.get(name) for name in PART]
