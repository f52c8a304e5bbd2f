"""Governance: who may, who did, and proof.

`Store` is the way in. Its services write requests, decisions, publications and messages, each with its audit row, in
one transaction; `decisions_in_force` gives a plan what people decided. Knows tables, not the lake and no stage.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recon_platform.governance.actors import Actor, ActorKind, Door, service
    from recon_platform.governance.errors import GovernanceError
    from recon_platform.governance.permissions import GRANTS, Permission, Role
    from recon_platform.governance.store import Store

__all__ = ["GRANTS", "Actor", "ActorKind", "Door", "GovernanceError", "Permission", "Role", "Store", "service"]

_HOME = {
    "Actor": "actors", "ActorKind": "actors", "Door": "actors", "service": "actors", "GovernanceError": "errors",
    "GRANTS": "permissions", "Permission": "permissions", "Role": "permissions", "Store": "store",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use: a door that only asks for a permission must not pay for the database library."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
