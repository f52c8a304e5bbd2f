"""One governance transaction: its connection, its instant, the right to act, and the audit rows it leaves.

Every write of every service goes through here, so that nothing is written without a permission checked in the same
transaction and an audit row in the chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor, ActorKind
from recon_platform.governance.agents import DEFAULTS
from recon_platform.governance.chain import canonical, row_hash
from recon_platform.governance.clock import to_text
from recon_platform.governance.errors import PermissionDeniedError, SignInError
from recon_platform.governance.permissions import MACHINE_GRANTS, REGISTERED_GRANTS, Permission, Role, granted, require

ANYWHERE: str | None = None


@dataclass(slots=True)
class Transaction:
    """What a service has while it writes. `now` is read once: everything written together happened together."""

    connection: Connection
    now: datetime

    @property
    def at(self) -> str:
        return to_text(self.now)

    def roles_of(self, name: str) -> frozenset[Role]:
        """The roles that `name` holds at this moment; none for a user that is switched off."""
        rows = self.connection.execute(
            select(schema.user_roles.c.role)
            .join(schema.users, schema.users.c.name == schema.user_roles.c.user)
            .where(schema.user_roles.c.user == name, schema.users.c.active)
        )
        return frozenset(Role(row.role) for row in rows)

    def plants_of(self, actor: Actor) -> frozenset[str] | None:
        """Plants that the actor is limited to; None for one who works for every plant, as services do."""
        table = schema.user_plants
        found = self.connection.execute(select(table.c.plant).where(table.c.user == actor.name)).scalars().all()
        return frozenset(found) if found and actor.kind is not ActorKind.MACHINE else None

    def allow(self, actor: Actor, permission: Permission, plant: str | None = ANYWHERE) -> frozenset[Role]:
        """The actor's roles if it may use `permission` now, and in `plant` where one is named.

        Raises PermissionDeniedError or SignInError.
        """
        if actor.kind is ActorKind.MACHINE:
            registered = actor.name in DEFAULTS
            require(permission, REGISTERED_GRANTS if registered else MACHINE_GRANTS, f"service {actor.name}")
            return frozenset()
        if actor.session is None:
            raise SignInError(f"{actor.name} has not signed in; use `recon login`")
        session = self.connection.execute(
            select(schema.sessions).where(schema.sessions.c.token_hash == actor.session)
        ).one_or_none()
        if session is None or session.user != actor.name or session.ended_at or session.expires_at <= self.at:
            raise SignInError("the session has ended; sign in again with `recon login`")
        roles = self.roles_of(actor.name)
        require(permission, granted(roles), actor.name)
        limits = None if plant is None else self.plants_of(actor)
        if limits is not None and plant not in limits:
            raise PermissionDeniedError(f"{actor.name} works for {', '.join(sorted(limits))}, not for plant {plant}")
        return roles

    def confirmed(self, actor: Actor) -> None:
        """Raise PermissionDeniedError unless the actor's secret is known to be the person's own.

        A secret that somebody else set (a new user, a reset) lets its owner read and propose, not decide or sign,
        until an approver other than whoever set it has confirmed the person: else a reset would yield signatures.
        """
        credential = self.connection.execute(
            select(schema.users.c.credential).where(schema.users.c.name == actor.name)
        ).scalar()
        if credential != "confirmed":
            raise PermissionDeniedError(
                f"{actor.name} cannot decide or sign yet: the secret was set by somebody else; change it with "
                f"`recon user secret`, then let an approver confirm you with `recon user confirm {actor.name}`"
            )

    def has_event(self, action: str, subject: str) -> bool:
        """Whether the trail holds `action` on `subject`."""
        table = schema.audit_events
        found = self.connection.execute(
            select(table.c.sequence).where(table.c.subject == subject, table.c.action == action).limit(1)
        )
        return found.first() is not None

    def events_since(self, actor: Actor, action: str, since: datetime) -> int:
        """How often `actor` did `action` after `since`, by the trail."""
        table = schema.audit_events
        query = select(func.count()).select_from(table).where(
            table.c.actor == actor.name, table.c.action == action, table.c.at > to_text(since)
        )  # fmt: skip
        return int(self.connection.execute(query).scalar_one())

    def audit(
        self, actor: Actor, action: str, subject: str, detail: dict[str, Any], plant: str | None = ANYWHERE
    ) -> int:
        """Append one row to the audit chain; gives its sequence.

        The sequence grows whatever the clock does. An instant before the last row's is kept as it is and flagged.
        """
        return self.chain(
            {
                "at": self.at, "actor": actor.name, "actor_kind": actor.kind.value, "door": actor.door.value,
                "action": action, "plant": plant, "subject": subject, "detail": canonical(detail),
            }
        )  # fmt: skip

    def chain(self, said: Mapping[str, Any]) -> int:
        """Append a row that says `said` behind the last one; gives its sequence."""
        head = self.connection.execute(select(schema.audit_head)).one()
        clock = "forward" if said["at"] >= head.at else "set_back"
        row = {**said, "sequence": head.sequence + 1, "clock": clock, "previous_hash": head.hash}
        row["hash"] = row_hash(row)
        self.connection.execute(schema.audit_events.insert().values(row))
        self.connection.execute(
            schema.audit_head.update().values(sequence=row["sequence"], hash=row["hash"], at=max(row["at"], head.at))
        )
        return int(row["sequence"])
