"""Governance: who may, who did, and proof.

`Store` is the way in. Its services write requests, decisions, publications and messages, each with its audit row, in
one transaction; `decisions_in_force` gives a plan what people decided. Knows tables, not the lake and no stage.
"""

from recon_platform.governance.actors import Actor, ActorKind, Door, service
from recon_platform.governance.errors import GovernanceError
from recon_platform.governance.permissions import GRANTS, Permission, Role
from recon_platform.governance.store import Store

__all__ = ["GRANTS", "Actor", "ActorKind", "Door", "GovernanceError", "Permission", "Role", "Store", "service"]
