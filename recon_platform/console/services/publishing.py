"""Publishing from the console: the same call as the command line's, and the trail's copy brought up to date after it."""

from __future__ import annotations

from recon_platform.console.state import Console
from recon_platform.governance import Actor
from recon_platform.governance.errors import AuditError
from recon_platform.governance.publications import Publication
from recon_platform.nights.audit_trail import LakeAudit
from recon_platform.nights.publish import publish as publish_run


def publish(console: Console, actor: Actor, run_id: str) -> Publication:
    """Put the run in force; raises what `nights.publish.publish` says."""
    made = publish_run(console.lake, console.store, run_id, actor=actor)
    copy_trail(console)
    return made


def copy_trail(console: Console) -> None:
    """Bring the lake's copy of the audit trail up to the store's; where another process is at it, it does that."""
    try:
        console.store.audit.copy_to(LakeAudit(console.lake))
    except AuditError:
        return  # another copier was faster: its copy holds these rows, or the next one's will
