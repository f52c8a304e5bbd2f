"""Who may what: the one table that every door asks. What is not in it is denied.

Belongs here: roles, permissions and the table. Rules that depend on a record (nobody decides what they proposed) are
checked where the record is written, in the same transaction: see `decisions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from recon_platform.governance.errors import PermissionDeniedError


class Role(StrEnum):
    """What a person or machine is in the plant. One may hold several."""

    PLANNER = "planner"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    IT = "it"
    AUDITOR = "auditor"
    AGENT = "agent"


class Permission(StrEnum):
    """One thing that may be done. Every command, route and tool declares exactly the one it needs."""

    READ = "read"  # plans, proposals, schedules, findings
    READ_AUDIT = "read_audit"  # the audit trail and its verification
    PROPOSE = "propose"  # moves, pins, overrides, rollbacks
    PROPOSE_CHANGE = "propose_change"  # rules, parameters, policy, switches
    APPROVE = "approve"  # decide and sign what others proposed
    APPROVE_CHANGE = "approve_change"  # decide change requests of others
    APPROVE_HIGH = "approve_high"  # master schedule inside its frozen period, policy on fences
    PUBLISH = "publish"  # carry out what was approved
    RUN = "run"  # nights, reruns, replays, maintenance, the relay
    MANAGE_USERS = "manage_users"


_APPROVER = frozenset({
    Permission.READ, Permission.PROPOSE, Permission.PROPOSE_CHANGE, Permission.APPROVE, Permission.APPROVE_CHANGE,
    Permission.PUBLISH,
})  # fmt: skip

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.PLANNER: frozenset({Permission.READ, Permission.PROPOSE, Permission.PROPOSE_CHANGE}),
    Role.SUPERVISOR: _APPROVER,
    Role.MANAGER: _APPROVER | {Permission.APPROVE_HIGH},
    Role.IT: frozenset({Permission.READ, Permission.RUN, Permission.PUBLISH, Permission.MANAGE_USERS}),
    Role.AUDITOR: frozenset({Permission.READ, Permission.READ_AUDIT}),
    Role.AGENT: frozenset({Permission.READ, Permission.PROPOSE, Permission.PROPOSE_CHANGE}),
}

MEANING: dict[Permission, str] = {
    Permission.READ: "see plans, proposals, schedules and findings",
    Permission.READ_AUDIT: "see, verify and export the audit trail",
    Permission.PROPOSE: "propose moves, pins, overrides and rollbacks",
    Permission.PROPOSE_CHANGE: "propose changes of rules, parameters and switches",
    Permission.APPROVE: "approve, reject and sign what somebody else proposed",
    Permission.APPROVE_CHANGE: "decide changes of rules, parameters and switches that somebody else proposed",
    Permission.APPROVE_HIGH: "decide what needs the higher authority: the frozen master schedule, policy on fences",
    Permission.PUBLISH: "put an approved schedule in force",
    Permission.RUN: "run nights, replays, maintenance and the relay",
    Permission.MANAGE_USERS: "add, disable and reset users and give roles",
}

MACHINE_GRANTS: frozenset[Permission] = frozenset(
    {
        Permission.READ,
        Permission.READ_AUDIT,
        Permission.PROPOSE,
        Permission.PROPOSE_CHANGE,
        Permission.RUN,
        Permission.PUBLISH,
    }
)
"""What the platform's own services may do (the nightly run, the relay). They never approve and never manage users."""

REGISTERED_GRANTS: frozenset[Permission] = frozenset({Permission.READ, Permission.PROPOSE, Permission.PROPOSE_CHANGE})
"""What an agent of the registry may do at most, before its row is looked at: it runs, publishes and delivers nothing."""


def granted(roles: Iterable[Role]) -> frozenset[Permission]:
    """Everything that holders of `roles` may do. An agent that also holds another role stays an agent."""
    held = frozenset(roles)
    if Role.AGENT in held:
        return GRANTS[Role.AGENT]
    return frozenset[Permission]().union(*(GRANTS[role] for role in held))


def require(permission: Permission, held: frozenset[Permission], who: str) -> None:
    """Raise PermissionDeniedError unless `permission` is among `held`."""
    if permission not in held:
        roles = ", ".join(role.value for role, grants in GRANTS.items() if permission in grants)
        raise PermissionDeniedError(f"{who} may not {MEANING[permission]}; that takes the role {roles}")
