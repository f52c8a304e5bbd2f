"""A night that failed: what stays in force is said in the audit trail and to people, once per failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recon_platform.governance import notices
from recon_platform.governance.actors import Actor
from recon_platform.governance.chain import digest_of
from recon_platform.governance.permissions import Permission
from recon_platform.lake import Lake
from recon_platform.nights.standing import standing

if TYPE_CHECKING:
    from recon_platform.governance import Store


def tell_failure(store: Store, lake: Lake, actor: Actor, plant: str, *, night: str, reason: str) -> str:
    """Record that `night` of `plant` failed, and tell people what stays in force; gives the words.

    The same failure on the same day is recorded and told once, however often the night is started again.
    """
    words = standing(lake, plant, store.clock(), None).words
    cause = f"{plant}/{night}/{digest_of(reason)[:16]}"
    with store.writing() as tx:
        tx.allow(actor, Permission.RUN)
        told = notices.tell(
            tx, "fallback", cause, plant=plant, title=f"{plant}: the night of {night} failed",
            text=f"{words}. Why: {reason}",
        )  # fmt: skip
        if not tx.has_event("run.failed", cause):
            tx.audit(
                actor, "run.failed", cause, {"night": night, "reason": reason, "standing": words, "told": told}, plant
            )
    return words
