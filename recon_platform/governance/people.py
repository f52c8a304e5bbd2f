"""Users, their roles and their secrets. Nobody gets a default secret, and nobody can sign with one that others know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor, ActorKind, Door
from recon_platform.governance.agents import DEFAULTS
from recon_platform.governance.errors import GovernanceError, PermissionDeniedError, SignInError, UnknownRecordError
from recon_platform.governance.passwords import hash_secret, matches, new_secret
from recon_platform.governance.permissions import Permission, Role
from recon_platform.governance.transaction import Transaction

if TYPE_CHECKING:
    from recon_platform.governance.store import Store

SETUP = Actor("recon init", ActorKind.MACHINE, Door.SERVICE)


@dataclass(frozen=True, slots=True)
class User:
    """One user as others may see them: no secret, no hash."""

    name: str
    full_name: str
    kind: str
    contact: str | None
    roles: tuple[str, ...]
    credential: str
    active: bool
    locked_until: str | None
    plants: tuple[str, ...] = ()  # limited to these; none: every plant


class People:
    """Adding, changing and listing users. All but listing takes the permission to manage users."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def found(self, name: str, full_name: str, roles: Iterable[Role], secret: str) -> None:
        """The first users of a new store, made in one ceremony with the secret known to the person there.

        Works only while nobody has ever signed in: afterwards users are added by users.
        """
        with self._store.writing() as tx:
            used = tx.connection.execute(select(func.count()).select_from(schema.sessions)).scalar_one()
            if used:
                raise PermissionDeniedError("this store is in use; its users are added with `recon user add`")
            self._insert(tx, SETUP, name, full_name, roles=tuple(roles), secret=secret, credential="confirmed")

    def is_empty(self) -> bool:
        """Whether there is no user yet."""
        with self._store.reading() as tx:
            return tx.connection.execute(select(func.count()).select_from(schema.users)).scalar_one() == 0

    def add(
        self,
        actor: Actor,
        name: str,
        full_name: str,
        roles: Iterable[Role],
        *,
        contact: str | None = None,
        kind: ActorKind = ActorKind.PERSON,
        agent_version: str | None = None,
        daily_quota: int | None = None,
    ) -> str:
        """Add a user; gives the temporary secret, which is shown once and must be changed by its owner."""
        secret = new_secret()
        held = tuple(roles)
        if (kind is ActorKind.AGENT) != (Role.AGENT in held):
            raise GovernanceError("an agent has the role agent and no other; a person never has it")
        if kind is ActorKind.AGENT and len(held) > 1:
            raise GovernanceError("an agent has the role agent and no other")
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            self._insert(
                tx, actor, name, full_name, roles=held, secret=secret, credential="temporary", contact=contact,
                kind=kind, agent_version=agent_version, daily_quota=daily_quota,
            )  # fmt: skip
        return secret

    def set_roles(self, actor: Actor, name: str, roles: Iterable[Role]) -> None:
        """Give `name` exactly `roles`. Nobody changes their own."""
        held = frozenset(roles)
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            user = self._row(tx, name)
            if name == actor.name:
                raise PermissionDeniedError(f"{name} cannot change their own roles; another administrator has to")
            if (user.kind == ActorKind.AGENT.value) != (held == {Role.AGENT}):
                raise GovernanceError("an agent has the role agent and no other; a person never has it")
            before = sorted(tx.roles_of(name))
            tx.connection.execute(schema.user_roles.delete().where(schema.user_roles.c.user == name))
            self._grant(tx, actor, name, held)
            tx.audit(actor, "user.roles", name, {"before": before, "after": sorted(held)})

    def set_plants(self, actor: Actor, name: str, plants: Iterable[str]) -> None:
        """Limit `name` to `plants`; none lifts the limit. Nobody changes their own."""
        wanted = sorted(set(plants))
        table = schema.user_plants
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            self._row(tx, name)
            if name == actor.name:
                raise PermissionDeniedError(f"{name} cannot change their own plants; another administrator has to")
            before = tx.connection.execute(select(table.c.plant).where(table.c.user == name)).scalars().all()
            tx.connection.execute(table.delete().where(table.c.user == name))
            for plant in wanted:
                tx.connection.execute(
                    table.insert().values(user=name, plant=plant, granted_at=tx.at, granted_by=actor.name)
                )
            tx.audit(actor, "user.plants", name, {"before": sorted(before), "after": wanted})

    def disable(self, actor: Actor, name: str) -> None:
        """Switch a user off: every session ends now, nothing is accepted any more. The record stays."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            self._row(tx, name)
            if name == actor.name:
                raise PermissionDeniedError(f"{name} cannot switch themselves off; another administrator has to")
            self._update(tx, name, active=False)
            self._end_sessions(tx, name)
            tx.audit(actor, "user.disable", name, {})

    def reset(self, actor: Actor, name: str) -> str:
        """Give `name` a new temporary secret; it signs and decides nothing until confirmed by an approver."""
        secret = new_secret()
        with self._store.writing() as tx:
            tx.allow(actor, Permission.MANAGE_USERS)
            self._row(tx, name)
            self._update(
                tx, name, secret_hash=hash_secret(secret), credential="temporary", secret_set_by=actor.name, failures=0,
                locked_until=None,
            )  # fmt: skip
            self._end_sessions(tx, name)
            tx.audit(actor, "user.reset", name, {})
        return secret

    def change_secret(self, actor: Actor, old: str, new: str) -> None:
        """A user's own change of secret. A confirmed one stays confirmed; a temporary one waits for confirmation."""
        with self._store.writing() as tx:
            tx.allow(actor, Permission.READ)
            user = self._row(tx, actor.name)
            if not matches(user.secret_hash, old):
                raise SignInError("the present secret is not right; nothing was changed")
            credential = "confirmed" if user.credential == "confirmed" else "unconfirmed"
            self._update(tx, actor.name, secret_hash=hash_secret(new), credential=credential)
            tx.audit(actor, "user.secret", actor.name, {"credential": credential})

    def confirm(self, actor: Actor, name: str) -> None:
        """An approver vouches that `name` chose the present secret themselves.

        Never the user, never whoever set the secret before, and never before the user has changed it.
        """
        with self._store.writing() as tx:
            tx.allow(actor, Permission.APPROVE)
            tx.confirmed(actor)
            user = self._row(tx, name)
            if actor.name in {name, user.secret_set_by}:
                raise PermissionDeniedError(f"{actor.name} cannot confirm {name}: somebody else has to")
            if user.credential == "temporary":
                raise PermissionDeniedError(
                    f"{name} still has the secret that {user.secret_set_by} set; they change it first"
                )
            self._update(tx, name, credential="confirmed")
            tx.audit(actor, "user.confirm", name, {})

    def all(self, actor: Actor) -> list[User]:
        """All users, by name."""
        with self._store.reading() as tx:
            tx.allow(actor, Permission.READ)
            roles: dict[str, list[str]] = {}
            for row in tx.connection.execute(select(schema.user_roles).order_by(schema.user_roles.c.role)):
                roles.setdefault(row.user, []).append(row.role)
            plants: dict[str, list[str]] = {}
            for row in tx.connection.execute(select(schema.user_plants).order_by(schema.user_plants.c.plant)):
                plants.setdefault(row.user, []).append(row.plant)
            return [
                User(
                    row.name, row.full_name, row.kind, row.contact, tuple(roles.get(row.name, ())), row.credential,
                    row.active, row.locked_until, tuple(plants.get(row.name, ())),
                )
                for row in tx.connection.execute(select(schema.users).order_by(schema.users.c.name))
            ]  # fmt: skip

    def _insert(
        self,
        tx: Transaction,
        actor: Actor,
        name: str,
        full_name: str,
        *,
        roles: tuple[Role, ...],
        secret: str,
        credential: str,
        contact: str | None = None,
        kind: ActorKind = ActorKind.PERSON,
        agent_version: str | None = None,
        daily_quota: int | None = None,
    ) -> None:
        if not name or name != name.strip() or not full_name.strip():
            raise GovernanceError("a user needs a name without blanks at its ends, and a full name for signatures")
        if name in DEFAULTS:
            raise GovernanceError(
                f"{name} is an agent of the platform; what it proposes must not pass for a user's: take another name"
            )
        if tx.connection.execute(select(schema.users.c.name).where(schema.users.c.name == name)).first():
            raise GovernanceError(f"there is a user {name} already")
        tx.connection.execute(
            schema.users.insert().values(
                name=name, full_name=full_name, kind=kind.value, contact=contact, secret_hash=hash_secret(secret),
                credential=credential, secret_set_by=actor.name, active=True, failures=0, agent_version=agent_version,
                daily_quota=daily_quota, created_at=tx.at, created_by=actor.name,
            )
        )  # fmt: skip
        self._grant(tx, actor, name, frozenset(roles))
        tx.audit(
            actor, "user.add", name,
            {"full_name": full_name, "kind": kind.value, "roles": sorted(roles), "credential": credential},
        )  # fmt: skip

    @staticmethod
    def _grant(tx: Transaction, actor: Actor, name: str, roles: frozenset[Role]) -> None:
        for role in sorted(roles):
            tx.connection.execute(
                schema.user_roles.insert().values(user=name, role=role.value, granted_at=tx.at, granted_by=actor.name)
            )

    @staticmethod
    def _row(tx: Transaction, name: str) -> Row[Any]:
        row = tx.connection.execute(select(schema.users).where(schema.users.c.name == name)).one_or_none()
        if row is None:
            raise UnknownRecordError(f"there is no user {name}; `recon user list` shows them")
        return row

    @staticmethod
    def _update(tx: Transaction, name: str, **values: object) -> None:
        tx.connection.execute(schema.users.update().where(schema.users.c.name == name).values(**values))

    @staticmethod
    def _end_sessions(tx: Transaction, name: str) -> None:
        tx.connection.execute(
            schema.sessions.update()
            .where(schema.sessions.c.user == name, schema.sessions.c.ended_at.is_(None))
            .values(ended_at=tx.at)
        )
