"""A store that was restored from a backup takes up its trail again where the lake's copy of it ends.

What was decided after the backup is lost with the store, its audit rows are not: the copy in the lake has them. They come
back first, then what the restored store wrote since, then a row that says what happened. So the trail keeps every exported
head, and what a decision that was lost said stands there for whoever takes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.audit import COLUMNS, AuditCopy
from recon_platform.governance.chain import FIELDS, verify_rows
from recon_platform.governance.errors import AuditError
from recon_platform.governance.permissions import Permission

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

RESUMED = "trail.resumed"
SAID = tuple(name for name in FIELDS if name not in {"sequence", "clock", "previous_hash"})


@dataclass(frozen=True, slots=True)
class Resumed:
    """Rows that both had, that came back from the copy, and that were written since the restore."""

    common: int
    recovered: int
    since: int


def resume(store: Store, actor: Actor, copy: AuditCopy, reason: str) -> Resumed:
    """Bring back the rows that only `copy` holds. Takes the right to run the platform.

    Raises AuditError where the copy does not hold by itself, or has nothing that the store lacks.
    """
    copied = copy.rows().select(COLUMNS).to_dicts()
    verdict = verify_rows(copied)
    if not verdict.holds:
        raise AuditError(f"the lake's copy of the trail does not hold, so nothing is taken from it: {verdict.problem}")
    table = schema.audit_events
    with store.writing() as tx:
        tx.allow(actor, Permission.RUN)
        query = select(*(table.c[name] for name in COLUMNS)).order_by(table.c.sequence)
        stored = [dict(row) for row in tx.connection.execute(query).mappings()]
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(stored, copied, strict=False)))
        lacking, since = copied[common:], stored[common:]
        if not lacking:
            raise AuditError("the store has every row of the lake's copy: there is nothing to take up again")
        tx.connection.execute(table.delete().where(table.c.sequence > common))
        tx.connection.execute(table.insert(), lacking)
        last = lacking[-1]
        newest = max(str(row["at"]) for row in copied)
        tx.connection.execute(
            schema.audit_head.update().values(sequence=last["sequence"], hash=last["hash"], at=newest)
        )
        for row in since:
            tx.chain({name: row[name] for name in SAID})
        found = Resumed(common, len(lacking), len(since))
        tx.audit(actor, RESUMED, f"row {common + 1}", _detail(found, reason))
        return found


def _detail(found: Resumed, reason: str) -> dict[str, Any]:
    return {
        "common": found.common, "recovered": found.recovered, "since_restore": found.since, "reason": reason,
        "lost": "what these rows decided is not in the restored store: it is decided again",
    }  # fmt: skip
